//! From the call of `run` to the function of the program and back, and how a panic becomes the exit reason.
#![allow(unsafe_code)]

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use crate::abi::{Answer, List, RawPayload, leak_outcome};
use crate::payload::{FromArgs, Payload};
use crate::{Error, Result};

/// What a `#[process]` function may return: nothing, or a `Result` whose value serde can serialize and whose error turns
/// into [`Error`].
#[diagnostic::on_unimplemented(
    message = "a process returns nothing or a `Result`",
    note = "for a value without errors: `Result<T>` and `Ok(value)`"
)]
pub trait Outcome {
    #[doc(hidden)]
    fn outcome(self) -> Result<Payload>;
}

impl Outcome for () {
    fn outcome(self) -> Result<Payload> {
        Ok(Payload::Nil)
    }
}

impl<T: Serialize, E: Into<Error>> Outcome for Result<T, E> {
    fn outcome(self) -> Result<Payload> {
        match self {
            Ok(value) => Payload::new(&value).map_err(|error| error.context("result")),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a `#[process]` function may take: up to eight parameters that serde can deserialize.
#[diagnostic::on_unimplemented(message = "this is no function that `#[process]` can call")]
pub trait Main<Args> {
    #[doc(hidden)]
    fn main(self, payloads: &[Payload]) -> Result<Payload>;
}

macro_rules! functions {
    ($(($($name:ident),*))*) => {
        $(impl<Function, Out: Outcome, $($name),*> Main<($($name,)*)> for Function
        where
            Function: FnOnce($($name),*) -> Out,
            ($($name,)*): FromArgs,
        {
            #[allow(non_snake_case)]
            fn main(self, payloads: &[Payload]) -> Result<Payload> {
                let ($($name,)*) = FromArgs::from_args(payloads)?;
                self($($name),*).outcome()
            }
        })*
    };
}

functions! { () (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) (A, B, C, D, E, F, G)
(A, B, C, D, E, F, G, H) }

/// The body of the export `run`.
///
/// # Safety
/// Called by the runtime, with a list that it hands over.
#[doc(hidden)]
pub unsafe fn run<Args>(main: impl Main<Args>, at: *const RawPayload, len: usize) -> *const Answer<RawPayload> {
    #[cfg(feature = "std")]
    std::panic::set_hook(alloc::boxed::Box::new(|info| {
        panicked(info.location(), &info.payload_as_str().unwrap_or(""))
    }));
    #[cfg(feature = "log")]
    crate::logger::install();
    // SAFETY: as promised.
    let args: Vec<Payload> = unsafe { RawPayload::take_all(List { at, len }) };
    leak_outcome(main.main(&args))
}

/// Ends the process with the panic as its error: Internal `panicked at src/lib.rs:7:9: message`.
#[cfg_attr(not(any(feature = "std", feature = "standalone")), allow(dead_code))]
fn panicked(place: Option<&core::panic::Location<'_>>, message: &dyn fmt::Display) {
    let place = place.map_or_else(String::new, |place| alloc::format!(" at {place}"));
    crate::process::exit(Err(Error::internal(alloc::format!("panicked{place}: {message}"))))
}

#[cfg(all(feature = "standalone", not(feature = "std"), target_arch = "wasm32"))]
mod standalone {
    #[global_allocator]
    static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
        super::panicked(info.location(), &info.message());
        core::arch::wasm32::unreachable()
    }
}

/// The exports of a process, in the crate that is linked.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_process {
    ($main:path) => {
        const _: () = {
            #[cfg_attr(target_arch = "wasm32", unsafe(export_name = "run"))]
            #[allow(unsafe_code)]
            unsafe extern "C" fn run(
                at: *const $crate::__private::RawPayload,
                len: usize,
            ) -> *const $crate::__private::RawAnswer {
                // SAFETY: the runtime calls it, with what it hands over.
                unsafe { $crate::__private::run($main, at, len) }
            }
            #[cfg(target_arch = "wasm32")]
            #[unsafe(link_section = "component-type:wippy:process@0.1.0:process")]
            #[used]
            static COMPONENT_TYPE: [u8; $crate::__private::COMPONENT_TYPE_LEN] = *$crate::__private::COMPONENT_TYPE;
            // Elsewhere, as under `cargo check` for the host, nobody calls it.
            #[cfg(not(target_arch = "wasm32"))]
            let _ = run;
        };
    };
}
