--- case the main coroutine receives from a timer what others do
--- entry app:main time
return function()
    local function look(value, ok) return type(value) == "userdata" and value:unix() > 0 and tostring(ok) end
    local ch = time.after("1ms")
    local out = { tostring(look(ch:receive())), tostring((ch:receive())) }
    local r = channel.select{ time.after("1ms"):case_receive() }
    out[#out + 1] = tostring(look(r.value, r.ok))
    local ticker = time.ticker("1ms")
    for _ = 1, 3 do out[#out + 1] = tostring(look(ticker:channel():receive())) end
    ticker:stop()
    local done = channel.new()
    coroutine.spawn(function() done:send(look(time.timer("1ms"):channel():receive())) end)
    out[#out + 1] = tostring((done:receive()))
    return table.concat(out, " ")
end
--- expect
true nil true true true true true
