local function text(v)
    if math.type(v) == "float" then return string.format("%.14g", v) end
    if type(v) == "userdata" and v.kind and v.retryable then return v:kind() .. "/" .. tostring(v:retryable()) .. ": " .. v:message() end
    return tostring(v)
end
local function show(...)
    local t = {...}
    for i = 1, select("#", ...) do t[i] = text(t[i]) end
    print(table.concat(t, " | "))
end
local function try(f, ...) show(select(2, pcall(f, ...))) end
local logger = require("logger")
logger:info("plain")
logger:debug("d", { a = 1, b = "x", c = true, d = 1.5, [1] = "ignored", e = errors.new("boom"), t = { 1, 2 } })
logger:warn("w")
logger:error("bad", { error = "text" })
local l = logger:with({ app = "x" }):named("db")
l:info("m", { k = "v" })
l:named("sub"):info(12)
logger:info(errors.new("an error"))
try(logger.info) try(logger.info, logger) try(logger.info, logger, {}) try(logger.info, logger, "x", 1) try(logger.with, logger) try(logger.named, logger, "") try(logger.named, logger) try(logger.with, {}, {})
local metrics = require("metrics")
show(metrics.counter_inc("a")) show(metrics.counter_inc("a", { x = "1", y = "2", z = 3, [1] = "no" })) show(metrics.counter_add("a", 2.5, {})) show(metrics.gauge_set("g", -1, { l = "v" })) show(metrics.gauge_inc("g")) show(metrics.gauge_dec("g", { l = "v" })) show(metrics.histogram("h", 0.1))
show(metrics.counter_inc("no.collector")) try(metrics.counter_inc) try(metrics.counter_add, "a") try(metrics.histogram, "h", "x")
