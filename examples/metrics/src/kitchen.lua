local io = require("io")
local metrics = require("metrics")
local time = require("time")

local function cook(dish)
    metrics.gauge_inc("kitchen_orders_in_flight")
    local started = time.now()
    time.sleep("2ms")

    local ok = dish ~= "soufflé"
    -- A counter only grows. Labels split it into series; keep their values few.
    metrics.counter_inc("kitchen_orders_total", { dish = dish, result = ok and "served" or "fallen" })
    -- A histogram sorts observations into buckets. By convention, durations are in seconds.
    metrics.histogram("kitchen_order_seconds", time.now():sub(started):seconds(), { dish = dish })
    metrics.gauge_dec("kitchen_orders_in_flight")
    return ok
end

local function main()
    local served = 0
    for _, dish in ipairs({ "soup", "pasta", "soufflé", "soup" }) do
        if cook(dish) then served = served + 1 end
    end
    metrics.counter_add("kitchen_plates_total", served)
    metrics.gauge_set("kitchen_open", 0)
    io.print("served " .. served .. " of 4 orders")

    -- Recording never blocks and never fails for want of an exporter.
    io.print("recorded: " .. tostring((metrics.counter_inc("kitchen_days_total"))))
end

return { main = main }
