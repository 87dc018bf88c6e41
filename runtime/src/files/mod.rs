//! Filesystems: trees of files that have the id of an entry, and from which no
//! path leads out.
//!
//! Services make them ([`Filesystem`]) and put them into the node's table
//! ([`Filesystems`]); whoever needs files (a module, a loader of code, a server)
//! finds them there by id. Changes count at once, so that entries later in the
//! same change of the registry find what came before them. Knows neither
//! directories nor packs. Everything here may block.

mod path;

pub use path::{clean, shown};

use std::collections::HashMap;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::RwLock;

use crate::error::{Error, Kind, Result};
use crate::registry::EntryId;

/// How a file is opened; the meanings are those of [`std::fs::OpenOptions`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    pub read: bool,
    pub write: bool,
    pub append: bool,
    pub create: bool,
    pub create_new: bool,
    pub truncate: bool,
}

impl Opening {
    const NOTHING: Opening =
        Opening { read: false, write: false, append: false, create: false, create_new: false, truncate: false };
    pub const READ: Opening = Opening { read: true, ..Opening::NOTHING };
    /// What is there is cut off.
    pub const WRITE: Opening = Opening { write: true, create: true, truncate: true, ..Opening::NOTHING };
    /// Only if nothing is there.
    pub const WRITE_NEW: Opening = Opening { write: true, create_new: true, ..Opening::NOTHING };
    pub const APPEND: Opening = Opening { append: true, create: true, ..Opening::NOTHING };

    /// Whether it changes anything.
    pub fn changes(self) -> bool {
        self.write || self.append || self.create || self.create_new || self.truncate
    }
}

/// What something in a filesystem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    File,
    Directory,
    /// A symbolic link that was not followed.
    Link,
    Pipe,
    Socket,
    BlockDevice,
    CharDevice,
}

/// What is known about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    pub kind: FileKind,
    /// Bytes.
    pub size: u64,
    /// The low twelve bits of a Unix mode.
    pub permissions: u32,
    pub modified: SystemTime,
}

/// A member of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// Bytes that are no UTF-8 are U+FFFD.
    pub name: String,
    pub kind: FileKind,
}

/// An open file; closed when it is dropped.
pub trait File: Read + Write + Seek + Send {
    fn stat(&self) -> io::Result<FileStat>;
    /// Waits until what was written is on the disk.
    fn sync(&self) -> io::Result<()>;
}

/// A tree that is a directory on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Absolute; leads there as long as the filesystem is held.
    pub path: PathBuf,
    /// Whether the filesystem lets anything be changed; the system may let less.
    pub writable: bool,
}

/// A tree of files. Paths are relative to its root as [`clean`] makes them: names with `/` between them, `.` for the
/// root itself. A path or a symbolic link that leads out of the tree is refused with `PermissionDenied`; so is a change
/// of a tree that may not be changed.
pub trait Filesystem: Send + Sync {
    fn open(&self, path: &str, how: Opening) -> io::Result<Box<dyn File>>;
    /// Symbolic links are followed.
    fn stat(&self, path: &str) -> io::Result<FileStat>;
    /// The members of a directory by name, without `.` and `..`.
    fn list(&self, path: &str) -> io::Result<Vec<DirEntry>>;
    /// Makes one directory, whose parent is there.
    fn make_dir(&self, path: &str) -> io::Result<()>;
    /// Removes a file, a symbolic link or an empty directory.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Where it is, for who has means of its own that keep inside of a directory. `None`: it is no directory.
    fn directory(&self) -> Option<Place> {
        None
    }
}

impl dyn Filesystem {
    /// The whole content of a file of at most `max` bytes. Errors: `FileTooLarge`, what opening and reading gives.
    pub fn read(&self, path: &str, max: usize) -> io::Result<Vec<u8>> {
        read_all(&mut *self.open(path, Opening::READ)?, max)
    }
}

/// What is left of a file, at most `max` bytes. Errors: `FileTooLarge`, what reading gives.
pub fn read_all(file: &mut dyn File, max: usize) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(max as u64 + 1).read_to_end(&mut content)?;
    if content.len() > max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {max} bytes")));
    }
    Ok(content)
}

/// What the system says about a failure, in the words the reference uses: `no such file or directory`.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let Some((words, _)) = error.raw_os_error().and_then(|_| text.split_once(" (os error ")) else { return text };
    let mut chars = words.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// The filesystems of a node by id, and where its modules are.
#[derive(Default)]
pub struct Filesystems {
    by_id: RwLock<HashMap<EntryId, Arc<dyn Filesystem>>>,
    module_roots: RwLock<HashMap<String, PathBuf>>,
}

impl Filesystems {
    /// Adds a filesystem, or replaces it for those who look it up from now on.
    pub fn put(&self, id: &EntryId, filesystem: Arc<dyn Filesystem>) {
        self.by_id.write().insert(id.clone(), filesystem);
    }
    /// What is open stays open.
    pub fn remove(&self, id: &EntryId) {
        self.by_id.write().remove(id);
    }
    /// Errors: NotFound `filesystem not found: <id>`, so that an entry that needs one is tried again.
    pub fn get(&self, id: &EntryId) -> Result<Arc<dyn Filesystem>> {
        let found = self.by_id.read().get(id).cloned();
        found.ok_or_else(|| Error::not_found(format!("filesystem not found: {id}")))
    }

    /// A whole file of at most `max` bytes, for what the runtime itself loads; `path` as somebody wrote it. Asks for no
    /// permission. Errors: NotFound if filesystem or file are missing (yet); LimitExceeded; Invalid for the path;
    /// Internal.
    pub fn read(&self, id: &EntryId, path: &str, max: usize) -> Result<Vec<u8>> {
        let filesystem = self.get(id)?;
        let inside = clean(".", path)?;
        filesystem.read(&inside, max).map_err(|e| {
            let kind = match e.kind() {
                io::ErrorKind::NotFound => Kind::NOT_FOUND,
                io::ErrorKind::FileTooLarge => Kind::LIMIT_EXCEEDED,
                _ => Kind::INTERNAL,
            };
            Error::internal(format!("cannot read {inside} in {id}: {}", reason(&e))).with_kind(kind)
        })
    }

    /// Where the modules of the project have their files; once they are known, before entries are installed.
    pub fn set_module_roots(&self, roots: impl IntoIterator<Item = (String, PathBuf)>) {
        *self.module_roots.write() = roots.into_iter().collect();
    }
    /// The directory of module `org/name`.
    pub fn module_root(&self, module: &str) -> Option<PathBuf> {
        self.module_roots.read().get(module).cloned()
    }
}
