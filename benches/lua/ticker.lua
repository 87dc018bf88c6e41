local function main(parent, ms)
    local stop = process.listen("stop")
    local ticker = time.ticker(ms * time.MILLISECOND)
    local ticks, count = ticker:channel(), 0
    process.send(parent, "up")
    while true do
        local chosen = channel.select({ ticks:case_receive(), stop:case_receive() })
        if chosen.channel == stop then
            process.send(parent, "ticks", count)
            return
        end
        count = count + 1
    end
end

return { main = main }
