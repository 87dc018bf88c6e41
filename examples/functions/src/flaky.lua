-- Fails twice, then works: a stand-in for a remote service in a bad moment.
local calls = 0

local function fetch()
    calls = calls + 1
    if calls < 3 then
        return nil, errors.new({ message = "try later", kind = errors.UNAVAILABLE })
    end
    return "answered at attempt " .. calls
end

return { fetch = fetch }
