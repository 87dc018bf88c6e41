//! What programs may ask: a filesystem, which needs the permission `fs.get`, and
//! everything that having one allows.
//!
//! The system may take its time, so an [`Operation`] is done on the blocking
//! pool while its process waits. Where a process cannot wait (while its chunk
//! loads, in a callback that cannot yield) it is done inside the step, as the
//! reference does always. What a process does with one open file happens in the
//! order of its requests.

use std::io::{self, ErrorKind, SeekFrom};
use std::sync::{Arc, Weak};

use wippy_runtime::dispatch::{Caller, Completer, DispatcherBuilder, Gate, Permissions, Request};
use wippy_runtime::files::{DirEntry, File, FileStat, Filesystem, Opening, read_all, reason};
use wippy_runtime::io::blocking;
use wippy_runtime::process::{Control, HeldId};
use wippy_runtime::registry::EntryId;
use wippy_runtime::streams::{self, MAX_READ, Scanner, Split, StreamHandle};
use wippy_runtime::{Error, Kind, Result};

use crate::open::{FileStream, OpenFile};

/// Bytes of a file that is read as a whole, where the memory of processes has no limit.
const MAX_CONTENT: usize = 1 << 30;

macro_rules! requests {
    ($($(#[$doc:meta])* $type:ident { $($field:ident: $ty:ty),* } = $name:literal -> $reply:ty;)*) => {
        $($(#[$doc])*
        pub struct $type {
            $(pub $field: $ty,)*
        }
        impl Request for $type {
            const NAME: &'static str = $name;
            const CAPABILITY: &'static str = "fs";
            const PERMISSIONS: Permissions = Some(&[]);
            type Reply = $reply;
            fn authorize(&self, _: &Gate<'_>) -> Result<()> {
                Ok(())
            }
        })*
    };
}

/// The filesystem with the id `name`.
pub struct GetFilesystem {
    pub name: String,
}

impl Request for GetFilesystem {
    const NAME: &'static str = "fs.get";
    const CAPABILITY: &'static str = "fs";
    const PERMISSIONS: Permissions = Some(&[("fs.get", "filesystem id")]);
    type Reply = Arc<dyn Filesystem>;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        gate.require("fs.get", &self.name, || {
            Error::permission_denied(format!("not allowed to access filesystem: {}", self.name))
        })
    }
}

requests! {
    /// Writes all that a stream gives into a file. Errors: NotFound for opening, else Internal.
    Pour { to: Place, how: Opening, from: Arc<StreamHandle> } = "fs.pour" -> ();
    /// Reply: up to `max` bytes; none at the end.
    ReadFile { file: HeldId, max: usize } = "fs.file.read" -> Vec<u8>;
    WriteFile { file: HeldId, data: Vec<u8> } = "fs.file.write" -> usize;
    /// Reply: the new position.
    SeekFile { file: HeldId, to: SeekFrom } = "fs.file.seek" -> u64;
    CloseFile { file: HeldId } = "fs.file.close" -> ();
    /// Reply: the scanner, held like the file.
    ScanFile { file: HeldId, split: Split } = "fs.file.scanner" -> HeldId;
    /// Reply: the next token; `None` at the end.
    Scan { scanner: HeldId } = "fs.scan" -> Option<Vec<u8>>;
}

/// See the module comment.
pub trait Operation: Send + Sized + 'static {
    const NAME: &'static str;
    type Reply: Send + 'static;
    /// Blocks.
    fn run(self, caller: &Caller) -> Result<Self::Reply>;
}

/// An operation that its process waits for.
pub struct Waited<O>(pub O);
/// An operation of a process that cannot wait.
pub struct AtOnce<O>(pub O);

macro_rules! request_of_operation {
    ($type:ident) => {
        impl<O: Operation> Request for $type<O> {
            const NAME: &'static str = O::NAME;
            const CAPABILITY: &'static str = "fs";
            const PERMISSIONS: Permissions = Some(&[]);
            type Reply = O::Reply;
            fn authorize(&self, _: &Gate<'_>) -> Result<()> {
                Ok(())
            }
        }
    };
}
request_of_operation!(Waited);
request_of_operation!(AtOnce);

macro_rules! operations {
    ($($(#[$doc:meta])* $type:ident { $($field:ident: $ty:ty),* } = $name:literal -> $reply:ty
        |$this:ident, $caller:ident| $run:expr;)*) => {
        $($(#[$doc])*
        pub struct $type {
            $(pub $field: $ty,)*
        }
        impl Operation for $type {
            const NAME: &'static str = $name;
            type Reply = $reply;
            fn run(self, $caller: &Caller) -> Result<$reply> {
                let $this = self;
                $run
            }
        })*
    };
}

/// A path in a filesystem.
pub struct Place {
    pub filesystem: Arc<dyn Filesystem>,
    /// As [`wippy_runtime::files::clean`] gives it.
    pub path: String,
    /// As the program wrote it.
    pub written: String,
}

impl Place {
    /// What the system says, in the form the reference has: `open a: openat a: no such file or directory`.
    fn failed(&self, what: &str, call: &str, e: &io::Error) -> Error {
        let path = &self.path;
        Error::internal(format!("{what} {path}: {call} {path}: {}", reason(e)))
    }
    fn not_a_directory(&self) -> Error {
        Error::invalid(format!("not a directory: {}", self.written))
    }
    /// Errors: NotFound, whatever the reason.
    fn open(&self, how: Opening) -> Result<Box<dyn File>> {
        let opened = self.filesystem.open(&self.path, how);
        opened.map_err(|e| self.failed("open", "openat", &e).with_kind(Kind::NOT_FOUND))
    }
}

/// A file that the process holds.
pub struct Opened {
    pub id: HeldId,
    pub file: Weak<OpenFile>,
}

operations! {
    /// Errors: NotFound, whatever the reason; LimitExceeded if the process holds too much.
    Open { place: Place, how: Opening } = "fs.open" -> Opened |r, caller| {
        let file = OpenFile::new(r.place.open(r.how)?, r.place.path);
        let weak = Arc::downgrade(&file);
        let id = streams::open(&caller.control, Box::new(FileStream { file, how: r.how }))?;
        Ok(Opened { id, file: weak })
    };
    /// Errors: NotFound, whatever the reason.
    Stat { place: Place } = "fs.stat" -> FileStat |r, _caller| {
        let stat = r.place.filesystem.stat(&r.place.path);
        stat.map_err(|e| r.place.failed("stat", "statat", &e).with_kind(Kind::NOT_FOUND))
    };
    /// Errors: AlreadyExists, Internal.
    MakeDir { place: Place } = "fs.mkdir" -> () |r, _caller| {
        let Place { filesystem, path, written } = &r.place;
        filesystem.make_dir(path).map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists => Error::already_exists(format!("path already exists: {written}")),
            _ => r.place.failed("mkdir", "mkdirat", &e),
        })
    };
    /// Errors: Invalid for a directory that is not empty, Internal.
    Remove { place: Place } = "fs.remove" -> () |r, _caller| {
        let Place { filesystem, path, written } = &r.place;
        filesystem.remove(path).map_err(|e| match e.kind() {
            ErrorKind::DirectoryNotEmpty => Error::invalid(format!("directory not empty: {written}")),
            _ => r.place.failed("remove", "unlinkat", &e),
        })
    };
    /// Errors: NotFound, Invalid for what is no directory, Internal.
    List { place: Place } = "fs.readdir" -> Vec<DirEntry> |r, _caller| {
        r.place.filesystem.list(&r.place.path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => r.place.failed("readdir", "openat", &e).with_kind(Kind::NOT_FOUND),
            ErrorKind::NotADirectory => r.place.not_a_directory(),
            _ => r.place.failed("readdir", "openat", &e),
        })
    };
    /// Errors: as [`Stat`]; Invalid for what is no directory.
    EnterDir { place: Place } = "fs.chdir" -> () |r, _caller| {
        let stat = r.place.filesystem.stat(&r.place.path);
        let stat = stat.map_err(|e| r.place.failed("stat", "statat", &e).with_kind(Kind::NOT_FOUND))?;
        if stat.kind == wippy_runtime::files::FileKind::Directory { Ok(()) } else { Err(r.place.not_a_directory()) }
    };
    /// Errors: NotFound for opening; LimitExceeded beyond the memory that a process of the host may have; Internal.
    ReadAll { place: Place } = "fs.readfile" -> Vec<u8> |r, caller| {
        let max = match caller.control.host.limits.memory {
            0 => MAX_CONTENT,
            limit => limit.min(MAX_CONTENT),
        };
        let mut file = r.place.open(Opening::READ)?;
        read_all(&mut *file, max).map_err(|e| {
            let kind = if e.kind() == ErrorKind::FileTooLarge { Kind::LIMIT_EXCEEDED } else { Kind::INTERNAL };
            Error::internal(format!("read {}: {}", r.place.path, reason(&e))).with_kind(kind)
        })
    };
    /// The file is opened before anybody looks at the data. Errors: NotFound for opening, those of the data, Internal.
    WriteAll { place: Place, how: Opening, data: Result<Vec<u8>> } = "fs.writefile" -> () |r, _caller| {
        let mut file = r.place.open(r.how)?;
        file.write_all(&r.data?).map_err(|e| unwritten(&r.place.path, &e))
    };
    /// Errors: Internal.
    StatFile { file: Arc<OpenFile> } = "fs.file.stat" -> FileStat |r, _caller| r.file.stat();
    /// Errors: Internal.
    SyncFile { file: Arc<OpenFile> } = "fs.file.sync" -> () |r, _caller| r.file.sync();
}

