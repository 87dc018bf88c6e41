//! How values lie in memory when they cross: the canonical ABI of the component model, for the types of `wit/`.
//!
//! On wasm32 a record is laid out as a `repr(C)` struct and a variant as a tag byte and a union, so the types here are
//! the layout, and the assertions at the end say which sizes that must give. `imports.rs` declares the functions, the
//! linker of the runtime compares them with the WIT package. What the runtime hands over was allocated by
//! `cabi_realloc` and is owned by whoever lifts it.
#![allow(unsafe_code, missing_debug_implementations)]

pub mod imports;

use alloc::string::String;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use crate::error::{Error, Kind};
use crate::payload::{Encoded, Format, Held, Payload};
use crate::pid::Pid;

/// The type of the world, which every guest carries in a custom section so that a component can be made of it.
pub const COMPONENT_TYPE: &[u8; COMPONENT_TYPE_LEN] = include_bytes!("process.component-type");
pub const COMPONENT_TYPE_LEN: usize = include_bytes!("process.component-type").len();

/// A string or a list: where, and how many elements.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct List<T> {
    pub at: *const T,
    pub len: usize,
}

/// A variant: which case, and its content.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Case<B: Copy> {
    pub tag: u8,
    pub body: B,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawEncoded {
    format: u8,
    data: List<u8>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawError {
    kind: List<u8>,
    message: List<u8>,
    retryable: Case<u8>,
    details: Case<MaybeUninit<RawEncoded>>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union PayloadBody {
    none: (),
    flag: u8,
    integer: i64,
    number: f64,
    bytes: List<u8>,
    encoded: RawEncoded,
    handle: u32,
    error: RawError,
}

pub type RawPayload = Case<PayloadBody>;

/// `tuple<string, payload>`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawField {
    pub name: List<u8>,
    pub value: RawPayload,
}

/// `tuple<string, string>`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawPair {
    pub key: List<u8>,
    pub value: List<u8>,
}

/// `result<T, error>`.
#[repr(C)]
#[derive(Clone, Copy)]
pub union Either<T: Copy> {
    pub ok: MaybeUninit<T>,
    pub error: RawError,
}
pub type Answer<T> = Case<Either<T>>;

