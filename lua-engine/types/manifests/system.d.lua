-- What the runtime says about itself.
type MemStats = {
  alloc: integer, total_alloc: integer, sys: integer, heap_alloc: integer, heap_sys: integer, heap_idle: integer,
  heap_in_use: integer, heap_released: integer, heap_objects: integer, stack_in_use: integer, stack_sys: integer,
  mspan_in_use: integer, mspan_sys: integer, num_gc: integer, next_gc: integer
}

type ModuleInfo = {name: string, description: string, class: {string}}

type HostStats = {
  id: string, workers: integer, processes: integer, executed: integer, stolen: integer, queue_depth: integer
}

type ProcessStats = {pid: string}

type NodeInfo = {id: string, is_local: boolean, addr?: string, meta?: any}

interface system_memory
  function stats(): (MemStats, error?)
  function allocated(): (integer, error?)
  function heap_objects(): (integer, error?)
  function get_limit(): (integer, error?)
  function set_limit(bytes: any): (integer, error?)
end

interface system_gc
  function collect(): (boolean, error?)
  function get_percent(): (integer, error?)
  function set_percent(percent: any): (integer, error?)
end

interface system_runtime
  function goroutines(): (integer, error?)
  function cpu_count(): (integer, error?)
  function max_procs(n: any): (integer, error?)
end

interface system_process
  function pid(): (integer, error?)
  function hostname(): (string, error?)
  function cwd(): (string, error?)
end

interface system_supervisor
  function state(id: string): any
  function states(): any
end

interface system_hosts
  function list(): any
  function processes(id: string): any
end

interface system_node
  function id(): (string, error?)
  function addr(): (string, error?)
  function role(): (string, error?)
end

interface system_cluster
  function members(): any
  function leader(): (string, error?)
  function size(): (integer, error?)
end

interface system_raft
  function is_leader(): (boolean, error?)
  function is_member(): (boolean, error?)
  function role(): (string, error?)
  function term(): (integer, error?)
  function commit_index(): (integer, error?)
  function stats(): any
end

interface system_lock
  function acquire(name: string): (boolean, error?)
  function release(name: string): (boolean, error?)
end

interface system
  memory: system_memory
  gc: system_gc
  runtime: system_runtime
  process: system_process
  supervisor: system_supervisor
  hosts: system_hosts
  node: system_node
  cluster: system_cluster
  raft: system_raft
  lock: system_lock
  function exit(code: number?): (boolean, error?)
  function modules(): any
end
