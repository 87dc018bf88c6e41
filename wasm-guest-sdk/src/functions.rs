//! Functions of the program: calling them, and calls that run while the process does something else.
#![allow(unsafe_code)]

use alloc::vec::Vec;
use core::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::abi::{Answer, RawField, RawPayload, imports, returned};
use crate::payload::{Args, Payload};
use crate::process::{fields, keep};
use crate::{Error, Result};

/// Calls the function `entry` and waits for its answer.
/// Errors: those of the function, with their kind; NotFound `no handler registered for target`; PermissionDenied; Invalid
/// for an answer that is no `R`.
///
/// ```no_run
/// # fn total() -> wippy_guest::Result<i64> {
/// wippy_guest::call("shop:total", (7, "EUR"))
/// # }
/// ```
pub fn call<R: DeserializeOwned>(entry: &str, args: impl Args) -> Result<R> {
    Call::new(entry).args(args).wait()
}

/// Begins a call. Errors: a wrong id and a missing permission; all others come with the result.
pub fn start<R: DeserializeOwned>(entry: &str, args: impl Args) -> Result<Pending<R>> {
    Call::new(entry).args(args).start()
}

/// A call with options.
#[derive(Debug)]
#[must_use = "nothing is called before `wait` or `start`"]
pub struct Call<'a> {
    entry: &'a str,
    args: Result<Vec<Payload>>,
    context: Vec<(&'a str, Payload)>,
    options: Vec<(&'a str, Payload)>,
    problem: Option<Error>,
}

impl<'a> Call<'a> {
    pub fn new(entry: &'a str) -> Call<'a> {
        Call { entry, args: Ok(Vec::new()), context: Vec::new(), options: Vec::new(), problem: None }
    }
    /// Arguments: a tuple.
    pub fn args(mut self, args: impl Args) -> Self {
        self.args = args.payloads();
        self
    }
    /// A value laid over the context that the function inherits. Needs the permission `funcs.context`.
    pub fn context(mut self, key: &'a str, value: &impl Serialize) -> Self {
        keep(&mut self.context, &mut self.problem, key, value);
        self
    }
    /// An option laid over the function's own, such as `retry`.
    pub fn option(mut self, key: &'a str, value: &impl Serialize) -> Self {
        keep(&mut self.options, &mut self.problem, key, value);
        self
    }
    /// Calls and waits. Errors as of [`call`].
    pub fn wait<R: DeserializeOwned>(self) -> Result<R> {
        let raw = self.lower(imports::call)?;
        // SAFETY: the runtime wrote the payload and handed it over.
        unsafe { raw.take() }.decode()
    }
    /// Begins the call. Errors as of [`start`].
    pub fn start<R: DeserializeOwned>(self) -> Result<Pending<R>> {
        Ok(Pending { handle: self.lower(imports::start)?, result: PhantomData })
    }

    fn lower<T: Copy>(self, function: Import<T>) -> Result<T> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let args = self.args?;
        let args = RawPayload::all(&args);
        let (context, options) = (fields(&self.context), fields(&self.options));
        let with = i32::from(!(context.is_empty() && options.is_empty()));
        // SAFETY: everything lowered lives over the call; the runtime writes the answer.
        unsafe {
            returned(|ret| {
                function(
                    self.entry.as_ptr(),
                    self.entry.len(),
                    args.as_ptr(),
                    args.len(),
                    with,
                    context.as_ptr(),
                    context.len(),
                    options.as_ptr(),
                    options.len(),
                    ret,
                );
            })
            .take()
        }
    }
}

#[cfg(target_arch = "wasm32")]
type Import<T> = unsafe extern "C" fn(
    *const u8,
    usize,
    *const RawPayload,
    usize,
    i32,
    *const RawField,
    usize,
    *const RawField,
    usize,
    *mut Answer<T>,
);
#[cfg(not(target_arch = "wasm32"))]
type Import<T> = unsafe fn(
    *const u8,
    usize,
    *const RawPayload,
    usize,
    i32,
    *const RawField,
    usize,
    *const RawField,
    usize,
    *mut Answer<T>,
);

/// A call that runs. Wait for it alone with [`Pending::wait`], or among other things with
/// [`Receive::call`](crate::Receive::call). Dropping it lets the call go on and forgets its result.
#[derive(Debug)]
pub struct Pending<R = Payload> {
    handle: u32,
    result: PhantomData<fn() -> R>,
}

impl<R> Pending<R> {
    pub(crate) fn handle(&self) -> u32 {
        self.handle
    }
    /// Says that the result is not wanted any more. The function itself is not stopped.
    pub fn cancel(self) {
        // SAFETY: a call with a live handle.
        unsafe { imports::pending_cancel(self.handle) }
    }
}

impl<R: DeserializeOwned> Pending<R> {
    /// The result, as soon as it is there. Errors as of [`call`].
    pub fn wait(self) -> Result<R> {
        // SAFETY: the handle is live; the runtime writes the answer and hands it over.
        unsafe { returned(|ret| imports::pending_wait(self.handle, ret)).take()?.take() }.decode()
    }
}

impl<R> Drop for Pending<R> {
    fn drop(&mut self) {
        // SAFETY: the handle is live and not used again.
        unsafe { imports::pending_drop(self.handle) }
    }
}
