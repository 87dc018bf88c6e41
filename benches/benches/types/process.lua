local a = require("lib_a")
local b = require("lib_b")
local json = require("json")
local time = require("time")

type Request = {id: string, reply_to: string, order: a.Order, retries?: integer}

local function handle(state, request: Request): (string?, string?)
    local total, err = a.total(request.order, 1.19)
    if err then
        return nil, "cannot total: " .. err
    end
    local found = b.find(state.orders, request.id)
    if found then
        local text, failed = b.encode(found)
        if failed then
            return nil, failed:message()
        end
        return text, nil
    end
    table.insert(state.orders, request.order)
    state.count = state.count + 1
    return tostring(total), nil
end

local function log_line(level, message, fields)
    local parts = {}
    for k, v in pairs(fields or {}) do
        table.insert(parts, k .. "=" .. tostring(v))
    end
    table.sort(parts)
    print(level, message, table.concat(parts, " "))
end

local function main(name, interval)
    local inbox = process.inbox()
    local events = process.events()
    local state = {orders = {}, count = 0, started = time.now(), number = 1}
    local timeout = time.after("10s")
    while true do
        local result = channel.select {inbox:case_receive(), events:case_receive(), timeout:case_receive()}
        if not result.ok then
            break
        end
        if result.channel == events then
            local event = result.value
            if event.kind == process.event.CANCEL then
                log_line("info", "cancelled", {name = name, count = state.count})
                return state.count
            end
        elseif result.channel == inbox then
            local message = result.value
            local data, err = Request:is(message:payload():data())
            if err then
                log_line("warn", "bad request", {from = message:from(), err = tostring(err)})
            else
                local text, failed = handle(state, data)
                if failed then
                    process.send(data.reply_to, "error", {id = data.id, error = failed})
                else
                    process.send(data.reply_to, "done", {id = data.id, text = text, at = time.now():unix()})
                end
            end
        else
            log_line("info", "idle", {name = name, orders = #state.orders, interval = interval or 10})
            timeout = time.after("10s")
        end
    end
    return json.encode(state.orders)
end

return {main = main, handle = handle}
