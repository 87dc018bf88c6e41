-- attack: an endless loop of jumps
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
return function() ::again:: goto again end
