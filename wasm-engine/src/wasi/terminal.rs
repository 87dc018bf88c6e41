//! The terminal of the program as the standard streams of a guest.

use std::sync::Arc;
use std::task::{Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use wasmtime_wasi::cli::{IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{WasiCtxBuilder, async_trait};
use wippy_runtime::Node;
use wippy_runtime::terminal::{Output, Terminal, TerminalSession, Wanted};

/// Bytes asked of the input at a time.
const CHUNK: usize = 4096;
/// Bytes one write takes.
const WRITE: usize = 64 << 10;

/// Gives the guest the terminal of its process.
pub fn attach(builder: &mut WasiCtxBuilder, session: &TerminalSession, node: &Arc<Node>) {
    let terminal = &session.terminal;
    builder.stdout(Writer { terminal: terminal.clone(), to: Output::Stdout });
    builder.stderr(Writer { terminal: terminal.clone(), to: Output::Stderr });
    builder.stdin(Reader { terminal: terminal.clone(), node: node.clone(), state: Arc::default() });
}

#[derive(Clone)]
struct Writer {
    terminal: Arc<Terminal>,
    to: Output,
}

impl IsTerminal for Writer {
    fn is_terminal(&self) -> bool {
        true
    }
}

impl StdoutStream for Writer {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {}
}

impl OutputStream for Writer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.terminal.write(self.to, &bytes).map_err(|_| StreamError::Closed)
    }
    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE)
    }
}

#[derive(Clone)]
struct Reader {
    terminal: Arc<Terminal>,
    node: Arc<Node>,
    state: Arc<Mutex<Input>>,
}

#[derive(Default)]
struct Input {
    /// Read and not taken yet.
    bytes: Bytes,
    ended: bool,
    asked: bool,
    waker: Option<Waker>,
}

impl IsTerminal for Reader {
    fn is_terminal(&self) -> bool {
        true
    }
}

impl StdinStream for Reader {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(tokio::io::empty())
    }
    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

impl Reader {
    fn ask(&self) {
        let state = self.state.clone();
        let deliver = Box::new(move |read: wippy_runtime::Result<Option<Vec<u8>>>| {
            let mut input = state.lock();
            input.asked = false;
            match read {
                Ok(Some(bytes)) => input.bytes = bytes.into(),
                Ok(None) | Err(_) => input.ended = true,
            }
            let waker = input.waker.take();
            drop(input);
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        self.terminal.read(self.node.io(), Wanted::Bytes(CHUNK), deliver);
    }
}

#[async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| {
            let mut input = self.state.lock();
            if !input.bytes.is_empty() || input.ended {
                return Poll::Ready(());
            }
            input.waker = Some(cx.waker().clone());
            if !std::mem::replace(&mut input.asked, true) {
                // What is there already is delivered at once.
                drop(input);
                self.ask();
                let input = self.state.lock();
                if !input.bytes.is_empty() || input.ended {
                    return Poll::Ready(());
                }
            }
            Poll::Pending
        })
        .await;
    }
}

impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut input = self.state.lock();
        if input.bytes.is_empty() && input.ended {
            return Err(StreamError::Closed);
        }
        let n = size.min(input.bytes.len());
        Ok(input.bytes.split_to(n))
    }
}
