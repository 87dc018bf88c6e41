//! No loop holds its worker. Each shape of endless loop in `tests/preemption/` runs beside a process that answers:
//! however the code loops, the others get their turns step by step, and it can be ended. Under a seed and with slices
//! of no length, so turns are counted and no time is measured.

#[path = "app/mod.rs"]
mod app;

use app::{App, Case, Parts, cases, shown};
use wippy_runtime::clock::LOOK;
use wippy_runtime::process::Limits;

const LIMIT: usize = 64 << 20;

const MAIN: &str = r#"return function()
    local inbox, events = process.inbox(), process.events()
    local echo = assert(process.spawn_linked("app:echo", "app:host"))
    local busy = assert(process.spawn_monitored("app:busy", "app:host"))
    for i = 1, 30 do
        assert(process.send(echo, "ping", i))
        assert(inbox:receive():payload():data() == i)
    end
    process.terminate(busy)
    local event = events:receive()
    return event.result.error:message()
end"#;

const ECHO: &str = r#"return function()
    local pings = process.listen("ping", { message = true })
    while true do
        local ping = pings:receive()
        process.send(ping:from(), "pong", ping:payload():data())
    end
end"#;

/// Steps in which all of it has to happen: 30 rounds of three processes, and what the seed gives the busy one.
const STEPS: usize = 2000;

fn run(case: &Case, seed: u64) -> String {
    let limits = Limits { slice: 0, memory: LIMIT, ..Limits::default() };
    let app = App::seeded_with(seed, Parts { limits, ..Parts::default() });
    app.define("app:main", MAIN, &[]);
    app.define("app:echo", ECHO, &[]);
    for (id, modules, source) in &case.entries {
        let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
        app.define(id, source, &modules);
    }
    shown(&app.run_within("app:main", &[], STEPS))
}

#[test]
fn every_loop_is_interrupted_and_can_be_ended() {
    let all = cases(include_str!("preemption/loops.lua"));
    assert!(all.len() > 40);
    let mut wrong = String::new();
    for case in &all {
        // What is ended by a budget takes a second.
        let seeds = if case.expect.starts_with("process terminated") { 3 } else { 1 };
        for seed in 0..seeds {
            let got = run(case, seed);
            if got.trim_end() != case.expect.trim_end() {
                wrong.push_str(&format!("\n{} (seed {seed})\n  expected {}  got      {got}\n", case.name, case.expect));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn expressions_are_paid_for() {
    let run = |times: usize| {
        let limits = Limits { cpu_call: 50 * LOOK, ..Limits::default() };
        let app = App::seeded_with(1, Parts { limits, ..Parts::default() });
        let source = format!(
            "return function()
                for _ = 1, {times} do assert(require('expr').eval('len(filter(1..10000, true))') == 10000) end
                return 'done'
            end"
        );
        app.define("app:main", &source, &["expr"]);
        shown(&app.run_within("app:main", &[], 2000))
    };
    assert_eq!(run(10).trim_end(), "done");
    assert_eq!(run(100).trim_end(), "error Timeout: cpu limit exceeded (500µs)");
}
