//! Runs the program as a user would: a directory with files, a command line,
//! what comes out. Nothing here knows how the runtime works inside.

mod cases;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use cases::{Case, cases};

/// Longest time a command of a test may take; a machine under load is slow, a hang is forever.
pub const PATIENCE: Duration = Duration::from_secs(60);

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
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
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
    out: Option<std::thread::JoinHandle<String>>,
    err: Option<std::thread::JoinHandle<String>>,
}

fn collect(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
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
        let out = child.stdout.take().map(collect);
        let err = child.stderr.take().map(collect);
        Running { child, what: args.join(" "), out, err }
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
                    let (out, err) = (self.out.take(), self.err.take());
                    let text = |h: Option<std::thread::JoinHandle<String>>| h.map(|h| h.join().unwrap_or_default());
                    panic!("`{}` does not end\nstdout: {:?}\nstderr: {:?}", self.what, text(out), text(err));
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let text = |h: Option<std::thread::JoinHandle<String>>| h.and_then(|h| h.join().ok()).unwrap_or_default();
        Outcome { code: status.code(), stdout: text(self.out.take()), stderr: text(self.err.take()) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
