//! A thousand services that fail, hang and end as they please, while entries change and people start and stop them.
//! Whatever happens: a service has one run at a time, starts when its needs are there, and stops before they do.

use std::collections::BTreeSet;
use std::time::Duration;

use wippy_runtime::entropy::{Entropy, SeededEntropy};
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::{ChangeSet, EntryId};
use wippy_runtime::supervisor::{ServiceState, Status, Supervisor};
use wippy_runtime::{Error, yaml};

use super::world::{Call, Stage, World, entry};

const SERVICES: u64 = 1000;
const ACTIONS: u64 = 300;

fn name(n: u64) -> String {
    format!("s{n:03}")
}

fn id(n: u64) -> EntryId {
    EntryId::new("a", &name(n))
}

/// The fields of service `n`, which needs at most three of those before it.
fn fields(n: u64, entropy: &SeededEntropy) -> Map {
    let pick = |choices: &[&'static str]| choices[entropy.below(choices.len() as u64) as usize];
    let requires: BTreeSet<String> = match n {
        0 => BTreeSet::new(),
        n => (0..entropy.below(4)).map(|_| name(entropy.below(n))).collect(),
    };
    let requires: Vec<String> = requires.into_iter().collect();
    let start = || pick(&["run", "run", "run", "run", "1s", "3s", "fail", "fail", "hang", "once", "fatal", "panic"]);
    let (first, second) = (start(), start());
    let stops = pick(&["now", "now", "now", "1s", "5s", "badly", "never"]);
    let change = pick(&["restart", "next run"]);
    let auto = entropy.below(3) > 0;
    let attempts = entropy.below(4);
    let text = format!(
        "{{auto_start: {auto}, requires: [{}], starts: [{first}, {second}, run], stops: {stops}, change: {change}, \
         start_timeout: 2s, stop_timeout: 3s, restart: {{initial_delay: 500ms, max_delay: 4s, \
         max_attempts: {attempts}}}}}",
        requires.join(", "),
    );
    let node = yaml::parse(&text).unwrap().root.unwrap();
    match node.into_value(yaml::Typing::Json).unwrap() {
        Value::Map(map) => map,
        other => panic!("{other:?}"),
    }
}

fn requires(data: &Value) -> Vec<EntryId> {
    let names = data.at("lifecycle.requires").and_then(Value::as_list).unwrap_or_default();
    names.iter().filter_map(Value::as_str).map(|n| EntryId::new("a", n)).collect()
}

/// What must hold whenever the supervisor calls a service.
fn check(supervisor: &Supervisor, stage: &Stage, call: Call, id: &EntryId, data: &Value) -> Option<String> {
    let state = |id: &EntryId| supervisor.state(id).ok();
    match call {
        Call::Start => {
            let there = |s: ServiceState| matches!(s.status, Status::Running | Status::Exited);
            let absent = requires(data).into_iter().find(|need| !state(need).is_some_and(there))?;
            Some(format!("{id} starts without {absent}: {:?}", state(&absent)))
        }
        // A start that is given up has not served anybody.
        Call::Stop if state(id).is_some_and(|s| s.status == Status::Failed) => None,
        Call::Stop => {
            let given_up = |s: ServiceState| s.details.is_some_and(|d| d.starts_with("stop timeout"));
            let runs = stage.runs.lock();
            let mut users = runs.iter().filter(|(_, live)| requires(&live.data).contains(id)).map(|(user, _)| user);
            let first = users.find(|user| !state(user).is_none_or(given_up))?;
            Some(format!("{id} stops before {first}: {:?}", state(first)))
        }
    }
}

fn storm(seed: u64) {
    let world = World::new(seed, check);
    let entropy = SeededEntropy::new(!seed);
    let mut there: BTreeSet<u64> = (0..SERVICES).collect();
    let mut changes = ChangeSet::new();
    for n in 0..SERVICES {
        changes = changes.create(entry(&name(n), fields(n, &entropy)));
    }
    world.registry.apply(changes).unwrap();
    for _ in 0..ACTIONS {
        let n = entropy.below(SERVICES);
        match entropy.below(10) {
            0..=2 => world.wait(Duration::from_millis(entropy.below(2000))),
            3 => world.stage.end(&id(n), Err(Error::unavailable("broken").retryable(true))),
            4 => world.stage.end(&id(n), Ok(())),
            5 => world.ask("service.start", &id(n)),
            6 => world.ask("service.stop", &id(n)),
            _ => {
                let mut changes = ChangeSet::new();
                for m in (n..SERVICES).step_by(97) {
                    changes = match (there.contains(&m), entropy.below(3)) {
                        (true, 0) => {
                            there.remove(&m);
                            changes.delete(id(m))
                        }
                        (true, _) => changes.update(entry(&name(m), fields(m, &entropy))),
                        (false, _) => {
                            there.insert(m);
                            changes.create(entry(&name(m), fields(m, &entropy)))
                        }
                    };
                }
                world.registry.apply(changes).unwrap();
            }
        }
    }
    assert_eq!(*world.stage.wrong.lock(), Vec::<String>::new(), "seed {seed}");
    // Left alone, all comes to rest: what is still trying has all its attempts.
    world.wait(Duration::from_secs(600));
    for state in world.supervisor.states() {
        assert!(!matches!(state.status, Status::Starting | Status::Stopping), "seed {seed}: {state:?}");
    }
    assert_eq!(*world.stage.wrong.lock(), Vec::<String>::new(), "seed {seed}");
    world.supervisor.shutdown(Duration::from_secs(60), |_| {});
    world.wait(Duration::from_secs(100));
    assert_eq!(*world.stage.wrong.lock(), Vec::<String>::new(), "seed {seed}");
    // What still runs has been asked to stop and did not.
    let given_up = |id: &EntryId| world.supervisor.state(id).is_ok_and(|s| s.status == Status::Failed);
    let left: Vec<EntryId> = world.stage.runs.lock().keys().filter(|id| !given_up(id)).cloned().collect();
    assert_eq!(left, Vec::<EntryId>::new(), "seed {seed}");
}

/// `WIPPY_STORM_SEEDS` sets the number of seeds.
#[test]
fn a_storm_of_services_keeps_order() {
    let seeds = std::env::var("WIPPY_STORM_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(10);
    (0..seeds).for_each(storm);
}
