--- case no history
--- entry app:main registry
local registry = require("registry")
return function()
    local out = {}
    local function note(v, e) out[#out + 1] = tostring(v) .. (e and (" " .. e:kind() .. " " .. e:message()) or "") end
    note(registry.snapshot():changes():create({ id = "x:a", kind = "registry.entry" }):apply())
    note(registry.current_version())
    note(registry.versions()) note(registry.history()) note(registry.snapshot_at(1))
    note(registry.current_version():previous())
    local older = registry.current_version()
    note(registry.snapshot():changes():delete("x:a"):apply())
    note(registry.apply_version(older))
    return table.concat(out, "\n")
end
--- expect
registry.Version{v1}
registry.Version{v1}
nil Internal version history not available: registry configured with history disabled (enable_history=false)
nil Internal version history not available: registry configured with history disabled (enable_history=false)
nil Internal version history not available: registry configured with history disabled (enable_history=false)
nil Internal version history not available: registry configured with history disabled (enable_history=false)
registry.Version{v2}
false Internal apply version: version history not available: registry configured with history disabled (enable_history=false)
