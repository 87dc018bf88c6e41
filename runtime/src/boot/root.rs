//! A source directory whose files can be read, and nothing outside of it:
//! neither through `..` nor through a symbolic link nor through a race between
//! checking and opening (every open goes through a directory handle).

use std::cell::Cell;
use std::path::{Component, Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::source::{ReadError, read_bytes};

/// See the module comment.
pub struct Root {
    dir: Dir,
    path: PathBuf,
    /// Bytes that references have brought in so far.
    inlined: Cell<u64>,
}

/// How many bytes all `file://` references of one source directory may bring in.
pub const MAX_INLINED: u64 = 1 << 30;

/// Why a `file://` reference has no content.
#[derive(Debug, thiserror::Error)]
pub enum RefError {
    #[error("empty file path in file:// URL")]
    Empty,
    #[error("path traversal detected in file path: {0}")]
    Traversal(String),
    #[error("file:// references bring in more than {} MiB", MAX_INLINED >> 20)]
    TooMuch,
    #[error("failed to read file {file}: {error}")]
    Read { file: String, error: ReadError },
}

impl Root {
    /// Opens the directory. Blocks.
    pub fn open(path: &Path) -> std::io::Result<Root> {
        let open = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Ok(Root {
            dir: Dir::open_ambient_dir(open, ambient_authority())?,
            path: path.to_owned(),
            inlined: Cell::new(0),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the file at `relative`. Links are followed as long as they stay inside. Blocks.
    pub fn read(&self, relative: &Path) -> Result<Vec<u8>, ReadError> {
        read_bytes(self.dir.open(relative)?)
    }

    /// The file a `file://` reference means, relative to the root: `reference` is
    /// the part behind `file://`, `from` the directory of the file it stands in.
    pub fn locate(&self, reference: &str, from: &Path) -> Result<PathBuf, RefError> {
        let traversal = || RefError::Traversal(reference.to_owned());
        let (base, rest) = match reference.strip_prefix('/') {
            Some(rest) => (Path::new(""), rest),
            None => (from, reference),
        };
        let mut path = base.to_owned();
        let mut named = false;
        for component in Path::new(rest).components() {
            match component {
                Component::Normal(part) => {
                    path.push(part);
                    named = true;
                }
                Component::CurDir => {}
                Component::ParentDir if path.pop() => {}
                // Above the root, a second leading slash, or a drive letter.
                _ => return Err(traversal()),
            }
        }
        if named { Ok(path) } else { Err(RefError::Empty) }
    }

    /// The content behind a reference; see [`Root::locate`]. Blocks.
    pub fn inline(&self, reference: &str, from: &Path) -> Result<(PathBuf, Vec<u8>), RefError> {
        let relative = self.locate(reference, from)?;
        match self.read(&relative) {
            Ok(bytes) => {
                self.inlined.set(self.inlined.get().saturating_add(bytes.len() as u64));
                if self.inlined.get() > MAX_INLINED { Err(RefError::TooMuch) } else { Ok((relative, bytes)) }
            }
            Err(error) => Err(match &error {
                // What the directory handle answers when a link leads outside.
                ReadError::Io(e) if e.kind() == std::io::ErrorKind::PermissionDenied && self.escapes(&relative) => {
                    RefError::Traversal(reference.to_owned())
                }
                _ => RefError::Read { file: self.path.join(&relative).display().to_string(), error },
            }),
        }
    }

    /// Only to choose the message: whether the real file is outside.
    fn escapes(&self, relative: &Path) -> bool {
        let real = |p: &Path| std::fs::canonicalize(p).ok();
        match (real(&self.path), real(&self.path.join(relative))) {
            (Some(root), Some(file)) => !file.starts_with(root),
            _ => true,
        }
    }
}
