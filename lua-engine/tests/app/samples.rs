//! A module for tests that hands out streams, as services do.

use std::io::{Read, Seek, Write};

use wippy_lua::member;
use wippy_lua::modules::{Module, ModuleValue};
use wippy_lua::native::{Call, Raise, Ret};
use wippy_runtime::streams::{Blocking, MemoryStream};

static MODULE: Module = Module {
    name: "samples",
    value: ModuleValue::Table(&[
        member!("memory", memory),
        member!("reader", reader),
        member!("file", file),
        member!("drip", drip),
    ]),
    class: &[],
    description: "Streams for tests",
};

pub fn find(name: &str) -> Option<&'static Module> {
    (name == MODULE.name).then_some(&MODULE)
}

/// Bytes in memory that can do everything.
fn memory(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_stream(Box::new(MemoryStream::new(call.str(1)?)))?;
    Ok(Ret::ONE)
}

/// Bytes that can only be read, from something that blocks.
fn reader(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_stream(Box::new(Blocking::reader(std::io::Cursor::new(call.str(1)?.to_vec()))))?;
    Ok(Ret::ONE)
}

/// A real file with some bytes, read and written at its start.
fn file(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(call.str(1)?).and_then(|()| file.rewind()).expect("a writable file");
    call.push_stream(Box::new(Blocking::file(file, true, true)))?;
    Ok(Ret::ONE)
}

/// One byte at a time, then an error.
fn drip(call: &mut Call<'_>) -> Result<Ret, Raise> {
    struct Drip(std::vec::IntoIter<u8>);
    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            buffer[0] = self.0.next().ok_or_else(|| std::io::Error::other("the tap is dry"))?;
            Ok(1)
        }
    }
    call.push_stream(Box::new(Blocking::reader(Drip(call.str(1)?.to_vec().into_iter()))))?;
    Ok(Ret::ONE)
}
