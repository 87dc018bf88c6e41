//! Which chunks do the same each time they run: see csrc/wsteady.c.

use wippy_lua_vm::share::Chunk;

#[test]
fn chunks_that_only_define_are_steady() {
    for source in [
        "",
        "return { main = function() return 1 + 1 end }",
        "local function main(n) for i = 1, n do print(i) end end return { main = main }",
        "local HOST, n, on, off, none = 'a:b', 1.5, true, false, nil; return { main = function() return HOST, n, on, off, none end }",
        "local time = require('time') local json = require 'json' return { main = function() time.sleep(1) end }",
        "local send = process.send function main() send() end return main",
        "local list = { 1, 2, 3, { a = 1, ['b c'] = 2 } } return { main = function() return list end, list = list }",
        "local M = {} function M.main() end M.limit = 3 return M",
        "M = {} M.x = 1 return M.x",
    ] {
        assert!(Chunk::compile("chunk", source.as_bytes()).unwrap().is_steady(), "{source}");
    }
}

#[test]
fn chunks_that_compute_or_call_are_not() {
    for source in [
        "print('hello')",
        "local x = math.random() return { main = function() return x end }",
        "error('no')",
        "local name = 'time' local time = require(name)",
        "local time = require('time', 2)",
        "local r = require local time = r('time')",
        "function require() error('mine') end local time = require('time')",
        "_G.require = error local time = require('time')",
        "local M = { require = error } return M",
        "for i = 1, 3 do end",
        "while true do end",
        "if os then return {} end",
        "local x = a + 1",
        "local x = 'a' .. b",
        "local x = #list",
        "local x = not y",
        "local x = list[i]",
        "list[i] = 1",
        "local t = setmetatable({}, { __index = error }) local x = t.x",
        "return main()",
        "return ...",
        "local s = ('x'):rep(3)",
    ] {
        assert!(!Chunk::compile("chunk", source.as_bytes()).unwrap().is_steady(), "{source}");
    }
}
