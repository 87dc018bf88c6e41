//! What a process may ask of a stream it holds. The stream was given to it by
//! a command that asked for permission; using it asks for none.

use std::io::SeekFrom;

use super::{Doing, Scanner, Split, Stream, StreamStat, held};
use crate::dispatch::{Caller, Completer, DispatcherBuilder, Gate, Permissions, Request};
use crate::error::{Error, Result};
use crate::process::HeldId;

macro_rules! request {
    ($(#[$doc:meta])* $type:ident { $($field:ident: $ty:ty),* } = $name:literal -> $reply:ty) => {
        $(#[$doc])*
        pub struct $type {
            $(pub $field: $ty,)*
        }
        impl Request for $type {
            const NAME: &'static str = $name;
            const CAPABILITY: &'static str = "stream";
            const PERMISSIONS: Permissions = Some(&[]);
            type Reply = $reply;
            fn authorize(&self, _: &Gate<'_>) -> Result<()> {
                Ok(())
            }
        }
    };
}

request! {
    /// Reply: 1 to `max` bytes; none at the end.
    Read { id: HeldId, max: usize } = "stream.read" -> Vec<u8>
}
request! {
    /// Reply: the number of bytes written.
    Write { id: HeldId, data: Vec<u8> } = "stream.write" -> usize
}
request! {
    /// Reply: the new position.
    Seek { id: HeldId, to: SeekFrom } = "stream.seek" -> u64
}
request! { Flush { id: HeldId } = "stream.flush" -> () }
request! { Stat { id: HeldId } = "stream.stat" -> StreamStat }
request! {
    /// The process does not hold it any more, even if closing fails.
    Close { id: HeldId } = "stream.close" -> ()
}
request! {
    /// Reply: the scanner, held like the stream.
    NewScanner { id: HeldId, split: Split } = "stream.scanner" -> HeldId
}
request! {
    /// Reply: the next token of a scanner; `None` at the end.
    Scan { scanner: HeldId } = "stream.scan" -> Option<Vec<u8>>
}

fn operate<T: Send + 'static>(
    caller: &Caller,
    id: HeldId,
    done: Completer<T>,
    operation: impl for<'a> FnOnce(&'a mut dyn Stream) -> Doing<'a, T> + Send + 'static,
) {
    match held(&caller.control, id) {
        Ok(stream) => done.begin(caller.node.io(), async move { stream.run(operation).await }),
        Err(e) => done.complete(Err(e)),
    }
}

/// Adds the handlers of this module.
pub fn register(commands: &mut DispatcherBuilder) {
    commands.deferred(|caller, r: Read, done| operate(caller, r.id, done, move |s| s.read(r.max)));
    commands.deferred(|caller, r: Write, done| operate(caller, r.id, done, move |s| s.write(r.data)));
    commands.deferred(|caller, r: Seek, done| operate(caller, r.id, done, move |s| s.seek(r.to)));
    commands.deferred(|caller, r: Flush, done| operate(caller, r.id, done, |s| s.flush()));
    commands.deferred(|caller, r: Stat, done| operate(caller, r.id, done, |s| s.stat()));
    commands.deferred(|caller, r: Close, done| match held(&caller.control, r.id) {
        Ok(stream) => {
            caller.control.release(r.id);
            done.begin(caller.node.io(), async move { stream.close().await });
        }
        Err(e) => done.complete(Err(e)),
    });
    commands.sync(|caller, r: NewScanner| {
        let scanner = Scanner::new(held(&caller.control, r.id)?, r.split);
        caller.control.hold(std::sync::Arc::new(scanner))
    });
    commands.deferred(|caller, r: Scan, done| match caller.control.held::<Scanner>(r.scanner) {
        Some(scanner) => done.begin(caller.node.io(), async move { scanner.scan().await }),
        None => done.complete(Err(Error::internal("scanner not found"))),
    });
}
