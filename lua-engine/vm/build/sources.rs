//! Finds the directory of Lua's C sources inside the `lua-src` crate.
//!
//! A build dependency does not tell where its package lies, `cargo metadata`
//! does. It is asked offline first, so that a build after `cargo fetch` needs
//! no network; the second try covers a build that fetched only what it links.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of lua-src that holds the release the edits are written against.
const RELEASE: &str = "lua-5.4.9";

/// Directory with the unmodified C sources.
pub fn lua_sources() -> Result<PathBuf, Box<dyn Error>> {
    let mut reasons = String::new();
    for mode in ["--offline", "--locked"] {
        match package_dir("lua-src", mode) {
            Ok(dir) => {
                let dir = dir.join(RELEASE);
                if dir.join("lua.h").is_file() {
                    return Ok(dir);
                }
                return Err(format!("lua-src has no {RELEASE}: raise its pin together with the edits").into());
            }
            Err(e) => reasons.push_str(&format!("\n  {mode}: {e}")),
        }
    }
    Err(format!("cannot find the sources of the lua-src crate:{reasons}").into())
}

fn package_dir(package: &str, mode: &str) -> Result<PathBuf, Box<dyn Error>> {
    let out = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", mode, "--filter-platform", &env::var("TARGET")?])
        .arg("--manifest-path")
        .arg(Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml"))
        .output()?;
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).trim().to_owned().into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout)?;
    metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|p| p["name"] == package)
        .filter_map(|p| Path::new(p["manifest_path"].as_str()?).parent().map(Path::to_path_buf))
        .find(|dir| dir.join(RELEASE).is_dir())
        .ok_or_else(|| format!("no package {package} with {RELEASE} in the dependency graph").into())
}
