-- attack: an endless loop
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
return function() while true do end end
