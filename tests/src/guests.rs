//! Guests in WebAssembly that tests compile, with the library of the installed target or with one made for the purpose.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

/// Runs `guest-cargo ARGS` in `dir`; its progress is shown as the test's own. Guests of all tests share their target
/// directory, so what they have in common is compiled once.
pub fn guest_cargo(dir: &Path, args: &[&str]) {
    let root = root();
    let done = Command::new(root.join("wasm-guest-sdk/toolchain/guest-cargo"))
        .args(args)
        .current_dir(dir)
        .env("CARGO_TARGET_DIR", root.join("target/guests"))
        // Those of the compiler that runs the tests.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("bash runs");
    assert!(done.success(), "guest-cargo {} in {}: {done}", args.join(" "), dir.display());
}

/// The directory with the guests of `tests/guests`: `NAME.wasm`, and its hash in `NAME.sha256`.
pub fn guests() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let (root, out) = (root(), root().join("target/guests/tests"));
        let to = out.to_str().expect("a path of text");
        guest_cargo(&root.join("tests/guests"), &["install", to, "--locked", "--examples", "--quiet"]);
        guest_cargo(&root.join("tests/guests/bare"), &["install", to, "--locked", "--quiet"]);
        out
    })
}
