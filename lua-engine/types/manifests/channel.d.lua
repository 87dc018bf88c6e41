-- Channels between the coroutines of one process.
interface SelectCase<C, T>
end

type SelectResult = {channel: any, value: any, ok: boolean, default?: boolean}

interface Channel<T>
  function send(value: any): (boolean, error?)
  function receive(): (T, boolean)
  function close(): ()
  function case_send(value: any): SelectCase<Channel<T>, T>
  function case_receive(): SelectCase<Channel<T>, T>
end

interface channel
  function new(size: number?): Channel<any>
  function select(cases: any, default: any): SelectResult
end
