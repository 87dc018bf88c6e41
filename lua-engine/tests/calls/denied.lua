--- case what funcs refuses
--- entry app:main funcs
return function()
    local exec, out = funcs.new(), {}
    local function shown(value, err)
        out[#out + 1] = err and string.format("%s %s %s", err:kind(), tostring(err:retryable()), err:message()) or type(value)
    end
    shown(funcs.call("app:secret"))
    shown(funcs.async("app:secret"))
    shown(exec:call("app:secret"))
    shown(exec:async("app:secret"))
    shown(funcs.call("app:open"))
    shown(exec:with_context{ a = 1 })
    shown(exec:with_options{ network = "app:tor" })
    shown(exec:with_options{ network = "app:other" })
    out[#out + 1] = select(2, pcall(exec.with_actor, exec, nil))
    return table.concat(out, "\n")
end
--- function app:secret
return { main = function() return "told" end }
--- function app:open
return { main = function() return 1 end }
--- deny funcs.call app:secret
--- deny funcs.context context
--- deny network.select app:tor
--- expect
PermissionDenied false not allowed: app:secret
PermissionDenied false not allowed: app:secret
PermissionDenied false not allowed: app:secret
PermissionDenied false not allowed: app:secret
number
PermissionDenied false not allowed to call functions with custom context
PermissionDenied false not allowed: network app:tor
userdata
bad argument #2 to with_actor (actor cannot be nil)
--- case what contract refuses
--- entry app:main contract
return function()
    local out = {}
    local function shown(value, err)
        out[#out + 1] = err and string.format("%s %s %s", err:kind(), tostring(err:retryable()), err:message()) or type(value)
    end
    shown(contract.get("app:hidden"))
    shown(contract.open("app:closed?x=1"))
    shown(contract.find_implementations("app:c"))
    local c = contract.get("app:c")
    shown(c:implementations())
    shown(c:open())
    shown(c:open("app:impl", nil))
    shown(c:with_context{ a = 1 })
    shown(c:with_options{ network = "app:tor" })
    shown(contract.open("app:impl", nil, { network = "app:tor" }))
    local inst = contract.open("app:impl")
    shown(inst:f())
    shown(inst:f_async())
    shown(inst:g())
    return table.concat(out, "\n")
end
--- function app:f
return { main = function() return 1 end }
--- yaml
- { name: c, kind: contract.definition, methods: [{ name: f }, { name: g }] }
- { name: hidden, kind: contract.definition }
- { name: impl, kind: contract.binding, contracts: [{ contract: c, methods: { f: f, g: f } }] }
- { name: closed, kind: contract.binding, contracts: [{ contract: c, default: true, methods: { f: f, g: f } }] }
--- deny contract.get app:hidden
--- deny contract.open app:closed
--- deny contract.implementations app:c
--- deny contract.context context
--- deny contract.call f
--- deny network.select app:tor
--- expect
PermissionDenied false not allowed to access contract: app:hidden
PermissionDenied false not allowed to open binding: app:closed
PermissionDenied false not allowed to list implementations: app:c
table
PermissionDenied false not allowed to open binding: app:closed
userdata
PermissionDenied false not allowed to use contracts with custom context
PermissionDenied false not allowed: network app:tor
PermissionDenied false not allowed: network app:tor
PermissionDenied false not allowed to call method: f
PermissionDenied false not allowed to call method: f
number
