//! File objects and their scanners. The process holds what they stand for; an
//! object is its number, and lets go of it when no program can reach it.

use std::cell::{Cell, RefCell};
use std::io::SeekFrom;
use std::sync::{Arc, Weak};

use wippy_lua::modules::stream::Held;
use wippy_lua::native::{Call, Function, Member, Object, Raise, Ret, Type};
use wippy_lua::{member, native};
use wippy_runtime::process::HeldId;
use wippy_runtime::streams::Split;
use wippy_runtime::{Error, Result as Outcome};

use super::{done, push_stat, run};
use crate::commands::{CloseFile, ReadFile, Scan, ScanFile, SeekFile, StatFile, SyncFile, WriteFile, closed};
use crate::open::OpenFile;

/// Bytes a read gives unless told.
const DEFAULT_READ: i64 = 4096;
/// Bytes one read gives at most.
const MAX_READ: i64 = 1 << 30;

/// An open file.
pub struct FileObject {
    held: Held,
    /// Not what keeps it open.
    file: Weak<OpenFile>,
    closed: Cell<bool>,
}

impl FileObject {
    pub fn new(held: Held, file: Weak<OpenFile>) -> FileObject {
        FileObject { held, file, closed: Cell::new(false) }
    }
    fn file(&self) -> Outcome<Arc<OpenFile>> {
        self.file.upgrade().filter(|_| !self.closed.get()).ok_or_else(closed)
    }
}

impl Object for FileObject {
    const EXPECTED: &'static str = "fs.File";
    const METHODS: &'static [Member] = &[
        member!("read", read),
        member!("write", write),
        member!("seek", seek),
        member!("stat", stat),
        member!("sync", sync),
        member!("scanner", scanner),
        member!("close", close),
    ];
    const OPERATORS: &'static [Function] = &[native!("__tostring", describe)];
    fn stream(&self) -> Option<HeldId> {
        Some(self.held.id())
    }
}

/// Cuts a file into tokens. The last one is in the slot.
pub struct ScannerObject {
    held: Held,
    failed: RefCell<Option<Error>>,
}

const TOKEN: i32 = 1;

impl Object for ScannerObject {
    const EXPECTED: &'static str = "fs.Scanner";
    const METHODS: &'static [Member] = &[member!("scan", scan), member!("text", text), member!("err", err)];
    const SLOTS: i32 = 1;
}

fn id(call: &Call<'_>) -> Result<HeldId, Raise> {
    Ok(call.userdata::<FileObject>(1)?.held.id())
}

fn describe(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let closed = call.userdata::<FileObject>(1)?.closed.get();
    call.push_str(if closed { "fs.File{closed}" } else { "fs.File{}" });
    Ok(Ret::ONE)
}

fn read(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (file, max) = (id(call)?, call.opt_int(2)?.unwrap_or(DEFAULT_READ));
    if max <= 0 {
        return call.fail(Error::invalid("size must be positive"));
    }
    call.request(ReadFile { file, max: max.min(MAX_READ) as usize }, |call, bytes| match bytes {
        Ok(bytes) if bytes.is_empty() => call.fail(Error::not_found("EOF")),
        Ok(bytes) => {
            call.push_str(bytes);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn write(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (file, data) = (id(call)?, call.str(2)?.to_vec());
    if data.is_empty() {
        return call.fail_false(Error::invalid("data required"));
    }
    call.request(WriteFile { file, data }, done)
}

fn seek(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (file, whence, offset) = (id(call)?, call.str(2)?, call.int(3)?);
    let to = match whence {
        b"set" => u64::try_from(offset).map(SeekFrom::Start),
        b"cur" => Ok(SeekFrom::Current(offset)),
        b"end" => Ok(SeekFrom::End(offset)),
        _ => return call.fail(Error::invalid("invalid whence: must be 'set', 'cur', or 'end'")),
    };
    let Ok(to) = to else {
        let path = call.userdata::<FileObject>(1)?.file().map(|file| file.path().to_owned());
        return call.fail(path.map_or_else(|e| e, |path| Error::internal(format!("seek {path}: invalid argument"))));
    };
    call.request(SeekFile { file, to }, |call, position| match position {
        Ok(position) => {
            call.push_int(position as i64);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn stat(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let file = match call.userdata::<FileObject>(1)?.file() {
        Ok(file) => file,
        Err(e) => return call.fail(e),
    };
    call.push_str(file.name());
    run(call, StatFile { file }, |call, outcome| match outcome {
        Ok(stat) => {
            push_stat(call, call.top(), &stat);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn sync(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match call.userdata::<FileObject>(1)?.file() {
        Ok(file) => run(call, SyncFile { file }, done),
        Err(e) => call.fail_false(e),
    }
}

fn close(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let object = call.userdata::<FileObject>(1)?;
    if object.closed.replace(true) || object.file.strong_count() == 0 {
        return done(call, Ok(()));
    }
    call.request(CloseFile { file: object.held.id() }, done)
}

fn scanner(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let object = call.userdata::<FileObject>(1)?;
    let split = match call.opt_str(2)?.unwrap_or(b"lines") {
        b"lines" => Split::Lines,
        b"words" => Split::Words,
        b"bytes" => Split::Bytes,
        b"runes" => Split::Runes,
        _ => {
            let text = "invalid split type: must be 'lines', 'words', 'bytes', or 'runes'";
            return call.fail(Error::invalid(text));
        }
    };
    if object.file().is_err() {
        return call.fail(Error::invalid("file is closed"));
    }
    call.request(ScanFile { file: object.held.id(), split }, |call, scanner| match scanner {
        Ok(id) => {
            let held = Held::new(call, id)?;
            call.push_object(ScannerObject { held, failed: RefCell::default() });
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn scan(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let scanner = call.userdata::<ScannerObject>(1)?.held.id();
    call.request(Scan { scanner }, |call, token| {
        let found = matches!(token, Ok(Some(_)));
        match token {
            Ok(Some(token)) => call.push_str(token),
            _ => {
                call.push_nil();
                if let Err(e) = token {
                    *call.userdata::<ScannerObject>(1)?.failed.borrow_mut() = Some(e);
                }
            }
        }
        call.set_slot(1, TOKEN);
        call.push_bool(found);
        Ok(Ret::ONE)
    })
}

fn text(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<ScannerObject>(1)?;
    if call.get_slot(1, TOKEN) == Type::Nil {
        call.push_str("");
    }
    Ok(Ret::ONE)
}

fn err(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match &*call.userdata::<ScannerObject>(1)?.failed.borrow() {
        Some(e) => call.push_error(e.clone()),
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}
