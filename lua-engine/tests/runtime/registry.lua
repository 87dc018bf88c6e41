--- case get an entry of a file
--- entry app:main registry json
local registry, json = require("registry"), require("json")
return function()
    local e, err = registry.get("shop:apple")
    assert(err == nil and math.type(e.data.max) == "float")
    e.data.max = 6
    return e.id .. " " .. e.kind .. " " .. json.encode(e.meta.tags) .. " " .. registry.get("shop:apple").data.max
end
--- expect
shop:apple registry.entry ["red","sweet"] 5
--- case get what is not there
--- entry app:main registry
local registry = require("registry")
return function()
    local e, err = registry.get("shop:pear")
    local without = registry.get("shop:beet")
    return tostring(e) .. " " .. err:kind() .. " " .. tostring(err:retryable()) .. " " .. err:message() .. " " .. tostring(without.data)
end
--- expect
nil NotFound false entry not found: shop:pear nil
--- case wrong arguments raise
--- entry app:main registry
local registry = require("registry")
return function()
    local out = {}
    local function try(f, ...) out[#out + 1] = tostring(select(2, pcall(f, ...))) end
    try(registry.get) try(registry.get, {}) try(registry.find, "x") try(registry.snapshot_at, "x")
    try(registry.apply_version, 1) try(registry.build_delta, {}, 1) try(registry.parse_id)
    local snap = registry.snapshot()
    local ch = snap:changes()
    try(ch.create, ch, "x") try(ch.create, snap, {}) try(snap.namespace, snap) try(snap.find, snap)
    local v = registry.current_version()
    try(v.id, 1) try(registry.history().snapshot_at, registry.history(), 1)
    return table.concat(out, "\n")
end
--- expect
bad argument #1 to get (string expected, got no value)
bad argument #1 to get (string expected, got table)
bad argument #1 to find (table expected, got string)
bad argument #1 to snapshot_at (number expected, got string)
bad argument #1 to apply_version (userdata expected, got number)
bad argument #2 to build_delta (table expected, got number)
bad argument #1 to parse_id (string expected, got no value)
bad argument #2 to create (table expected, got string)
bad argument #1 to create (registry.Changes expected)
bad argument #2 to namespace (string expected, got no value)
bad argument #2 to find (table expected, got no value)
bad argument #1 to id (registry.Version expected)
bad argument #2 to snapshot_at (registry.Version expected)
--- case parse ids
--- entry app:main registry
local registry = require("registry")
return function()
    local out = {}
    for _, text in ipairs{ "a.b:c", "bare", ":x", "a:b:c" } do
        local id = registry.parse_id(text)
        out[#out + 1] = "[" .. id.ns .. "|" .. id.name .. "]"
    end
    return table.concat(out, " ") .. " " .. select("#", registry.parse_id("a:b"))
end
--- expect
[a.b|c] [|bare] [|x] [a|b:c] 1
--- case find by criteria
--- entry app:main registry
local registry = require("registry")
return function()
    local function ids(filter)
        local found, err = registry.find(filter)
        assert(err == nil)
        local out = {}
        for _, e in ipairs(found) do out[#out + 1] = e.id end
        return table.concat(out, " ")
    end
    return table.concat({
        ids{}, ids{ [".kind"] = "registry.entry" }, ids{ [".ns"] = "shop*", [".name"] = "apple" },
        ids{ ["meta.type"] = "fruit" }, ids{ ["^meta.type"] = "fruit" }, ids{ ["$meta.type"] = "salad" },
        ids{ ["~meta.type"] = "^r..t$" }, ids{ ["*meta.tags"] = "swe" },
        -- numbers of files are floats
        ids{ ["meta.order"] = 3 } .. "-", ids{ ["meta.order"] = 3.0 },
        -- the table `meta` is looked into as it is
        ids{ meta = { ["meta.type"] = "root" } }, ids{ meta = { type = "root" } },
        -- keys that mean nothing
        ids{ kind = "x", [1] = "y" }, ids{ ["~meta.type"] = "(" },
    }, "\n")
end
--- expect
bank:loan shop:apple shop:beet shop.eu:apple
shop:apple shop:beet
shop:apple shop.eu:apple
shop:apple
shop:apple shop.eu:apple
shop.eu:apple
shop:beet
shop:apple
-
shop:apple
shop:beet
bank:loan shop:apple shop:beet shop.eu:apple
bank:loan shop:apple shop:beet shop.eu:apple
bank:loan shop:apple shop:beet shop.eu:apple
--- case change the registry
--- entry app:main registry
local registry = require("registry")
return function()
    local before = registry.snapshot()
    local ch = before:changes()
    local same = ch:create({ id = "shop.cfg:limits", kind = "registry.entry", meta = { type = "cfg", n = 3, [1] = "dropped" }, data = { max = 5 } })
    assert(same == ch and tostring(ch) == "registry.Changes{ops=1}")
    local version, err = ch:apply()
    assert(err == nil, err)
    local e = registry.get("shop.cfg:limits")
    assert(math.type(e.data.max) == "integer")
    local by_int, by_float = registry.find{ ["meta.n"] = 3 }, registry.find{ ["meta.n"] = 3.0 }
    return table.concat({
        tostring(version), version:string(), version:id(), e.meta.type, e.meta.n, tostring(e.meta[1]),
        #by_int, #by_float, tostring((before:get("shop.cfg:limits"))), tostring(registry.snapshot()), tostring(before),
        tostring(registry.current_version()),
    }, " ")
end
--- expect
registry.Version{v1} v1 1 cfg 3 nil 1 0 nil registry.Snapshot{version=v1} registry.Snapshot{version=v0} registry.Version{v1}
--- case builder errors break the chain
--- entry app:main registry
local registry = require("registry")
return function()
    local ch = registry.snapshot():changes()
    local out = {}
    local function note(result, err) out[#out + 1] = tostring(result) .. " " .. err:kind() .. " " .. err:message() end
    note(ch:create({ kind = "x" }))
    note(ch:create({ id = 5, kind = "x" }))
    note(ch:create({ id = "", kind = "x" }))
    note(ch:update({ id = { ns = "a" }, kind = "x" }))
    note(ch:update({ id = "a:b" }))
    local loop = {} loop.self = loop
    note(ch:create({ id = "a:b", kind = "x", data = loop }))
    note(ch:delete(5))
    note(ch:delete())
    note(ch:apply())
    note(registry.snapshot():changes():delete({ name = 7 }):apply())
    return table.concat(out, "\n") .. "\n" .. tostring(ch)
end
--- expect
nil Invalid convert entry: entry must have valid id field
nil Invalid convert entry: entry must have valid id field
nil Invalid convert entry: entry must have valid id field
nil Invalid convert entry: id requires ns and name fields
nil Invalid convert entry: entry must have kind field
nil Invalid convert entry: cannot convert a table that contains itself
nil Invalid invalid ID format
nil Invalid invalid ID format
nil Invalid no changes to apply
nil Internal apply changes: failed to apply changes: unresolved dependencies after retry: nil:7: invalid operation: cannot delete non-existent entry: {ns: nil, name: 7}
registry.Changes{ops=0}
--- case operations of a change set
--- entry app:main registry json
local registry, json = require("registry"), require("json")
return function()
    local ch = registry.snapshot():changes()
    ch:create({ id = { ns = "a", name = "b" }, kind = "registry.entry", meta = "no table", data = { 1, 2, [5] = 5 } })
        :update({ id = "shop:beet", kind = "registry.entry", data = errors.new("an error") })
        :delete({ ns = "shop", name = "apple" })
    local ops = ch:ops()
    local list = ops[1].entry.data
    assert(list[2] == 2 and list[3] == nil and list[5] == 5)
    ops[1].entry.data = nil
    local out = {}
    for i, op in ipairs(ops) do
        local e = op.entry
        out[i] = op.kind .. " " .. e.id .. " [" .. e.kind .. "] " .. json.encode(e.meta) .. " " .. tostring(e.data)
    end
    return table.concat(out, "\n")
end
--- expect
entry.create a:b [registry.entry] {} nil
entry.update shop:beet [registry.entry] {} an error
entry.delete shop:apple [] {} nil
--- case a refused change leaves everything as it was
--- entry app:main registry
local registry = require("registry")
return function()
    local version, err = registry.snapshot():changes()
        :create({ id = "u:a", kind = "test.unit", data = {} })
        :create({ id = "u:b", kind = "test.unit", data = { bad = true } })
        :apply()
    return table.concat({ tostring(version), err:kind(), tostring(err:retryable()), err:message(), tostring((registry.get("u:a"))), tostring(registry.current_version()) }, "\n")
end
--- expect
nil
Internal
false
apply changes: failed to apply changes: operation failed for entry u:b: this unit is bad
nil
registry.Version{v0}
--- case an unknown kind
--- entry app:main registry
local registry = require("registry")
return function()
    local version, err = registry.snapshot():changes():create({ id = "u:a", kind = "test.units", data = {} }):apply()
    return err:kind() .. " " .. tostring(err:message():find("test.unit", 1, true) ~= nil)
end
--- expect
Internal true
--- case versions and going back
--- entry app:main registry
local registry = require("registry")
return function()
    local function set(n)
        local op = registry.get("x:n") and "update" or "create"
        local ch = registry.snapshot():changes()
        return assert(ch[op](ch, { id = "x:n", kind = "registry.entry", data = { n = n } }):apply())
    end
    local v1, v2, v3 = set(1), set(2), set(3)
    local out = { v1:string() .. v2:string() .. v3:string() }
    out[#out + 1] = tostring(registry.apply_version(v1)) .. " " .. registry.get("x:n").data.n .. " " .. tostring(registry.current_version())
    local branch = set(10)
    out[#out + 1] = branch:string() .. " from " .. branch:previous():string()
    local ids = {}
    for _, v in ipairs(registry.versions()) do ids[#ids + 1] = v:string() end
    out[#out + 1] = table.concat(ids, " ")
    out[#out + 1] = v1:next():string() .. " " .. v2:next():string() .. " " .. tostring(v3:next()) .. " " .. v3:previous():string() .. " " .. tostring(registry.versions()[1]:previous())
    out[#out + 1] = tostring(registry.apply_version(v3)) .. " " .. registry.get("x:n").data.n
    out[#out + 1] = tostring(registry.apply_version(registry.versions()[1])) .. " " .. tostring((registry.get("x:n"))) .. " " .. registry.get("shop:apple").data.max
    local after = set(20)
    out[#out + 1] = after:string() .. " from " .. after:previous():string()
    return table.concat(out, "\n")
end
--- expect
v1v2v3
true 1 registry.Version{v1}
v4 from v1
v0 v1 v2 v3 v4
v4 v3 nil v2 nil
true 3
true nil 5
v5 from v0
--- case another version that cannot be reached
--- entry app:main registry
local registry = require("registry")
return function()
    local no, err = registry.apply_version(registry.snapshot())
    local v1 = assert(registry.snapshot():changes():create({ id = "x:a", kind = "registry.entry" }):apply())
    local again, none = registry.apply_version(v1)
    return tostring(no) .. " " .. err:kind() .. " " .. err:message() .. " " .. tostring(again) .. " " .. tostring(none)
end
--- expect
nil Invalid expected version object true nil
--- case history
--- entry app:main registry
local registry = require("registry")
return function()
    local h, err = registry.history()
    assert(err == nil)
    local out = { tostring(h) }
    assert(registry.snapshot():changes():create({ id = "x:a", kind = "registry.entry", data = 1 }):apply())
    assert(registry.snapshot():changes():update({ id = "x:a", kind = "registry.entry", data = 2 }):apply())
    local function note(v, e) out[#out + 1] = tostring(v) .. (e and (" " .. e:kind() .. " " .. e:message()) or "") end
    note(h:get_version(0)) note(h:get_version(2)) note(h:get_version(3)) note(h:get_version(-1))
    note(#h:versions())
    note(registry.snapshot_at(1)) note(registry.snapshot_at(0)) note(registry.snapshot_at(-1)) note(registry.snapshot_at(9))
    local at1 = h:snapshot_at(h:get_version(1))
    note(#at1:entries()) note(at1:get("x:a").data) note(at1:get("shop:apple"))
    note(#h:snapshot_at(h:get_version(0)):entries())
    -- what a file holds is no part of the history, so changing it cannot be replayed
    assert(registry.snapshot():changes():delete("shop:beet"):apply())
    note(registry.snapshot_at(3))
    return table.concat(out, "\n")
end
--- expect
registry.History{}
registry.Version{v0}
registry.Version{v2}
nil NotFound version not found
nil Invalid invalid version ID
3
registry.Snapshot{version=v1}
nil Invalid invalid version ID
nil Invalid invalid version ID
nil NotFound version not found
1
1
nil NotFound entry not found: shop:apple
0
nil Internal build snapshot state: cannot delete non-existent entry: {ns: shop, name: beet}
--- case snapshots keep what they saw
--- entry app:main registry
local registry = require("registry")
return function()
    local old = registry.snapshot()
    assert(old:changes():delete("shop:apple"):create({ id = "shop:cherry", kind = "registry.entry" }):apply())
    local function ids(list)
        local out = {}
        for _, e in ipairs(list) do out[#out + 1] = e.id end
        return table.concat(out, " ")
    end
    local new = registry.snapshot()
    return table.concat({
        ids(old:namespace("shop")), ids(new:namespace("shop")), ids(old:namespace("none")),
        ids(old:find{ [".name"] = "apple" }), ids(new:find{ [".name"] = "apple" }), #old:entries() .. " " .. #new:entries(),
        old:version():string() .. " " .. new:version():string(),
        select("#", old:namespace("shop")) .. select("#", old:find{}) .. select("#", old:entries()) .. select("#", old:get("shop:beet")),
    }, "\n")
end
--- expect
shop:apple shop:beet
shop:beet shop:cherry

shop:apple shop.eu:apple
shop.eu:apple
4 4
v0 v1
1122
--- case changes of an old snapshot meet the present
--- entry app:main registry
local registry = require("registry")
return function()
    local a, b = registry.snapshot():changes(), registry.snapshot():changes()
    a:create({ id = "x:a", kind = "registry.entry" })
    b:create({ id = "x:b", kind = "registry.entry" })
    local va, vb = assert(a:apply()), assert(b:apply())
    local again, err = a:apply()
    return va:string() .. vb:string() .. " " .. tostring(again) .. " " .. err:message()
end
--- expect
v1v2 nil apply changes: failed to apply changes: invalid operation: entry already exists: {ns: x, name: a}
--- case build a delta
--- entry app:main registry json
local registry, json = require("registry"), require("json")
return function()
    local from = {
        { id = "a:gone", kind = "k" }, { id = "a:same", kind = "k", data = { n = 1, m = 2 } },
        { id = "a:changed", kind = "k", data = 1 }, { id = "a:kind", kind = "k" }, "no entry", { kind = "k" },
    }
    local to = {
        { id = "a:same", kind = "k", data = { m = 2.0, n = 1.0 } }, { id = "a:changed", kind = "k", data = 2 },
        { id = "a:kind", kind = "other" }, { id = { ns = "a", name = "new" }, kind = "k", meta = { x = true } },
    }
    local out = {}
    for _, op in ipairs(registry.build_delta(from, to)) do out[#out + 1] = op.kind .. " " .. op.entry.id .. " " .. op.entry.kind end
    return table.concat(out, "\n")
end
--- expect
entry.delete a:gone k
entry.delete a:kind k
entry.update a:changed k
entry.create a:kind other
entry.create a:new k
--- case changes are refused without permission
--- deny registry.apply *
--- deny registry.apply_version *
--- entry app:main registry
local registry = require("registry")
return function()
    local out = {}
    local function note(v, e) out[#out + 1] = tostring(v) .. " " .. e:kind() .. " " .. e:message() end
    note(registry.snapshot():changes():create({ id = "x:a", kind = "registry.entry" }):apply())
    note(registry.snapshot():changes():apply())
    note(registry.apply_version(registry.current_version()))
    out[#out + 1] = tostring((registry.get("x:a"))) .. " " .. registry.get("shop:beet").id
    return table.concat(out, "\n")
end
--- expect
nil PermissionDenied not allowed to apply registry changes
nil PermissionDenied not allowed to apply registry changes
nil PermissionDenied registry version change is not allowed
nil shop:beet
--- case what may not be read is left out of lists
--- deny registry.get shop:apple
--- entry app:main registry
local registry = require("registry")
return function()
    local e, err = registry.get("shop:apple")
    local snap = registry.snapshot()
    local s, serr = snap:get("shop:apple")
    -- a denial says nothing about existence
    return table.concat({
        tostring(e) .. " " .. err:kind() .. " " .. err:message(), tostring(s) .. " " .. serr:kind() .. " " .. serr:message(),
        #registry.find{} .. #registry.find{ [".name"] = "apple" } .. #snap:entries() .. #snap:namespace("shop") .. #snap:find{ [".name"] = "apple" },
    }, "\n")
end
--- expect
nil PermissionDenied not allowed to access entry: shop:apple
nil PermissionDenied not allowed to access entry: shop:apple
31311
--- case a chunk asks what takes no time
--- entry app:main registry
local registry = require("registry")
local apple, all = registry.get("shop:apple"), registry.find{ [".ns"] = "shop" }
local changes = registry.snapshot():changes():create({ id = "x:a", kind = "registry.entry" })
local ok, refused = pcall(changes.apply, changes)
return function()
    return apple.id .. " " .. #all .. " " .. tostring(ok) .. " " .. refused .. " " .. tostring((registry.get("x:a")))
end
--- expect
shop:apple 2 false apply: no scheduler attached nil
--- case so does a callback that cannot wait
--- entry app:main registry
local registry = require("registry")
return function()
    local out = {}
    local changes = registry.snapshot():changes():create({ id = "x:a", kind = "registry.entry" })
    table.sort({ 2, 1 }, function(a, b)
        out = { #registry.find{ [".ns"] = "shop" }, tostring(pcall(changes.apply, changes)), tostring((registry.get("x:a"))) }
        return a < b
    end)
    return table.concat(out, " ")
end
--- expect
2 false nil
--- case a chunk asks under the policies of its process
--- deny registry.get shop:apple
--- entry app:main registry
local registry = require("registry")
local apple, err = registry.get("shop:apple")
return function() return tostring(apple) .. " " .. err:message() end
--- expect
nil not allowed to access entry: shop:apple
