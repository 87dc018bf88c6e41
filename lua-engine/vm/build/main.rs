//! Builds Lua 5.4 with wippy's edits.
//!
//! The unmodified C sources come from the `lua-src` crate (found through
//! `cargo metadata`), are copied to `OUT_DIR`, changed by the named edits of
//! `edits/`, joined by the files of `csrc/` and compiled by `cc`. An edit whose
//! anchor is missing or ambiguous fails the build with its name, so an upgrade
//! of `lua-src` cannot silently drop one.

mod edit;
mod sources;

#[path = "../edits/mod.rs"]
mod edits;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    for watched in ["build", "edits", "csrc"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?).join("lua");
    let own = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("csrc");

    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    copy_c_files(&sources::lua_sources()?, &out)?;
    for group in edits::GROUPS {
        edit::apply(&out, group)?;
    }
    copy_c_files(&own, &out)?;
    compile(&out)
}

fn copy_c_files(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    for file in fs::read_dir(from).map_err(|e| format!("cannot read {}: {e}", from.display()))? {
        let path = file?.path();
        let Some(name) = path.file_name() else { continue };
        if matches!(path.extension().and_then(|e| e.to_str()), Some("c" | "h")) {
            // Written anew rather than copied: registry files may be read-only.
            fs::write(to.join(name), fs::read(&path)?)?;
        }
    }
    Ok(())
}

fn compile(dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut build = cc::Build::new();
    for file in fs::read_dir(dir)? {
        let path = file?.path();
        // Files that ours include: see csrc/wstring.c and its siblings.
        let included = ["lbaselib.c", "lstrlib.c", "ltablib.c"].iter().any(|n| path.ends_with(n));
        if path.extension().is_some_and(|e| e == "c") && !included {
            build.file(path);
        }
    }
    build
        .include(dir)
        .warnings(false)
        // The interpreter is always optimised: an unoptimised one makes every
        // test of everything above it several times slower.
        .opt_level(3)
        .force_frame_pointer(false)
        .flag_if_supported("-fno-common")
        .flag_if_supported("-Werror=implicit-function-declaration")
        // Compatibility with 5.3, above all `__le` falling back to `not (b < a)`.
        .define("LUA_COMPAT_5_3", None)
        // No cache of C strings, and one chain of strings to begin with, which
        // lies in the state (edits/size.rs): a VM is a process here.
        .define("STRCACHE_N", "1")
        .define("STRCACHE_M", "1")
        .define("MINSTRTABSIZE", "1");
    if env::var("CARGO_CFG_UNIX").is_ok() {
        // _setjmp/_longjmp without saving signal masks. No dlopen: loadlib stays a stub.
        build.define("LUA_USE_POSIX", None);
    }
    if env::var("CARGO_CFG_DEBUG_ASSERTIONS").is_ok() || env::var("PROFILE")? == "debug" {
        // Misuse of the C API aborts with file and line instead of corrupting.
        build.define("LUA_USE_APICHECK", None);
    }
    build.try_compile("wippylua")?;
    Ok(())
}
