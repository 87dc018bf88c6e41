-- attack: entries without end
-- limit: capabilities
-- modules: registry
-- ends: PermissionDenied capability "registry" is denied by host app:tenants (entry app:registry_flood)
return function()
    while true do require("registry").snapshot():changes():create({ kind = "registry.entry" }) end
end
