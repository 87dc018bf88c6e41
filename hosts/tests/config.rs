//! What host entries may say, and what they are told when it is wrong.

mod rig;

use rig::entry;
use wippy_hosts::HostConfig;
use wippy_runtime::process::{Limits, Walls};
use wippy_runtime::security::Filter;

fn decode(kind: &str, data: &str) -> Result<HostConfig, String> {
    HostConfig::decode(&entry("app:h", kind, data)).map_err(|e| e.to_string())
}

#[test]
fn defaults() {
    let host = decode("process.host", "host: {workers: 0, queue_size: 0}").unwrap();
    assert_eq!(host.workers, std::thread::available_parallelism().unwrap().get());
    assert_eq!(host.limits, Limits::default());
    assert_eq!((host.walls, host.strict_imports), (Walls::default(), false));
    assert!(!host.lifecycle.auto_start && !host.capabilities.is_restricted());
    assert!(host.capabilities.allows("sql") && !host.capabilities.allows("terminal"));
    let terminal = decode("terminal.host", "{hide_logs: true, lifecycle: {auto_start: true}}").unwrap();
    assert_eq!((terminal.workers, terminal.hide_logs, terminal.lifecycle.auto_start), (1, true, true));
    assert!(terminal.capabilities.allows("terminal") && terminal.capabilities.allows("sql"));
}

#[test]
fn a_sandbox_has_limits_that_can_be_changed_one_by_one() {
    let plain = decode("process.host", "sandbox: true").unwrap();
    let want = Limits {
        memory: 16 << 20,
        processes: 1000,
        mailbox_messages: 10_000,
        mailbox_bytes: 4 << 20,
        message: 1 << 20,
        slice: 1_000_000,
        cpu_call: 5_000_000_000,
        cpu_share: 250,
        timers: 100,
        coroutines: 100,
        handles: 32,
    };
    assert_eq!(plain.limits, want);
    for (name, allowed) in [("json", true), ("process.spawn", true), ("funcs", true), ("sql", false), ("exec", false)] {
        assert_eq!(plain.capabilities.allows(name), allowed, "{name}");
    }
    assert_eq!((plain.walls, plain.strict_imports), (Walls::closed(), false));
    let text = "{sandbox: true, strict_imports: true, messages: {send_to: [app:gateway]}, \
                limits: {memory: 32MiB, mailbox: {messages: 5}, slice: 2ms, cpu: {share: 12.5%}}, \
                capabilities: {allow: [sql, function.lua], deny: [sql.admin]}}";
    let changed = decode("process.host", text).unwrap();
    let limits = Limits { memory: 32 << 20, mailbox_messages: 5, slice: 2_000_000, cpu_share: 125, ..want };
    assert_eq!(changed.limits, limits);
    let walls = Walls { send_to: Some(Filter::new(["app:gateway"])), ..Walls::closed() };
    assert_eq!((changed.walls, changed.strict_imports), (walls, true));
    assert!(changed.capabilities.allows_kind("function.lua") && !changed.capabilities.allows_kind("process.lua"));
    for (name, allowed) in [("sql.query", true), ("sql.admin", false), ("json", false)] {
        assert_eq!(changed.capabilities.allows(name), allowed, "{name}");
    }
}

#[test]
fn wrong_fields_are_named() {
    let cases = [
        ("host: {workers: -1}", "field host.workers: workers must be greater than 0"),
        ("host: {workers: 5000}", "field host.workers: workers must be at most 1024"),
        ("host: {workers: many}", "field host.workers: expected integer, got string"),
        ("host: {queue_size: -2}", "field host.queue_size: queue size must be greater than 0"),
        ("host: {local_queue_size: -2}", "field host.local_queue_size: local queue size must be greater than 0"),
        (
            "limits: {memory: lots}",
            "field limits.memory: invalid size \"lots\", expected a number of bytes such as 1048576, 512KiB or 16MiB",
        ),
        ("limits: {message: 0}", "field limits.message: must be greater than 0"),
        ("limits: {processes: 0}", "field limits.processes: must be at least 1, got 0"),
        ("limits: {slice: 1ns}", "field limits.slice: must be between 10us and 1s, got 1ns"),
        (
            "limits: {memroy: 1MiB}",
            "field limits.memroy: unknown field, expected one of memory, processes, mailbox, message, slice, cpu, timers, coroutines, handles",
        ),
        (
            "limits: {mailbox: {mesages: 1}}",
            "field limits.mailbox.mesages: unknown field, expected one of messages, bytes",
        ),
        ("limits: {cpu: {share: 0%}}", "field limits.cpu.share: expected a share from 0.1% to 100%, got \"0%\""),
        ("limits: {cpu: {share: half}}", "field limits.cpu.share: expected a share from 0.1% to 100%, got \"half\""),
        ("limits: {cpu: {call: 1us}}", "field limits.cpu.call: must be at least 1ms"),
        ("limits: {cpu: {cores: 1}}", "field limits.cpu.cores: unknown field, expected one of share, call"),
        ("limits: {timers: 0}", "field limits.timers: must be at least 1, got 0"),
        ("messages: {sent_to: [app:x]}", "field messages.sent_to: unknown field, expected one of accept_from, send_to"),
        ("messages: {send_to: app:x}", "field messages.send_to: expected list of strings, got string"),
        ("strict_imports: 1", "field strict_imports: expected boolean, got integer"),
        ("capabilities: {alow: [sql]}", "field capabilities.alow: unknown field, expected one of allow, deny"),
        ("capabilities: {deny: [\"\"]}", "field capabilities.deny.0: a capability needs a name"),
        (
            "lifecycle: {stop_timeout: 5}",
            "field lifecycle.stop_timeout: expected duration string such as 5s, got integer",
        ),
        ("sandbox: yes please", "field sandbox: expected boolean, got string"),
    ];
    for (data, want) in cases {
        assert_eq!(decode("process.host", data).unwrap_err(), format!("entry app:h: {want}"), "{data}");
    }
}
