//! Compiled code on disk, one file an artifact, named by the hash of its source
//! and of everything that decides what the compiler makes of it. Files appear
//! by renaming, so readers never see half of one. Whoever can write to the
//! directory can write the program's own files too. Nothing here fails a
//! caller: without the cache everything works, only slower.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use wippy_runtime::boot::Config;
use wippy_runtime::registry::pipeline::CodeKey;

/// Bytes the files may have together.
const LIMIT: u64 = 1 << 30;

/// A directory, or none. Blocks on files.
#[derive(Debug, Default)]
pub struct ArtifactCache {
    dir: Option<PathBuf>,
}

impl ArtifactCache {
    /// As `wasm.cache.enabled` and `wasm.cache.dir` say; relative to the directory of the configuration. Without one
    /// (a runtime inside another program) there is no cache.
    pub fn from_config(config: &Config) -> ArtifactCache {
        let base = config.get_str("boot", "config_dir", "");
        let dir = config.get_str("wasm", "cache.dir", ".wippy/cache/wasm");
        let on = config.get_bool("wasm", "cache.enabled", true) && !dir.is_empty();
        let known = !base.is_empty() || Path::new(&dir).is_absolute();
        ArtifactCache { dir: (on && known).then(|| Path::new(&base).join(dir)) }
    }

    /// A cache in `dir`, which is made when it is needed.
    pub fn in_dir(dir: &Path) -> ArtifactCache {
        ArtifactCache { dir: Some(dir.to_owned()) }
    }

    /// The file of an artifact that is there.
    pub fn find(&self, key: &CodeKey) -> Option<PathBuf> {
        let path = self.dir.as_ref()?.join(key.hex() + ".cwasm");
        path.is_file().then_some(path)
    }

    /// Keeps an artifact; a failure is logged and forgotten.
    pub fn store(&self, key: &CodeKey, artifact: &[u8]) {
        let Some(dir) = &self.dir else { return };
        if let Err(error) = write(dir, key, artifact) {
            tracing::warn!(dir = %dir.display(), %error, "cannot write to the cache of compiled WebAssembly");
        }
    }

    /// Forgets an artifact that turned out not to be usable.
    pub fn remove(&self, path: &Path) {
        let _ = std::fs::remove_file(path);
    }
}

fn write(dir: &Path, key: &CodeKey, artifact: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    shrink(dir, artifact.len() as u64)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(artifact)?;
    file.persist(dir.join(key.hex() + ".cwasm")).map_err(|e| e.error)?;
    Ok(())
}

/// Deletes the files written longest ago until `more` bytes fit.
fn shrink(dir: &Path, more: u64) -> std::io::Result<()> {
    let mut files = Vec::new();
    for file in std::fs::read_dir(dir)? {
        let file = file?;
        let facts = file.metadata()?;
        if facts.is_file() {
            files.push((facts.modified()?, facts.len(), file.path()));
        }
    }
    files.sort();
    let mut used: u64 = files.iter().map(|f| f.1).sum();
    for (_, size, path) in files {
        if used + more <= LIMIT {
            break;
        }
        std::fs::remove_file(path)?;
        used -= size;
    }
    Ok(())
}
