-- Calls of other functions.
interface Future
  function response(): channel.Channel<any>
  function channel(): channel.Channel<any>
  function is_complete(): boolean
  function is_canceled(): boolean
  function result(): any
  function error(): any
  function cancel(): (boolean, error?)
end

interface Executor
  function with_context(values: any): (Executor, error?)
  function with_actor(actor: any): (Executor, error?)
  function with_scope(scope: any): (Executor, error?)
  function with_options(options: any): (Executor, error?)
  function call(target: string, ...: any): any
  function async(target: string, ...: any): (Future, error?)
end

interface funcs
  function call(target: string, ...: any): any
  function async(target: string, ...: any): (Future, error?)
  function new(): Executor
end
