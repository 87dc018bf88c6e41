local base = require("base")
local json = require("json")
local time = require("time")

type Item = {id: string, price: number, count: integer, tags?: {string}, state: "new" | "paid" | "sent"}
type Order = {id: string, items: {Item}, total?: number, meta?: {[string]: any}}

local M = {}

-- Sums up what an order costs.
function M.total(order: Order, rate: number): (number, string?)
    local sum = 0.0
    for i, item in ipairs(order.items) do
        if item.count > 0 and item.price >= 0 then
            sum = sum + item.price * item.count * rate
        elseif item.tags then
            for _, tag in ipairs(item.tags) do
                if tag == "skip" then sum = sum - i end
            end
        end
    end
    if sum < 0 then
        return 0, "negative: " .. tostring(sum)
    end
    return sum, nil
end

function M.encode(order: Order): (string?, error?)
    local text, err = json.encode({id = order.id, items = order.items, at = time.now():unix()})
    if err then
        return nil, err
    end
    return text, nil
end

function M.find(orders: {Order}, id: string): Order?
    for _, order in ipairs(orders) do
        if order.id == id then
            return order
        end
    end
    return nil
end

function M.states(order: Order): {[string]: integer}
    local counts: {[string]: integer} = {}
    for _, item in ipairs(order.items) do
        counts[item.state] = (counts[item.state] or 0) + 1
    end
    return counts
end

return M
