--- case while
--- entry app:busy
return function() while true do end end
--- expect
process terminated
--- case repeat
--- entry app:busy
return function() repeat until false end
--- expect
process terminated
--- case goto
--- entry app:busy
return function() ::top:: goto top end
--- expect
process terminated
--- case goto continue
--- entry app:busy
return function()
    for i = 1, math.maxinteger do
        if i % 2 == 0 then goto continue end
        ::continue::
    end
end
--- expect
process terminated
--- case integer for
--- entry app:busy
return function() for i = 1, math.maxinteger do end end
--- expect
process terminated
--- case float for
--- entry app:busy
return function() for i = 1.0, math.huge do end end
--- expect
process terminated
--- case iterator
--- entry app:busy
return function() for _ in function() return 1 end do end end
--- expect
process terminated
--- case iterator that does not come back
--- entry app:busy
return function() for _ in function() while true do end end do end end
--- expect
process terminated
--- case recursion caught again and again
--- entry app:busy
return function()
    local function deeper() return 1 + deeper() end
    while true do pcall(deeper) end
end
--- expect
process terminated
--- case tail calls
--- entry app:busy
return function()
    local function again() return again() end
    return again()
end
--- expect
process terminated
--- case calls of each other
--- entry app:busy
return function()
    local other
    local function one() return other() end
    function other() return one() end
    return one()
end
--- expect
process terminated
--- case pcall that eats the end
--- entry app:busy
return function()
    while true do pcall(function() while true do pcall(error) end end) end
end
--- expect
process terminated
--- case error handler
--- entry app:busy
return function() while true do xpcall(error, function(m) return m end) end end
--- expect
process terminated
--- case error handler that does not end
--- entry app:busy
return function() xpcall(error, function() while true do end end) end
--- expect
a callback that cannot be interrupted does not come to an end
--- case coroutine resumed for ever
--- entry app:busy
return function()
    local co = coroutine.create(function() while true do coroutine.yield() end end)
    while true do coroutine.resume(co) end
end
--- expect
process terminated
--- case coroutines within coroutines
--- entry app:busy
return function()
    local function nest(n)
        if n == 0 then while true do end end
        return coroutine.wrap(nest)(n - 1)
    end
    return nest(20)
end
--- expect
process terminated
--- case coroutines made for ever
--- entry app:busy
return function() while true do coroutine.wrap(function() return 1 end)() end end
--- expect
process terminated
--- case generator
--- entry app:busy
return function()
    for _ in coroutine.wrap(function() while true do coroutine.yield(1) end end) do end
end
--- expect
process terminated
--- case managed coroutine
--- entry app:busy
return function()
    coroutine.spawn(function() while true do end end)
    while true do end
end
--- expect
process terminated
--- case coroutines that give way to each other
--- entry app:busy
return function()
    coroutine.spawn(function() while true do coroutine.yield() end end)
    while true do coroutine.yield() end
end
--- expect
process terminated
--- case metamethod __index
--- entry app:busy
return function() return setmetatable({}, { __index = function() while true do end end }).x end
--- expect
process terminated
--- case metamethod __newindex
--- entry app:busy
return function() setmetatable({}, { __newindex = function() while true do end end }).x = 1 end
--- expect
process terminated
--- case metamethod __add
--- entry app:busy
return function() return setmetatable({}, { __add = function() while true do end end }) + 1 end
--- expect
process terminated
--- case metamethod __concat
--- entry app:busy
return function() return "a" .. setmetatable({}, { __concat = function() while true do end end }) .. "b" end
--- expect
process terminated
--- case metamethod __eq
--- entry app:busy
return function()
    local mt = { __eq = function() while true do end end }
    return setmetatable({}, mt) == setmetatable({}, mt)
end
--- expect
process terminated
--- case metamethod __lt
--- entry app:busy
return function()
    local mt = { __lt = function() while true do end end }
    return setmetatable({}, mt) < setmetatable({}, mt)
end
--- expect
process terminated
--- case metamethod __len
--- entry app:busy
return function() return #setmetatable({}, { __len = function() while true do end end }) end
--- expect
process terminated
--- case metamethod __unm
--- entry app:busy
return function() return -setmetatable({}, { __unm = function() while true do end end }) end
--- expect
process terminated
--- case metamethod __call
--- entry app:busy
return function() return setmetatable({}, { __call = function() while true do end end })() end
--- expect
process terminated
--- case metamethod __tostring
--- entry app:busy
return function() return tostring(setmetatable({}, { __tostring = function() while true do end end })) end
--- expect
a callback that cannot be interrupted does not come to an end
--- case sort comparator
--- entry app:busy
return function() table.sort({ 1, 2, 3 }, function() while true do end end) end
--- expect
a callback that cannot be interrupted does not come to an end
--- case sort comparator that catches what ends it
--- entry app:busy
return function()
    while true do
        pcall(table.sort, { 1, 2, 3 }, function()
            while true do pcall(function() while true do end end) end
        end)
    end
end
--- expect
a callback that cannot be interrupted does not come to an end
--- case sort by a metamethod
--- entry app:busy
return function()
    local mt = { __lt = function() while true do end end }
    table.sort { setmetatable({}, mt), setmetatable({}, mt) }
end
--- expect
a callback that cannot be interrupted does not come to an end
--- case gsub callback
--- entry app:busy
return function() return (("x"):gsub("x", function() while true do end end)) end
--- expect
a callback that cannot be interrupted does not come to an end
--- case gsub by a table with __index
--- entry app:busy
return function()
    return (("x"):gsub("x", setmetatable({}, { __index = function() while true do end end })))
end
--- expect
a callback that cannot be interrupted does not come to an end
--- case coroutine in a sort comparator
--- entry app:busy
return function()
    table.sort({ 1, 2, 3 }, function()
        return coroutine.wrap(function() while true do end end)()
    end)
end
--- expect
a callback that cannot be interrupted does not come to an end
--- case sorts for ever
--- entry app:busy
return function()
    while true do
        local t = {}
        for i = 1, 200 do t[i] = i * 7919 % 503 end
        table.sort(t, function(a, b) return a < b end)
    end
end
--- expect
process terminated
--- case replacements for ever
--- entry app:busy
return function()
    local text = ("x"):rep(1000)
    while true do text:gsub("x", function(c) return c end) end
end
--- expect
process terminated
--- case hostile patterns for ever
--- entry app:busy
return function()
    while true do pcall(string.find, ("a"):rep(60), ("a-"):rep(4) .. "b") end
end
--- expect
process terminated
--- case numbers, strings and tables for ever
--- entry app:busy json
return function()
    local list = {}
    for i = 1, 2000 do list[i] = { id = i, name = "n" .. i } end
    while true do json.decode(json.encode(list)) end
end
--- expect
process terminated
--- case messages to itself for ever
--- entry app:busy
return function()
    local inbox = process.inbox()
    while true do
        process.send(process.pid(), "again", { 1, 2, 3 })
        inbox:receive()
    end
end
--- expect
process terminated
--- case select with a default for ever
--- entry app:busy
return function()
    local c = channel.new()
    while true do channel.select { c:case_receive(), default = true } end
end
--- expect
process terminated
--- case memory errors caught for ever
--- entry app:busy
return function() while true do pcall(string.rep, "x", 1 << 30) end end
--- expect
not enough memory
--- case memory errors of host functions caught for ever
--- entry app:busy json
return function()
    local all = {}
    while true do
        pcall(function() all[#all + 1] = json.decode("[" .. ("{},"):rep(100000) .. "{}]") end)
    end
end
--- expect
not enough memory
