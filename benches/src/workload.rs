//! The workloads: which entry runs one, and what comes out.

use wippy_runtime::Error;
use wippy_runtime::payload::Value;

use crate::app::App;

/// One workload. Its entry is `bench:NAME`, called with N and M.
pub struct Workload {
    pub name: &'static str,
    /// Runs once at 1 % of N before it is measured.
    pub warm: bool,
    /// N and M of a run that takes a debug build moments.
    pub quick: (u64, u64),
    /// The answer for N and M, if there is one.
    pub answer: Option<fn(u64, u64) -> u64>,
}

fn same(n: u64, _: u64) -> u64 {
    n
}

fn whole_batches(n: u64, m: u64) -> u64 {
    n.div_ceil(m) * m
}

/// The lengths of all joined lists and of all texts.
fn string_lengths(n: u64, _: u64) -> u64 {
    let digits = |i: u64| i.checked_ilog10().unwrap_or(0) as u64 + 1;
    let lengths: u64 = (1..=n).map(|i| "item-:".len() as u64 + digits(i) + digits(i * 7 % 1000)).sum();
    let joined: u64 = (1..=n / 1000 * 1000)
        .map(|i| "item-:".len() as u64 + digits(i) + digits(i * 7 % 1000) + u64::from(i % 1000 != 0))
        .sum();
    lengths + joined
}

/// All workloads: those of the suite, then ours.
pub const WORKLOADS: &[Workload] = &[
    Workload { name: "spawn", warm: true, quick: (200, 50), answer: Some(whole_batches) },
    Workload { name: "live", warm: false, quick: (100, 0), answer: Some(same) },
    Workload { name: "pingpong", warm: true, quick: (200, 0), answer: Some(same) },
    Workload { name: "ring", warm: true, quick: (500, 20), answer: Some(same) },
    Workload {
        name: "fanin",
        warm: true,
        quick: (1000, 10),
        answer: Some(|n, m| {
            let k = n.div_ceil(m);
            m * k * (k + 1) / 2
        }),
    },
    Workload { name: "skynet", warm: true, quick: (100, 10), answer: Some(|n, _| n * (n - 1) / 2) },
    Workload { name: "payload", warm: true, quick: (100, 10), answer: Some(|n, m| 91 * whole_batches(n, m)) },
    Workload { name: "fib", warm: true, quick: (1, 0), answer: Some(|n, _| 832_040 * n) },
    Workload { name: "strings", warm: true, quick: (2500, 0), answer: Some(string_lengths) },
    Workload { name: "fairness", warm: false, quick: (80, 3), answer: None },
    Workload { name: "fairness_yield", warm: false, quick: (80, 3), answer: None },
    Workload { name: "supervision", warm: true, quick: (100, 0), answer: Some(same) },
    Workload { name: "timers", warm: false, quick: (100, 10), answer: Some(same) },
    Workload { name: "first", warm: true, quick: (50, 0), answer: Some(same) },
    Workload { name: "call", warm: true, quick: (50, 0), answer: Some(same) },
    Workload { name: "pairs", warm: true, quick: (200, 4), answer: Some(whole_batches) },
    Workload { name: "ticking", warm: false, quick: (20, 700), answer: None },
    Workload { name: "idle", warm: false, quick: (50, 0), answer: None },
];

/// Workloads of the engine of WebAssembly alone: see [`crate::engine`].
pub const ENGINE_WORKLOADS: [&str; 2] = ["start", "compute"];

/// What a run measured.
pub struct Figures {
    pub ops_per_s: f64,
    pub elapsed_ms: f64,
    /// Everything else that the entry returned: `check`, `bytes_per_process`, latenesses.
    pub more: Vec<(String, f64)>,
}

impl Figures {
    pub fn get(&self, name: &str) -> Option<f64> {
        self.more.iter().find(|m| m.0 == name).map(|m| m.1)
    }
}

/// Runs `workload` on `app` with N and M, after its warm-up. Blocks. Errors: the entry's, or a result that is not one.
pub fn run(app: &App, workload: &Workload, n: u64, m: u64) -> Result<Figures, Error> {
    // The tree of skynet has as many leaves as a power of its fan-out.
    let warm = match workload.name {
        "skynet" => m.pow((n / 100).max(1).checked_ilog(m.max(2)).unwrap_or(0)),
        _ => (n / 100).max(1),
    };
    if workload.warm {
        once(app, workload, warm, m)?;
    }
    once(app, workload, n, m)
}

fn once(app: &App, workload: &Workload, n: u64, m: u64) -> Result<Figures, Error> {
    let result = app.run(workload.name, &[Value::Int(n as i64), Value::Int(m as i64)])?;
    let Value::Map(fields) = result else { return Err(Error::internal("the workload gave no figures")) };
    let number = |v: &Value| match v {
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        _ => None,
    };
    let mut more: Vec<(String, f64)> = fields.iter().filter_map(|(k, v)| Some((k.clone(), number(v)?))).collect();
    more.sort_by(|a, b| a.0.cmp(&b.0));
    let mut take = |name: &str| {
        let at = more.iter().position(|m| m.0 == name);
        at.map(|at| more.remove(at).1).ok_or_else(|| Error::internal(format!("the workload gave no {name}")))
    };
    let (ops, ns) = (take("ops")?, take("ns")?.max(1.0));
    Ok(Figures { ops_per_s: ops * 1e9 / ns, elapsed_ms: ns / 1e6, more })
}
