-- attack: topics of the runtime
-- limit: the engine
-- ends: value Invalid
return function()
    local _, err = process.send(process.pid(), "@pid/events", { kind = "pid.exit" })
    return err:kind()
end