fn unwritten(path: &str, e: &io::Error) -> Error {
    Error::internal(format!("write {path}: {}", reason(e)))
}

/// What every operation on a closed file says.
pub fn closed() -> Error {
    Error::internal("file already closed")
}

fn held(control: &Control, file: HeldId) -> Result<Arc<StreamHandle>> {
    streams::held(control, file).map_err(|_| closed())
}

/// Begins `work` on an open file.
fn on_file<T, F>(caller: &Caller, file: HeldId, done: Completer<T>, work: impl FnOnce(Arc<StreamHandle>) -> F)
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    match held(&caller.control, file) {
        Ok(stream) => done.begin(caller.node.io(), work(stream)),
        Err(e) => done.complete(Err(e)),
    }
}

async fn pour(request: Pour) -> Result<()> {
    let Pour { to, how, from } = request;
    let mut file = blocking(move || Ok((to.open(how)?, to.path))).await?;
    loop {
        let piece = from.read(MAX_READ).await?;
        if piece.is_empty() {
            return Ok(());
        }
        file = blocking(move || {
            let (mut file, path) = file;
            file.write_all(&piece).map_err(|e| unwritten(&path, &e))?;
            Ok((file, path))
        })
        .await?;
    }
}

fn operation<O: Operation>(commands: &mut DispatcherBuilder) {
    commands.blocking(|caller, r: Waited<O>| r.0.run(caller));
    commands.sync(|caller, r: AtOnce<O>| r.0.run(caller));
}

