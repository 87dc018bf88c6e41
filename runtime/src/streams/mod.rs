//! Streams of bytes that a process holds: files, bodies, pipes. A service
//! makes one, [`open`] gives it to a process, and the process reads and writes
//! it by number through the commands here, whatever it is made of.
//!
//! One operation runs on a stream at a time, in the order they were asked for.
//! Closing does not wait: it ends the operation that runs. What is not closed
//! is dropped when the run of its process ends. Knows no engine.

mod commands;
mod kinds;
mod scanner;

pub use commands::{Close, Flush, NewScanner, Read, Scan, Seek, Stat, Write, register};
pub use kinds::{Blocking, MemoryStream};
pub use scanner::{MAX_TOKEN, Scanner, Split};

use std::future::{Future, ready};
use std::io::SeekFrom;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{Mutex, watch};

use crate::error::{Error, Result};
use crate::process::{Control, HeldId};

/// Bytes a read gives when it is not told how many.
pub const DEFAULT_READ: usize = 32 << 10;
/// Bytes one read gives at most.
pub const MAX_READ: usize = 64 << 10;

/// An operation under way.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// What is known about a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamStat {
    /// Bytes in all, if known.
    pub size: Option<u64>,
    /// Bytes before the next one, if known.
    pub position: Option<u64>,
    pub readable: bool,
    pub writable: bool,
    pub seekable: bool,
}

/// Something with bytes in it. What a stream cannot do it does not implement. Operations are futures that run on the
/// node's IO runtime and must not block ([`Blocking`] wraps what does); one may be dropped before it is done.
pub trait Stream: Send {
    /// From 1 to `max` bytes; none at the end.
    fn read(&mut self, _max: usize) -> Doing<'_, Vec<u8>> {
        Box::pin(ready(Err(cannot("readable"))))
    }
    /// Writes all of `data` and gives its length.
    fn write(&mut self, _data: Vec<u8>) -> Doing<'_, usize> {
        Box::pin(ready(Err(cannot("writable"))))
    }
    /// Gives the new position.
    fn seek(&mut self, _to: SeekFrom) -> Doing<'_, u64> {
        Box::pin(ready(Err(cannot("seekable"))))
    }
    fn flush(&mut self) -> Doing<'_, ()> {
        Box::pin(ready(Ok(())))
    }
    fn stat(&mut self) -> Doing<'_, StreamStat>;
    /// Called once, as the last operation, unless the process ends first.
    fn close(&mut self) -> Doing<'_, ()> {
        Box::pin(ready(Ok(())))
    }
}

fn cannot(what: &str) -> Error {
    Error::internal(format!("stream is not {what}"))
}
fn closed() -> Error {
    Error::internal("stream closed")
}

/// A stream in the hands of a process and of whom it lends it to.
pub struct StreamHandle {
    /// `None`: closed.
    stream: Mutex<Option<Box<dyn Stream>>>,
    open: watch::Sender<bool>,
}

impl StreamHandle {
    pub fn new(stream: Box<dyn Stream>) -> Arc<StreamHandle> {
        Arc::new(StreamHandle { stream: Mutex::new(Some(stream)), open: watch::Sender::new(true) })
    }

    /// The next bytes, 1 to `max`; none at the end. Errors: Internal `stream closed`, `stream is not readable`, or
    /// what happened.
    pub async fn read(&self, max: usize) -> Result<Vec<u8>> {
        self.run(move |stream| stream.read(max)).await
    }

    /// Writes all of `data` and gives its length. Errors: as [`StreamHandle::read`].
    pub async fn write(&self, data: Vec<u8>) -> Result<usize> {
        self.run(move |stream| stream.write(data)).await
    }

    /// Gives the new position. Errors: as [`StreamHandle::read`].
    pub async fn seek(&self, to: SeekFrom) -> Result<u64> {
        self.run(move |stream| stream.seek(to)).await
    }

    /// Runs one operation when it is its turn.
    async fn run<T>(&self, operation: impl for<'a> FnOnce(&'a mut dyn Stream) -> Doing<'a, T>) -> Result<T> {
        let mut open = self.open.subscribe();
        let is_closed = async { drop(open.wait_for(|open| !open).await) };
        let work = async {
            let mut stream = self.stream.lock().await;
            match &mut *stream {
                Some(stream) => operation(&mut **stream).await,
                None => Err(closed()),
            }
        };
        tokio::select! {
            biased;
            () = is_closed => Err(closed()),
            done = work => done,
        }
    }

    /// Ends the operation under way, then closes. Errors: `stream closed`.
    pub async fn close(&self) -> Result<()> {
        self.open.send_replace(false);
        let stream = self.stream.lock().await.take();
        match stream {
            Some(mut stream) => stream.close().await,
            None => Err(closed()),
        }
    }
}

/// Gives a process a stream; it is closed at the latest when its run ends. Errors: LimitExceeded if it holds too much
/// already; Canceled if it has ended.
pub fn open(control: &Control, stream: Box<dyn Stream>) -> Result<HeldId> {
    control.hold(StreamHandle::new(stream))
}

/// The stream that a process holds under `id`. Errors: Internal `stream not found`.
pub fn held(control: &Control, id: HeldId) -> Result<Arc<StreamHandle>> {
    control.held(id).ok_or_else(|| Error::internal("stream not found"))
}
