--- case facts
--- entry app:main system
local system = require("system")
return function()
    local out = {}
    local function check(name, value, err, good)
        if err ~= nil or not good(value) then out[#out + 1] = name .. " " .. tostring(value) .. " " .. tostring(err) end
    end
    local function positive(n) return math.type(n) == "float" and n >= 1 end
    local function text(s) return type(s) == "string" and s ~= "" end
    local function ask(name, good, f, ...)
        local value, err = f(...)
        check(name, value, err, good)
        assert(select("#", f(...)) == 2, name)
    end
    ask("allocated", positive, system.memory.allocated)
    ask("heap_objects", positive, system.memory.heap_objects)
    ask("goroutines", positive, system.runtime.goroutines)
    ask("cpu_count", positive, system.runtime.cpu_count)
    ask("max_procs", function(n) return n == system.runtime.cpu_count() end, system.runtime.max_procs)
    ask("pid", positive, system.process.pid)
    ask("hostname", text, system.process.hostname)
    ask("cwd", text, system.process.cwd)
    ask("id", function(s) return s == "test" end, system.node.id)
    ask("role", function(s) return s == "non-member" end, system.node.role)
    ask("leader", function(s) return s == "" end, system.cluster.leader)
    ask("size", function(n) return n == 1 end, system.cluster.size)
    ask("members", function(m) return #m == 1 and m[1].id == "test" and m[1].is_local == true end, system.cluster.members)
    ask("stats", function(s)
        for _, key in ipairs{ "alloc", "total_alloc", "sys", "heap_alloc", "heap_sys", "heap_idle", "heap_in_use",
            "heap_released", "heap_objects", "stack_in_use", "stack_sys", "mspan_in_use", "mspan_sys", "num_gc", "next_gc" } do
            if math.type(s[key]) ~= "float" then return false end
        end
        return s.alloc > 0 and s.sys >= s.alloc and s.total_alloc >= s.alloc and s.next_gc >= s.alloc
    end, system.memory.stats)
    return table.concat(out, "\n")
end
--- expect

--- case knobs keep what they are given
--- entry app:main system
local system = require("system")
return function()
    local out = {}
    local function note(v, e) out[#out + 1] = string.format("%s", tostring(v)) .. (e and (" " .. e:kind() .. " " .. e:message()) or "") end
    note(system.memory.get_limit()) note(system.memory.set_limit(4096)) note(system.memory.set_limit(-1))
    note(system.memory.get_limit() == 2^63) note(system.memory.set_limit(0)) note(system.memory.get_limit())
    note(system.memory.set_limit()) note(system.memory.set_limit(-2))
    note(system.gc.get_percent()) note(system.gc.set_percent(50)) note(system.gc.get_percent()) note(system.gc.set_percent(-1))
    note(system.gc.get_percent()) note(system.gc.set_percent(70)) note(system.gc.set_percent())
    local n = system.runtime.cpu_count()
    note(system.runtime.max_procs(n + 5) == n) note(system.runtime.max_procs() == n + 5) note(system.runtime.max_procs(1) == n + 5)
    note(system.runtime.max_procs(0)) note(system.runtime.max_procs(-1)) note(system.runtime.max_procs())
    out[#out + 1] = select(2, pcall(system.memory.set_limit, {}))
    return table.concat(out, "\n")
end
--- expect
1073741824
1073741824
4096
true
9.223372036854776e+18
0
nil Invalid memory limit value required
nil Invalid limit must be non-negative or -1
100
100
50
50
100
100
nil Invalid percent value required
true
true
true
nil Invalid GOMAXPROCS value must be positive
nil Invalid GOMAXPROCS value must be positive
1
bad argument #1 to set_limit (number expected, got table)
--- case garbage
--- entry app:main system
local system = require("system")
local function used()
    coroutine.yield()
    return system.hosts.processes("app:host")[1].stats.memory
end
return function()
    local held = {}
    for i = 1, 100 do held[i] = string.rep("x", 20000) .. i end
    held = nil
    local before, n = used(), system.memory.stats().num_gc
    assert(system.gc.collect() == true)
    return tostring(before > 2000000) .. " " .. tostring(used() < before / 2) .. " " .. system.memory.stats().num_gc - n
end
--- expect
true true 1
--- case hosts and processes
--- entry app:main system
local system = require("system")
return function()
    assert(process.registry.register("main"))
    local child = assert(process.spawn_monitored("app:child", "app:host"))
    local ready = process.listen("ready")
    ready:receive()
    local hosts = system.hosts.list()
    assert(#hosts == 1 and hosts[1].id == "app:host" and hosts[1].workers >= 1 and hosts[1].processes == 2 and hosts[1].executed >= 2)
    assert(hosts[1].stolen >= 0 and hosts[1].queue_depth >= 0)
    local all = assert(system.hosts.processes("app:host"))
    local me, it = all[1], all[2]
    assert(#all == 2 and me.pid == process.pid() and it.pid == child)
    assert(me.source == "app:main" and it.source == "app:child" and me.host == "app:host")
    assert(me.state == "running" and me.parent == nil and it.parent == me.pid and it.actor_id == nil)
    assert(me.steps >= 2 and me.started_at > 1.6e18 and it.started_at >= me.started_at)
    assert(it.stats.memory > 1000 and it.stats.mailbox >= 0 and math.type(me.steps) == "float")
    local none, err = system.hosts.processes("")
    local unknown, err2 = system.hosts.processes("app:none")
    return tostring(none) .. " " .. err:kind() .. " " .. err:message() .. "\n" .. tostring(unknown) .. " " .. err2:kind() .. " " .. err2:message()
end
--- entry app:child
return function(parent)
    process.send("main", "ready")
    process.inbox():receive()
end
--- expect
nil Invalid host ID required
nil Internal host not found: app:none
--- case services
--- entry app:main system registry
local system, registry = require("system"), require("registry")
return function()
    assert(registry.snapshot():changes()
        :create({ id = "u:a", kind = "test.unit", data = { service = "all is well" } })
        :create({ id = "u:b", kind = "test.unit", data = { service = "broken" } })
        :apply())
    local function text(s)
        assert(s.last_update > 1.6e18 and math.type(s.started_at) == "float")
        return s.id .. " " .. s.status .. " " .. s.desired .. " " .. s.retry_count .. " " .. tostring(s.started_at > 0) .. " " .. tostring(s.details)
    end
    local out = {}
    for _, s in ipairs(assert(system.supervisor.states())) do out[#out + 1] = text(s) end
    out[#out + 1] = text(assert(system.supervisor.state("u:a")))
    local none, err = system.supervisor.state("u:c")
    out[#out + 1] = tostring(none) .. " " .. err:kind() .. " " .. err:message()
    return table.concat(out, "\n")
end
--- expect
u:a running running 0 true all is well
u:b exited running 0 false this unit is broken
u:a running running 0 true all is well
nil Internal service not found
--- case modules
--- entry app:main system
local system = require("system")
return function()
    local all = assert(system.modules())
    local by_name = {}
    for _, m in ipairs(all) do by_name[m.name] = m end
    local json = by_name.json
    return json.name .. " " .. type(json.description) .. " " .. type(json.class[1]) .. " " .. tostring(by_name.system ~= nil and by_name.process ~= nil)
end
--- expect
json string string true
--- case what one node does not have
--- entry app:main system
local system = require("system")
return function()
    local out = {}
    local function note(v, e) out[#out + 1] = tostring(v) .. " " .. e:kind() .. " " .. tostring(e:retryable()) .. " " .. e:message() end
    note(system.node.addr())
    for _, name in ipairs{ "is_leader", "is_member", "role", "term", "commit_index", "stats" } do note(system.raft[name]()) end
    note(system.lock.acquire("l")) note(system.lock.release("l"))
    note(system.supervisor.state(""))
    out[#out + 1] = select(2, pcall(system.lock.acquire))
    return table.concat(out, "\n")
end
--- expect
nil Internal false local node address not available
nil Internal false raft not available
nil Internal false raft not available
nil Internal false raft not available
nil Internal false raft not available
nil Internal false raft not available
nil Internal false raft not available
nil Internal false lock service not available
nil Internal false lock service not available
nil Invalid false service ID required
bad argument #1 to acquire (string expected, got no value)
--- case the module is read-only
--- entry app:main system
local system = require("system")
return function()
    return tostring(pcall(function() system.memory.stats = nil end)) .. tostring(pcall(function() system.x = 1 end))
end
--- expect
falsefalse
--- case permissions
--- deny system.read *
--- deny system.control *
--- deny system.gc *
--- deny system.exit *
--- deny system.lock *
--- entry app:main system
local system = require("system")
return function()
    local out = {}
    local function note(v, e) out[#out + 1] = tostring(v) .. " " .. e:kind() .. " " .. e:message() end
    note(system.exit(1)) note(system.exit("x")) note(system.memory.stats()) note(system.memory.allocated()) note(system.memory.heap_objects()) note(system.memory.get_limit())
    note(system.memory.set_limit()) note(system.gc.collect()) note(system.gc.set_percent()) note(system.gc.get_percent())
    note(system.runtime.goroutines()) note(system.runtime.max_procs()) note(system.runtime.max_procs(0)) note(system.runtime.cpu_count())
    note(system.process.pid()) note(system.process.hostname()) note(system.process.cwd())
    note(system.supervisor.state("")) note(system.supervisor.states()) note(system.hosts.list()) note(system.hosts.processes(""))
    note(system.node.id()) note(system.node.addr()) note(system.node.role())
    note(system.cluster.members()) note(system.cluster.leader()) note(system.cluster.size())
    note(system.raft.term()) note(system.raft.stats()) note(system.lock.acquire("l")) note(system.lock.release("l")) note(system.modules())
    return table.concat(out, "\n")
end
--- expect
nil Invalid permission denied: system.exit
nil Invalid permission denied: system.exit
nil Invalid permission denied: system.read on memory
nil Invalid permission denied: system.read on memory
nil Invalid permission denied: system.read on memory
nil Invalid permission denied: system.read on memory_limit
nil Invalid permission denied: system.control on memory_limit
nil Invalid permission denied: system.gc on gc
nil Invalid permission denied: system.gc on gc_percent
nil Invalid permission denied: system.read on gc_percent
nil Invalid permission denied: system.read on goroutines
nil Invalid permission denied: system.read on gomaxprocs
nil Invalid permission denied: system.control on gomaxprocs
nil Invalid permission denied: system.read on cpu
nil Invalid permission denied: system.read on pid
nil Invalid permission denied: system.read on hostname
nil Invalid permission denied: system.read on cwd
nil Invalid permission denied: system.read on supervisor
nil Invalid permission denied: system.read on supervisor
nil Invalid permission denied: system.read on hosts
nil Invalid permission denied: system.read on hosts
nil Invalid permission denied: system.read on node
nil Invalid permission denied: system.read on node
nil Invalid permission denied: system.read on node
nil Invalid permission denied: system.read on cluster
nil Invalid permission denied: system.read on cluster
nil Invalid permission denied: system.read on cluster
nil Invalid permission denied: system.read on raft
nil Invalid permission denied: system.read on raft_stats
nil PermissionDenied permission denied: system.lock on l
nil PermissionDenied permission denied: system.lock on l
nil Invalid permission denied: system.read on modules
