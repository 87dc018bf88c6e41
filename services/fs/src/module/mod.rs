//! The Lua module `fs` and its filesystem objects: a tree, and the directory in
//! it that paths without a leading `/` begin at.

mod file;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::SystemTime;

use wippy_lua::modules::stream::Held;
use wippy_lua::modules::{Module, ModuleValue};
use wippy_lua::native::{Call, Function, Member, Object, Raise, Ret, Stack, Type};
use wippy_lua::process::InProcess;
use wippy_lua::{member, native};
use wippy_runtime::files::{FileKind, FileStat, Filesystem, Opening, clean, shown};
use wippy_runtime::{Error, Result as Outcome};

pub use file::{FileObject, ScannerObject};

use crate::commands::{
    AtOnce, EnterDir, GetFilesystem, List, MakeDir, Open, Operation, Place, Pour, ReadAll, Remove, Stat, Waited,
    WriteAll,
};

pub static MODULE: Module = Module {
    name: "fs",
    value: ModuleValue::Table(&[member!("get", get), Member::table("type", TYPES), Member::table("seek", SEEK)]),
    class: &["storage", "io"],
    description: "Files in filesystem entries",
};

const FILE: &str = "file";
const DIRECTORY: &str = "directory";
const TYPES: &[Member] = &[Member::str("FILE", FILE), Member::str("DIR", DIRECTORY)];
const SEEK: &[Member] = &[Member::str("SET", "set"), Member::str("CUR", "cur"), Member::str("END", "end")];

/// A filesystem, as programs have it.
pub struct FsObject {
    filesystem: Arc<dyn Filesystem>,
    /// A clean path.
    cwd: RefCell<String>,
}

impl Object for FsObject {
    const EXPECTED: &'static str = "fs.FS";
    const METHODS: &'static [Member] = &[
        member!("chdir", chdir),
        member!("pwd", pwd),
        member!("open", open),
        member!("stat", stat),
        member!("mkdir", mkdir),
        member!("remove", remove),
        member!("readdir", readdir),
        member!("exists", exists),
        member!("isdir", isdir),
        member!("readfile", readfile),
        member!("read_file", readfile),
        member!("writefile", writefile),
        member!("write_file", writefile),
    ];
    const OPERATORS: &'static [Function] = &[native!("__tostring", describe)];
}

/// A listed directory: the entries are in the slot.
struct Listing {
    /// The next one, from 1.
    next: std::cell::Cell<i64>,
}

impl Object for Listing {
    const EXPECTED: &'static str = "fs.Listing";
    const METHODS: &'static [Member] = &[];
    const SLOTS: i32 = 1;
}

const ENTRIES: i32 = 1;
const NEXT: Function = native!("readdir", next_entry);

