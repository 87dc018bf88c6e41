local io = require("io")

local RUNS = 3

local function main()
    local ran = process.listen("ran")
    local cron = process.spawn("app:cron", "app:processes", process.pid())

    -- Collect until both jobs ran three times, then print job by job.
    local logs = { ["app:report_job"] = {}, ["app:cleanup_job"] = {} }
    while #logs["app:report_job"] < RUNS or #logs["app:cleanup_job"] < RUNS do
        local run = ran:receive()
        table.insert(logs[run.id], run.text or ("failed: " .. run.error))
    end
    process.cancel(cron, "that is enough")

    for _, id in ipairs({ "app:report_job", "app:cleanup_job" }) do
        for n = 1, RUNS do
            io.print(id .. ": " .. logs[id][n])
        end
    end
end

return { main = main }
