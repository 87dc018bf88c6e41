-- The event bus.
interface Subscription
  function channel(): channel.Channel<any>
  function close(): boolean
end

interface events
  function subscribe(system: string, kind: any): (Subscription, error?)
  function send(system: string, kind: string, path: string, data: any): (boolean, error?)
end
