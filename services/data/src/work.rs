//! Computing that may take longer than a process may hold its worker: done on
//! the blocking pool, or at once where it is little or nobody can wait.

use std::marker::PhantomData;

use wippy_lua::native::{Call, Raise, Ret};
use wippy_lua::process::InProcess;
use wippy_runtime::Result as Outcome;
use wippy_runtime::dispatch::{DispatcherBuilder, Gate, Permissions, Request};

type Job<T> = Box<dyn FnOnce() -> Outcome<T> + Send>;

/// The module that computes.
pub trait Area: Send + 'static {
    /// Its name.
    const NAME: &'static str;
}

/// Gives a `T`; needs no permission beside the capability to use the module.
struct Compute<A, T>(Job<T>, PhantomData<A>);

impl<A: Area, T: Send + 'static> Request for Compute<A, T> {
    const NAME: &'static str = A::NAME;
    const CAPABILITY: &'static str = A::NAME;
    const PERMISSIONS: Permissions = Some(&[]);
    type Reply = T;
    fn authorize(&self, _: &Gate<'_>) -> Outcome<()> {
        Ok(())
    }
}

/// Adds the command that computes values of type `T` for a module.
pub fn register<A: Area, T: Send + 'static>(commands: &mut DispatcherBuilder) {
    commands.blocking(|_, job: Compute<A, T>| (job.0)());
}

/// Goes on with what `job` gives, as the end of a native function. `little`: it takes less than about a hundred
/// microseconds.
pub fn run<A: Area, T: Send + 'static>(
    call: &mut Call<'_>,
    little: bool,
    job: impl FnOnce() -> Outcome<T> + Send + 'static,
    then: fn(&mut Call<'_>, Outcome<T>) -> Result<Ret, Raise>,
) -> Result<Ret, Raise> {
    let can_wait = call.engine().is_ok_and(|engine| engine.check_can_block(call).is_ok());
    match can_wait && !little {
        true => call.request(Compute::<A, T>(Box::new(job), PhantomData), then),
        false => then(call, job()),
    }
}

/// [`run`] for bytes: ends the function with them and nil, or with `nil, err`.
pub fn give<A: Area>(
    call: &mut Call<'_>,
    little: bool,
    job: impl FnOnce() -> Outcome<Vec<u8>> + Send + 'static,
) -> Result<Ret, Raise> {
    run::<A, Vec<u8>>(call, little, job, |call, bytes| match bytes {
        Ok(bytes) => {
            call.push_str(bytes);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}
