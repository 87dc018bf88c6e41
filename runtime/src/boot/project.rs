//! Makes a project: the lock file that names its directories, and the source
//! directory itself. An existing lock file keeps its modules.

use std::path::{Path, PathBuf};

use super::lock::Lock;
use super::problem::Problem;

/// What [`init_project`] did.
#[derive(Clone, Debug, PartialEq)]
pub struct Initialised {
    pub lock_file: PathBuf,
    pub src_dir: PathBuf,
    /// The lock file was there before and kept its modules.
    pub updated: bool,
    /// The source directory was made.
    pub created_src: bool,
}

/// Writes `lock_file` (relative to `dir`) with the two directories, and creates
/// the source directory. Blocks. Problems of an existing lock file are given back
/// and nothing is written.
pub fn init_project(
    dir: &Path,
    src_dir: &str,
    modules_dir: &str,
    lock_file: &str,
) -> Result<Initialised, Vec<Problem>> {
    let path = dir.join(lock_file);
    let existing = Lock::read(&path)?;
    let updated = existing.is_some();
    let mut lock = match existing {
        Some((lock, _)) => lock,
        None => Lock::new(path.parent().unwrap_or(Path::new(""))),
    };
    for (name, text) in [("directories.src", src_dir), ("directories.modules", modules_dir)] {
        if text.trim().is_empty() {
            return Err(vec![Problem::error("", format!("{name} cannot be empty"))]);
        }
    }
    lock.src_dir = src_dir.to_owned();
    lock.modules_dir = modules_dir.to_owned();
    let src = lock.src_path();
    let created_src = !src.is_dir();
    std::fs::create_dir_all(&src)
        .map_err(|e| vec![Problem::error("", format!("cannot create source directory {}: {e}", src.display()))])?;
    lock.write(&path).map_err(|e| vec![Problem::error("", e.to_string())])?;
    Ok(Initialised { lock_file: path, src_dir: src, updated, created_src })
}
