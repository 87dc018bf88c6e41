local io = require("io")
local client = require("client")

local function main()
    local oracle = process.spawn("app:oracle", "app:processes")

    io.print(client.ask(oracle, "the weather", "5s"))

    -- Slower than we are patient: an error with a kind, not a hang.
    local _, err = client.ask(oracle, "the economy", "20ms", "100ms")
    io.print(err:message() .. " [" .. err:kind() .. ", retryable: " .. tostring(err:retryable()) .. "]")

    -- The answer about the economy arrives while this one is pending, and is not mixed up.
    io.print(client.ask(oracle, "the moon", "5s", "200ms"))
    io.print("late answers discarded: " .. client.discarded)

    -- Nobody there at all is known at once.
    process.terminate(oracle)
    local _, gone = client.ask("oracle", "everything", "5s")
    io.print(gone:message())
end

return { main = main }
