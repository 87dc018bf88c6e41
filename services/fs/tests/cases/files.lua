--- case reading to the end of a file
--- file a.txt
0123456789
--- main
local fs = require("fs")
return { main = function()
    local f, out = fs.get("app:files"), {}
    local h = assert(f:open("a.txt", "r"))
    out[#out + 1] = h:read(4)
    out[#out + 1] = h:read()
    local rest, err = h:read(10)
    out[#out + 1] = tostring(rest) .. " " .. err:kind() .. " " .. err:message()
    local none, why = h:read(0)
    out[#out + 1] = tostring(none) .. " " .. why:kind() .. " " .. why:message()
    assert(f:writefile("big", string.rep("x", 3000000)))
    local big = f:open("big", "r")
    out[#out + 1] = #big:read() .. " " .. #big:read(2500000) .. " " .. #big:read(10 ^ 12)
    return table.concat(out, "|")
end }
--- expect
0123|456789
|nil NotFound EOF|nil Invalid size must be positive|4096 2500000 495904
--- case writing, appending, seeking
--- file a.txt
old
--- main
local fs = require("fs")
return { main = function()
    local f, out = fs.get("app:files"), {}
    local h = assert(f:open("a.txt", "w"))
    local ok, err = h:write("hello world")
    assert(ok == true and err == nil)
    assert(h:seek(fs.seek.SET, 6) == 6 and h:write("there"))
    assert(h:seek(fs.seek.CUR, -5) == 6 and h:seek(fs.seek.END, 0) == 11)
    assert(h:sync() == true and h:close() == true)
    local a = assert(f:open("a.txt", "a"))
    assert(a:seek("set", 0) == 0 and a:write("!"))
    out[#out + 1] = f:readfile("a.txt")
    local x, exists = f:open("a.txt", "wx")
    out[#out + 1] = tostring(x) .. " " .. exists:kind()
    local r = assert(f:open("a.txt", "r"))
    local function show(value, err) out[#out + 1] = tostring(value) .. " " .. err:kind() .. " " .. err:message() end
    show(r:write("x"))
    show(a:read())
    show(r:write(""))
    show(r:seek("middle", 0))
    show(r:seek("set", -1))
    show(r:seek("cur", -1))
    show(f:open("a.txt", "rw"))
    show(f:open("", "r"))
    out[#out + 1] = select(2, pcall(r.seek, r, "set"))
    out[#out + 1] = select(2, pcall(f.open, f, "a.txt"))
    return table.concat(out, "\n")
end }
--- expect
hello there!
nil NotFound
false Internal write a.txt: bad file descriptor
nil Internal read a.txt: bad file descriptor
false Invalid data required
nil Invalid invalid whence: must be 'set', 'cur', or 'end'
nil Internal seek a.txt: invalid argument
nil Internal seek a.txt: invalid argument
nil Invalid invalid mode: must be 'r', 'w', 'wx' or 'a'
nil Invalid path required
bad argument #3 to seek (number expected, got no value)
bad argument #3 to open (string expected, got no value)
--- case what is known about an open file
--- file sub/a.txt
hello
--- main
local fs = require("fs")
return { main = function()
    local f = fs.get("app:files")
    local h = assert(f:open("sub/a.txt", "a"))
    assert(h:write("more"))
    local st = assert(h:stat())
    return table.concat({ st.name, st.size, st.type, tostring(st.is_dir), tostring(h), tostring(h:close()), tostring(h) }, "|")
end }
--- expect
a.txt|10|file|false|fs.File{}|true|fs.File{closed}
--- case a closed file
--- file a.txt
hello
--- main
local fs = require("fs")
return { main = function()
    local f, out = fs.get("app:files"), {}
    local h = assert(f:open("a.txt", "r"))
    local s = assert(h:scanner())
    assert(h:close() == true and h:close() == true)
    local function show(value, err) out[#out + 1] = tostring(value) .. " " .. err:kind() .. " " .. err:message() end
    show(h:read())
    show(h:write("x"))
    show(h:seek("set", 0))
    show(h:seek("set", -1))
    show(h:stat())
    show(h:sync())
    show(h:scanner())
    assert(s:scan() == false and s:err():kind() == "Internal")
    return table.concat(out, "\n")
end }
--- expect
nil Internal file already closed
false Internal file already closed
nil Internal file already closed
nil Internal file already closed
nil Internal file already closed
false Internal file already closed
nil Invalid file is closed
--- case scanning by every split
--- file a.txt
one two
é
--- main
local fs = require("fs")
return { main = function()
    local f, out = fs.get("app:files"), {}
    for _, split in ipairs({ "lines", "words", "bytes", "runes" }) do
        local s, tokens = f:open("a.txt", "r"):scanner(split), {}
        assert(s:text() == "")
        while s:scan() do tokens[#tokens + 1] = s:text() end
        assert(s:err() == nil and s:text() == "" and select("#", s:scan()) == 1)
        out[#out + 1] = split .. #tokens
    end
    local lines, n = f:open("a.txt", "r"):scanner(), 0
    while lines:scan() do n = n + 1 end
    local h = f:open("a.txt", "r")
    local none, err = h:scanner("pages")
    assert(none == nil and err:kind() == "Invalid")
    local long = f:open("long", "w")
    assert(long:write("short\n" .. string.rep("x", 65537)))
    local s = f:open("long", "r"):scanner()
    assert(s:scan() and s:text() == "short" and s:scan() == false and s:text() == "")
    return table.concat(out, " ") .. " " .. n .. "|" .. err:message() .. "|" .. s:err():kind() .. " " .. s:err():message()
end }
--- expect
lines2 words3 bytes11 runes10 2|invalid split type: must be 'lines', 'words', 'bytes', or 'runes'|Internal bufio.Scanner: token too long
--- case what coroutines do with one file happens in the order of the calls
--- main
local fs = require("fs")
return { main = function()
    local f = fs.get("app:files")
    local h, done = f:open("log", "w"), channel.new(10)
    for i = 1, 10 do
        coroutine.spawn(function()
            h:write(tostring(i % 10))
            done:send(i)
        end)
    end
    for _ = 1, 10 do done:receive() end
    h:close()
    return f:readfile("log")
end }
--- expect
1234567890
