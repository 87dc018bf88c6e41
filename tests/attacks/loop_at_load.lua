-- attack: an endless loop before there is anything to run
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
while true do end
