-- Processes: the one that runs, others, and what they send each other.
interface Message
  function topic(): string
  function from(): string
  function payload(): payload.Payload
end

type Event = {kind: string, from: string, at: integer, result?: any, reason?: any, sources?: any}

type Options = {trap_links?: boolean, upgradable?: boolean}

interface SpawnBuilder
  function with_context(values: any): SpawnBuilder
  function with_options(options: any): SpawnBuilder
  function with_actor(actor: any): SpawnBuilder
  function with_scope(scope: any): SpawnBuilder
  function with_name(name: string): SpawnBuilder
  function with_message(topic: string, ...: any): SpawnBuilder
  function spawn(id: string, host: string, ...: any): (string, error?)
  function spawn_monitored(id: string, host: string, ...: any): (string, error?)
  function spawn_linked(id: string, host: string, ...: any): (string, error?)
  function spawn_linked_monitored(id: string, host: string, ...: any): (string, error?)
  function exec(id: string, host: string, ...: any): any
end

interface process_event
  CANCEL: string
  EXIT: string
  LINK_DOWN: string
  OUTDATED: string
end

interface process_registry
  LOCAL: integer
  EVENTUAL: integer
  CONSISTENT: integer
  STRONG: integer
  function register(name: any, pid: any, scope: any): (boolean, error?)
  function lookup(name: any): (string, error?)
  function unregister(name: any, scope: any): (boolean, error?)
end

interface process
  event: process_event
  registry: process_registry
  function pid(): (string, error?)
  function id(): (string, error?)
  function send(destination: any, topic: any, ...: any): (boolean, error?)
  function spawn(id: any, host: any, ...: any): (string, error?)
  function spawn_monitored(id: any, host: any, ...: any): (string, error?)
  function spawn_linked(id: any, host: any, ...: any): (string, error?)
  function spawn_linked_monitored(id: any, host: any, ...: any): (string, error?)
  function exec(id: any, host: any, ...: any): any
  function with_context(values: any): SpawnBuilder
  function with_options(options: any): SpawnBuilder
  function terminate(destination: any): (boolean, error?)
  function cancel(destination: any, reason: any): (boolean, error?)
  function monitor(destination: any): (boolean, error?)
  function unmonitor(destination: any): (boolean, error?)
  function link(destination: any): (boolean, error?)
  function unlink(destination: any): (boolean, error?)
  function inbox(): channel.Channel<Message>
  function events(): channel.Channel<Event>
  function listen(topic: any, options: any): channel.Channel<any>
  function unlisten(channel: any): (boolean, error?)
  function get_options(): any
  function set_options(options: any): (boolean, error?)
  function upgrade(id: any, ...: any): any
end
