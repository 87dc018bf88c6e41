-- attack: files by any name
-- limit: capabilities
-- modules: fs
-- ends: PermissionDenied capability "fs" is denied by host app:tenants (entry app:file_escape)
return function() return require("fs").get("app:files"):readfile("../../../etc/passwd\0.txt") end
