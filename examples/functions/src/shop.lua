local io = require("io")
local funcs = require("funcs")

local function main()
    -- 1. A plain call. It blocks this coroutine and nothing else.
    local total, err = funcs.call("app:price", { item = "tea", quantity = 3 })
    if err then return nil, err end
    io.print("3 tea: " .. total)

    -- 2. Several calls at once. Each `async` gives a Future; the work overlaps, and the
    -- results are read in the order we want to print them.
    local items = { "tea", "coffee", "cake" }
    local futures = {}
    for i, item in ipairs(items) do
        futures[i] = funcs.async("app:price", { item = item, quantity = 2 })
    end
    for i, future in ipairs(futures) do
        local result = future:response():receive()
        io.print("2 " .. items[i] .. ": " .. result:data())
    end

    -- 3. A failing call returns nil and an Error with a kind to decide on.
    local _, failure = funcs.call("app:price", { item = "gold", quantity = 1 })
    io.print("gold: " .. failure:message() .. " [" .. failure:kind() .. "]")

    -- 4. An executor carries context. Executors are immutable: `vip` can be kept and shared.
    local vip = funcs.new():with_context({ discount = 10 })
    io.print("2 cake for a regular: " .. vip:call("app:price", { item = "cake", quantity = 2 }))

    -- 5. The entry's retry options did the waiting and repeating.
    io.print("flaky: " .. funcs.call("app:flaky"))
end

return { main = main }