/// `option<T>`.
pub type Maybe<T> = Case<MaybeUninit<T>>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawMessage {
    pub topic: List<u8>,
    pub sender: Maybe<Pid>,
    pub payloads: List<RawPayload>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawEnded {
    pub who: Pid,
    pub at: i64,
    pub outcome: Answer<RawPayload>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawLost {
    pub who: Pid,
    pub at: i64,
    pub reason: RawError,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawCancellation {
    pub by: Maybe<Pid>,
    pub at: i64,
    pub reason: List<u8>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawChange {
    pub at: i64,
    pub sources: List<List<u8>>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union EventBody {
    pub exit: RawEnded,
    pub link_down: RawLost,
    pub cancel: RawCancellation,
    pub outdated: RawChange,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union IncomingBody {
    pub message: RawMessage,
    pub event: Case<EventBody>,
    pub call: u32,
}

pub type RawIncoming = Case<IncomingBody>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawEntry {
    pub id: List<u8>,
    pub kind: List<u8>,
    pub meta: RawEncoded,
    pub data: RawEncoded,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawOptions {
    pub trap_links: u8,
    pub upgradable: u8,
    pub tables: u8,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawFirstMessage {
    pub topic: List<u8>,
    pub payloads: List<RawPayload>,
}

// ---- lowering: borrowed from Rust values, valid as long as those

impl<T> List<T> {
    pub fn of(items: &[T]) -> List<T> {
        List { at: items.as_ptr(), len: items.len() }
    }
}

impl List<u8> {
    pub fn text(text: &str) -> List<u8> {
        List::of(text.as_bytes())
    }
}

impl RawEncoded {
    pub fn of(encoded: &Encoded) -> RawEncoded {
        RawEncoded { format: encoded.format as u8, data: List::of(&encoded.data) }
    }
    /// The three scalars of the flattened form.
    pub fn flat(&self) -> (i32, *const u8, usize) {
        (i32::from(self.format), self.data.at, self.data.len)
    }
}

impl RawError {
    pub fn of(error: &Error) -> RawError {
        RawError {
            kind: List::text(error.kind().as_str()),
            message: List::text(error.message()),
            retryable: match error.is_retryable() {
                None => Case { tag: 0, body: 0 },
                Some(yes) => Case { tag: 1, body: u8::from(yes) },
            },
            details: match error.encoded_details() {
                None => Case { tag: 0, body: MaybeUninit::uninit() },
                Some(map) => {
                    let details = RawEncoded { format: Format::Flat as u8, data: List::of(map) };
                    Case { tag: 1, body: MaybeUninit::new(details) }
                }
            },
        }
    }
    /// The ten scalars of the flattened form.
    fn flat(&self) -> [i32; 10] {
        let (set, format, at, len) = match self.details.tag {
            0 => (0, 0, 0, 0),
            _ => {
                // SAFETY: the tag says that details are there.
                let (format, at, len) = unsafe { self.details.body.assume_init() }.flat();
                (1, format, at as i32, len as i32)
            }
        };
        let List { at: kind, len: kind_len } = self.kind;
        let List { at: message, len: message_len } = self.message;
        let retryable = (i32::from(self.retryable.tag), i32::from(self.retryable.body));
        [
            kind as i32,
            kind_len as i32,
            message as i32,
            message_len as i32,
            retryable.0,
            retryable.1,
            set,
            format,
            at,
            len,
        ]
    }
}

const NIL: u8 = 0;
const BOOLEAN: u8 = 1;
const INTEGER: u8 = 2;
const NUMBER: u8 = 3;
const TEXT: u8 = 4;
const BYTES: u8 = 5;
const ENCODED: u8 = 6;
const HELD: u8 = 7;
const ERROR: u8 = 8;

impl RawPayload {
    /// A held value is passed as a new handle to it, so the old one stays the guest's.
    pub fn of(payload: &Payload) -> RawPayload {
        let (tag, body) = match payload {
            Payload::Nil => (NIL, PayloadBody { none: () }),
            Payload::Bool(b) => (BOOLEAN, PayloadBody { flag: u8::from(*b) }),
            Payload::Int(i) => (INTEGER, PayloadBody { integer: *i }),
            Payload::Float(f) => (NUMBER, PayloadBody { number: *f }),
            Payload::Text(s) => (TEXT, PayloadBody { bytes: List::text(s) }),
            Payload::Bytes(b) => (BYTES, PayloadBody { bytes: List::of(b) }),
            Payload::Encoded(e) => (ENCODED, PayloadBody { encoded: RawEncoded::of(e) }),
            Payload::Held(h) => (HELD, PayloadBody { handle: h.share().into_handle() }),
            Payload::Error(e) => (ERROR, PayloadBody { error: RawError::of(e) }),
        };
        Case { tag, body }
    }
    pub fn all(payloads: &[Payload]) -> Vec<RawPayload> {
        payloads.iter().map(RawPayload::of).collect()
    }
}

/// A result flattened: which side, the tag of a payload (or the first scalar of an error), a wide scalar, nine others.
pub type FlatOutcome = (i32, i32, i64, [i32; 9]);

pub fn flat_outcome(outcome: Result<&Payload, &Error>) -> FlatOutcome {
    match outcome {
        Ok(payload) => {
            let raw = RawPayload::of(payload);
            let mut rest = [0; 9];
            let pair = |list: List<u8>| (list.at as usize as i64, list.len as i32);
            // SAFETY: each case reads the field that `RawPayload::of` wrote for it.
            let wide = unsafe {
                match raw.tag {
                    BOOLEAN => i64::from(raw.body.flag),
                    INTEGER => raw.body.integer,
                    NUMBER => raw.body.number.to_bits() as i64,
                    TEXT | BYTES => {
                        let (at, len) = pair(raw.body.bytes);
                        rest[0] = len;
                        at
                    }
                    ENCODED => {
                        let (format, at, len) = raw.body.encoded.flat();
                        rest[..2].copy_from_slice(&[at as i32, len as i32]);
                        i64::from(format)
                    }
                    HELD => i64::from(raw.body.handle),
                    ERROR => {
                        let flat = raw.body.error.flat();
                        rest.copy_from_slice(&flat[1..]);
                        i64::from(flat[0] as u32)
                    }
                    _ => 0,
                }
            };
            (0, i32::from(raw.tag), wide, rest)
        }
        Err(error) => {
            let flat = RawError::of(error).flat();
            let mut rest = [0; 9];
            rest[..8].copy_from_slice(&flat[2..]);
            (1, flat[0], i64::from(flat[1] as u32), rest)
        }
    }
}

/// What `run` returns: memory that stays, as the process ends with it.
pub fn leak_outcome(outcome: Result<Payload, Error>) -> *const Answer<RawPayload> {
    let outcome = alloc::boxed::Box::leak(alloc::boxed::Box::new(outcome));
    let raw = match outcome {
        Ok(payload) => Case { tag: 0, body: Either { ok: MaybeUninit::new(RawPayload::of(payload)) } },
        Err(error) => Case { tag: 1, body: Either { error: RawError::of(error) } },
    };
    alloc::boxed::Box::leak(alloc::boxed::Box::new(raw))
}

// ---- lifting: takes what the runtime wrote

/// Calls a function that writes its result behind a pointer, and gives what was written.
///
/// # Safety
/// `call` must write a whole `T`.
pub unsafe fn returned<T>(call: impl FnOnce(*mut T)) -> T {
    let mut area = MaybeUninit::<T>::uninit();
    call(area.as_mut_ptr());
    // SAFETY: the caller promises that it was written.
    unsafe { area.assume_init() }
}

impl<T> List<T> {
    /// # Safety
    /// The list must come from the runtime and be taken once.
    pub unsafe fn take(self) -> Vec<T> {
        if self.len == 0 {
            return Vec::new();
        }
        // SAFETY: `cabi_realloc` allocated exactly that many elements with this alignment, and nobody else has them.
        unsafe { Vec::from_raw_parts(self.at.cast_mut(), self.len, self.len) }
    }
}

impl List<u8> {
    /// # Safety
    /// A string of the runtime, taken once. The runtime checks that strings are UTF-8.
    pub unsafe fn take_text(self) -> String {
        // SAFETY: see above.
        unsafe { String::from_utf8_unchecked(self.take()) }
    }
}

impl RawEncoded {
    /// # Safety
    /// Written by the runtime and taken once.
    pub unsafe fn take(self) -> Encoded {
        let format = match self.format {
            0 => Format::Flat,
            1 => Format::MsgPack,
            _ => Format::Json,
        };
        // SAFETY: as promised.
        Encoded { format, data: unsafe { self.data.take() } }
    }
}

impl RawError {
    /// # Safety
    /// Written by the runtime and taken once.
    pub unsafe fn take(self) -> Error {
        // SAFETY: as promised; the tag says whether details were written.
        unsafe {
            let details = (self.details.tag == 1).then(|| self.details.body.assume_init().take());
            let retryable = (self.retryable.tag == 1).then_some(self.retryable.body == 1);
            Error::from_parts(Kind::new(self.kind.take_text()), self.message.take_text(), retryable, details)
        }
    }
}

impl RawPayload {
    /// # Safety
    /// Written by the runtime and taken once.
    pub unsafe fn take(self) -> Payload {
        // SAFETY: the tag says which field was written.
        unsafe {
            match self.tag {
                BOOLEAN => Payload::Bool(self.body.flag != 0),
                INTEGER => Payload::Int(self.body.integer),
                NUMBER => Payload::Float(self.body.number),
                TEXT => Payload::Text(self.body.bytes.take_text()),
                BYTES => Payload::Bytes(self.body.bytes.take()),
                ENCODED => Payload::Encoded(self.body.encoded.take()),
                HELD => Payload::Held(Held::from_handle(self.body.handle)),
                ERROR => Payload::Error(self.body.error.take()),
                _ => Payload::Nil,
            }
        }
    }
    /// # Safety
    /// Written by the runtime and taken once.
    pub unsafe fn take_all(list: List<RawPayload>) -> Vec<Payload> {
        // SAFETY: as promised, and so are the elements.
        unsafe { list.take().into_iter().map(|raw| raw.take()).collect() }
    }
}

impl<T: Copy> Answer<T> {
    /// # Safety
    /// Written by the runtime and taken once.
    pub unsafe fn take(self) -> Result<T, Error> {
        // SAFETY: the tag says which side was written.
        unsafe {
            match self.tag {
                0 => Ok(self.body.ok.assume_init()),
                _ => Err(self.body.error.take()),
            }
        }
    }
}

impl<T: Copy> Maybe<T> {
    /// # Safety
    /// Written by the runtime.
    pub unsafe fn get(self) -> Option<T> {
        // SAFETY: the tag says whether it was written.
        (self.tag == 1).then(|| unsafe { self.body.assume_init() })
    }
}

/// Where the runtime puts what it hands over.
///
/// # Safety
/// Called by the runtime only, with what an earlier call returned, or with null and 0.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cabi_realloc(old: *mut u8, old_len: usize, align: usize, new_len: usize) -> *mut u8 {
    if new_len == 0 {
        return align as *mut u8;
    }
    use alloc::alloc::{Layout, alloc, handle_alloc_error, realloc};
    // SAFETY: the alignment is that of a WIT type, a small power of two, and lengths are below the memory's.
    unsafe {
        let layout = Layout::from_size_align_unchecked(new_len, align);
        let at = match old_len {
            0 => alloc(layout),
            _ => realloc(old, Layout::from_size_align_unchecked(old_len, align), new_len),
        };
        if at.is_null() {
            handle_alloc_error(layout);
        }
        at
    }
}

#[cfg(target_arch = "wasm32")]
const _: () = {
    assert!(size_of::<RawError>() == 36 && align_of::<RawError>() == 4);
    assert!(size_of::<RawPayload>() == 48 && align_of::<RawPayload>() == 8);
    assert!(size_of::<RawField>() == 56);
    assert!(size_of::<Answer<RawPayload>>() == 56);
    assert!(size_of::<Answer<Pid>>() == 48);
    assert!(size_of::<Answer<()>>() == 40);
    assert!(size_of::<RawMessage>() == 40);
    assert!(size_of::<RawIncoming>() == 96);
    assert!(size_of::<RawEntry>() == 40);
};
