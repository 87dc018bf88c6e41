-- Finds every entry with meta.type "cron.job" and calls its function at its interval.
local registry = require("registry")
local funcs = require("funcs")
local time = require("time")

local function run_job(entry, boss)
    local job = entry.data
    local ticks = time.ticker(job.every):channel()
    local n = 0
    while ticks:receive() do
        n = n + 1
        -- A failing job is news, not a reason to stop: the error is a value here.
        local result, err = funcs.call(job.func, n)
        process.send(boss, "ran", { id = entry.id, text = result, error = err and err:message() })
    end
end

local function main(boss)
    -- One coroutine a job: a slow job delays nobody else.
    for _, entry in ipairs(registry.find({ ["meta.type"] = "cron.job" })) do
        coroutine.spawn(function() run_job(entry, boss) end)
    end

    -- When main returns the process ends, with its coroutines and tickers.
    local events = process.events()
    while events:receive().kind ~= process.event.CANCEL do end
end

return { main = main }
