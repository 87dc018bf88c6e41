-- attack: an endless loop
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded
return function() while true do end end
