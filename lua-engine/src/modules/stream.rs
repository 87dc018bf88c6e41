//! Stream and scanner objects, which other modules hand out
//! ([`Call::push_stream`]), and the module `stream`, which has no members.
//!
//! The process holds the stream ([`wippy_runtime::streams`]); an object here is
//! its number, and lets go of it when no program can reach the object any more.

use std::io::SeekFrom;
use std::sync::{Arc, Weak};

use wippy_runtime::Error;
use wippy_runtime::process::{Control, HeldId};
use wippy_runtime::streams::{self, DEFAULT_READ, MAX_READ, Split, Stream, StreamHandle, StreamStat};

use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Member, Object, Raise, Ret, Type};

pub static MODULE: Module = Module {
    name: "stream",
    value: ModuleValue::Table(&[]),
    class: &["io"],
    description: "Streams of bytes: files, bodies and pipes that other modules hand out",
};

/// Something that its process holds, in the hands of an object: let go of when no program can reach the object any more.
pub struct Held {
    id: HeldId,
    owner: Weak<Control>,
}

impl Held {
    /// `id` is of something that the process of `call` holds. Errors: no process runs.
    pub fn new(call: &Call<'_>, id: HeldId) -> Result<Held, Error> {
        Ok(Held { id, owner: Arc::downgrade(&control(call)?) })
    }
    pub fn id(&self) -> HeldId {
        self.id
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(owner) = self.owner.upgrade() {
            owner.release(self.id);
        }
    }
}

struct StreamObject(Held);

impl Object for StreamObject {
    const EXPECTED: &'static str = "stream";
    const METHODS: &'static [Member] = &[
        member!("read", read),
        member!("write", write),
        member!("seek", seek),
        member!("flush", flush),
        member!("stat", stat),
        member!("close", close),
        member!("scanner", scanner),
    ];
    fn stream(&self) -> Option<HeldId> {
        Some(self.0.id)
    }
}

/// The last token is in the slot.
struct ScannerObject {
    held: Held,
    failed: std::cell::RefCell<Option<String>>,
}

const TOKEN: i32 = 1;

impl Object for ScannerObject {
    const EXPECTED: &'static str = "scanner";
    const METHODS: &'static [Member] = &[member!("scan", scan), member!("text", text), member!("err", err)];
    const SLOTS: i32 = 1;
}

impl Call<'_> {
    /// Gives the process `stream` and pushes the object for it. Errors: the process holds too much; nothing runs.
    pub fn push_stream(&self, stream: Box<dyn Stream>) -> Result<(), Error> {
        let control = control(self)?;
        let id = streams::open(&control, stream)?;
        self.push_object(StreamObject(Held::new(self, id)?));
        Ok(())
    }
    /// The stream in argument `i`, for a module that reads or writes it; `None` if it is no object that stands for one.
    /// Errors: Internal `stream not found` after it was closed.
    pub fn stream(&self, i: i32) -> Option<Result<Arc<StreamHandle>, Error>> {
        let id = self.object_stream(i)?;
        Some(control(self).and_then(|control| streams::held(&control, id)))
    }
}

fn control(call: &Call<'_>) -> Result<Arc<Control>, Error> {
    let engine = crate::process::Engine::of(call);
    engine.and_then(|e| e.control()).ok_or_else(|| Error::internal("no process context"))
}

fn id(call: &Call<'_>) -> Result<HeldId, Raise> {
    Ok(call.userdata::<StreamObject>(1)?.0.id)
}

fn read(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let max = match call.opt_int(2)? {
        Some(n) if n > 0 => n.min(MAX_READ as i64) as usize,
        _ => DEFAULT_READ,
    };
    let id = id(call)?;
    call.request(streams::Read { id, max }, |call, bytes| match bytes {
        Ok(bytes) if bytes.is_empty() => {
            call.push_nil();
            call.fine()
        }
        Ok(bytes) => {
            call.push_str(bytes);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn write(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (id, data) = (id(call)?, call.str(2)?.to_vec());
    call.request(streams::Write { id, data }, |call, written| number(call, written.map(|n| n as i64), 0))
}

fn seek(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = id(call)?;
    let whence = call.opt_str(2)?.unwrap_or(b"set");
    let offset = call.opt_int(3)?.unwrap_or(0);
    let to = match whence {
        b"set" => match u64::try_from(offset) {
            Ok(offset) => SeekFrom::Start(offset),
            Err(_) => return number(call, Err(Error::internal("seek to a negative position")), -1),
        },
        b"cur" => SeekFrom::Current(offset),
        b"end" => SeekFrom::End(offset),
        _ => return Err(Raise::text("invalid whence: must be 'set', 'cur', or 'end'")),
    };
    call.request(streams::Seek { id, to }, |call, position| number(call, position.map(|n| n as i64), -1))
}

/// Pushes the number and nil, or `failed` and the error.
fn number(call: &mut Call<'_>, result: Result<i64, Error>, failed: i64) -> Result<Ret, Raise> {
    match result {
        Ok(n) => {
            call.push_int(n);
            call.fine()
        }
        Err(e) => {
            call.push_int(failed);
            call.push_error(e);
            Ok(Ret::TWO)
        }
    }
}

fn flush(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = id(call)?;
    call.request(streams::Flush { id }, done)
}

fn close(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = id(call)?;
    call.request(streams::Close { id }, done)
}

fn done(call: &mut Call<'_>, result: Result<(), Error>) -> Result<Ret, Raise> {
    match result {
        Ok(()) => {
            call.push_bool(true);
            call.fine()
        }
        Err(e) => call.fail_false(e),
    }
}

fn stat(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = id(call)?;
    call.request(streams::Stat { id }, |call, stat| match stat {
        Ok(stat) => {
            push_stat(call, stat);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn push_stat(call: &Call<'_>, stat: StreamStat) {
    let number = |n: Option<u64>| n.map_or(-1, |n| n as i64);
    call.push_table(0, 5);
    call.push_int(number(stat.size));
    call.set_field(-2, "size");
    call.push_int(number(stat.position));
    call.set_field(-2, "position");
    for (name, can) in [("readable", stat.readable), ("writable", stat.writable), ("seekable", stat.seekable)] {
        call.push_bool(can);
        call.set_field(-2, name);
    }
}

fn scanner(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = id(call)?;
    let split = match call.opt_str(2)?.unwrap_or(b"lines") {
        b"lines" => Split::Lines,
        b"words" => Split::Words,
        b"bytes" => Split::Bytes,
        b"runes" => Split::Runes,
        _ => return Err(Raise::text("invalid split type: must be 'lines', 'words', 'bytes', or 'runes'")),
    };
    call.request(streams::NewScanner { id, split }, |call, scanner| match scanner {
        Ok(id) => {
            let held = Held::new(call, id)?;
            call.push_object(ScannerObject { held, failed: None.into() });
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn scan(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let scanner = call.userdata::<ScannerObject>(1)?.held.id;
    call.request(streams::Scan { scanner }, |call, token| {
        let found = match &token {
            Ok(Some(token)) => {
                call.push_str(token);
                true
            }
            _ => {
                call.push_nil();
                false
            }
        };
        call.set_slot(1, TOKEN);
        match token {
            Ok(_) => {
                call.push_bool(found);
                call.fine()
            }
            Err(e) => {
                *call.userdata::<ScannerObject>(1)?.failed.borrow_mut() = Some(e.to_string());
                call.fail_false(e)
            }
        }
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
        Some(text) => call.push_str(text),
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}
