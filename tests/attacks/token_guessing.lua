-- attack: making oneself somebody else
-- limit: capabilities
-- modules: security
-- ends: PermissionDenied capability "security" is denied by host app:tenants (entry app:token_guessing)
return function() return require("security").new_actor("admin") end
