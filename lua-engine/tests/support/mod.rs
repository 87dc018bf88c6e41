//! Runs one chunk in a real VM with a fixed clock, fixed randomness and a log
//! that is kept. Shared by several test programs, none of which uses all of it.
#![allow(dead_code)]

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use wippy_lua::modules;
use wippy_lua::native::{Stack, Type};
use wippy_lua::state::{LogLevel, LogRecord, Measurement, Program, State, Surroundings};
use wippy_lua::vm::Vm;

/// The world around a test VM.
#[derive(Default)]
pub struct World {
    pub out: Mutex<String>,
    counter: AtomicU64,
}

impl World {
    fn line(&self, line: &str) {
        let mut out = self.out.lock().expect("no panic holds it");
        out.push_str(line);
        out.push('\n');
    }
}

impl Surroundings for World {
    fn unix_nanos(&self) -> i64 {
        // 2024-02-03T04:05:06.789Z
        1_706_933_106_789_000_000
    }
    fn uptime_nanos(&self) -> u64 {
        2_500_000_000
    }
    fn random(&self, out: &mut [u8]) {
        let n = self.counter.fetch_add(1, Ordering::Relaxed);
        for (i, b) in out.iter_mut().enumerate() {
            *b = (n as u8).wrapping_mul(31).wrapping_add(i as u8);
        }
    }
    fn log(&self, state: &State, r: LogRecord<'_>) {
        if r.logger.is_empty()
            && r.level == LogLevel::Info
            && r.fields.is_empty()
            && r.location.starts_with(&state.program.id)
        {
            return self.line(r.message);
        }
        let mut fields: Vec<_> = r.fields.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
        fields.sort();
        self.line(&format!("{:?} {} [{}] {} {}", r.level, r.message, r.logger, r.location, fields.join(" ")));
    }
    fn measure(&self, name: &str, change: Measurement, labels: &[(String, String)]) -> bool {
        self.line(&format!("metric {name} {change:?} {labels:?}"));
        name != "no.collector"
    }
}

pub fn vm(world: Arc<World>) -> Vm {
    let program = Program::new("test:chunk", modules::on_request(), world);
    let image = program.image(Vec::new());
    Vm::new(Arc::new(program), image, 64 << 20).expect("memory for a VM")
}

/// Runs `source` and gives what it printed, then its results or its error.
pub fn run(source: &[u8]) -> String {
    // Expected texts show UTC as the local zone.
    static ZONE: std::sync::Once = std::sync::Once::new();
    // SAFETY: the only writer of the environment, and nobody reads it before.
    ZONE.call_once(|| unsafe { std::env::set_var("TZ", "UTC") });
    let world = Arc::new(World::default());
    let vm = vm(world.clone());
    let mut tail = String::new();
    vm.enter(|stack| {
        if let Err(e) = stack.load(source, "test:chunk") {
            return tail = format!("syntax: {e}\n");
        }
        if !stack.call(0, -1) {
            let _ = writeln!(tail, "error: {}", show(stack, -1));
            return;
        }
        for i in 1..=stack.top() {
            let _ = writeln!(tail, "return {}", show(stack, i));
        }
    });
    drop(vm);
    let mut out = world.out.lock().expect("no panic holds it").clone();
    out.push_str(&tail);
    out
}

fn show(stack: &Stack<'_>, i: i32) -> String {
    match stack.type_of(i) {
        Type::String => String::from_utf8_lossy(stack.bytes(i).unwrap_or_default()).into_owned(),
        Type::Userdata => match stack.error_at(i) {
            Some(e) => format!("{e:?}"),
            None => "userdata".to_owned(),
        },
        other => stack.stack_value(i).map(|v| format!("{v:?}")).unwrap_or_else(|e| format!("{} {e}", other.name())),
    }
}
