--- case arguments reach main and the argument list
--- args one --two 3
--- entry app:main io
return { main = function(...)
    io.print(select("#", ...), ...)
    io.print(table.concat(io.args(), ","))
end }
--- expect
3	one	--two	3
one,--two,3
[stderr]
[code 0]
--- case arguments are known while the chunk runs
--- args x
--- entry app:main io
local first = io.args()[1]
return { main = function() return first end }
--- expect
x
[stderr]
[code 0]
--- case what is written and in which order
--- entry app:main io
return { main = function()
    assert(io.write("a", 1, 2.5, nil, true, {}, "b") == true)
    assert(io.write() == true and io.flush() == true)
    io.print()
    assert(io.print("x", nil, errors.new("broken"), 7) == true)
    io.eprint("to", "stderr")
    for i = 1, 3 do io.write(i, "\n") end
    return 4
end }
--- expect
a12.5b
x		broken	7
1
2
3
[stderr]
to	stderr
[code 4]
--- case lines and bytes of the input
--- input
first line
second

last
--- entry app:main io
return { main = function()
    io.print((io.readline()))
    io.print((io.read(3)), (io.readline()))
    io.print("[" .. io.readline() .. "]")
    io.print((io.read()))
    local data, err = io.read()
    io.print(tostring(data == nil), tostring(err), err:kind())
    local line, err2 = io.readline()
    io.print(tostring(line == nil), tostring(err2))
end }
--- expect
first line
sec	ond
[]
last

true	EOF	Internal
true	EOF
[stderr]
[code 0]
--- case a coroutine that reads does not hold up others
--- input
typed
--- entry app:main io
return { main = function()
    local done = channel.new(1)
    coroutine.spawn(function() done:send(io.readline()) end)
    io.print("meanwhile")
    return (done:receive())
end }
--- expect
meanwhile
typed
[stderr]
[code 0]
--- case raw mode needs a terminal
--- entry app:main io
return { main = function()
    local ok, err = io.raw()
    io.print(tostring(ok), tostring(err), err:kind())
    io.print(tostring(io.raw(false)))
    return pcall(io.raw, "yes")
end }
--- expect
false	raw terminal control unavailable	Unavailable
true
[stderr]
bad argument #1 to raw (boolean expected, got string)
[code 1]
--- case a table as result shows nothing
--- entry app:main
return { main = function() return { 1, 2 } end }
--- expect
[stderr]
[code 0]
--- case true is success
--- entry app:main
return { main = function() return true end }
--- expect
[stderr]
[code 0]
--- case an error that is raised
--- entry app:main
return { main = function()
    error("it broke")
end }
--- expect
[stderr]
app:main:2: it broke
[code 1]
--- case an error that is returned
--- entry app:main
return { main = function() return nil, errors.new({ message = "no such thing", kind = errors.NOT_FOUND }) end }
--- expect
[stderr]
no such thing
[code 1]
--- case a process on another host has no terminal
--- entry app:main io
return { main = function()
    local pid = process.spawn_monitored("app:other", "app:processes")
    local e = process.events():receive()
    io.print(e.result.value)
    return e.result.error
end }
--- entry app:other io
return { main = function()
    local out = { #io.args() }
    for _, name in ipairs({ "write", "print", "eprint", "read", "readline", "raw", "flush" }) do
        local v, err = io[name]()
        out[#out + 1] = tostring(v) .. " " .. tostring(err) .. " " .. err:kind()
    end
    for i = 3, #out do assert(out[i] == out[2], out[i]) end
    return out[1] .. " " .. out[2]
end }
--- expect
0 nil no terminal context Unavailable
[stderr]
[code 0]
--- case a process spawned on the terminal host has the terminal, too
--- entry app:main io
return { main = function()
    process.spawn_monitored("app:child", "app:terminal", "a", 5, "b")
    process.events():receive()
    io.print("parent")
end }
--- entry app:child io
return { main = function(...) io.print("child", table.concat(io.args(), "+")) end }
--- expect
child	a+b
parent
[stderr]
[code 0]
--- case code that does not load
--- entry app:main
error("at load")
--- expect
[stderr]
[code not started: failed to start process on host: app:terminal: failed to execute script: app:main:1: at load]
