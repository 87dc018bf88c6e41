//! SIGINT and SIGTERM: the first asks for a graceful stop, the second ends the
//! program at once. In force from the start, so a boot can be interrupted too.

use std::io::Write;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Calls `on_first` with the first signal, on a thread of its own; `on_second` with the second one, before the end.
pub fn watch(on_first: impl FnOnce() + Send + 'static, on_second: impl Fn() + Send + 'static) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut on_first = Some(on_first);
        for _ in signals.forever() {
            match on_first.take() {
                Some(stop) => stop(),
                None => {
                    on_second();
                    let _ = std::io::stderr().lock().write_all(b"force exit\n");
                    std::process::exit(1);
                }
            }
        }
    })?;
    Ok(())
}
