//! A counter: `add` with an integer is answered with `count`. Ends with the count when it is asked to finish.

const std = @import("std");
const wippy = @import("wippy.zig");

/// Memory for what the runtime hands over; all of it is free again before the next message.
var room: [8192]u8 align(16) = undefined;
var used: usize = 0;

export fn cabi_realloc(old: ?[*]u8, old_len: usize, alignment: usize, len: usize) ?*anyopaque {
    const at = std.mem.alignForward(usize, used, alignment);
    if (at + len > room.len) @trap();
    used = at + len;
    const kept = @min(old_len, len);
    if (old) |bytes| @memcpy(room[at..][0..kept], bytes[0..kept]);
    return &room[at];
}

var outcome: wippy.Outcome = undefined;

export fn run(args: [*]const wippy.Payload, count: usize) *const wippy.Outcome {
    var sum: i64 = if (count > 0) args[0].integer() else 0;
    while (true) {
        used = 0;
        const got = wippy.next();
        if (got.tag == .message) {
            const message = got.body.message;
            if (!std.mem.eql(u8, message.topic.slice(), "add") or message.sender.set == 0) continue;
            if (message.payloads.len > 0) sum += message.payloads.at[0].integer();
            _ = wippy.tell(message.sender.pid, "count", wippy.Payload.of(sum));
        } else if (got.tag == .event and got.body.event.tag == .cancel) {
            outcome = .{ .failed = 0, .body = .{ .value = wippy.Payload.of(sum) } };
            return &outcome;
        }
    }
}
