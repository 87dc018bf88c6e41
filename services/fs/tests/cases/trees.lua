--- case whole files are read and written
--- file a.txt
hello
--- main
local fs = require("fs")
return { main = function()
    local f = assert(fs.get("app:files"))
    local out = { (f:readfile("a.txt")), f:read_file("/a.txt") }
    local ok, err = f:writefile("b.txt", "one")
    assert(ok == true and err == nil)
    assert(f:write_file("b.txt", " two", "a"))
    out[#out + 1] = f:readfile("b.txt")
    assert(f:writefile("b.txt", "three"))
    out[#out + 1] = f:readfile("b.txt")
    local made, why = f:writefile("b.txt", "four", "wx")
    out[#out + 1] = tostring(made) .. " " .. why:kind() .. " " .. why:message()
    assert(f:writefile("new.txt", "", "wx") and f:readfile("new.txt") == "")
    assert(f:writefile("bytes", "\0\255\n") and f:readfile("bytes") == "\0\255\n")
    return table.concat(out, "|")
end }
--- expect
hello
|hello
|one two|three|false NotFound open b.txt: openat b.txt: file exists
--- case what cannot be read or written is an error with its kind
--- file a.txt
--- main
local fs = require("fs")
return { main = function()
    local f, out = fs.get("app:files"), {}
    local function show(value, err)
        out[#out + 1] = string.format("%s %s %s %s", tostring(value), err:kind(), tostring(err:retryable()), err:message())
    end
    show(f:readfile("none"))
    show(f:readfile("empty"))
    show(f:readfile(""))
    show(f:readfile("../a.txt"))
    show(f:readfile("a\0.txt"))
    show(f:writefile("none/a", "x"))
    show(f:writefile("empty", "x"))
    show(f:writefile("a.txt"))
    show(f:writefile("a.txt", "x", "r"))
    show(f:writefile("", "x"))
    show(f:writefile("/../x", "x"))
    show(f:writefile("a.txt", 5))
    show(f:writefile("a.txt", {}))
    show(f:writefile("a.txt", f))
    return table.concat(out, "\n")
end }
--- expect
nil NotFound false open none: openat none: no such file or directory
nil Internal false read empty: is a directory
nil Invalid false path required
nil Invalid false path traversal not allowed
nil Invalid false path contains null byte
false NotFound false open none/a: openat none/a: no such file or directory
false NotFound false open empty: openat empty: is a directory
false Invalid false data argument required
false Invalid false invalid mode; must be 'w', 'wx' or 'a'
false Invalid false path required
false Invalid false path traversal not allowed
false Invalid false invalid input type, expected string or Reader
false Invalid false invalid input type, expected string or Reader
false Invalid false input does not implement io.Reader
--- case data of a wrong type has emptied the file already
--- file a.txt
hello
--- main
local fs = require("fs")
return { main = function()
    local f = fs.get("app:files")
    f:writefile("a.txt", true)
    return #f:readfile("a.txt")
end }
--- expect
Int(0)
--- case a reader is written to its end
--- file a.txt
one
two
--- main
local fs = require("fs")
return { main = function()
    local f = fs.get("app:files")
    assert(f:writefile("big", string.rep("0123456789", 30000)))
    local h = assert(f:open("big", "r"))
    assert(h:seek("set", 10) == 10)
    local ok, err = f:writefile("copy", h)
    assert(ok == true and err == nil)
    assert(#f:readfile("copy") == 299990)
    local rest, eof = h:read()
    assert(rest == nil and eof:message() == "EOF")
    assert(h:close())
    local done, closed = f:writefile("copy", h)
    local missing, why = f:writefile("none/copy", f:open("a.txt", "r"))
    local w = f:open("w", "w")
    local not_read, reason = f:writefile("copy", w)
    return table.concat({ tostring(done), closed:kind(), closed:message(), why:kind(), reason:kind(), reason:message() }, "|")
end }
--- expect
false|Internal|file already closed|NotFound|Internal|read w: bad file descriptor
--- case directories
--- file sub/inner/a.txt
hello
--- main
local fs = require("fs")
return { main = function()
    local f, out = fs.get("app:files"), {}
    local function note(...)
        local t = {}
        for i = 1, select("#", ...) do
            local v = select(i, ...)
            t[i] = type(v) == "userdata" and v:kind() .. ": " .. v:message() or tostring(v)
        end
        out[#out + 1] = table.concat(t, " ")
    end
    note(f:pwd()) note(tostring(f))
    note(f:chdir("sub/inner")) note(f:pwd()) note(tostring(f))
    note(f:readfile("a.txt") == "hello\n", f:exists("/sub"), f:exists("sub"), f:exists(""), f:isdir(""))
    note(f:chdir("a.txt")) note(f:chdir("none")) note(f:chdir("../../..")) note(f:pwd())
    note(f:chdir("..")) note(f:pwd()) note(f:chdir("/")) note(f:pwd()) note(f:chdir(""))
    note(f:mkdir("made")) note(f:mkdir("made")) note(f:mkdir("no/made")) note(f:isdir("made"))
    note(f:isdir("none")) note(f:isdir("sub/inner/a.txt")) note(f:exists("..")) note(f:exists("none"))
    note(f:remove("sub")) note(f:remove("none")) note(f:remove("made")) note(f:exists("made")) note(f:remove("/"))
    note(f:remove("sub/inner/a.txt")) note(f:remove("./sub/inner/")) note(f:mkdir(""))
    return table.concat(out, "\n")
end }
--- expect
/ nil
fs.FS{cwd=.}
true nil
/sub/inner nil
fs.FS{cwd=sub/inner}
true true false true true nil
false Invalid: not a directory: a.txt
false NotFound: stat sub/inner/none: statat sub/inner/none: no such file or directory
false Invalid: path traversal not allowed
/sub/inner nil
true nil
/sub nil
true nil
/ nil
false Invalid: path required
true nil
false AlreadyExists: path already exists: made
false Internal: mkdir no/made: mkdirat no/made: no such file or directory
true nil
false NotFound: stat none: statat none: no such file or directory
false nil
false Invalid: path traversal not allowed
false nil
false Invalid: directory not empty: sub
false Internal: remove none: unlinkat none: no such file or directory
true nil
false nil
false Internal: remove .: unlinkat .: invalid argument
true nil
true nil
false Invalid: path required
--- case reading a directory
--- file b.txt
--- file a/x
--- file c
--- main
local fs = require("fs")
return { main = function()
    local f, names = fs.get("app:files"), {}
    for e in f:readdir("/") do names[#names + 1] = e.name .. "=" .. e.type end
    local iter, state = f:readdir(".")
    assert(f:remove("c"))
    for e in iter, state do names[#names + 1] = e.name end
    assert(iter(state) == nil and iter(state) == nil)
    local none, err = f:readdir("none")
    local file, why = f:readdir("b.txt")
    assert(none == nil and file == nil)
    for e in f:readdir("empty") do error("not empty") end
    return table.concat(names, " ") .. "|" .. err:kind() .. "|" .. why:kind() .. " " .. why:message()
end }
--- expect
a=directory b.txt=file c=file empty=directory a b.txt c empty|NotFound|Invalid not a directory: b.txt
--- case what is known about files
--- file sub/a.txt
hello
--- main
local fs = require("fs")
return { main = function()
    local f = fs.get("app:files")
    local a, d, root = f:stat("sub/a.txt"), f:stat("sub"), f:stat("/")
    assert(a.type == fs.type.FILE and d.type == fs.type.DIR and a.is_dir == false and d.is_dir == true)
    assert(a.modified > 1500000000 and math.type(a.modified) == "integer")
    assert(d.mode >= 2 ^ 31 and d.mode - 2 ^ 31 < 512 and a.mode < 512)
    local none, err = f:stat("none")
    assert(f:writefile("made", "x"))
    return table.concat({ a.name, a.size, d.name, root.name, tostring(none), err:kind(), err:message(), string.format("%o", f:stat("made").mode & 0x1c0) }, "|")
end }
--- expect
a.txt|6|sub|.|nil|NotFound|stat none: statat none: no such file or directory|600
--- case each get gives an object of its own, and wrong names are refused
--- main
local fs = require("fs")
return { main = function()
    local f, g = fs.get("app:files"), fs.get("app:files")
    assert(f:chdir("empty"))
    local none, err = fs.get("")
    local other, why = fs.get("app:main")
    assert(none == nil and other == nil)
    local ok, raised = pcall(fs.get)
    return table.concat({ f:pwd(), g:pwd(), err:kind(), err:message(), why:kind(), why:message(), raised }, "|"):gsub("|nil", "")
end }
--- expect
/empty|/|Invalid|filesystem name required|NotFound|filesystem not found: app:main|bad argument #1 to get (string expected, got no value)
--- case files are there while a chunk loads and in callbacks
--- file numbers
3
1
2
--- main
local fs = require("fs")
local f = assert(fs.get("app:files"))
local content = assert(f:readfile("numbers"))
assert(f:mkdir("made") and f:isdir("made") and f:writefile("made/x", "y"))
return { main = function()
    local all = {}
    for n in content:gmatch("%d") do all[#all + 1] = n end
    table.sort(all, function(a, b) return f:exists("numbers") and a < b end)
    local changed = content:gsub("%d", function(n) return f:readfile("made/x") .. n end)
    return table.concat(all) .. changed:gsub("\n", "")
end }
--- expect
123y3y1y2
--- case a mode without write bits makes a tree that cannot be changed
--- fields mode: "0444"
--- file a.txt
hello
--- main
local fs = require("fs")
return { main = function()
    local f, out = fs.get("app:files"), {}
    local function show(value, err) out[#out + 1] = tostring(value) .. " " .. err:kind() .. " " .. err:message() end
    show(f:writefile("a.txt", "x"))
    show(f:open("a.txt", "a"))
    show(f:mkdir("d"))
    show(f:remove("a.txt"))
    local n = 0
    for _ in f:readdir("/") do n = n + 1 end
    return f:readfile("a.txt") .. n .. "\n" .. f:stat("a.txt").size .. "\n" .. table.concat(out, "\n")
end }
--- expect
hello
2
6
false NotFound open a.txt: openat a.txt: permission denied
nil NotFound open a.txt: openat a.txt: permission denied
false Internal mkdir d: mkdirat d: permission denied
false Internal remove a.txt: unlinkat a.txt: permission denied
--- case a mode without read bits still lets files be read by name
--- fields mode: "0300"
--- file a.txt
hello
--- main
local fs = require("fs")
return { main = function()
    local f, out = fs.get("app:files"), {}
    local function show(value, err) out[#out + 1] = tostring(value) .. " " .. err:kind() .. " " .. err:message() end
    show(f:stat("a.txt"))
    show(f:readdir("/"))
    assert(f:exists("a.txt") == false and f:writefile("b", "x") and f:readfile("b") == "x")
    return f:readfile("a.txt") .. table.concat(out, "\n")
end }
--- expect
hello
nil NotFound stat a.txt: statat a.txt: permission denied
nil Internal readdir .: openat .: permission denied
