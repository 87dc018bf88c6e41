//! `wippy-bench [--lang lua|wasm|mixed] [--workers K] [--policies P] [--beside SHARE] WORKLOAD N M`:
//! runs one workload and prints one line of JSON, as the suite of peers wants it.
//! With `mixed` the answering side of `pingpong` and `pairs` is in WebAssembly and the other in Lua.
//! With `--policies` it runs as somebody who has a scope of so many policies;
//! with `--beside` another host, which has a share of so many percent, computes
//! all the time.

use std::process::ExitCode;

use wippy_benches::{App, ENGINE_WORKLOADS, Figures, WASM_WORKLOADS, WORKLOADS, engine, peak_rss_kb, run};

#[global_allocator]
static ALLOCATOR: wippy_allocator::Allocator = wippy_allocator::Allocator;

const USAGE: &str =
    "usage: wippy-bench [--lang lua|wasm|mixed] [--workers K] [--policies P] [--beside SHARE] WORKLOAD N M";

struct Options {
    lang: String,
    workers: usize,
    policies: usize,
    /// Percent; 0: nobody is there.
    beside: u32,
    workload: String,
    n: u64,
    m: u64,
}

fn options() -> Option<Options> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut options =
        Options { lang: "lua".into(), workers: cores, policies: 0, beside: 0, workload: String::new(), n: 0, m: 0 };
    let mut words = std::env::args().skip(1);
    let mut plain = Vec::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--lang" => options.lang = words.next()?,
            "--workers" => options.workers = words.next()?.parse().ok()?,
            "--policies" => options.policies = words.next()?.parse().ok()?,
            "--beside" => options.beside = words.next()?.parse().ok().filter(|share| *share <= 100)?,
            _ => plain.push(word),
        }
    }
    let [workload, n, m] = <[String; 3]>::try_from(plain).ok()?;
    (options.workload, options.n, options.m) = (workload, n.parse().ok()?, m.parse().ok()?);
    Some(options)
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let Options { lang, workload: name, n, m, .. } = &options;
    let known = WORKLOADS.iter().find(|w| w.name == name);
    let of_engine = lang == "wasm" && ENGINE_WORKLOADS.contains(&name.as_str());
    let written = match known {
        Some(_) => match lang.as_str() {
            "lua" => true,
            "wasm" => WASM_WORKLOADS.contains(&name.as_str()),
            "mixed" => ["pingpong", "pairs"].contains(&name.as_str()),
            _ => false,
        },
        None => of_engine,
    };
    if !written {
        println!(r#"{{"peer":"wippy-{lang}","workload":"{name}","skip":"not written for this peer"}}"#);
        return ExitCode::SUCCESS;
    }
    let figures = App::start(options.workers).and_then(|mut app| {
        if options.policies > 0 {
            app.restrict(options.policies)?;
        }
        if options.beside > 0 {
            app.saturate(options.workers, options.beside * 10)?;
        }
        match known {
            Some(workload) => {
                match lang.as_str() {
                    "wasm" if name == "strings" => engine::put_strings(&app)?,
                    "wasm" => app.use_wasm()?,
                    "mixed" => app.mix()?,
                    _ => {}
                }
                run(&app, workload, *n, *m)
            }
            None if name == "start" => engine::start(&app, *n),
            None => engine::compute(&app, *n),
        }
    });
    match figures {
        Ok(figures) => {
            println!("{}", line(&options, &figures));
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("{name}: {e}");
            ExitCode::FAILURE
        }
    }
}

fn line(options: &Options, figures: &Figures) -> String {
    let Options { lang, workload, n, m, workers, policies, beside } = options;
    let Figures { ops_per_s, elapsed_ms, more } = figures;
    let more: String = more.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
    let rss = peak_rss_kb();
    format!(
        "{{\"peer\":\"wippy-{lang}\",\"workload\":\"{workload}\",\"n\":{n},\"m\":{m},\"workers\":{workers},\"policies\":{policies},\
         \"beside\":{beside},\"ops_per_s\":{ops_per_s:.3},\"elapsed_ms\":{elapsed_ms:.3},\"peak_rss_kb\":{rss}{more}}}"
    )
}