/// Adds the handlers.
pub fn register(commands: &mut DispatcherBuilder) {
    commands.sync(|caller, r: GetFilesystem| {
        let id = EntryId::parse(&r.name);
        let found = caller.node.filesystems().get(&id);
        found.map_err(|_| Error::not_found(format!("filesystem not found: {}", r.name)))
    });
    operation::<Open>(commands);
    operation::<Stat>(commands);
    operation::<MakeDir>(commands);
    operation::<Remove>(commands);
    operation::<List>(commands);
    operation::<EnterDir>(commands);
    operation::<ReadAll>(commands);
    operation::<WriteAll>(commands);
    operation::<StatFile>(commands);
    operation::<SyncFile>(commands);
    commands.future(|_, r: Pour| pour(r));
    commands.deferred(|caller, r: ReadFile, done| {
        on_file(caller, r.file, done, |stream| async move { stream.read(r.max).await });
    });
    commands.deferred(|caller, r: WriteFile, done| {
        on_file(caller, r.file, done, |stream| async move { stream.write(r.data).await });
    });
    commands.deferred(|caller, r: SeekFile, done| {
        on_file(caller, r.file, done, |stream| async move { stream.seek(r.to).await });
    });
    commands.deferred(|caller, r: CloseFile, done| {
        on_file(caller, r.file, done, |stream| {
            caller.control.release(r.file);
            async move { stream.close().await }
        });
    });
    commands.sync(|caller, r: ScanFile| {
        let scanner = Scanner::new(held(&caller.control, r.file)?, r.split);
        caller.control.hold(Arc::new(scanner))
    });
    commands.deferred(|caller, r: Scan, done| match caller.control.held::<Scanner>(r.scanner) {
        Some(scanner) => done.begin(caller.node.io(), async move { scanner.scan().await }),
        None => done.complete(Err(closed())),
    });
}
