-- Speaks with a guest that does what it is told (tests/guests/examples/puppet.rs).
local puppet = {}
puppet.__index = puppet

local done = nil

-- Starts one; `how` is a name of the spawn family.
function puppet.start(how)
    done = done or process.listen("done")
    local pid = assert(process[how or "spawn"]("app:puppet", "app:processes", process.pid()))
    assert(done:receive() == "started")
    return setmetatable({ pid = pid }, puppet)
end

-- What it answers: a value, or nil and an error.
function puppet:ask(topic, ...)
    self:tell(topic, ...)
    return self:hear()
end

function puppet:tell(topic, ...)
    assert(process.send(self.pid, topic, ...))
end

-- The next answer.
function puppet:hear()
    local got = done:receive()
    if type(got) == "userdata" then return nil, got end
    return got
end

-- An error as a text: `Kind: message`.
function puppet:fails(topic, ...)
    local value, err = self:ask(topic, ...)
    assert(value == nil and err, topic .. " did not fail")
    return err:kind() .. ": " .. err:message()
end

return puppet
