//! The part of the contract `wippy:process@0.1.0` that most processes need, in Zig: values, messages, events, sending.
//! On wasm32 the canonical ABI lays records out as extern structs and variants as a tag and a union, so no generated code
//! is needed. `wit/` says what everything means; what is missing here is added in the same way.

pub const Pid = extern struct { node: u32, host: u32, sequence: u64 };

pub const Text = extern struct {
    at: [*]const u8,
    len: usize,

    pub fn slice(self: Text) []const u8 {
        return self.at[0..self.len];
    }
};

pub const Encoded = extern struct { format: u8, data: Text };

pub const Error = extern struct {
    kind: Text,
    message: Text,
    retryable: extern struct { set: u8, value: u8 },
    details: extern struct { set: u8, value: Encoded },
};

pub const Payload = extern struct {
    tag: enum(u8) { nil, boolean, integer, number, text, bytes, encoded, held, err },
    body: extern union { boolean: bool, integer: i64, number: f64, text: Text, encoded: Encoded, held: u32, err: Error },

    pub fn of(n: i64) Payload {
        return .{ .tag = .integer, .body = .{ .integer = n } };
    }
    /// The integer, or 0 for anything else.
    pub fn integer(self: Payload) i64 {
        return if (self.tag == .integer) self.body.integer else 0;
    }
};

pub const Payloads = extern struct { at: [*]const Payload, len: usize };
pub const Sender = extern struct { set: u8, pid: Pid };
pub const Outcome = extern struct { failed: u8, body: extern union { value: Payload, err: Error } };
pub const Answer = extern struct { failed: u8, err: Error };

pub const Message = extern struct { topic: Text, sender: Sender, payloads: Payloads };

pub const Event = extern struct {
    tag: enum(u8) { exit, link_down, cancel, outdated },
    body: extern union {
        exit: extern struct { who: Pid, at: i64, outcome: Outcome },
        link_down: extern struct { who: Pid, at: i64, reason: Error },
        cancel: extern struct { by: Sender, at: i64, reason: Text },
        outdated: extern struct { at: i64, sources: extern struct { at: [*]const Text, len: usize } },
    },
};

pub const Incoming = extern struct {
    tag: enum(u8) { message, event, call, timeout },
    body: extern union { message: Message, event: Event, call: u32 },
};

comptime {
    if (@sizeOf(Payload) != 48 or @sizeOf(Message) != 40 or @sizeOf(Incoming) != 96) @compileError("the layout of wippy:process");
    // The type of the world, so that the runtime can make a component of the module.
    asm (
        \\.section ".custom_section.component-type:wippy:process","",@
        \\.incbin "out/process.component-type"
        \\.text
    );
}

extern "wippy:process/mailbox@0.1.0" fn receive(
    want: i32,
    topics: ?[*]const Text,
    topics_len: usize,
    calls: ?[*]const u32,
    calls_len: usize,
    limited: i32,
    nanoseconds: u64,
    got: *Incoming,
) void;

extern "wippy:process/processes@0.1.0" fn send(
    kind: i32,
    node: u32,
    host: u32,
    sequence: u64,
    topic: [*]const u8,
    topic_len: usize,
    payloads: [*]const Payload,
    payloads_len: usize,
    answer: *Answer,
) void;

/// Waits for a message of the inbox or an event.
pub fn next() Incoming {
    var got: Incoming = undefined;
    receive(3, null, 0, null, 0, 0, 0, &got);
    return got;
}

/// Whether the message was accepted.
pub fn tell(to: Pid, topic: []const u8, payload: Payload) bool {
    var answer: Answer = undefined;
    const payloads = [_]Payload{payload};
    send(0, to.node, to.host, to.sequence, topic.ptr, topic.len, &payloads, 1, &answer);
    return answer.failed == 0;
}
