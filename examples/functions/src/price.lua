local ctx = require("ctx")

-- Prices in cents. A function instance lives in a pool and is used by one call at a
-- time; constants like this table are loaded once per instance.
local prices = { tea = 300, coffee = 350, cake = 420 }

local function price(order: {item: string, quantity: number})
    local unit = prices[order.item]
    if not unit then
        -- A second return value is the error. It keeps its kind all the way to the caller.
        return nil, errors.new({ message = "no such item: " .. order.item, kind = errors.NOT_FOUND })
    end
    -- Context values travel with the call and everything it calls, outside the arguments.
    local discount = ctx.get("discount") or 0
    return unit * order.quantity * (100 - discount) / 100
end

return { price = price }
