//! The C stress of `tests/c/stress.c` under gcc's sanitizers. Ignored by
//! default: each builds all of Lua anew (`cargo test -p wippy-lua-vm --test sanitize -- --ignored`).

use std::path::{Path, PathBuf};
use std::process::Command;

fn run_under(sanitizer: &str) {
    let lua = Path::new(env!("OUT_DIR")).join("lua");
    let stress = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/stress.c");
    let included = ["lbaselib.c", "lstrlib.c", "ltablib.c"];
    let files = std::fs::read_dir(&lua).unwrap().map(|f| f.unwrap().path());
    let files = files.filter(|f| f.extension().is_some_and(|e| e == "c") && !included.iter().any(|n| f.ends_with(n)));
    let dir = tempfile::tempdir().unwrap();
    let program: PathBuf = dir.path().join("stress");
    let built = Command::new("gcc")
        .args(["-O1", "-g", "-w", "-pthread", "-DLUA_COMPAT_5_3", "-DSTRCACHE_N=1", "-DSTRCACHE_M=1"])
        .args(["-DMINSTRTABSIZE=1", "-DLUA_USE_POSIX", "-DLUAI_ASSERT", "-DLUA_USE_APICHECK"])
        .args([&format!("-fsanitize={sanitizer}"), "-fno-sanitize-recover=all"])
        .arg("-I")
        .arg(&lua)
        .args(files)
        .arg(&stress)
        .arg("-o")
        .arg(&program)
        .arg("-lm")
        .status()
        .expect("gcc");
    assert!(built.success());
    let out = Command::new(&program).output().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && text.ends_with(" runs\n"), "{text}{errors}");
}

#[test]
#[ignore = "builds all of Lua anew"]
fn no_data_race() {
    run_under("thread");
}

#[test]
#[ignore = "builds all of Lua anew"]
fn no_bad_memory_access_and_no_leak() {
    run_under("address,undefined");
}
