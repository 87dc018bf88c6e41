-- Coroutines; `spawn` starts one that the process itself runs.
interface coroutine
  function close(thread: any): any
  function create(f: any): any
  function isyieldable(): boolean
  function resume(thread: any, ...: any): (boolean, any)
  function running(): any
  function spawn(f: any): any
  function status(thread: any): string
  function wrap(f: any): any
  function yield(...: any): any
end
