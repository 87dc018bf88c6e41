//! Compiled code on disk, found by the hash of what it was compiled from.
//!
//! One file a key. A file holds a magic, the hash of its content and the
//! content, so a torn or altered file is noticed, ignored and written anew. Files
//! appear by renaming, so readers never see half of one. Nothing here fails a
//! caller: without the cache everything works, only slower.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::boot::Config;

const MAGIC: &[u8; 8] = b"wippylc1";
const HEADER: usize = MAGIC.len() + 32;
/// Default for how many bytes the files may have together.
pub const DEFAULT_LIMIT: u64 = 256 << 20;
/// The longest content that is kept.
pub const MAX_CONTENT: usize = 32 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CacheMode {
    #[default]
    ReadWrite,
    ReadOnly,
    Off,
}

/// The SHA-256 of everything the content depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodeKey([u8; 32]);

impl CodeKey {
    /// The key of the parts; their order and borders count.
    pub fn of(parts: &[&[u8]]) -> CodeKey {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        CodeKey(hash.finalize().into())
    }
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
    /// For keys of what depends on this one's content.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// See the module comment. Shared between threads; all methods block on files.
#[derive(Debug)]
pub struct CodeCache {
    dir: PathBuf,
    mode: CacheMode,
    limit: u64,
    /// Bytes of all files, counted at the first write.
    used: Mutex<Option<u64>>,
}

impl CodeCache {
    /// A cache in `dir`, which is made when something is stored. `limit` is in bytes.
    pub fn new(dir: impl Into<PathBuf>, mode: CacheMode, limit: u64) -> CodeCache {
        CodeCache { dir: dir.into(), mode, limit, used: Mutex::new(None) }
    }

    /// As `lua.cache.*` says: `enabled` (or else `default`), `dir` relative to
    /// the configuration's directory, `mode`.
    pub fn from_config(config: &Config, default: bool) -> CodeCache {
        let on = config.get_bool("lua", "cache.enabled", default);
        let mode = match config.get_str("lua", "cache.mode", "readwrite").as_str() {
            _ if !on => CacheMode::Off,
            "off" => CacheMode::Off,
            "readonly" => CacheMode::ReadOnly,
            _ => CacheMode::ReadWrite,
        };
        let base = config.get_str("boot", "config_dir", "");
        let dir = Path::new(&base).join(config.get_str("lua", "cache.dir", ".wippy/cache/lua"));
        CodeCache::new(dir, mode, DEFAULT_LIMIT)
    }

    /// Where it is, whether anything was stored yet or not.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn mode(&self) -> CacheMode {
        self.mode
    }

    /// The content stored under `key`, if it is there and whole.
    pub fn load(&self, key: &CodeKey) -> Option<Vec<u8>> {
        if self.mode == CacheMode::Off {
            return None;
        }
        let mut bytes = std::fs::read(self.path(key)).ok()?;
        let whole = bytes.len() >= HEADER
            && bytes[..MAGIC.len()] == *MAGIC
            && bytes[MAGIC.len()..HEADER] == Sha256::digest(&bytes[HEADER..])[..];
        if !whole {
            tracing::warn!("ignoring damaged file in the code cache: {}", self.path(key).display());
            return None;
        }
        bytes.drain(..HEADER);
        Some(bytes)
    }

    /// Stores `content` under `key`; a failure is logged and forgotten.
    pub fn store(&self, key: &CodeKey, content: &[u8]) {
        if self.mode != CacheMode::ReadWrite || content.len() > MAX_CONTENT {
            return;
        }
        if let Err(e) = self.write(key, content) {
            tracing::warn!("cannot write to the code cache in {}: {e}", self.dir.display());
        }
    }

    fn write(&self, key: &CodeKey, content: &[u8]) -> std::io::Result<()> {
        let path = self.path(key);
        let dir = path.parent().unwrap_or(&self.dir);
        std::fs::create_dir_all(dir)?;
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(MAGIC)?;
        file.write_all(&Sha256::digest(content))?;
        file.write_all(content)?;
        file.persist(&path).map_err(|e| e.error)?;
        let mut used = self.used.lock();
        let now = match *used {
            Some(bytes) => bytes + (HEADER + content.len()) as u64,
            None => self.files().iter().map(|f| f.1).sum(),
        };
        *used = Some(if now > self.limit { self.shrink() } else { now });
        Ok(())
    }

    /// Deletes the files written longest ago until three quarters of the limit are
    /// used. Gives the bytes that are left.
    fn shrink(&self) -> u64 {
        let mut files = self.files();
        files.sort_by_key(|f| f.2);
        let mut used: u64 = files.iter().map(|f| f.1).sum();
        for (path, size, _) in files {
            if used <= self.limit / 4 * 3 {
                break;
            }
            if std::fs::remove_file(path).is_ok() {
                used -= size;
            }
        }
        used
    }

    /// (path, bytes, time of writing)
    fn files(&self) -> Vec<(PathBuf, u64, SystemTime)> {
        let list = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten().collect::<Vec<_>>();
        let shards = list(&self.dir).into_iter().filter(|d| d.file_type().is_ok_and(|t| t.is_dir()));
        let files = shards.flat_map(|shard| list(&shard.path()));
        files
            .filter_map(|f| {
                let meta = f.metadata().ok().filter(|m| m.is_file())?;
                Some((f.path(), meta.len(), meta.modified().unwrap_or(SystemTime::UNIX_EPOCH)))
            })
            .collect()
    }

    /// Two levels, so that no directory gets too many files.
    fn path(&self, key: &CodeKey) -> PathBuf {
        let hex = key.hex();
        self.dir.join(&hex[..2]).join(&hex[2..])
    }
}
