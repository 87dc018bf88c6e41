-- Process groups.
interface Subscription
  function channel(): channel.Channel<any>
  function close(options: any): any
end

interface Instance
  function join(groups: any): (boolean, error?)
  function leave(groups: any): (boolean, error?)
  function get_members(group: any): any
  function get_local_members(group: any): any
  function which_groups(): any
  function which_local_groups(): any
  function broadcast(group: any, topic: any, ...: any): (boolean, error?)
  function broadcast_local(group: any, topic: any, ...: any): (boolean, error?)
  function monitor(group: any): any
  function events(): any
  function release(): boolean
end

interface pg
  function open(id: any): (Instance, error?)
end
