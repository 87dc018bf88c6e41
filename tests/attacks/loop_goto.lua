-- attack: an endless loop of jumps
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded
return function() ::again:: goto again end
