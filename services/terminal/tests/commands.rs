//! Commands on a real terminal host. The cases are in `tests/cases/*.lua`:
//! arguments, input and program in; output and exit code out.

mod rig;

use rig::{Desk, entry, hosts, process, wait_until};
use wippy_runtime::registry::{ChangeSet, Entry, EntryId};

#[derive(Default)]
struct Case {
    name: String,
    args: Vec<String>,
    input: String,
    /// Id, modules, source.
    entries: Vec<(String, Vec<String>, String)>,
    want: String,
}

/// Reads `--- case NAME`, `--- args ...`, `--- input`, `--- entry ID [modules...]` and `--- expect` sections.
fn cases(text: &str) -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    let mut section = "";
    for line in text.lines() {
        let (head, rest) = match line.strip_prefix("--- ") {
            Some(head) => head.split_once(' ').unwrap_or((head, "")),
            None => ("", line),
        };
        if head == "case" {
            all.push(Case { name: rest.to_owned(), ..Case::default() });
            continue;
        }
        let case = all.last_mut().expect("a case first");
        let words = || rest.split_whitespace().map(str::to_owned);
        match head {
            "args" => case.args = words().collect(),
            "entry" => {
                let mut words = words();
                case.entries.push((words.next().expect("an id"), words.collect(), String::new()));
                section = "entry";
            }
            "input" => section = "input",
            "expect" => section = "expect",
            _ => {
                let to = match section {
                    "input" => &mut case.input,
                    "expect" => &mut case.want,
                    _ => &mut case.entries.last_mut().expect("an entry first").2,
                };
                to.push_str(line);
                to.push('\n');
            }
        }
    }
    all
}

fn play(case: &Case) -> String {
    let mut desk = Desk::new();
    let mut entries = hosts();
    for (id, modules, source) in &case.entries {
        let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
        entries.push(process(id, &modules, source));
    }
    desk.app.install(entries).unwrap();
    desk.types(&case.input);
    desk.keyboard = None;
    let (stdout, stderr) = (desk.stdout.clone(), desk.stderr.clone());
    let started = desk.run(&case.entries[0].0, None, &case.args);
    let code = match started {
        Ok(_) => desk.finish().to_string(),
        Err(e) => format!("not started: {e}"),
    };
    format!("{}[stderr]\n{}[code {code}]\n", stdout.text(), stderr.text())
}

#[test]
fn cases_give_what_they_expect() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut failures = Vec::new();
    for file in std::fs::read_dir(dir).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for case in cases(&text) {
            let got = play(&case);
            if got != case.want {
                failures.push(format!("{}\n--- expected\n{}--- got\n{got}", case.name, case.want));
            }
        }
    }
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

const GREETER: &str = "return { main = function() io.print('hi') end }";

#[test]
fn the_host_of_a_command_is_the_only_one_or_the_one_that_is_named() {
    let started = |entries: Vec<Entry>, host: Option<&str>| {
        let desk = Desk::new();
        desk.app.install(entries).unwrap();
        let started = desk.run("app:main", host, &[]);
        match started {
            Ok(pid) => {
                let text = pid.host.text().to_string();
                desk.finish();
                text
            }
            Err(e) => {
                desk.app.shutdown(std::time::Duration::from_secs(5));
                e.to_string()
            }
        }
    };
    let main = || process("app:main", &["io"], GREETER);
    let host = |id: &str| entry(id, "terminal.host", "lifecycle: {auto_start: true}");
    assert_eq!(started(vec![main()], None), "no terminal.host found in registry");
    assert_eq!(started(vec![main(), host("app:a")], None), "app:a");
    let two = || vec![main(), host("app:b"), host("app:a")];
    let several = "multiple terminal hosts found (app:a, app:b), use --host to specify";
    assert_eq!(started(two(), None), several);
    assert_eq!(started(two(), Some("app:b")), "app:b");
    let unknown = "failed to start process on host: app:a: factory not found";
    assert_eq!(started(vec![host("app:a")], None), unknown);
}

