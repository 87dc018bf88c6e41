//! Looks for sources on which the parser or the checker panics or takes too long:
//! `cargo run --release -p wippy-lua-types --example fuzz -- SECONDS [SEED]`.
//!
//! Starts from the cases and examples of the repository and changes them: bytes, tokens, lines, parts of other sources.
//! An input that fails is written to `fuzz-SEED-N.lua` in the current directory, and the exit code is 1. A run is
//! repeated by its seed; what is slow on one machine may not be on another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use wippy_lua_types::{Imports, check, lint, value};

/// Longest processor time for one source.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest source, in bytes.
const MAX_SOURCE: usize = 60_000;

/// What this thread has used of a processor: a busy machine must not count against a source. Where the system does not
/// tell, the time since `start`.
fn used(start: Instant) -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// splitmix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
    fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

fn collect(folder: &Path, sources: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|e| e == "lua" || e == "txt" || e == "md")
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            let separator = if path.extension().is_some_and(|e| e == "md") { "\n```" } else { "\n--- " };
            sources.extend(text.split(separator).map(|part| part.split_once('\n').map_or("", |p| p.1).to_owned()));
        }
    }
}

/// The tokens of a text, roughly: words, numbers, single signs, with the blanks before them.
fn tokens(text: &str) -> Vec<&str> {
    let mut all = vec![];
    let mut start = 0;
    let mut inside = false;
    for (i, c) in text.char_indices() {
        let word = c.is_alphanumeric() || c == '_';
        if i > start && !(inside && word) && !text[start..i].chars().all(char::is_whitespace) {
            all.push(&text[start..i]);
            start = i;
        }
        inside = word;
    }
    all.push(&text[start..]);
    all
}

/// A source made of others.
fn input(random: &mut Random, sources: &[String]) -> String {
    let mut text = random.of(sources).cloned().unwrap_or_default();
    for _ in 0..=random.below(8) {
        let parts: Vec<&str> = if random.below(3) == 0 { text.split_inclusive('\n').collect() } else { tokens(&text) };
        let at = random.below(parts.len());
        let cut = (at + random.below(6)).min(parts.len());
        let other = random.of(sources).cloned().unwrap_or_default();
        let foreign = tokens(&other);
        let from = random.below(foreign.len());
        let taken = foreign[from..(from + random.below(12)).min(foreign.len())].concat();
        let (head, tail) = (parts[..at].concat(), parts[cut..].concat());
        text = match random.below(6) {
            0 => head + &tail,
            1 => head + &parts[at..cut].concat().repeat(1 + random.below(40)) + &tail,
            2 => {
                let mut bytes = text.clone().into_bytes();
                let i = random.below(bytes.len());
                if let Some(byte) = bytes.get_mut(i) {
                    *byte = random.next() as u8;
                }
                String::from_utf8_lossy(&bytes).into_owned()
            }
            3 => tail + &head,
            _ => head + " " + &taken + " " + &tail,
        };
        let end = (0..=text.len().min(MAX_SOURCE)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// Everything that is done with a source.
fn run(source: &str) {
    let parsed = wippy_lua_syntax::parse(source);
    let text: String = parsed.root.root().descendants().next().map(|n| n.text().to_owned()).unwrap_or_default();
    assert!(text.len() <= source.len(), "the tree is larger than its source");
    let imports = Imports::default();
    let checked = check(&parsed.root, &imports);
    for d in checked.diagnostics.iter().chain(&lint::lint(&parsed.root)) {
        let _ = d.render("x.lua", source);
    }
    let manifest = std::sync::Arc::new(value::declare(&parsed.root, &imports));
    let types: Vec<_> =
        manifest.types.keys().filter_map(|name| wippy_lua_types::TypeValue::declared(&manifest, name)).collect();
    for ty in types.iter().take(10) {
        let _ = (ty.kind(), ty.fields(), ty.variants(), ty.to_string());
        assert!(ty.same_as(ty), "{ty} is not the same as itself");
        let _ = types.first().map(|other| (ty.fits(other), ty.same_as(other)));
    }
    let sites = |tree: &wippy_lua_syntax::Tree| {
        value::call_sites(tree).into_iter().map(|(range, _)| (range, "_ENV[\"T\"]".to_owned())).collect()
    };
    if let Ok(erased) = wippy_lua_syntax::erase_with(source, sites) {
        assert_eq!(erased.text.lines().count(), source.lines().count(), "erasing changes the number of lines");
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let seconds = args.next().and_then(|s| s.parse().ok()).unwrap_or(60);
    let seed = args.next().and_then(|s| s.parse().ok()).unwrap_or(1);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = vec![];
    for folder in ["tests", "../syntax/tests", "../tests", "../../examples", "../../docs"] {
        collect(&root.join(folder), &mut sources);
    }
    sources.retain(|source| !source.trim().is_empty());
    println!("{} sources, seed {seed}, {seconds} s", sources.len());
    std::panic::set_hook(Box::new(|_| ()));
    let (mut random, start) = (Random(seed), Instant::now());
    let (mut done, mut failed, mut longest) = (0u64, 0, Duration::ZERO);
    while start.elapsed() < Duration::from_secs(seconds) {
        let source = input(&mut random, &sources);
        let began = used(start);
        let result = catch_unwind(AssertUnwindSafe(|| run(&source)));
        let took = used(start).saturating_sub(began);
        longest = longest.max(took);
        done += 1;
        if result.is_err() || took > PATIENCE {
            failed += 1;
            let file = format!("fuzz-{seed}-{failed}.lua");
            let why = result.err().map_or_else(
                || format!("took {took:?}"),
                |panic| panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "panicked".to_owned()),
            );
            println!("{file}: {why}");
            if let Err(e) = std::fs::write(&file, &source) {
                println!("cannot write {file}: {e}");
            }
        }
    }
    println!("{done} sources, {failed} failed, the longest took {longest:?}");
    ExitCode::from(u8::from(failed > 0))
}
