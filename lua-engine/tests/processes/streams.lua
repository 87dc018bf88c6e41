--- case reading ends with nil and no error
--- entry app:main samples stream
return function()
    local out = {}
    for _, make in ipairs({ samples.memory, samples.reader, samples.file }) do
        local s = make("hello world")
        out[#out + 1] = assert(s:read(5))
        out[#out + 1] = assert(s:read())
        local data, err = s:read(10)
        assert(data == nil and err == nil)
    end
    return table.concat(out, "|")
end
--- expect
hello| world|hello| world|hello| world
--- case a read gives 32 KiB unless told, and never more than 64 KiB
--- entry app:main samples
return function()
    local s = samples.file(string.rep("x", 200000))
    return string.format("%d %d %d %d", #s:read(), #s:read(0), #s:read(-5), #s:read(1e9))
end
--- expect
32768 32768 32768 65536
--- case writing, seeking, stat and flush of a file and of memory
--- entry app:main samples
return function()
    local out = {}
    for _, make in ipairs({ samples.memory, samples.file }) do
        local s = make("0123456789")
        assert(s:seek("set", 4) == 4)
        assert(s:write("abcdef and more") == 15)
        assert(s:flush() == true)
        assert(s:seek("cur", -4) == 15)
        out[#out + 1] = s:read()
        assert(s:seek("end", -4) == 15)
        assert(s:seek() == 0)
        out[#out + 1] = s:read(6)
        local st = assert(s:stat())
        out[#out + 1] = string.format("%d %d %s %s %s", st.size, st.position, st.readable, st.writable, st.seekable)
    end
    return table.concat(out, "|")
end
--- expect
more|0123ab|19 6 true true true|more|0123ab|19 6 true true true
--- case what a stream cannot do is an error
--- entry app:main samples
return function()
    local s = samples.reader("abc")
    local n, e = s:write("x")
    local p, e2 = s:seek("set", 1)
    assert(n == 0 and p == -1 and e:kind() == errors.INTERNAL and s:flush() == true)
    local st = s:stat()
    local m = samples.memory("abc")
    local q, e3 = m:seek("set", -1)
    local ok, raised = pcall(m.seek, m, "middle")
    return table.concat({ tostring(e), tostring(e2), st.size, st.position, tostring(st.seekable), q, tostring(e3), raised }, "|")
end
--- expect
stream is not writable|stream is not seekable|-1|-1|false|-1|seek to a negative position|invalid whence: must be 'set', 'cur', or 'end'
--- case a closed stream is not found
--- entry app:main samples
return function()
    local s = samples.file("abc")
    local sc = s:scanner()
    local ok, err = s:close()
    assert(ok == true and err == nil)
    local again, e = s:close()
    local data, e2 = s:read()
    local scanned, e3 = sc:scan()
    assert(again == false and data == nil and scanned == false and e:kind() == errors.INTERNAL)
    return table.concat({ tostring(e), tostring(e2), tostring(e3), tostring(sc:err()) }, "|")
end
--- expect
stream not found|stream not found|stream closed|stream closed
--- case scanning by every split
--- entry app:main samples
return function()
    local out = {}
    for _, split in ipairs({ "lines", "words", "bytes", "runes" }) do
        for _, make in ipairs({ samples.memory, samples.file }) do
            local sc, tokens = make("a b\r\né\n"):scanner(split), {}
            assert(sc:text() == "")
            while sc:scan() do tokens[#tokens + 1] = sc:text() end
            assert(sc:err() == nil and sc:text() == "" and sc:scan() == false)
            out[#out + 1] = split .. #tokens .. ":" .. tokens[#tokens]
        end
    end
    local ok, e = pcall(function() return samples.memory(""):scanner("pages") end)
    out[#out + 1] = e
    return table.concat(out, "|"):gsub("\n", "N"):gsub("[\128-\255]+", "U")
end
--- expect
lines2:U|lines2:U|words3:U|words3:U|bytes8:N|bytes8:N|runes7:N|runes7:N|app:main:12: invalid split type: must be 'lines', 'words', 'bytes', or 'runes'
--- case scanning without an argument goes by lines, and an error stays
--- entry app:main samples
return function()
    local sc = samples.drip("one\ntwo"):scanner()
    assert(sc:scan() and sc:text() == "one")
    local ok, err = sc:scan()
    local again, err2 = sc:scan()
    assert(ok == false and again == false and tostring(err2) == tostring(err))
    return tostring(err) .. "|" .. type(sc:err()) .. "|" .. sc:err()
end
--- expect
the tap is dry|string|the tap is dry
--- case a token has 64 KiB at most
--- entry app:main samples
return function()
    local fits = samples.memory(string.rep("x", 65536) .. "\ny"):scanner()
    local long = samples.memory("y\n" .. string.rep("x", 65537) .. "\ny"):scanner()
    assert(fits:scan() and #fits:text() == 65536 and fits:scan() and fits:text() == "y")
    assert(long:scan())
    local ok, err = long:scan()
    return tostring(err)
end
--- expect
bufio.Scanner: token too long
--- case reading by two coroutines keeps the order of the calls
--- entry app:main samples
return function()
    local s, done, out = samples.file("abcdef"), channel.new(2), {}
    for i = 1, 2 do
        coroutine.spawn(function()
            for _ = 1, 3 do
                local byte = s:read(1)
                out[#out + 1] = byte
            end
            done:send(i)
        end)
    end
    done:receive() done:receive()
    table.sort(out)
    return table.concat(out)
end
--- expect
abcdef
--- case many streams can be opened one after another
--- entry app:main samples
return function()
    for i = 1, 2000 do
        local s = samples.memory("x")
        assert(s:read() == "x")
        if i % 2 == 0 then s:close() end
    end
    return "ok"
end
--- expect
ok
--- case a stream does not cross to another process
--- entry app:main samples
return function()
    local f = process.spawn_monitored("app:other", "app:host", samples.memory("x"))
    return process.events():receive().result.value
end
--- entry app:other
return function(s) return type(s) end
--- expect
nil
--- case methods want a stream
--- entry app:main samples
return function()
    local s = samples.memory("x")
    local ok, e = pcall(s.read, {})
    local ok2, e2 = pcall(s:scanner().scan, s)
    return e .. "|" .. e2
end
--- expect
bad argument #1 to read (stream expected)|bad argument #1 to scan (scanner expected)
