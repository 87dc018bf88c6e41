//! Every workload runs at a small size and gives the right answer, so that the
//! benchmarks cannot rot.

use wippy_benches::{App, WASM_WORKLOADS, WORKLOADS, engine, run};

#[test]
fn every_workload_answers() {
    let app = App::start(2).expect("an application");
    for workload in WORKLOADS {
        let (n, m) = workload.quick;
        let figures = run(&app, workload, n, m).unwrap_or_else(|e| panic!("{}: {e}", workload.name));
        assert!(figures.ops_per_s > 0.0, "{}", workload.name);
        if let Some(answer) = workload.answer {
            assert_eq!(figures.get("check"), Some(answer(n, m) as f64), "{}", workload.name);
        }
        for wanted in expected(workload.name) {
            assert!(figures.get(wanted).is_some_and(|f| f >= 0.0), "{} gives {wanted}", workload.name);
        }
    }
    while !app.node().table().is_empty() {
        std::thread::yield_now();
    }
}

#[test]
fn guests_in_webassembly_answer_too() {
    let app = App::start(2).expect("an application");
    app.use_wasm().expect("guests that compile");
    engine::put_strings(&app).expect("the toolchain for guests");
    for workload in WORKLOADS.iter().filter(|w| WASM_WORKLOADS.contains(&w.name)) {
        let (n, m) = workload.quick;
        let figures = run(&app, workload, n, m).unwrap_or_else(|e| panic!("{}: {e}", workload.name));
        if let Some(answer) = workload.answer {
            assert_eq!(figures.get("check"), Some(answer(n, m) as f64), "{}", workload.name);
        }
        for wanted in expected(workload.name) {
            assert!(figures.get(wanted).is_some_and(|f| f >= 0.0), "{} gives {wanted}", workload.name);
        }
    }
    // A function with a state gets a new instance for each call.
    let call = WORKLOADS.iter().find(|w| w.name == "call").expect("a workload");
    let figures = run(&app, call, 20, 1).expect("figures");
    assert_eq!(figures.get("check"), Some(20.0));
}

#[test]
fn both_engines_play_with_each_other() {
    let app = App::start(2).expect("an application");
    app.mix().expect("a guest that compiles");
    for workload in WORKLOADS.iter().filter(|w| ["pingpong", "pairs"].contains(&w.name)) {
        let (n, m) = workload.quick;
        let figures = run(&app, workload, n, m).unwrap_or_else(|e| panic!("{}: {e}", workload.name));
        assert_eq!(figures.get("check"), workload.answer.map(|answer| answer(n, m) as f64), "{}", workload.name);
    }
}

#[test]
fn code_is_compiled_once() {
    let app = App::start(1).expect("an application");
    let figures = engine::start(&app, 20).expect("figures");
    assert!(figures.get("code_kib").is_some_and(|kib| (18.0..=24.0).contains(&kib)), "{:?}", figures.more);
    assert!(figures.get("compile_ms").is_some_and(|compile| compile > figures.elapsed_ms), "{:?}", figures.more);
}

/// Figures besides speed and answer.
fn expected(workload: &str) -> &'static [&'static str] {
    match workload {
        "live" => &["bytes_per_process", "page_table_bytes"],
        "fairness" | "fairness_yield" => &["p50_us", "p99_us", "max_us", "idle_p50_us", "idle_p99_us"],
        "first" | "timers" => &["p50_us", "p99_us", "max_us"],
        "ticking" => &["cpu_percent"],
        "idle" => &["wakeups"],
        _ => &[],
    }
}
