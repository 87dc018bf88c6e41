--- case a contract is asked for, looked at and opened
--- entry app:main contract json
return function()
    local c = assert(contract.get("app:math"))
    local out = { c:id() }
    for _, m in ipairs(c:methods()) do
        local input = m.input_schemas and #m.input_schemas .. " " .. m.input_schemas[1].format .. " " .. json.encode(m.input_schemas[1].definition) or "-"
        out[#out + 1] = string.format("%s %q %s %s", m.name, m.description, input, tostring(m.output_schemas))
    end
    out[#out + 1] = c:method("sub").name
    local none, err = c:method("mul")
    out[#out + 1] = string.format("%s %s %s", tostring(none), err:kind(), err:message())
    local ids, nothing = c:implementations()
    table.sort(ids)
    out[#out + 1] = table.concat(ids, " ") .. " " .. tostring(nothing)
    local found = assert(contract.find_implementations("app:math"))
    table.sort(found)
    out[#out + 1] = table.concat(found, " ")
    out[#out + 1] = tostring(#contract.find_implementations("app:unknown"))
    local inst = assert(c:open())
    out[#out + 1] = string.format("%s %s", inst:add(2, 3), inst:sub(2, 3))
    out[#out + 1] = string.format("%s %s", assert(c:open("app:other")):add(2, 3), assert(contract.open("app:other")):sub(2, 3))
    return table.concat(out, "\n")
end
--- function app:add
return { main = function(a, b) return a + b end }
--- function app:sub
return { main = function(a, b) return a - b end }
--- function app:strange
return { main = function(a, b) return a * 100 + b end }
--- yaml
- name: math
  kind: contract.definition
  methods:
    - name: add
      description: one and another
      input_schemas: [{ format: application/schema+json, definition: { type: array } }]
    - { name: sub }
- name: impl
  kind: contract.binding
  contracts: [{ contract: math, default: true, methods: { add: add, sub: "app:sub" } }]
- name: other
  kind: contract.binding
  contracts: [{ contract: math, methods: { add: strange, sub: strange } }]
--- expect
app:math
add "one and another" 1 application/schema+json {"type":"array"} nil
sub "" - nil
sub
nil NotFound method 'mul' not found in contract 'app:math'
app:impl app:other nil
app:impl app:other
0
5 -1
203 203
--- case what is not there
--- entry app:main contract
return function()
    local out = {}
    local function shown(value, err)
        out[#out + 1] = string.format("%s %s %s", tostring(value), err:kind(), err:message())
    end
    shown(contract.get("app:nothing"))
    shown(contract.get(""))
    shown(contract.open("app:nothing?x=1"))
    shown(contract.open(""))
    shown(contract.open("app:impl?x=%q"))
    local c = contract.get("app:empty")
    shown(c:open())
    shown(c:open("app:nothing"))
    shown(c:open("app:impl?x=%"))
    for _, f in ipairs{ contract.get, contract.open, contract.find_implementations, contract.is } do
        out[#out + 1] = select(2, pcall(f))
    end
    out[#out + 1] = select(2, pcall(c.open, 1))
    return table.concat(out, "\n")
end
--- yaml
- { name: empty, kind: contract.definition }
- { name: impl, kind: contract.binding, contracts: [{ contract: empty }] }
--- expect
nil NotFound contract definition 'app:nothing' not found
nil NotFound contract definition '' not found
nil NotFound contract binding 'app:nothing' not found
nil NotFound contract binding '' not found
nil Invalid invalid binding query: invalid URL escape "%q"
nil NotFound no default binding for contract 'app:empty'
nil NotFound contract binding 'app:nothing' not found
nil Invalid invalid binding query: invalid URL escape "%"
bad argument #1 to get (string expected, got no value)
bad argument #1 to open (string expected, got no value)
bad argument #1 to find_implementations (string expected, got no value)
bad argument #1 to is (userdata expected, got no value)
bad argument #1 to open (Contract expected)
--- case an instance has the methods of its contracts, and no other members
--- entry app:main contract
return function()
    local inst = assert(contract.open("app:impl"))
    local out = { type(inst), type(inst.add), type(inst.add_async), type(inst.len), tostring(inst.mul), tostring(inst.mul_async),
        tostring(inst._async), tostring(inst[1]), tostring(inst.add == inst.add) }
    for _, id in ipairs{ "app:math", "app:text", "app:other" } do out[#out + 1] = tostring(contract.is(inst, id)) end
    out[#out + 1] = tostring(contract.is(channel.new(), "app:math"))
    out[#out + 1] = tostring(pcall(function() inst.add = 1 end))
    out[#out + 1] = select(2, pcall(inst.add, 1, 2))
    out[#out + 1] = inst:twice_async(1) .. " " .. inst:twice(1)
    return table.concat(out, " ")
end
--- function app:f
return { main = function(a) return "f" .. a end }
--- function app:g
return { main = function(a) return "g" .. a end }
--- yaml
- { name: math, kind: contract.definition, methods: [{ name: add }, { name: twice }, { name: twice_async }] }
- { name: text, kind: contract.definition, methods: [{ name: len }] }
- name: impl
  kind: contract.binding
  contracts:
    - { contract: math, methods: { add: f, twice: f, twice_async: g } }
    - { contract: text, methods: { len: f } }
--- expect
userdata function function function nil nil nil nil true true true false false false bad argument #1 to method (Instance expected) g1 f1
--- case calls of methods answer like calls of functions
--- entry app:main contract
return function()
    local inst = assert(contract.open("app:impl"))
    local value, err = inst:fail()
    local future = assert(inst:fail_async())
    local e = future:response():receive()
    local none = inst:none_async():response():receive()
    local _, unknown = inst:unknown()
    local later = assert(inst:unknown_async())
    later:response():receive()
    local _, unknown_later = later:result()
    return string.format("%s %s %s %s | %s %s | %s | %s | %s", tostring(value), err:kind(), err:message(), tostring(err:retryable()), e:kind(), e:message(),
        tostring(none:data()), unknown:message(), unknown_later:kind() .. " " .. unknown_later:message())
end
--- function app:fails
return { main = function() return nil, errors.new{ message = "no", kind = "Mine", retryable = true } end }
--- function app:none
return { main = function() end }
--- yaml
- { name: c, kind: contract.definition, methods: [{ name: fail }, { name: none }, { name: unknown }] }
- { name: impl, kind: contract.binding, contracts: [{ contract: c, methods: { fail: fails, none: none, unknown: nobody } }] }
--- expect
nil Mine no true | Mine no | nil | no handler registered for target | NotFound no handler registered for target
--- case scope values: query, then with_context, then the table
--- entry app:main contract funcs
return function() return assert(funcs.new():with_context{ inherited = 1, a = "inherited" }:call("app:opens")) end
--- function app:opens contract
return { main = function()
    local out = {}
    local c = contract.get("app:c")
    local with = c:with_context{ a = "context", b = "context" }:with_context{ c = "context" }
    out[1] = assert(contract.open("app:impl?a=query&n=5&yes=true&f=2.5&n=6")):all()
    out[2] = assert(contract.open("app:impl?a=query&b=query", { b = "table", [1] = "dropped" }, "no options")):all()
    out[3] = assert(with:open("app:impl?a=query&b=query&d=query", { b = "table" })):all()
    out[4] = assert(with:open(nil, { b = "table" })):all()
    out[5] = assert(c:open()):all()
    out[6] = assert(c:open("app:impl", 5)):all_async():response():receive():data()
    return table.concat(out, "\n")
end }
--- function app:all ctx
return { main = function()
    local keys, all = {}, ctx.all()
    for k in pairs(all) do keys[#keys + 1] = k end
    table.sort(keys)
    for i, k in ipairs(keys) do keys[i] = k .. "=" .. tostring(all[k]) end
    return table.concat(keys, " ")
end }
--- yaml
- { name: c, kind: contract.definition, methods: [{ name: all }] }
- { name: impl, kind: contract.binding, contracts: [{ contract: c, default: true, methods: { all: all } }] }
--- expect
a=query f=2.5 inherited=1 n=5 yes=true
a=query b=table inherited=1
a=context b=table c=context d=query inherited=1
a=context b=table c=context inherited=1
a=inherited inherited=1
a=inherited inherited=1
--- case values that a binding requires
--- entry app:main contract
return function()
    local out = {}
    local function shown(value, err)
        out[#out + 1] = err and string.format("%s %s [%s]", err:kind(), err:message(), table.concat(err:details().missing_keys, ",")) or value
    end
    shown(contract.open("app:impl"):f())
    shown(contract.open("app:impl?tenant=t1"):f())
    shown(contract.open("app:impl?tenant=t1", { region = "eu" }):f())
    shown(contract.open("app:impl"):f_async())
    local c = contract.get("app:c"):with_context{ tenant = "t2", region = "us" }
    shown(c:open("app:impl"):f())
    return table.concat(out, "\n")
end
--- function app:f ctx
return { main = function() return ctx.get("tenant") .. " " .. ctx.get("region") end }
--- yaml
- { name: c, kind: contract.definition, methods: [{ name: f }] }
- { name: impl, kind: contract.binding, contracts: [{ contract: c, context_required: [tenant, region], methods: { f: f } }] }
--- expect
Invalid missing required context keys: [tenant, region] [tenant,region]
Invalid missing required context keys: [region] [region]
t1 eu
Internal missing required context keys: [tenant, region] [tenant,region]
t2 us
--- case options of instances are options of their calls
--- entry app:main contract
return function()
    local retry = { retry = { max_attempts = 3, initial_delay = 1 } }
    local out = {}
    local function attempts(inst)
        local _, err = inst:f()
        out[#out + 1] = err:message()
        out[#out + 1] = inst:f_async():response():receive():message()
    end
    local c = contract.get("app:c")
    attempts(contract.open("app:impl", nil, retry))
    attempts(contract.open("app:impl", {}, {}))
    attempts(c:with_options(retry):open("app:impl"))
    attempts(c:with_options(retry):with_options({}):open("app:impl"))
    return table.concat(out, " ")
end
--- function app:f pool.type=inline
local n = 0
return { main = function()
    n = n + 1
    return nil, errors.new{ message = tostring(n), kind = errors.UNAVAILABLE }
end }
--- yaml
- { name: c, kind: contract.definition, methods: [{ name: f }] }
- { name: impl, kind: contract.binding, contracts: [{ contract: c, methods: { f: f } }] }
--- expect
3 6 7 8 11 14 15 16
--- case a method may be a process
--- entry app:main contract
return function() return contract.open("app:impl"):f(4) end
--- entry app:worker default_host=app:host
return function(n) return process.id() .. " " .. n end
--- yaml
- { name: c, kind: contract.definition, methods: [{ name: f }] }
- { name: impl, kind: contract.binding, contracts: [{ contract: c, methods: { f: worker } }] }
--- expect
app:worker 4
