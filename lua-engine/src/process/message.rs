//! What a program receives: values, Message objects, event records.
//!
//! A Message object is its sender and, in its slot, the encoded body as a Lua
//! string; payloads are decoded when they are asked for. So it needs no
//! finaliser, and a message that is only forwarded is never decoded.

use wippy_runtime::payload::FlatReader;
use wippy_runtime::process::{Exit, Message, Notice, NoticeKind};
use wippy_runtime::relay::Pid;

use super::mailbox::Form;
use crate::member;
use crate::native::{Call, Function, Member, Object, Raise, Ret, Shape, Stack};

/// A received message; its body is in the slot.
pub struct MessageObject {
    from: Pid,
}

const BODY: i32 = 1;

impl Object for MessageObject {
    const EXPECTED: &'static str = "message";
    const METHODS: &'static [Member] = &[member!("topic", topic), member!("from", from), member!("payload", payload)];
    const OPERATORS: &'static [Function] = &[crate::native!("__tostring", to_string)];
    const SLOTS: i32 = 1;
}

/// Pushes what a subscription of this form delivers for a message: its sender, and its topic and payloads.
pub(super) fn push(stack: &Stack<'_>, from: Pid, bytes: &[u8], form: Form) {
    if form == Form::Message {
        stack.push_object(MessageObject { from });
        stack.push_str(bytes);
        stack.set_slot(-2, BODY);
        return;
    }
    let (_, mut reader) = Message::open_bytes(bytes);
    if reader.is_empty() {
        return stack.push_nil();
    }
    decode(stack, &mut reader);
    if reader.is_empty() {
        return;
    }
    stack.push_table(4, 0);
    let list = stack.top();
    stack.rotate(-2, 1);
    stack.set_index(list - 1, 1);
    let mut n = 1;
    while !reader.is_empty() {
        n += 1;
        decode(stack, &mut reader);
        stack.set_index(list - 1, n);
    }
}

/// Pushes the next value; a damaged one (only a bug or another machine can send it) reads as nil and ends the body.
fn decode(stack: &Stack<'_>, reader: &mut FlatReader<'_>) {
    if let Err(error) = stack.decode_one(reader) {
        tracing::warn!(%error, "damaged message");
        *reader = FlatReader::new(&[]);
        stack.push_nil();
    }
}

/// Pushes the event record of a notice.
pub(super) fn push_notice(stack: &Stack<'_>, notice: Notice) {
    if !matches!(notice.kind, NoticeKind::Outdated { .. }) {
        // The runtime itself is `{|}` here, unlike in messages.
        push_pid_text(stack, notice.from);
    }
    stack.push_int(notice.at);
    let record = match notice.kind {
        NoticeKind::Exit(exit) => {
            push_result(stack, exit);
            &EXIT
        }
        NoticeKind::LinkDown(e) => {
            push_result(stack, Exit::Error(e));
            &LINK_DOWN
        }
        NoticeKind::Cancel { reason } => {
            stack.push_str(reason);
            &CANCEL
        }
        NoticeKind::Outdated { sources } => {
            stack.push_table(sources.len(), 0);
            for (i, source) in sources.iter().enumerate() {
                stack.push_str(source);
                stack.set_index(-2, i as i64 + 1);
            }
            &OUTDATED
        }
    };
    stack.push_record(record);
}

/// Pushes how a process ended: a table with its value or its error.
fn push_result(stack: &Stack<'_>, exit: Exit) {
    match exit {
        Exit::Value(flat) => {
            match flat.is_empty() {
                true => stack.push_nil(),
                false => decode(stack, &mut flat.reader()),
            }
            stack.push_record(&VALUE);
        }
        Exit::Error(e) => {
            stack.push_error(e);
            stack.push_record(&ERROR);
        }
    }
}

const fn event(kind: &'static str) -> Member {
    Member::str("kind", kind)
}
const FROM: Member = Member::int("from", 1);
const AT: Member = Member::int("at", 2);
static EXIT: Shape = Shape::new(&[event("pid.exit"), FROM, AT, Member::int("result", 3)]);
static LINK_DOWN: Shape = Shape::new(&[event("pid.link.down"), FROM, AT, Member::int("result", 3)]);
static CANCEL: Shape = Shape::new(&[event("pid.cancel"), FROM, AT, Member::int("reason", 3)]);
static OUTDATED: Shape = Shape::new(&[event("pid.outdated"), Member::int("at", 1), Member::int("sources", 2)]);
static VALUE: Shape = Shape::new(&[Member::int("value", 1)]);
static ERROR: Shape = Shape::new(&[Member::int("error", 1)]);
pub(super) static SHAPES: [&Shape; 6] = [&EXIT, &LINK_DOWN, &CANCEL, &OUTDATED, &VALUE, &ERROR];

/// Pushes the text of a pid, empty for none.
pub(crate) fn push_pid(stack: &Stack<'_>, pid: Pid) {
    match pid.is_none() {
        true => stack.push_str(""),
        false => push_pid_text(stack, pid),
    }
}

fn push_pid_text(stack: &Stack<'_>, pid: Pid) {
    pid.with_text(|text| stack.push_str(text));
}

/// Pushes the body of the message in slot 1 and reads its topic: topic and payloads.
fn open<'a>(call: &Call<'a>) -> Result<(&'a [u8], FlatReader<'a>), Raise> {
    call.userdata::<MessageObject>(1)?;
    call.get_slot(1, BODY);
    // SAFETY: the body stays on the stack, and in the object's slot, until the native function returns.
    let body = unsafe { call.bytes_raw(-1) }.unwrap_or_default();
    let mut reader = FlatReader::new(body);
    let topic = reader.tag().and_then(|tag| reader.text(tag)).unwrap_or_default();
    Ok((topic, reader))
}

fn topic(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (topic, _) = open(call)?;
    call.push_str(topic);
    Ok(Ret::ONE)
}

fn from(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let message = call.userdata::<MessageObject>(1)?;
    push_pid(call, message.from);
    Ok(Ret::ONE)
}

fn payload(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (_, mut reader) = open(call)?;
    if reader.is_empty() {
        call.push_nil();
        return Ok(Ret::ONE);
    }
    push_payload(call, &mut reader);
    if reader.is_empty() {
        return Ok(Ret::ONE);
    }
    call.push_table(4, 0);
    let list = call.top();
    call.push_copy(list - 1);
    call.set_index(list, 1);
    let mut n = 1;
    while !reader.is_empty() {
        n += 1;
        push_payload(call, &mut reader);
        call.set_index(list, n);
    }
    Ok(Ret::ONE)
}

/// Pushes a Payload object of the next value.
fn push_payload(stack: &Stack<'_>, reader: &mut FlatReader<'_>) {
    decode(stack, reader);
    crate::modules::payload::wrap(stack);
}

fn to_string(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (topic, _) = open(call)?;
    let text = format!("process.Message{{topic={}}}", String::from_utf8_lossy(topic));
    call.push_str(text);
    Ok(Ret::ONE)
}
