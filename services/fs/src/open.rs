//! A file that a process holds: a stream, so that whatever reads or writes
//! streams can do so with files, and what only files have besides.

use std::io::{self, SeekFrom};
use std::sync::Arc;

use parking_lot::Mutex;
use wippy_runtime::files::{File, FileStat, Opening, reason};
use wippy_runtime::io::blocking;
use wippy_runtime::streams::{Doing, Stream, StreamStat};
use wippy_runtime::{Error, Result};

/// Bytes that are asked of the system at a time: a read of a gigabyte costs what is there, not a gigabyte.
const PIECE: usize = 1 << 20;

/// An open file and the path it was opened with.
pub struct OpenFile {
    file: Mutex<Box<dyn File>>,
    path: String,
}

impl OpenFile {
    pub fn new(file: Box<dyn File>, path: String) -> Arc<OpenFile> {
        Arc::new(OpenFile { file: Mutex::new(file), path })
    }
    /// Blocks.
    pub fn stat(&self) -> Result<FileStat> {
        self.run("stat", |file| file.stat())
    }
    /// Waits until what was written is on the disk. Blocks.
    pub fn sync(&self) -> Result<()> {
        self.run("sync", |file| file.sync())
    }
    pub fn path(&self) -> &str {
        &self.path
    }
    /// The last name of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
    fn run<T>(&self, what: &str, f: impl FnOnce(&mut dyn File) -> io::Result<T>) -> Result<T> {
        f(&mut **self.file.lock()).map_err(|e| Error::internal(format!("{what} {}: {}", self.path, reason(&e))))
    }
}

/// The stream over an open file. `how` says what it is good for; the system refuses the rest.
pub struct FileStream {
    pub file: Arc<OpenFile>,
    pub how: Opening,
}

impl FileStream {
    fn run<T: Send + 'static>(
        &self,
        what: &'static str,
        f: impl FnOnce(&mut dyn File) -> io::Result<T> + Send + 'static,
    ) -> Doing<'_, T> {
        let file = self.file.clone();
        Box::pin(blocking(move || file.run(what, f)))
    }
}

impl Stream for FileStream {
    fn read(&mut self, max: usize) -> Doing<'_, Vec<u8>> {
        self.run("read", move |file| read_up_to(file, max))
    }
    fn write(&mut self, data: Vec<u8>) -> Doing<'_, usize> {
        self.run("write", move |file| file.write_all(&data).map(|()| data.len()))
    }
    fn seek(&mut self, to: SeekFrom) -> Doing<'_, u64> {
        self.run("seek", move |file| file.seek(to))
    }
    fn flush(&mut self) -> Doing<'_, ()> {
        self.run("flush", |file| file.flush())
    }
    fn stat(&mut self) -> Doing<'_, StreamStat> {
        let how = self.how;
        self.run("stat", move |file| {
            Ok(StreamStat {
                size: Some(file.stat()?.size),
                position: Some(file.stream_position()?),
                readable: how.read,
                writable: how.write || how.append,
                seekable: true,
            })
        })
    }
}

/// What there is, at most `max` bytes; less only if the system gives less at once. None at the end.
fn read_up_to(file: &mut dyn File, max: usize) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let before = content.len();
        let wanted = (max - before).min(PIECE);
        content.resize(before + wanted, 0);
        let read = loop {
            match file.read(&mut content[before..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // What came before it is not lost; the next read will tell.
                Err(_) if before > 0 => break 0,
                read => break read?,
            }
        };
        content.truncate(before + read);
        if read < wanted || content.len() == max {
            return Ok(content);
        }
    }
}
