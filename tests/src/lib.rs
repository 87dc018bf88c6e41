//! Runs the program as a user would: a directory with files, a command line,
//! what comes out. Nothing here knows how the runtime works inside.

mod by_hand;
mod cases;
mod guests;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use by_hand::{assemble, sha256};
pub use cases::{Case, cases};
pub use guests::{guest_cargo, guests};

/// Longest time a command of a test may take; a machine under load is slow, a hang is forever.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// What a command did.
#[derive(Debug)]
pub struct Outcome {
    /// `None`: ended by a signal.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A directory with a project in it, removed with the value.
pub struct Project {
    dir: tempfile::TempDir,
    program: PathBuf,
}

impl Project {
    /// `program` is `env!("CARGO_BIN_EXE_wippy-under-test")` of the calling test.
    pub fn new(program: &str) -> Project {
        Project { dir: tempfile::tempdir().expect("a temporary directory"), program: program.into() }
    }
    /// Writes files, with their directories.
    pub fn with<'a>(self, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Project {
        for (path, text) in files {
            self.write(path, text);
        }
        self
    }
    pub fn write(&self, path: &str, text: &str) {
        self.write_bytes(path, text.as_bytes());
    }
    pub fn write_bytes(&self, path: &str, content: &[u8]) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, content).expect("a file");
    }
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
    /// Runs `wippy ARGS` here to its end. Panics if it takes too long.
    pub fn run(&self, args: &[&str]) -> Outcome {
        run_in(&self.program, self.dir.path(), args)
    }
    /// Starts `wippy ARGS` here.
    pub fn start(&self, args: &[&str]) -> Running {
        Running::start(&self.program, self.dir.path(), args)
    }
}

/// Runs `program ARGS` in `dir` to its end. Panics if it takes too long.
pub fn run_in(program: &Path, dir: &Path, args: &[&str]) -> Outcome {
    Running::start(program, dir, args).wait()
}

/// A command under way; killed with the value.
pub struct Running {
    child: Child,
    what: String,
    out: Shown,
    err: Shown,
}

/// What a command has written so far; complete once its thread has ended.
struct Shown {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Shown {
    fn of(from: Option<impl Read + Send + 'static>) -> Shown {
        let text = Arc::new(Mutex::new(Vec::new()));
        let to = text.clone();
        let read = |mut from: Box<dyn Read + Send>, to: &Mutex<Vec<u8>>| {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut chunk) {
                to.lock().expect("no reader panics").extend(&chunk[..n]);
            }
        };
        let reader = from.map(|from| std::thread::spawn(move || read(Box::new(from), &to)));
        Shown { text, reader }
    }
    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().expect("no reader panics")).into_owned()
    }
    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.so_far()
    }
}

impl Running {
    fn start(program: &Path, dir: &Path, args: &[&str]) -> Running {
        let mut child = Command::new(program)
            .args(args)
            .current_dir(dir)
            .env("WIPPY_NODE_ID", "local")
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (out, err) = (Shown::of(child.stdout.take()), Shown::of(child.stderr.take()));
        Running { child, what: args.join(" "), out, err }
    }
    /// Whether `text` is in what the command has written so far.
    pub fn has_shown(&self, text: &str) -> bool {
        self.out.so_far().contains(text) || self.err.so_far().contains(text)
    }
    /// Sends a signal by name, such as `TERM` or `KILL`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill exists");
        assert!(sent.success(), "cannot send {name} to {pid}");
    }
    /// Waits for the end. Panics if it takes too long.
    pub fn wait(mut self) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("a child of ours") {
                Some(status) => break status,
                None if Instant::now() > deadline => {
                    let _ = self.child.kill();
                    panic!("`{}` does not end\nstdout: {}\nstderr: {}", self.what, self.out.all(), self.err.all());
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        Outcome { code: status.code(), stdout: self.out.all(), stderr: self.err.all() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
