local function text(v)
    if type(v) == "userdata" and v.kind and v.retryable then return v:kind() .. "/" .. tostring(v:retryable()) .. ": " .. v:message() end
    if type(v) == "table" then
        if #v > 0 then
            local t = {}
            for i, x in ipairs(v) do t[i] = text(x) end
            return "[" .. table.concat(t, ", ") .. "]"
        end
        local t = {}
        for k, x in pairs(v) do t[#t + 1] = tostring(k) .. "=" .. text(x) end
        table.sort(t)
        return "{" .. table.concat(t, ", ") .. "}"
    end
    return (math.type(v) or type(v)) .. " " .. tostring(v)
end
local function show(...)
    local t = {...}
    for i = 1, select("#", ...) do t[i] = text(t[i]) end
    print(table.concat(t, " | "))
end
local function try(f, ...) show(select(2, pcall(f, ...))) end
local expr = require("expr")
local env = { n = 3, x = 2.5, s = "hi", list = { 1, 2, 3 }, user = { name = "Ann", tags = { "a" } }, bytes = "\255" }
show(expr.eval("n + 1", env))
show(expr.eval("n / 1", env))
show(expr.eval("user.name + '!'", env))
show(expr.eval("map(list, # * x)", env))
show(expr.eval("{a: n, b: [s]}", env))
show(expr.eval("bytes", env) == "\255")
show(expr.eval("missing", env))
show(expr.eval("missing + 1", env))
show(expr.eval("n"))
show(expr.eval("n", nil))
show(expr.eval("n", 5))
show(expr.eval("", env))
show(expr.eval("1 +"))
show(expr.eval("groupBy(list, #)", env))
show(expr.eval("1..2000000"))
show(expr.eval("date('2023-08-14') + duration('90m')"))
show(expr.eval("now() > date('2023-08-14')"))
try(expr.eval, {})
try(expr.eval)
try(expr.compile, nil)
local program, err = expr.compile("n > 2 and s startsWith 'h'", env)
show(err)
show(program:run(env))
show(program:run({ n = 1 }))
show(program:run())
try(program.run, 1)
try(program.run, program, 1)
show(expr.compile("unknown", env))
show(expr.compile("n + s", env))
show(expr.compile("n + s") ~= nil)
show(expr.compile(""))
show(expr.compile("1 1"))
try(expr.compile, "1", 2)
-- Programs that nobody else keeps are compiled again.
local kept = assert(expr.compile("n + 1"))
for i = 1, 1100 do expr.eval("n + " .. i, env) end
show(kept:run(env))
