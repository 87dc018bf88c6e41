//! What programs may ask of a store. Getting one needs a permission, and so does
//! every key; what is wrong with the rest of a request is said to those only who
//! have it.

use std::sync::Arc;

use wippy_runtime::dispatch::{Caller, DispatcherBuilder, Gate, Permissions, Request};
use wippy_runtime::payload::{Flat, Map};
use wippy_runtime::process::HeldId;
use wippy_runtime::registry::EntryId;
use wippy_runtime::resources::Unusable;
use wippy_runtime::stores::{Page, Range, Record, Store, StoreInfo, Writing};
use wippy_runtime::{Error, Result};

/// A store that a process holds.
pub struct Acquired {
    pub id: EntryId,
    pub store: Arc<dyn Store>,
}

/// Gives access to a store. Errors: Internal `resource not found`; Invalid for a resource of another kind.
pub struct Acquire {
    pub id: EntryId,
}

impl Request for Acquire {
    const NAME: &'static str = "store.get";
    const CAPABILITY: &'static str = "store";
    const PERMISSIONS: Permissions = Some(&[("store.get", "store id")]);
    type Reply = HeldId;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        gate.require("store.get", self.id.as_str(), || {
            Error::permission_denied(format!("not allowed to access store: {}", self.id))
        })
    }
}

macro_rules! requests {
    ($($(#[$doc:meta])* $type:ident { $($field:ident: $ty:ty),* } -> $reply:ty,
        $action:literal with $attribute:literal |$r:ident| $value:expr, else $denied:expr;)*) => {
        $($(#[$doc])*
        pub struct $type {
            pub from: Arc<Acquired>,
            $(pub $field: $ty,)*
        }
        impl Request for $type {
            const NAME: &'static str = concat!("store.", stringify!($type));
            const CAPABILITY: &'static str = "store";
            const PERMISSIONS: Permissions = Some(&[($action, "store id")]);
            type Reply = $reply;
            fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
                let $r = self;
                let attributes = Map::from_iter([($attribute.to_owned(), $value.into())]);
                match gate.ask($action, $r.from.id.as_str(), &attributes) {
                    true => Ok(()),
                    false => Err(Error::permission_denied($denied)),
                }
            }
        })*
    };
}

requests! {
    Get { key: String } -> Record,
        "store.key.get" with "key" |r| r.key.clone(), else format!("not allowed to read key: {}", r.key);
    Has { key: String } -> bool,
        "store.key.has" with "key" |r| r.key.clone(), else format!("not allowed to check key existence: {}", r.key);
    Delete { key: String } -> bool,
        "store.key.delete" with "key" |r| r.key.clone(), else format!("not allowed to delete key: {}", r.key);
    /// Refused with what is wrong with the value, else with what is wrong with the options.
    Put { key: String, value: Result<Arc<Flat>>, how: Result<Writing> } -> Record,
        "store.key.set" with "key" |r| r.key.clone(), else format!("not allowed to write key: {}", r.key);
    /// `prefix` is what the policies see, also if the options are wrong.
    List { prefix: String, range: Result<Range> } -> Page,
        "store.key.list" with "prefix" |r| r.prefix.clone(), else format!("not allowed to list store: {}", r.from.id);
}

pub struct Info {
    pub from: Arc<Acquired>,
}

impl Request for Info {
    const NAME: &'static str = "store.Info";
    const CAPABILITY: &'static str = "store";
    const PERMISSIONS: Permissions = Some(&[("store.info", "store id")]);
    type Reply = StoreInfo;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        let id = &self.from.id;
        let denied = || Error::permission_denied(format!("not allowed to inspect store: {id}"));
        gate.require("store.info", id.as_str(), denied)
    }
}

/// Adds the handlers. What a store does at once is done inside the step.
pub fn register(commands: &mut DispatcherBuilder) {
    fn add<R: Request>(
        commands: &mut DispatcherBuilder,
        store: fn(&R) -> &dyn Store,
        work: fn(&R) -> Result<R::Reply>,
    ) {
        commands.quick_or_blocking(move |_, r: &R| (!store(r).blocks()).then(|| work(r)), move |_, r: R| work(&r));
    }
    commands.sync(|caller: &Caller, r: Acquire| {
        let store = caller.node.resources().get::<dyn Store>(&r.id).map_err(|e| match e {
            Unusable::Missing => Error::internal("resource not found"),
            Unusable::Other(kind) => Error::invalid(format!("resource is not a store: {kind}")),
        })?;
        caller.control.hold(Arc::new(Acquired { id: r.id, store }))
    });
    commands.sync(|_, r: Info| Ok(r.from.store.info()));
    add::<Get>(commands, |r| &*r.from.store, |r| r.from.store.get(&r.key));
    add::<Has>(commands, |r| &*r.from.store, |r| r.from.store.has(&r.key));
    add::<Delete>(commands, |r| &*r.from.store, |r| r.from.store.delete(&r.key));
    add::<List>(commands, |r| &*r.from.store, |r| r.from.store.list(r.range.as_ref().map_err(Error::clone)?));
    add::<Put>(
        commands,
        |r| &*r.from.store,
        |r| {
            let value = r.value.clone()?;
            r.from.store.put(&r.key, value, r.how.clone()?)
        },
    );
}
