//! A directory on disk as a filesystem. Every access goes through a handle of
//! the directory (`cap-std`), so neither `..` nor a symbolic link nor a race
//! between checking and opening leads out of it. `mode` is a gate on top of what
//! the system allows.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions};
use wippy_runtime::files::{DirEntry, File, FileStat, Filesystem, Opening, Place};

const OWNER_READS: u32 = 0o400;
const OWNER_WRITES: u32 = 0o200;
const OWNER_SEARCHES: u32 = 0o100;
/// What new files and directories have, unless the filesystem's mode has less.
const FILE_MODE: u32 = 0o644;
const DIR_MODE: u32 = 0o755;

/// See the module comment.
pub struct Directory {
    dir: Dir,
    #[cfg(not(target_os = "linux"))]
    path: PathBuf,
    mode: u32,
}

impl Directory {
    /// Opens the directory at `path`; `create` makes it, with its parents, if it is missing. A `mode` that lets everybody
    /// read and nobody search gets the search bits. Blocks.
    pub fn open(path: &Path, mode: u32, create: bool) -> io::Result<Directory> {
        let everybody_reads = mode & 0o444 == 0o444;
        let mode = if everybody_reads && mode & 0o111 == 0 { mode | 0o111 } else { mode };
        if create {
            make_all(path, mode)?;
        }
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Directory {
            dir,
            #[cfg(not(target_os = "linux"))]
            path: std::fs::canonicalize(path)?,
            mode,
        })
    }

    fn allows(&self, bits: u32) -> io::Result<()> {
        if self.mode & bits == bits { Ok(()) } else { Err(denied()) }
    }
}

fn denied() -> io::Error {
    io::Error::new(ErrorKind::PermissionDenied, "permission denied")
}

/// The refusal of a path that leads out, in the words the reference uses. The system's own refusals have a number.
fn inside<T>(result: io::Result<T>) -> io::Result<T> {
    result.map_err(|e| match (e.kind(), e.raw_os_error()) {
        (ErrorKind::PermissionDenied, None) => io::Error::new(e.kind(), "path escapes from parent"),
        _ => e,
    })
}

impl Filesystem for Directory {
    fn open(&self, path: &str, how: Opening) -> io::Result<Box<dyn File>> {
        if how.changes() {
            self.allows(OWNER_WRITES)?;
        }
        let mut options = OpenOptions::new();
        options.read(how.read).write(how.write).append(how.append).truncate(how.truncate);
        options.create(how.create).create_new(how.create_new);
        create_with(&mut options, FILE_MODE & self.mode);
        Ok(Box::new(OnDisk(inside(self.dir.open_with(path, &options))?)))
    }
    fn stat(&self, path: &str) -> io::Result<FileStat> {
        self.allows(OWNER_READS)?;
        Ok(stat_of(&inside(self.dir.metadata(path))?))
    }
    fn list(&self, path: &str) -> io::Result<Vec<DirEntry>> {
        self.allows(OWNER_READS | OWNER_SEARCHES)?;
        let mut entries = Vec::new();
        for entry in inside(self.dir.read_dir(path))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.push(DirEntry { name, kind: kind_of(entry.file_type()?) });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }
    fn make_dir(&self, path: &str) -> io::Result<()> {
        self.allows(OWNER_WRITES)?;
        inside(make_one(&self.dir, path, DIR_MODE & self.mode))
    }
    fn remove(&self, path: &str) -> io::Result<()> {
        self.allows(OWNER_WRITES)?;
        if path == "." {
            return Err(io::Error::new(ErrorKind::InvalidInput, "invalid argument"));
        }
        let is_dir = inside(self.dir.symlink_metadata(path))?.is_dir();
        inside(if is_dir { self.dir.remove_dir(path) } else { self.dir.remove_file(path) })
    }
    fn directory(&self) -> Option<Place> {
        // Through the handle: the directory that was opened, whatever its path leads to by now.
        #[cfg(target_os = "linux")]
        let path = PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&self.dir)));
        #[cfg(not(target_os = "linux"))]
        let path = self.path.clone();
        Some(Place { path, writable: self.mode & OWNER_WRITES != 0 })
    }
}

struct OnDisk(cap_std::fs::File);

impl Read for OnDisk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}
impl Write for OnDisk {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.write(data)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
impl Seek for OnDisk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}
impl File for OnDisk {
    fn stat(&self) -> io::Result<FileStat> {
        Ok(stat_of(&self.0.metadata()?))
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

fn stat_of(metadata: &Metadata) -> FileStat {
    FileStat {
        kind: kind_of(metadata.file_type()),
        size: metadata.len(),
        permissions: permissions_of(metadata),
        modified: metadata.modified().map_or(SystemTime::UNIX_EPOCH, |time| time.into_std()),
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::unix::fs::DirBuilderExt as _;
    use std::path::Path;

    use cap_std::fs::{Dir, DirBuilder, DirBuilderExt as _, FileType, FileTypeExt, Metadata, OpenOptions};
    use cap_std::fs::{OpenOptionsExt as _, PermissionsExt as _};
    use wippy_runtime::files::FileKind;

    pub fn make_all(path: &Path, mode: u32) -> io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(mode).create(path)
    }
    pub fn make_one(dir: &Dir, path: &str, mode: u32) -> io::Result<()> {
        dir.create_dir_with(path, DirBuilder::new().mode(mode))
    }
    pub fn create_with(options: &mut OpenOptions, mode: u32) {
        options.mode(mode);
    }
    pub fn permissions_of(metadata: &Metadata) -> u32 {
        metadata.permissions().mode() & 0o7777
    }
    pub fn kind_of(file_type: FileType) -> FileKind {
        match file_type {
            t if t.is_dir() => FileKind::Directory,
            t if t.is_symlink() => FileKind::Link,
            t if t.is_fifo() => FileKind::Pipe,
            t if t.is_socket() => FileKind::Socket,
            t if t.is_block_device() => FileKind::BlockDevice,
            t if t.is_char_device() => FileKind::CharDevice,
            _ => FileKind::File,
        }
    }
}
#[cfg(unix)]
use unix::{create_with, kind_of, make_all, make_one, permissions_of};

/// Systems without Unix modes: what is there is readable, and writable unless it says no.
#[cfg(not(unix))]
mod plain {
    use std::io;
    use std::path::Path;

    use cap_std::fs::{Dir, FileType, Metadata, OpenOptions};
    use wippy_runtime::files::FileKind;

    pub fn make_all(path: &Path, _: u32) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }
    pub fn make_one(dir: &Dir, path: &str, _: u32) -> io::Result<()> {
        dir.create_dir(path)
    }
    pub fn create_with(_: &mut OpenOptions, _: u32) {}
    pub fn permissions_of(metadata: &Metadata) -> u32 {
        if metadata.permissions().readonly() { 0o444 } else { 0o666 }
    }
    pub fn kind_of(file_type: FileType) -> FileKind {
        match file_type {
            t if t.is_dir() => FileKind::Directory,
            t if t.is_symlink() => FileKind::Link,
            _ => FileKind::File,
        }
    }
}
#[cfg(not(unix))]
use plain::{create_with, kind_of, make_all, make_one, permissions_of};
