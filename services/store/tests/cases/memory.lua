--- case writing, reading, deleting
--- main
local store = require("store")
return { main = function()
    local s, out = assert(store.get("app:cache")), {}
    local function note(...)
        local t = {}
        for i = 1, select("#", ...) do
            local v = select(i, ...)
            t[i] = type(v) == "userdata" and v:kind() .. ": " .. v:message() or tostring(v)
        end
        out[#out + 1] = table.concat(t, " ")
    end
    note(s:get("a:b"))
    note(s:has("a:b"))
    note(s:set("a:b", "one"))
    note(s:get("a:b"))
    note(s:has("a:b"))
    local e = assert(s:entry("a:b"))
    note(e.key, e.value, e.version)
    local w = assert(s:put("plain", false))
    note(w.key, w.value, w.version, type(w.version))
    note(s:get("plain"))
    note(s:get(":plain"))
    note(s:delete("a:b"))
    note(s:delete("a:b"))
    note(s:entry("a:b"))
    note(s:get(""))
    note(s:has(""))
    note(s:set("k", nil))
    note(s:put("k"))
    note(select(2, pcall(s.get, s)))
    note(select(2, pcall(s.set, s, "k", 1, nil)))
    note(select(2, pcall(s.set, s, "k", 1, "soon")))
    note(tostring(s), s:release(), s:release(), tostring(s))
    note(s:get("plain"))
    note(s:has("plain"))
    note(s:info())
    return table.concat(out, "\n")
end }
--- expect
nil NotFound: key not found
false nil
true nil
one nil
true nil
a:b one 1
:plain false 2 string
false nil
false nil
true nil
false nil
nil NotFound: key not found
nil Invalid: key is required
false Invalid: key is required
nil Invalid: value is required
nil Invalid: value is required
bad argument #2 to get (string expected, got no value)
bad argument #4 to set (number expected, got nil)
bad argument #4 to set (number expected, got string)
store.Store{} true true store.Store{released}
nil Invalid: store is released
false Invalid: store is released
nil Invalid: store is released
--- case stores that are not there
--- main
local store = require("store")
return { main = function()
    local a, none = store.get("")
    local b, missing = store.get("app:main")
    return table.concat({ tostring(a), none:kind(), none:message(), tostring(b), missing:kind(), missing:message() }, "|")
end }
--- expect
nil|Invalid|resource id is required|nil|Internal|resource not found
--- case values are copies of plain data
--- main
local store, json = require("store"), require("json")
return { main = function()
    local s, out = store.get("app:cache"), {}
    local function keep(value)
        assert(s:set("k", value))
        out[#out + 1] = json.encode((s:get("k")))
    end
    local t = { 1, 2, name = "lost" }
    assert(s:set("t", t))
    t[1] = "changed"
    out[#out + 1] = json.encode((s:get("t")))
    local got = s:get("t")
    got[1] = "mine"
    out[#out + 1] = s:get("t")[1]
    keep({ a = { b = { 1.5, true, "x" } } })
    keep({})
    keep({ empty = {} })
    keep({ [-1] = "minus" })
    keep(10 // 1)
    keep(2.0)
    keep("\255\0")
    out[#out + 1] = #s:get("k")
    keep({ f = print }) out[#out] = out[#out]:gsub("0x%x+", "0x")
    local circle = {}
    circle.c = circle
    local ok, err = s:set("k", circle)
    out[#out + 1] = tostring(ok) .. " " .. err:kind()
    return table.concat(out, "|")
end }
--- expect
[1,2]|1|{"a":{"b":[1.5,true,"x"]}}|[]|{"empty":[]}|{"-1":"minus"}|10|2|"\ufffd\u0000"|2|{"f":"function: 0x"}|nil Internal
--- case values expire
--- fields cleanup_interval: 1h, lifecycle: {auto_start: true}
--- main
local store, time = require("store"), require("time")
return { main = function()
    local s = store.get("app:cache")
    assert(s:set("a", 1, 0.05) and s:set("b", 1, 0) and s:set("c", 1, -1) and s:set("d", 1, 1e300))
    assert(s:put("e", 1, { ttl = 0.05 }) and s:set("g", 1, 3600) and s:has("g"))
    assert(s:set("f", 1, 0.05) and s:set("f", 2))
    time.sleep("200ms")
    local keys = {}
    for _, item in ipairs(s:list().items) do keys[#keys + 1] = item.key end
    assert(not s:has("a") and not s:get("e") and s:delete("a") == false)
    assert(s:put("e", 2, { only_if_absent = true }))
    return table.concat(keys, " ")
end }
--- expect
:b :c :d :f :g
--- case lists go page by page in the order of keys
--- main
local store = require("store")
return { main = function()
    local s, out = store.get("app:cache"), {}
    for _, key in ipairs({ "user:3", "user:1", "user:2", "plain", "users:1", "user:é" }) do assert(s:set(key, key)) end
    local function page(options)
        local p = assert(s:list(options))
        local keys = {}
        for _, item in ipairs(p.items) do
            assert(item.key == item.value or item.key == ":" .. item.value)
            keys[#keys + 1] = item.key
        end
        out[#out + 1] = table.concat(keys, ",") .. " " .. p.cursor .. " " .. tostring(p.has_more)
        return p.cursor
    end
    page()
    local cursor = page({ prefix = "user:", limit = 2 })
    cursor = page({ prefix = "user:", limit = 2, after = cursor })
    page({ prefix = "plain" })
    page({ prefix = ":plain", limit = 0 })
    page({ after = "user:3", limit = 3.0 })
    page({ after = "zzz" })
    page({ prefix = "user:", after = "a" })
    local function refused(options)
        local p, err = s:list(options)
        out[#out + 1] = tostring(p) .. " " .. err:kind() .. " " .. err:message()
    end
    refused("all")
    refused({ prefix = 5 })
    refused({ after = {} })
    refused({ limit = -1 })
    refused({ limit = 1.5 })
    refused({ limit = "10" })
    return table.concat(out, "\n")
end }
--- expect
:plain,user:1,user:2,user:3,user:é,users:1 users:1 false
user:1,user:2 user:2 true
user:3,user:é user:é false
  false
:plain :plain false
user:é,users:1 users:1 false
  false
user:1,user:2,user:3,user:é user:é false
nil Invalid options must be a table
nil Invalid prefix must be a string
nil Invalid after must be a string
nil Invalid limit must be a non-negative integer
nil Invalid limit must be a non-negative integer
nil Invalid limit must be a non-negative integer
--- case writes on conditions
--- main
local store = require("store")
return { main = function()
    local s, out = store.get("app:cache"), {}
    local function put(value, options)
        local e, err = s:put("k", value, options)
        out[#out + 1] = e and e.value .. " " .. e.version or err:kind() .. " " .. tostring(err:retryable()) .. " " .. err:message()
        return e
    end
    put("a", { if_version = "1" })
    local first = put("b", { only_if_absent = true })
    put("c", { only_if_absent = true })
    put("d", { only_if_absent = false })
    put("e", { if_version = first.version })
    put("f", { if_version = 2, ttl = 60 })
    put("g", { if_version = 3.0 })
    for _, options in ipairs({
        { if_version = "x" }, { if_version = 0 }, { if_version = -1 }, { if_version = 1.5 }, { if_version = 2 ^ 53 },
        { if_version = true }, { ttl = -1 }, { ttl = "1" }, { only_if_absent = 1 },
        { only_if_absent = true, if_version = "1" },
    }) do put("h", options) end
    put("h", "options")
    return table.concat(out, "\n")
end }
--- expect
NotFound false key not found
b 1
AlreadyExists false key already exists
d 2
Conflict true version mismatch
f 3
g 4
Invalid false if_version must be a positive version
Invalid false if_version must be a positive version
Invalid false if_version must be a positive version
Invalid false if_version must be a positive version
Invalid false if_version must be a positive version
Invalid false if_version must be a positive version
Invalid false ttl must be a non-negative number
Invalid false ttl must be a non-negative number
Invalid false only_if_absent must be a boolean
Invalid false only_if_absent and if_version are mutually exclusive
Invalid false options must be a table
--- case a full store takes no new keys
--- fields max_size: 2
--- main
local store = require("store")
return { main = function()
    local s = store.get("app:cache")
    assert(s:set("a", 1) and s:set("b", 1) and s:set("a", 2))
    local ok, err = s:set("c", 1)
    assert(s:delete("b") and s:set("c", 1))
    local info = s:info()
    local flags = {}
    for _, name in ipairs({ "durable", "list", "ttl", "versioned", "conditional_put" }) do
        flags[#flags + 1] = tostring(info[name])
    end
    assert(info.backend == store.backend.MEMORY and info.consistency == store.consistency.LOCAL)
    return tostring(ok) .. " " .. err:kind() .. " " .. tostring(err:retryable()) .. " " .. err:message() .. " " .. table.concat(flags, " ")
end }
--- expect
nil Unavailable true store is full false true true true true
