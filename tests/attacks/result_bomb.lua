-- attack: a result beyond the limit of a message
-- limit: message
-- ends: LimitExceeded value is larger than 1048576 bytes
return function() return string.rep("x", 4 << 20) end
