-- The terminal of a command.
interface io
  function write(...: any): (boolean, error?)
  function print(...: any): (boolean, error?)
  function eprint(...: any): (boolean, error?)
  function read(size: number?): (string, error?)
  function readline(): (string, error?)
  function raw(on: any): any
  function flush(): (boolean, error?)
  function args(): any
end
