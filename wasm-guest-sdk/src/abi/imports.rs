//! The functions of `wit/`, flattened as the canonical ABI says. Elsewhere than on wasm32 there is no runtime to call,
//! so there they panic; that is enough to check, document and test what does not call them.

use super::*;

macro_rules! imports {
    ($($module:literal { $(fn $name:ident = $symbol:literal ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?;)* })*) => {
        $(
            #[cfg(target_arch = "wasm32")]
            #[link(wasm_import_module = $module)]
            unsafe extern "C" {
                $(#[link_name = $symbol] pub fn $name($($arg: $ty),*) $(-> $ret)?;)*
            }
            $(
                #[cfg(not(target_arch = "wasm32"))]
                #[allow(clippy::too_many_arguments, clippy::missing_safety_doc)]
                pub unsafe fn $name($($arg: $ty),*) $(-> $ret)? {
                    let _ = ($($arg,)*);
                    panic!("{} is called outside of a wippy process", $symbol)
                }
            )*
        )*
    };
}

type Text = *const u8;

imports! {
    "wippy:process/types@0.1.0" {
        fn pid_to_text = "pid-to-text"(node: u32, host: u32, sequence: u64, ret: *mut List<u8>);
        fn parse_pid = "parse-pid"(at: Text, len: usize, ret: *mut Answer<Pid>);
        fn transcode = "transcode"(format: i32, at: Text, len: usize, to: i32, ret: *mut Answer<RawEncoded>);
        fn value_kind = "[method]value.kind"(handle: u32, ret: *mut List<u8>);
        fn value_len = "[method]value.len"(handle: u32) -> u32;
        fn value_get = "[method]value.get"(handle: u32, path: Text, len: usize, ret: *mut Maybe<RawPayload>);
        fn value_encode = "[method]value.encode"(handle: u32, format: i32, ret: *mut Answer<List<u8>>);
        fn value_share = "[method]value.share"(handle: u32) -> u32;
        fn value_drop = "[resource-drop]value"(handle: u32);
    }
    "wippy:process/current@0.1.0" {
        fn self_pid = "self-pid"(ret: *mut Pid);
        fn entry_id = "entry-id"(ret: *mut List<u8>);
        fn get_options = "get-options"(ret: *mut RawOptions);
        fn set_options = "set-options"(trap_links: i32, upgradable: i32, tables: i32);
        fn context_value = "context-value"(key: Text, len: usize, ret: *mut Maybe<RawPayload>);
        fn upgrade = "upgrade"(entry: i32, at: Text, len: usize, args: *const RawPayload, count: usize);
        fn exit = "exit"(
            side: i32, a: i32, wide: i64, b: i32, c: i32, d: i32, e: i32, f: i32, g: i32, h: i32, i: i32, j: i32
        );
    }
    "wippy:process/log@0.1.0" {
        fn log_write = "write"(level: i32, at: Text, len: usize, fields: *const RawField, count: usize);
        fn log_enabled = "enabled"(level: i32) -> i32;
    }
    "wippy:process/time@0.1.0" {
        fn time_now = "now"() -> u64;
        fn time_wall = "wall"() -> i64;
        fn time_sleep = "sleep"(nanoseconds: u64);
        fn random = "random"() -> u64;
    }
    "wippy:process/terminal@0.1.0" {
        fn terminal_write = "write"(to: i32, at: Text, len: usize, ret: *mut Answer<()>);
        fn terminal_read_line = "read-line"(ret: *mut Answer<Maybe<List<u8>>>);
    }
    "wippy:process/environment@0.1.0" {
        fn environment_get = "get"(key: Text, len: usize, ret: *mut Answer<List<u8>>);
        fn environment_set = "set"(key: Text, len: usize, value: Text, value_len: usize, ret: *mut Answer<()>);
        fn environment_all = "all"(ret: *mut Answer<List<RawPair>>);
    }
    "wippy:process/registry@0.1.0" {
        fn registry_get = "get"(id: Text, len: usize, ret: *mut Answer<RawEntry>);
        fn registry_find = "find"(criteria: *const RawField, count: usize, ret: *mut Answer<List<RawEntry>>);
    }
    "wippy:process/processes@0.1.0" {
        fn spawn = "spawn"(
            entry: Text, entry_len: usize, host: Text, host_len: usize, args: *const RawPayload, count: usize,
            relation: i32, named: i32, name: Text, name_len: usize, context: *const RawField, context_len: usize,
            options: *const RawField, options_len: usize, messages: *const RawFirstMessage, messages_len: usize,
            ret: *mut Answer<Pid>,
        );
        fn exec = "exec"(
            entry: Text, entry_len: usize, host: Text, host_len: usize, args: *const RawPayload, count: usize,
            ret: *mut Answer<RawPayload>,
        );
        fn send = "send"(
            kind: i32, a: u32, b: u32, sequence: u64, topic: Text, topic_len: usize, payloads: *const RawPayload,
            count: usize, ret: *mut Answer<()>,
        );
        fn cancel = "cancel"(
            kind: i32, a: u32, b: u32, sequence: u64, reason: Text, len: usize, ret: *mut Answer<()>
        );
        fn terminate = "terminate"(kind: i32, a: u32, b: u32, sequence: u64, ret: *mut Answer<()>);
        fn monitor = "monitor"(kind: i32, a: u32, b: u32, sequence: u64, ret: *mut Answer<()>);
        fn unmonitor = "unmonitor"(kind: i32, a: u32, b: u32, sequence: u64, ret: *mut Answer<()>);
        fn link = "link"(kind: i32, a: u32, b: u32, sequence: u64, ret: *mut Answer<()>);
        fn unlink = "unlink"(kind: i32, a: u32, b: u32, sequence: u64, ret: *mut Answer<()>);
    }
    "wippy:process/names@0.1.0" {
        fn register_name = "register"(
            name: Text, len: usize, owned: i32, node: u32, host: u32, sequence: u64, scope: i32, ret: *mut Answer<()>
        );
        fn lookup_name = "lookup"(name: Text, len: usize, ret: *mut Answer<Pid>);
        fn unregister_name = "unregister"(name: Text, len: usize, scope: i32, ret: *mut Answer<u8>);
    }
    "wippy:process/functions@0.1.0" {
        fn call = "call"(
            entry: Text, len: usize, args: *const RawPayload, count: usize, with: i32, context: *const RawField,
            context_len: usize, options: *const RawField, options_len: usize, ret: *mut Answer<RawPayload>,
        );
        fn start = "start"(
            entry: Text, len: usize, args: *const RawPayload, count: usize, with: i32, context: *const RawField,
            context_len: usize, options: *const RawField, options_len: usize, ret: *mut Answer<u32>,
        );
        fn pending_wait = "[method]pending.wait"(handle: u32, ret: *mut Answer<RawPayload>);
        fn pending_cancel = "[method]pending.cancel"(handle: u32);
        fn pending_drop = "[resource-drop]pending"(handle: u32);
    }
    "wippy:process/mailbox@0.1.0" {
        fn receive = "receive"(
            want: i32, topics: *const List<u8>, topics_len: usize, calls: *const u32, calls_len: usize, limited: i32,
            timeout: u64, ret: *mut RawIncoming,
        );
        fn listen = "listen"(topic: Text, len: usize, ret: *mut Answer<()>);
        fn unlisten = "unlisten"(topic: Text, len: usize) -> i32;
    }
}
