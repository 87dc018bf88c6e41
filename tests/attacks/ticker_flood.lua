-- attack: the fastest tickers there can be
-- limit: timers and cpu.share
-- modules: time
-- ends: terminated
return function()
    for _ = 1, 50 do time.ticker("1ns") end
    local ticker = time.ticker("1ns")
    while true do ticker:channel():receive() end
end
