-- attack: an error of megabytes
-- limit: memory
-- ends: Internal
return function() error(string.rep("x", 4 << 20), 0) end
