-- Divides. It does not defend itself against bad jobs: it crashes, its state is gone,
-- and whoever watches it decides what happens next.
local function main(boss)
    local jobs = process.listen("job")
    process.send(boss, "ready", process.pid())
    while true do
        local job = jobs:receive()
        if job == "stop" then
            return "went home"
        end
        if job.by == 0 then
            error("division by zero", 0)
        end
        process.send(boss, "done", job.n .. "/" .. job.by .. " = " .. job.n / job.by)
    end
end

return { main = main }
