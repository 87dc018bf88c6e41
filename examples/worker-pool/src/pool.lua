-- A pool of workers inside ONE process. Coroutines of a process share memory and talk
-- over channels; different processes share nothing and talk with messages.
local io = require("io")
local time = require("time")

local WORKERS = 3
local JOBS = 9

local function worker(id, jobs, results)
    while true do
        local n, open = jobs:receive()
        if not open then
            break -- closed and drained: no more work will ever come
        end
        time.sleep("10ms") -- pretend this is a slow download; the others carry on
        results:send({ worker = id, n = n, square = n * n })
    end
    results:send({ worker = id, finished = true })
end

local function main()
    -- A small buffer is back-pressure: the feeder below waits when workers fall behind.
    local jobs = channel.new(2)
    local results = channel.new()

    for id = 1, WORKERS do
        coroutine.spawn(function() worker(id, jobs, results) end)
    end
    coroutine.spawn(function()
        for n = 1, JOBS do jobs:send(n) end
        jobs:close()
    end)

    -- Results come in any order; collect by job number, print in order.
    local squares, done_by, finished = {}, {}, 0
    while finished < WORKERS do
        local r = results:receive()
        if r.finished then
            finished = finished + 1
        else
            squares[r.n] = r.square
            done_by[r.worker] = (done_by[r.worker] or 0) + 1
        end
    end

    for n = 1, JOBS do
        io.print(n .. " squared is " .. squares[n])
    end
    local total, busy = 0, 0
    for _, count in pairs(done_by) do
        total, busy = total + count, busy + 1
    end
    io.print(busy .. " workers did " .. total .. " jobs")
end

return { main = main }
