//! The memory limit of a process: a clean error wherever it is met, forgiven once, and no punishment for garbage.

#[path = "app/mod.rs"]
mod app;

use app::{App, Parts, shown};
use wippy_runtime::process::Limits;

fn app(memory: usize) -> App {
    App::seeded_with(1, Parts { limits: Limits { memory, ..Limits::default() }, ..Parts::default() })
}

/// What `source` as the main function of a process gives under `limit` bytes.
fn run(limit: usize, source: &str, modules: &[&str]) -> String {
    let app = app(limit);
    app.define("app:main", &format!("return function() {source} end"), modules);
    shown(&app.run("app:main", &[]))
}

/// A module that does a bit of everything, while it is loaded and when it runs.
const EVERYTHING: &str = r#"
    local json = require("json")
    local M = { names = {}, made = json.decode('{"list": [1, 2, 3], "text": "a text of more than forty bytes, on the heap"}') }
    for i = 1, 20 do M.names["name " .. i] = function() return i end end
    local count = 0
    for w in ("some words to be counted"):gmatch("%a+") do count = count + #w end
    function M.main()
        local inbox = process.inbox()
        process.send(process.pid(), "topic", { n = 1, list = { "x", "y" }, text = ("z"):rep(100) })
        local got = inbox:receive():payload():data()
        local co = coroutine.wrap(function(a) for i = 1, 3 do a = a .. coroutine.yield(#a) end return a end)
        co("start") co("-a") co("-b")
        local ch, sum = channel.new(2), 0
        coroutine.spawn(function() for i = 1, 3 do ch:send(i) end ch:close() end)
        while true do
            local v, ok = ch:receive()
            if not ok then break end
            sum = sum + v
        end
        local t = {}
        for i = 1, 50 do t[i] = string.format("%5d|%s", i * 7919 % 53, got.text:sub(i, i)) end
        table.sort(t, function(a, b) return a < b end)
        local ok, e = pcall(error, { code = count })
        return co("-c") .. " " .. sum .. " " .. #json.encode({ t, M.made }) .. " " .. e.code
    end
    return M
"#;

#[test]
fn a_limit_met_anywhere_is_a_clean_error() {
    let everything = |limit: usize| {
        let app = app(limit);
        app.define("app:main", EVERYTHING, &["json"]);
        shown(&app.run("app:main", &[]))
    };
    let plain = everything(0);
    assert_eq!(plain.split(' ').next(), Some("start-a-b-c"), "{plain}");
    let (mut done, mut failed) = (0, 0);
    // That a VM gives back every byte is asserted when it is dropped.
    for limit in (512..40 << 10).step_by(96) {
        let got = everything(limit);
        if got == plain {
            done += 1;
        } else {
            assert!(got.starts_with("error ") && got.contains("not enough memory"), "{limit}: {got}");
            failed += 1;
        }
    }
    assert!(done > 40 && failed > 40, "{done} done, {failed} failed");
}

#[test]
fn garbage_is_not_punished() {
    let limit = 256 << 10;
    for source in [
        "for i = 1, 20000 do local t = { i, tostring(i), {} } end",
        "for i = 1, 300 do local s = ('x'):rep(50000) end",
        "local keep = ('x'):rep(100000) for i = 1, 300 do local s = keep .. i end",
        "for i = 1, 300 do json.decode('[' .. ('{\"a\": [1, 2, 3]},'):rep(200) .. '{}]') end",
        "local list = {} for i = 1, 300 do list[i] = { n = i } end for i = 1, 100 do json.encode(list) end",
        "for i = 1, 300 do process.send(process.pid(), 'x', ('y'):rep(10000)) process.inbox():receive() end",
        "for i = 1, 3000 do coroutine.wrap(function() return i end)() end",
    ] {
        assert_eq!(run(limit, &format!("{source} return 'fine'"), &["json"]), "fine", "{source}");
    }
}

#[test]
fn a_memory_error_may_be_caught_once_between_two_waits() {
    let limit = 256 << 10;
    let greedy = "local function greedy() return (pcall(string.rep, 'x', 1 << 20)) end ";
    for (source, expected) in [
        ("string.rep('x', 1 << 20)", "error Internal: not enough memory"),
        ("return tostring(greedy())", "false"),
        ("greedy() time.sleep('1ms') greedy() time.sleep('1ms') greedy() return 'goes on'", "goes on"),
        ("greedy() greedy() while true do end", "error LimitExceeded: not enough memory"),
        ("while true do greedy() end", "error LimitExceeded: not enough memory"),
        // Passing the error on is not meeting it again.
        (
            "local ok = pcall(function() local ok, e = pcall(string.rep, 'x', 1 << 20) error(e, 0) end)
             for i = 1, 100000 do end return tostring(ok)",
            "false",
        ),
        // Nor is there a way around it by what cannot be interrupted.
        (
            "table.sort({ 1, 2, 3 }, function(a, b) while true do greedy() end end)",
            "error LimitExceeded: not enough memory",
        ),
        (
            "local all = {} while true do pcall(function() all[#all + 1] = json.decode('[' .. ('{},'):rep(1000) .. '{}]') end) end",
            "error LimitExceeded: not enough memory",
        ),
    ] {
        assert_eq!(run(limit, &format!("{greedy}{source}"), &["json", "time"]), expected, "{source}");
    }
}

#[test]
fn use_peak_and_limit_of_a_process_can_be_read() {
    let source = "
        do local big = ('x'):rep(100000) end
        time.sleep('1ms')
        local stats = system.hosts.processes('app:host')[1].stats
        return tostring(stats.memory > 1000 and stats.memory < 50000) .. ' ' ..
            tostring(stats.memory_peak > 100000 and stats.memory_peak < 262144) .. ' ' .. tostring(stats.memory_limit)";
    assert_eq!(run(256 << 10, source, &["system", "time"]), "true true 262144");
    assert!(run(0, source, &["system", "time"]).ends_with(" nil"), "no limit");
}

#[test]
fn types_that_a_program_makes_are_memory_of_its_own() {
    let limit = 256 << 10;
    let declared =
        "type Box<T> = {value: T, list: {T}, note: string? @pattern('^x')}\ntype Name = string\nlocal kept = {}\n";
    let run = |body: &str| {
        let app = app(limit);
        app.define("app:main", &format!("{declared}return function() {body} return 'fine' end"), &[]);
        shown(&app.run("app:main", &[]))
    };
    // Each is a hundred bytes in the VM's heap, and up to some thousand beside it.
    for body in [
        "for i = 1, 1000 do KEEP = Box(string) end",
        "for i = 1, 300 do local t = Box(Name) KEEP = t t:is({value = 'x', list = {}}) end",
        "local t = Box(string) for i = 1, 1000 do KEEP = t.list end",
        "for i = 1, 20 do local t = Name for i = 1, 50 do t = Box(t) KEEP = t end end",
        "for i = 1, 1000 do KEEP = Box(string):fields() end",
    ] {
        let kept = run(&body.replace("KEEP", "kept[#kept + 1]"));
        assert!(kept.contains("not enough memory"), "{body}: {kept}");
        assert_eq!(run(&body.replace("KEEP", "kept[1]")), "fine", "{body}");
    }
}
