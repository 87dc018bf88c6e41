//! Calls of functions: at once, or begun and heard of later.

use std::sync::Arc;

use wasmtime::component::Resource;
use wippy_runtime::dispatch::Called;
use wippy_runtime::payload::Flat;
use wippy_runtime::process::Tag;
use wippy_runtime::process::commands::CallFunction;
use wippy_runtime::{Error, Kind, Result};

use super::bindings::wippy::process::functions::{self, CallOptions};
use super::bindings::wippy::process::types::{Error as GuestError, Payload};
use super::payload::{self, error_to};
use super::processes::ContextRules;
use crate::process::{GuestState, typed};

type Reply<T> = wasmtime::Result<std::result::Result<T, GuestError>>;

const CALL: ContextRules = ContextRules {
    action: "funcs.context",
    denied: "not allowed to call functions with custom context",
    options_need_permission: false,
};

/// A call that was begun.
pub struct PendingCall {
    state: Progress,
}

enum Progress {
    Running(Tag),
    Ended(Result<Flat>),
    /// The result was given, or is not wanted.
    Taken,
}

impl PendingCall {
    /// The request that has not ended.
    pub fn running(&self) -> Option<Tag> {
        match self.state {
            Progress::Running(tag) => Some(tag),
            _ => None,
        }
    }
    pub fn end(&mut self, result: Result<Flat>) {
        self.state = Progress::Ended(result);
    }
}

/// The id of a function in full form.
fn check_target(target: &str) -> Result<()> {
    let problem = match target.split_once(':') {
        _ if target.is_empty() => "function ID required",
        None | Some(("", _)) => "namespace required in function ID",
        Some((_, "")) => "name required in function ID",
        Some(_) => return Ok(()),
    };
    Err(Error::invalid(problem))
}

impl GuestState {
    fn call_request(
        &mut self,
        target: String,
        args: Vec<Payload>,
        options: Option<CallOptions>,
    ) -> wasmtime::Result<Result<CallFunction>> {
        if let Err(e) = check_target(&target) {
            return Ok(Err(e));
        }
        let limit = self.message_limit();
        let (mut inherited, mut with) = (None, None);
        if let Some(options) = options {
            let map = match payload::to_map(&mut self.table, options.options, limit) {
                Ok(map) => map,
                Err(e) => return Ok(Err(e)),
            };
            inherited = match self.inherited(options.context, &map, &CALL)? {
                Ok(inherited) => inherited,
                Err(e) => return Ok(Err(e)),
            };
            with = (!map.is_empty()).then(|| Arc::new(map));
        }
        let args = payload::encode(&mut self.table, args, limit);
        Ok(args.map(|args| CallFunction { target, args, inherited, options: with }))
    }
    fn result(&mut self, result: Result<Flat>) -> std::result::Result<Payload, GuestError> {
        let form = self.tables;
        let payload = result.and_then(|flat| payload::read_reply(&mut self.table, &flat, form));
        payload.map_err(|e| error_to(&e))
    }
}

impl functions::Host for GuestState {
    async fn call(&mut self, entry: String, args: Vec<Payload>, options: Option<CallOptions>) -> Reply<Payload> {
        let result = match self.call_request(entry, args, options)? {
            Ok(request) => self.request(request).await?,
            Err(e) => Err(e),
        };
        Ok(self.result(result))
    }
    fn start(
        &mut self,
        entry: String,
        args: Vec<Payload>,
        options: Option<CallOptions>,
    ) -> Reply<Resource<PendingCall>> {
        let request = match self.call_request(entry, args, options)? {
            Ok(request) => request,
            Err(e) => return Ok(Err(error_to(&e))),
        };
        // Before anything runs whose result nobody could ask for.
        let Ok(handle) = self.table.push(PendingCall { state: Progress::Taken }) else {
            return Ok(Err(error_to(&Error::limit_exceeded("too many calls are pending"))));
        };
        let state = match GuestState::start(self, request)? {
            Called::Ready(Err(e)) if *e.kind() == Kind::PERMISSION_DENIED => {
                self.table.delete(handle)?;
                return Ok(Err(error_to(&e)));
            }
            Called::Ready(result) => Progress::Ended(result),
            Called::Pending(tag) => Progress::Running(tag),
        };
        self.table.get_mut(&handle)?.state = state;
        Ok(Ok(handle))
    }
}

impl functions::HostPending for GuestState {
    async fn wait(&mut self, call: Resource<PendingCall>) -> Reply<Payload> {
        let pending = self.table.get_mut(&call)?;
        let result = match std::mem::replace(&mut pending.state, Progress::Taken) {
            Progress::Ended(result) => result,
            Progress::Running(tag) => typed(self.completion(tag).await?),
            Progress::Taken => Err(Error::canceled("the result of the call is gone")),
        };
        Ok(self.result(result))
    }
    fn cancel(&mut self, call: Resource<PendingCall>) -> wasmtime::Result<()> {
        let pending = self.table.get_mut(&call)?;
        if let Progress::Running(tag) = std::mem::replace(&mut pending.state, Progress::Taken) {
            self.forget(tag);
        }
        Ok(())
    }
    fn drop(&mut self, call: Resource<PendingCall>) -> wasmtime::Result<()> {
        if let Progress::Running(tag) = self.table.delete(call)?.state {
            self.forget(tag);
        }
        Ok(())
    }
}
