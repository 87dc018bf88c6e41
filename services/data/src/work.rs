//! Computing that may take longer than a process may hold its worker: done on
//! the blocking pool, or at once where it is little or nobody can wait.

use std::marker::PhantomData;

use wippy_lua::native::{Call, Raise, Ret};
use wippy_lua::process::InProcess;
use wippy_runtime::Result as Outcome;
use wippy_runtime::dispatch::{DispatcherBuilder, Gate, Permissions, Request};

type Job = Box<dyn FnOnce() -> Outcome<Vec<u8>> + Send>;

/// The module that computes.
pub trait Area: Send + 'static {
    /// Its name.
    const NAME: &'static str;
}

/// Gives bytes; needs no permission beside the capability to use the module.
struct Compute<A>(Job, PhantomData<A>);

impl<A: Area> Request for Compute<A> {
    const NAME: &'static str = A::NAME;
    const CAPABILITY: &'static str = A::NAME;
    const PERMISSIONS: Permissions = Some(&[]);
    type Reply = Vec<u8>;
    fn authorize(&self, _: &Gate<'_>) -> Outcome<()> {
        Ok(())
    }
}

pub fn register<A: Area>(commands: &mut DispatcherBuilder) {
    commands.blocking(|_, job: Compute<A>| (job.0)());
}

/// Ends the running function with the bytes that `job` gives and nil, or with `nil, err`. `little`: it takes less than
/// about a hundred microseconds.
pub fn give<A: Area>(
    call: &mut Call<'_>,
    little: bool,
    job: impl FnOnce() -> Outcome<Vec<u8>> + Send + 'static,
) -> Result<Ret, Raise> {
    let can_wait = call.engine().is_ok_and(|engine| engine.check_can_block(call).is_ok());
    match can_wait && !little {
        true => call.request(Compute::<A>(Box::new(job), PhantomData), finish),
        false => finish(call, job()),
    }
}

fn finish(call: &mut Call<'_>, bytes: Outcome<Vec<u8>>) -> Result<Ret, Raise> {
    match bytes {
        Ok(bytes) => {
            call.push_str(bytes);
            call.fine()
        }
        Err(e) => call.fail(e),
    }
}
