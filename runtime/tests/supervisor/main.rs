//! The supervisor on virtual time. Stories in `cases/*.txt` say what happens and what is to be seen; `storm.rs` makes
//! up stories of its own and checks what must hold in all of them. `UPDATE_EXPECT=1` writes the expectations anew.
//!
//! Lines of a story: `create ID {...}`, `update ID {...}`, `delete ID` (lines that follow each other are one
//! transaction, `--` begins another), `start ID`, `stop ID`, `crash|fatal|finish ID`, `wait TIME`, `show`,
//! `settled TIME`, `running ID TIME`, `shutdown TIME`.

mod storm;
mod world;

use std::path::Path;
use std::time::Duration;

use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::{ChangeSet, EntryId};
use wippy_runtime::yaml::{self, Typing};
use wippy_runtime::{Error, duration};

use world::{World, entry};

struct Case<'t> {
    name: &'t str,
    story: Vec<&'t str>,
    expect: Vec<&'t str>,
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let mut all: Vec<Case<'_>> = Vec::new();
    let mut in_expect = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("--- case ") {
            all.push(Case { name, story: Vec::new(), expect: Vec::new() });
            in_expect = false;
        } else if line == "--- expect" {
            in_expect = true;
        } else if let Some(case) = all.last_mut().filter(|_| !line.is_empty()) {
            if in_expect { case.expect.push(line) } else { case.story.push(line) }
        }
    }
    all
}

fn fields(text: &str) -> Map {
    let node = yaml::parse(text).expect("fields").root;
    match node.map(|n| n.into_value(Typing::Json).expect("fields")) {
        Some(Value::Map(map)) => map,
        _ => Map::new(),
    }
}

fn time(text: &str) -> Duration {
    duration::parse_std(text).expect("a duration")
}

/// Plays a story and gives the log.
fn play(story: &[&str]) -> Vec<String> {
    let world = World::new(1, |_, _, _, _, _| None);
    let mut changes = ChangeSet::new();
    for line in story.iter().chain(&["--"]) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let id = EntryId::resolve(name, "a");
        changes = match verb {
            "create" => changes.create(entry(name, fields(rest))),
            "update" => changes.update(entry(name, fields(rest))),
            "delete" => changes.delete(id),
            _ => {
                if !changes.is_empty()
                    && let Err(error) = world.registry.apply(changes)
                {
                    world.stage.note(format!("{error}"));
                }
                act(&world, verb, &id, name, rest);
                world.pass();
                ChangeSet::new()
            }
        };
    }
    let (log, wrong) = (world.stage.log.lock().clone(), world.stage.wrong.lock().clone());
    [log, wrong].concat()
}

fn act(world: &World, verb: &str, id: &EntryId, name: &str, rest: &str) {
    let stage = world.stage.clone();
    match verb {
        "--" => {}
        "start" | "stop" => world.ask(&format!("service.{verb}"), id),
        "crash" => stage.end(id, Err(Error::unavailable("broken").retryable(true))),
        "fatal" => stage.end(id, Err(Error::invalid("broken for good"))),
        "finish" => stage.end(id, Ok(())),
        "wait" => world.wait(time(name)),
        "show" => {
            for s in world.supervisor.states() {
                let details = s.details.map(|d| format!(": {d}")).unwrap_or_default();
                let (status, desired) = (s.status.as_str(), s.desired.as_str());
                stage.note(format!("= {} {status}, desired {desired}, retries {}{details}", s.id, s.retry_count));
            }
        }
        "settled" => world.supervisor.when_settled(time(name), move |unwell| {
            let ids: Vec<&str> = unwell.iter().map(|s| s.id.as_str()).collect();
            stage.note(format!("settled, unwell: [{}]", ids.join(", ")));
        }),
        "running" => {
            let shown = id.clone();
            world.supervisor.when_running(id, time(rest), move |result| match result {
                Ok(()) => stage.note(format!("{shown} is running")),
                Err(e) => stage.note(format!("{:?} {e}", e.kind())),
            });
        }
        "shutdown" => world.supervisor.shutdown(time(name), move |stuck| {
            let ids: Vec<&str> = stuck.iter().map(|s| s.id.as_str()).collect();
            stage.note(format!("shut down, stuck: [{}]", ids.join(", ")));
        }),
        other => panic!("unknown line {other}"),
    }
}

fn run_file(path: &Path, failures: &mut Vec<String>) {
    let text = std::fs::read_to_string(path).expect("a case file");
    let mut written = String::new();
    for case in cases(&text) {
        let got = play(&case.story);
        written += &format!("--- case {}\n{}\n--- expect\n{}\n\n", case.name, case.story.join("\n"), got.join("\n"));
        if got != case.expect {
            let (want, got) = (case.expect.join("\n  "), got.join("\n  "));
            failures.push(format!("{}: {}\n  {want}\ngot\n  {got}", path.display(), case.name));
        }
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, written.trim_end().to_owned() + "\n").expect("a writable case file");
        failures.clear();
    }
}

#[test]
fn stories_go_as_told() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/supervisor/cases");
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("cases").map(|f| f.expect("a file").path()).collect();
    files.sort();
    let mut failures = Vec::new();
    files.iter().for_each(|file| run_file(file, &mut failures));
    assert!(failures.is_empty(), "{} stories went differently:\n{}", failures.len(), failures.join("\n"));
}
