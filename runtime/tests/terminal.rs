//! Standard input shared by readers that come and go, and output that stays in order.

use std::io::Write;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wippy_runtime::error::Result;
use wippy_runtime::io::Io;
use wippy_runtime::terminal::{Output, RawMode, ReadId, Terminal, TerminalSession, Wanted};

struct Desk {
    io: Io,
    terminal: Terminal,
    keyboard: Option<std::io::PipeWriter>,
}

type Answer = Receiver<Result<Option<Vec<u8>>>>;

impl Desk {
    fn new() -> Desk {
        let (input, keyboard) = std::io::pipe().unwrap();
        let terminal = Terminal::new(input, std::io::sink(), std::io::sink());
        Desk { io: Io::default(), terminal, keyboard: Some(keyboard) }
    }
    fn types(&mut self, text: &[u8]) {
        self.keyboard.as_mut().unwrap().write_all(text).unwrap();
    }
    fn asks(&self, wanted: Wanted) -> (Option<ReadId>, Answer) {
        let (tx, rx) = channel();
        (self.terminal.read(&self.io, wanted, Box::new(move |r| drop(tx.send(r)))), rx)
    }
    fn reads(&self, wanted: Wanted) -> Option<String> {
        get(&self.asks(wanted).1)
    }
}

fn get(answer: &Answer) -> Option<String> {
    let bytes = answer.recv_timeout(Duration::from_secs(20)).expect("an answer").unwrap();
    bytes.map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn lines_and_bytes_are_taken_from_one_stream() {
    let mut desk = Desk::new();
    desk.types(b"one\r\ntwo\n\nthree and more\nlast");
    assert_eq!(desk.reads(Wanted::Line).as_deref(), Some("one"));
    assert_eq!(desk.reads(Wanted::Bytes(2)).as_deref(), Some("tw"));
    assert_eq!(desk.reads(Wanted::Line).as_deref(), Some("o"));
    assert_eq!(desk.reads(Wanted::Line).as_deref(), Some(""));
    assert_eq!(desk.reads(Wanted::Bytes(5)).as_deref(), Some("three"));
    assert_eq!(desk.reads(Wanted::Line).as_deref(), Some(" and more"));
    desk.keyboard = None;
    assert_eq!(desk.reads(Wanted::Line).as_deref(), Some("last"));
    assert_eq!([desk.reads(Wanted::Line), desk.reads(Wanted::Bytes(9))], [None, None]);
}

#[test]
fn what_is_there_already_is_given_at_once() {
    let mut desk = Desk::new();
    desk.types(b"a\nb\nc\n");
    assert_eq!(desk.reads(Wanted::Line).as_deref(), Some("a"));
    for rest in ["b", "c"] {
        let (waits, answer) = desk.asks(Wanted::Line);
        assert_eq!((waits, get(&answer).as_deref()), (None, Some(rest)));
    }
    assert!(desk.asks(Wanted::Line).0.is_some());
}

#[test]
fn a_line_that_comes_in_pieces_is_one() {
    let mut desk = Desk::new();
    let (_, answer) = desk.asks(Wanted::Line);
    for piece in [&b"be"[..], b"gin", b" end\nrest"] {
        desk.types(piece);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(get(&answer).as_deref(), Some("begin end"));
    assert_eq!(desk.reads(Wanted::Bytes(100)).as_deref(), Some("rest"));
}

#[test]
fn readers_are_served_in_turn_and_one_that_leaves_takes_nothing_along() {
    let mut desk = Desk::new();
    let (first, gone) = desk.asks(Wanted::Line);
    let (_, second) = desk.asks(Wanted::Line);
    let (_, third) = desk.asks(Wanted::Line);
    desk.terminal.cancel_read(first.unwrap());
    desk.types(b"x\ny\n");
    assert_eq!([get(&second), get(&third)], [Some("x".into()), Some("y".into())]);
    assert!(gone.recv().is_err());
    // The last one leaves while somebody blocks for it: its line is for whoever comes next.
    let (last, _) = desk.asks(Wanted::Line);
    std::thread::sleep(Duration::from_millis(5));
    desk.terminal.cancel_read(last.unwrap());
    desk.types(b"z\n");
    assert_eq!(desk.reads(Wanted::Line).as_deref(), Some("z"));
}

#[test]
fn many_readers_need_one_thread() {
    let mut desk = Desk::new();
    let answers: Vec<Answer> = (0..500).map(|_| desk.asks(Wanted::Line).1).collect();
    for i in 0..500 {
        desk.types(format!("{i}\n").as_bytes());
    }
    for (i, answer) in answers.iter().enumerate() {
        assert_eq!(get(answer), Some(i.to_string()));
    }
}

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<String>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().push(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().unwrap().push("flush".into());
        Ok(())
    }
}

impl RawMode for Paper {
    fn enter(&self) -> Result<()> {
        self.0.lock().unwrap().push("raw".into());
        Ok(())
    }
    fn leave(&self) -> Result<()> {
        self.0.lock().unwrap().push("cooked".into());
        Ok(())
    }
}

#[test]
fn every_write_is_flushed() {
    let paper = Paper::default();
    let terminal = Terminal::new(std::io::empty(), paper.clone(), paper.clone());
    terminal.write(Output::Stdout, b"a").unwrap();
    terminal.write(Output::Stderr, b"b\n").unwrap();
    terminal.write(Output::Stdout, b"c").unwrap();
    assert_eq!(*paper.0.lock().unwrap(), ["a", "flush", "b\n", "flush", "c", "flush"]);
}

#[test]
fn raw_mode_is_counted_for_each_process_and_for_all() {
    let none =
        TerminalSession::new(Arc::new(Terminal::new(std::io::empty(), std::io::sink(), std::io::sink())), vec![]);
    assert_eq!(none.raw(true).unwrap_err().to_string(), "raw terminal control unavailable");
    none.raw(false).unwrap();

    let log = Paper::default();
    let terminal = Terminal::new(std::io::empty(), std::io::sink(), std::io::sink()).with_raw_mode(log.clone());
    let terminal = Arc::new(terminal);
    let session = || TerminalSession::new(terminal.clone(), vec![]);
    let (a, b) = (session(), session());
    let steps: [(&TerminalSession, bool, usize); 8] = [
        (&a, false, 0),
        (&a, true, 1),
        (&a, true, 1),
        (&b, true, 1),
        (&a, false, 1),
        (&a, false, 1),
        (&a, false, 1),
        (&b, false, 2),
    ];
    for (n, (session, on, switches)) in steps.into_iter().enumerate() {
        session.raw(on).unwrap();
        assert_eq!(log.0.lock().unwrap().len(), switches, "step {n}");
    }
    b.raw(true).unwrap();
    b.raw(true).unwrap();
    b.end();
    b.end();
    a.raw(true).unwrap();
    terminal.restore();
    terminal.restore();
    assert_eq!(*log.0.lock().unwrap(), ["raw", "cooked", "raw", "cooked", "raw", "cooked"]);
}