#[test]
fn a_prompt_is_seen_before_its_answer_is_read() {
    let mut desk = Desk::new();
    let source = "return { main = function()
        io.write('name? ')
        local name = io.readline()
        io.print('hello ' .. name)
        return #name
    end }";
    let mut entries = hosts();
    entries.push(process("app:main", &["io"], source));
    desk.app.install(entries).unwrap();
    desk.run("app:main", None, &[]).unwrap();
    wait_until("the prompt", || desk.stdout.text() == "name? ");
    desk.types("Ada\n");
    let stdout = desk.stdout.clone();
    assert_eq!(desk.finish(), 3);
    assert_eq!(stdout.text(), "name? hello Ada\n");
}

#[test]
fn a_process_that_waits_for_input_can_be_cancelled_and_leaves_the_input_alone() {
    let mut desk = Desk::new();
    let waiter = "return { main = function()
        coroutine.spawn(function() io.print('never ' .. tostring(io.readline())) end)
        process.events():receive()
        return 'canceled'
    end }";
    let reader = "return { main = function() return io.readline() end }";
    let mut entries = hosts();
    entries.extend([process("app:waiter", &["io"], waiter), process("app:reader", &["io"], reader)]);
    desk.app.install(entries).unwrap();
    let pid = desk.run("app:waiter", None, &[]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    desk.app.node.cancel(pid, pid, "stop").unwrap();
    wait_until("the end of the first", || desk.stdout.text() == "canceled\n");
    desk.run("app:reader", None, &[]).unwrap();
    desk.types("for the second\n");
    let stdout = desk.stdout.clone();
    wait_until("the end of the second", || stdout.text().ends_with("for the second\n"));
    assert_eq!(desk.finish(), 0);
}

#[test]
fn stopping_the_program_asks_the_command_to_finish() {
    let desk = Desk::new();
    let source = "return { main = function()
        io.print('ready')
        local e = process.events():receive()
        return e.kind .. ' ' .. e.reason .. ' ' .. e.from
    end }";
    let mut entries = hosts();
    entries.push(process("app:main", &["io"], source));
    desk.app.install(entries).unwrap();
    desk.run("app:main", None, &[]).unwrap();
    let stdout = desk.stdout.clone();
    wait_until("the start", || stdout.text() == "ready\n");
    desk.shutdown.interrupt();
    assert_eq!(desk.finish(), 0);
    assert_eq!(stdout.text(), "ready\npid.cancel scheduler shutdown {|}\n");
}

#[test]
fn a_host_changes_its_workers_in_place_and_nothing_else() {
    let desk = Desk::new();
    let source = "return { main = function() process.events():receive() end }";
    let mut entries = hosts();
    entries.push(process("app:main", &[], source));
    desk.app.install(entries).unwrap();
    let node = &desk.app.node;
    wait_until("the start of the host", || node.process_host("app:processes").is_ok());
    let host = node.process_host("app:processes").unwrap();
    let spawn = || node.spawn(wippy_runtime::SpawnRequest::new(EntryId::parse("app:main"), "app:processes"));
    let pid = spawn().unwrap();
    let change = |data: &str| {
        let changes = ChangeSet::new().update(entry("app:processes", "process.host", data));
        desk.app.registry.apply(changes)
    };
    change("{host: {workers: 5}, lifecycle: {auto_start: true}}").unwrap();
    assert_eq!(host.scheduler.workers(), 5);
    let refused = change("{host: {workers: 6, queue_size: 9}, limits: {memory: 1MiB}, lifecycle: {auto_start: true}}");
    let text = refused.unwrap_err().to_string();
    let want = "host.queue_size, limits cannot change while the host exists; delete and create it";
    assert!(text.contains(want), "{text}");
    assert_eq!(host.scheduler.workers(), 5);
    // A change that fails after it has touched the host leaves all as it was.
    let broken = ChangeSet::new().delete(entry("app:processes", "process.host", "{}").id).create(entry(
        "app:z",
        "process.host",
        "host: {workers: -1}",
    ));
    assert!(desk.app.registry.apply(broken).is_err());
    assert!(std::sync::Arc::ptr_eq(&host, &node.process_host("app:processes").unwrap()));
    assert!(node.router().process(pid).is_some());
    spawn().unwrap();
    // And one that succeeds stops it.
    desk.app.registry.apply(ChangeSet::new().delete(entry("app:processes", "process.host", "{}").id)).unwrap();
    wait_until("the end of the host", || {
        node.process_host("app:processes").is_err_and(|e| e.message() == "host not found")
    });
    assert_eq!(host.live(), 0);
    desk.shutdown.request(0);
    desk.finish();
}