/// The end of a function that gives `false, err` when it fails.
type After<T> = fn(&mut Call<'_>, Outcome<T>) -> Result<Ret, Raise>;

/// Runs an operation: while the process waits, or now where it cannot wait.
fn run<O: Operation>(call: &mut Call<'_>, operation: O, then: After<O::Reply>) -> Result<Ret, Raise> {
    if call.engine()?.check_can_block(call).is_ok() {
        return call.request(Waited(operation), then);
    }
    let reply = call.ask(AtOnce(operation))?;
    then(call, reply)
}

/// [`After`] for functions whose success is `true`.
fn done<T>(call: &mut Call<'_>, outcome: Outcome<T>) -> Result<Ret, Raise> {
    match outcome {
        Ok(_) => yes(call, true),
        Err(e) => call.fail_false(e),
    }
}

fn yes(call: &mut Call<'_>, answer: bool) -> Result<Ret, Raise> {
    call.push_bool(answer);
    call.fine()
}

fn get(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let name = call.text(1)?.into_owned();
    if name.is_empty() {
        return call.fail(Error::invalid("filesystem name required"));
    }
    match call.ask(GetFilesystem { name })? {
        Ok(filesystem) => {
            call.push_object(FsObject { filesystem, cwd: RefCell::new(".".to_owned()) });
            call.fine()
        }
        Err(e) => call.fail(e),
    }
}

fn describe(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let text = format!("fs.FS{{cwd={}}}", call.userdata::<FsObject>(1)?.cwd.borrow());
    call.push_str(text);
    Ok(Ret::ONE)
}

/// The path in argument 2. Errors: it is empty and may not be; it leads out.
fn place(call: &Call<'_>, may_be_empty: bool) -> Result<Outcome<Place>, Raise> {
    let object = call.userdata::<FsObject>(1)?;
    let written = call.text(2)?.into_owned();
    if written.is_empty() && !may_be_empty {
        return Ok(Err(Error::invalid("path required")));
    }
    let path = clean(&object.cwd.borrow(), &written);
    Ok(path.map(|path| Place { filesystem: object.filesystem.clone(), path, written }))
}

/// Takes the value out of an [`Outcome`], or ends the function with `nil, err` or `false, err`.
macro_rules! valid {
    ($call:ident, $outcome:expr, $failed:ident) => {
        match $outcome {
            Ok(value) => value,
            Err(e) => return $call.$failed(e),
        }
    };
}

fn chdir(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let place = valid!(call, place(call, false)?, fail_false);
    // Where it leads lies on the stack, since nothing of Rust lives across the wait.
    call.push_str(&place.path);
    run(call, EnterDir { place }, |call, outcome| {
        if let (Ok(()), Some(path)) = (&outcome, call.bytes(call.top())) {
            let path = String::from_utf8_lossy(path).into_owned();
            *call.userdata::<FsObject>(1)?.cwd.borrow_mut() = path;
        }
        done(call, outcome)
    })
}

fn pwd(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let path = shown(&call.userdata::<FsObject>(1)?.cwd.borrow());
    call.push_str(path);
    call.fine()
}

fn opening(mode: &[u8]) -> Option<Opening> {
    Some(match mode {
        b"r" => Opening::READ,
        b"w" => Opening::WRITE,
        b"wx" => Opening::WRITE_NEW,
        b"a" => Opening::APPEND,
        _ => return None,
    })
}

fn open(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let place = place(call, false)?;
    let how = opening(call.str(3)?);
    let place = valid!(call, place, fail);
    let wrong = || Error::invalid("invalid mode: must be 'r', 'w', 'wx' or 'a'");
    let how = valid!(call, how.ok_or_else(wrong), fail);
    run(call, Open { place, how }, |call, outcome| match outcome {
        Ok(opened) => {
            let held = Held::new(call, opened.id)?;
            call.push_object(FileObject::new(held, opened.file));
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn stat(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let place = valid!(call, place(call, false)?, fail);
    call.push_str(place.path.rsplit('/').next().unwrap_or_default());
    run(call, Stat { place }, |call, outcome| match outcome {
        Ok(stat) => {
            push_stat(call, call.top(), &stat);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

/// Pushes what is known about a file whose name is in slot `name`.
fn push_stat(call: &Stack<'_>, name: i32, stat: &FileStat) {
    let is_dir = stat.kind == FileKind::Directory;
    let modified = match stat.modified.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_secs() as i64,
        Err(before) => -(before.duration().as_secs() as i64),
    };
    call.push_table(0, 6);
    call.push_copy(name);
    call.set_field(-2, "name");
    for (key, number) in [("size", stat.size as i64), ("mode", mode(stat)), ("modified", modified)] {
        call.push_int(number);
        call.set_field(-2, key);
    }
    call.push_bool(is_dir);
    call.set_field(-2, "is_dir");
    call.push_str(kind_name(stat.kind));
    call.set_field(-2, "type");
}

fn kind_name(kind: FileKind) -> &'static str {
    if kind == FileKind::Directory { DIRECTORY } else { FILE }
}

/// The number the reference shows: Go's `fs.FileMode`.
fn mode(stat: &FileStat) -> i64 {
    let kind = match stat.kind {
        FileKind::File => 0,
        FileKind::Directory => 1 << 31,
        FileKind::Link => 1 << 27,
        FileKind::BlockDevice => 1 << 26,
        FileKind::Pipe => 1 << 25,
        FileKind::Socket => 1 << 24,
        FileKind::CharDevice => 1 << 26 | 1 << 21,
    };
    let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    let special: i64 = special.iter().filter(|(bit, _)| stat.permissions & bit != 0).map(|(_, flag)| flag).sum();
    kind | special | i64::from(stat.permissions & 0o777)
}

fn mkdir(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let place = valid!(call, place(call, false)?, fail_false);
    run(call, MakeDir { place }, done)
}

fn remove(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let place = valid!(call, place(call, false)?, fail_false);
    run(call, Remove { place }, done)
}

fn readdir(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let place = valid!(call, place(call, false)?, fail);
    run(call, List { place }, |call, outcome| {
        let entries = valid!(call, outcome, fail);
        call.push_function(NEXT);
        call.push_object(Listing { next: std::cell::Cell::new(1) });
        call.push_table(entries.len(), 0);
        for (n, entry) in (1..).zip(entries) {
            call.push_table(0, 2);
            call.push_str(&entry.name);
            call.set_field(-2, "name");
            call.push_str(kind_name(entry.kind));
            call.set_field(-2, "type");
            call.set_index(-2, n);
        }
        call.set_slot(-2, ENTRIES);
        Ok(Ret::TWO)
    })
}

fn next_entry(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let listing = call.userdata::<Listing>(1)?;
    let n = listing.next.get();
    call.get_slot(1, ENTRIES);
    if call.get_index(call.top(), n) != Type::Nil {
        listing.next.set(n + 1);
    }
    Ok(Ret::ONE)
}

fn exists(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let place = valid!(call, place(call, true)?, fail_false);
    run(call, Stat { place }, |call, outcome| yes(call, outcome.is_ok()))
}

fn isdir(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let place = valid!(call, place(call, true)?, fail_false);
    run(call, Stat { place }, |call, outcome| match outcome {
        Ok(stat) => yes(call, stat.kind == FileKind::Directory),
        Err(e) => call.fail_false(e),
    })
}

fn readfile(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let place = valid!(call, place(call, false)?, fail);
    run(call, ReadAll { place }, |call, outcome| match outcome {
        Ok(content) => {
            call.push_str(content);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn writefile(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let place = place(call, false)?;
    let mode = call.opt_str(4)?.unwrap_or(b"w");
    let place = valid!(call, place, fail_false);
    if call.is_nil_or_none(3) {
        return call.fail_false(Error::invalid("data argument required"));
    }
    let wrong = || Error::invalid("invalid mode; must be 'w', 'wx' or 'a'");
    let how = opening(mode).filter(|how| how.changes());
    let how = valid!(call, how.ok_or_else(wrong), fail_false);
    let data = match (call.real_str(3), call.stream(3)) {
        (Some(text), _) => Ok(text.to_vec()),
        (None, Some(Ok(from))) => return call.request(Pour { to: place, how, from }, done),
        (None, Some(Err(_))) => Err(crate::commands::closed()),
        (None, None) if call.type_of(3) == Type::Userdata => Err(Error::invalid("input does not implement io.Reader")),
        (None, None) => Err(Error::invalid("invalid input type, expected string or Reader")),
    };
    run(call, WriteAll { place, how, data }, done)
}
