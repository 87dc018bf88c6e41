//! Streams over what is at hand: bytes in memory, and anything of the standard
//! library that blocks.

use std::future::ready;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Doing, Stream, StreamStat, cannot};
use crate::error::{Error, Result};
use crate::io::blocking;

/// Bytes in memory: can be read, written and seeked.
#[derive(Default)]
pub struct MemoryStream(io::Cursor<Vec<u8>>);

impl MemoryStream {
    pub fn new(bytes: impl Into<Vec<u8>>) -> MemoryStream {
        MemoryStream(io::Cursor::new(bytes.into()))
    }
}

impl Stream for MemoryStream {
    fn read(&mut self, max: usize) -> Doing<'_, Vec<u8>> {
        Box::pin(ready(read_some(max, |buffer| self.0.read(buffer))))
    }
    fn write(&mut self, data: Vec<u8>) -> Doing<'_, usize> {
        Box::pin(ready(self.0.write_all(&data).map(|()| data.len()).map_err(failed)))
    }
    fn seek(&mut self, to: SeekFrom) -> Doing<'_, u64> {
        Box::pin(ready(self.0.seek(to).map_err(failed)))
    }
    fn stat(&mut self) -> Doing<'_, StreamStat> {
        let (size, position) = (Some(self.0.get_ref().len() as u64), Some(self.0.position()));
        Box::pin(ready(Ok(StreamStat { size, position, readable: true, writable: true, seekable: true })))
    }
}

/// What a blocking stream is made of; the parts it lacks are never asked for.
trait Bytes: Send {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn write_all(&mut self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

struct File<T>(T);

impl<T: Read + Write + Seek + Send> Bytes for File<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
    fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        self.0.write_all(data)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

struct Source<T>(T);

impl<T: Read + Send> Bytes for Source<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

struct Sink<T>(T);

impl<T: Write + Send> Bytes for Sink<T> {
    fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        self.0.write_all(data)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Something that blocks, used on the node's blocking pool.
pub struct Blocking {
    inner: Arc<Mutex<Box<dyn Bytes>>>,
    stat: StreamStat,
}

impl Blocking {
    fn new(inner: impl Bytes + 'static, stat: StreamStat) -> Blocking {
        Blocking { inner: Arc::new(Mutex::new(Box::new(inner))), stat }
    }
    /// A file (or anything else that can do all three), opened for reading, writing or both.
    pub fn file(file: impl Read + Write + Seek + Send + 'static, readable: bool, writable: bool) -> Blocking {
        Blocking::new(File(file), StreamStat { readable, writable, seekable: true, ..StreamStat::default() })
    }
    pub fn reader(reader: impl Read + Send + 'static) -> Blocking {
        Blocking::new(Source(reader), StreamStat { readable: true, ..StreamStat::default() })
    }
    pub fn writer(writer: impl Write + Send + 'static) -> Blocking {
        Blocking::new(Sink(writer), StreamStat { writable: true, ..StreamStat::default() })
    }
    fn run<T: Send + 'static>(
        &self,
        allowed: bool,
        what: &str,
        f: impl FnOnce(&mut dyn Bytes) -> Result<T> + Send + 'static,
    ) -> Doing<'_, T> {
        if !allowed {
            return Box::pin(ready(Err(cannot(what))));
        }
        let inner = self.inner.clone();
        Box::pin(blocking(move || f(&mut **inner.lock())))
    }
}

impl Stream for Blocking {
    fn read(&mut self, max: usize) -> Doing<'_, Vec<u8>> {
        self.run(self.stat.readable, "readable", move |io| read_some(max, |buffer| io.read(buffer)))
    }
    fn write(&mut self, data: Vec<u8>) -> Doing<'_, usize> {
        let write = move |io: &mut dyn Bytes| io.write_all(&data).map(|()| data.len()).map_err(failed);
        self.run(self.stat.writable, "writable", write)
    }
    fn seek(&mut self, to: SeekFrom) -> Doing<'_, u64> {
        self.run(self.stat.seekable, "seekable", move |io| io.seek(to).map_err(failed))
    }
    fn flush(&mut self) -> Doing<'_, ()> {
        if !self.stat.writable {
            return Box::pin(ready(Ok(())));
        }
        self.run(true, "writable", |io| io.flush().map_err(failed))
    }
    fn stat(&mut self) -> Doing<'_, StreamStat> {
        let stat = self.stat;
        if !stat.seekable {
            return Box::pin(ready(Ok(stat)));
        }
        self.run(true, "seekable", move |io| {
            let measure = |io: &mut dyn Bytes| {
                let position = io.seek(SeekFrom::Current(0))?;
                let size = io.seek(SeekFrom::End(0))?;
                io.seek(SeekFrom::Start(position))?;
                Ok(StreamStat { size: Some(size), position: Some(position), ..stat })
            };
            measure(io).map_err(failed)
        })
    }
    fn close(&mut self) -> Doing<'_, ()> {
        self.flush()
    }
}

fn read_some(max: usize, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> Result<Vec<u8>> {
    let mut buffer = vec![0; max];
    let read = loop {
        match read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            read => break read.map_err(failed)?,
        }
    };
    buffer.truncate(read);
    Ok(buffer)
}

fn failed(e: io::Error) -> Error {
    Error::internal(e.to_string())
}
