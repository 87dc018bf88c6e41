//! What programs may ask of contracts.

use std::sync::Arc;

use super::{Binding, Contracts, Definition};
use crate::dispatch::{Completer, DispatcherBuilder, Gate, Permissions, Request};
use crate::error::Error;
use crate::functions::call_for;
use crate::payload::{Flat, Map};
use crate::process::Inherited;
use crate::registry::EntryId;

const CAPABILITY: &str = "contract";

/// Errors: NotFound `contract definition 'ID' not found`.
pub struct GetContract {
    pub id: EntryId,
}

impl Request for GetContract {
    const NAME: &'static str = "contract.get";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[("contract.get", "contract id")]);
    type Reply = Arc<Definition>;
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        gate.require("contract.get", self.id.as_str(), || {
            Error::permission_denied(format!("not allowed to access contract: {}", self.id))
        })
    }
}

/// The bindings of a contract; none for an unknown one.
pub struct FindImplementations {
    pub contract: EntryId,
    /// The caller has the contract, so it may know who implements it.
    pub contract_held: bool,
}

impl Request for FindImplementations {
    const NAME: &'static str = "contract.implementations";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[("contract.implementations", "contract id")]);
    type Reply = Vec<EntryId>;
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        if self.contract_held {
            return Ok(());
        }
        gate.require("contract.implementations", self.contract.as_str(), || {
            Error::permission_denied(format!("not allowed to list implementations: {}", self.contract))
        })
    }
}

/// The binding that stands for a contract when none is named; opening it is asked separately.
/// Errors: NotFound `no default binding for contract 'C'`.
pub struct DefaultBinding {
    pub contract: EntryId,
}

impl Request for DefaultBinding {
    const NAME: &'static str = "contract.default";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[]);
    type Reply = EntryId;
    fn authorize(&self, _: &Gate<'_>) -> Result<(), Error> {
        Ok(())
    }
}

/// Errors: NotFound `contract binding 'ID' not found`.
pub struct OpenBinding {
    pub id: EntryId,
}

impl Request for OpenBinding {
    const NAME: &'static str = "contract.open";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[("contract.open", "binding id")]);
    type Reply = Arc<Binding>;
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        gate.require("contract.open", self.id.as_str(), || {
            Error::permission_denied(format!("not allowed to open binding: {}", self.id))
        })
    }
}

/// Which function answers a method now. The reply is the right to call it.
///
/// Errors: NotFound `contract binding 'ID' not found`, `method 'M' not bound`; Invalid `missing required context keys`.
pub struct ResolveMethod {
    pub binding: EntryId,
    pub method: String,
    /// The context values the call will have.
    pub values: Arc<Map>,
}

/// The right to call one method of one binding.
pub struct ResolvedMethod(EntryId);

impl Request for ResolveMethod {
    const NAME: &'static str = "contract.resolve";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[("contract.call", "method name")]);
    type Reply = ResolvedMethod;
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        gate.require("contract.call", &self.method, || {
            Error::permission_denied(format!("not allowed to call method: {}", self.method))
        })
    }
}

/// Calls a method. Reply: at most one value. The call ends when the caller does.
pub struct CallMethod {
    pub method: ResolvedMethod,
    pub args: Flat,
    pub inherited: Option<Arc<Inherited>>,
    pub options: Option<Arc<Map>>,
}

impl Request for CallMethod {
    const NAME: &'static str = "contract.call";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[]);
    type Reply = Flat;
    fn authorize(&self, _: &Gate<'_>) -> Result<(), Error> {
        // Asked when the method was resolved.
        Ok(())
    }
}

/// Adds the handlers of this module.
pub fn register(commands: &mut DispatcherBuilder, contracts: &Arc<Contracts>) {
    let service = || contracts.clone();
    let contracts = service();
    commands.sync(move |_, r: GetContract| contracts.definition(&r.id));
    let contracts = service();
    commands.sync(move |_, r: FindImplementations| Ok(contracts.implementations(&r.contract)));
    let contracts = service();
    commands.sync(move |_, r: DefaultBinding| contracts.default_binding(&r.contract));
    let contracts = service();
    commands.sync(move |_, r: OpenBinding| contracts.binding(&r.id));
    let contracts = service();
    commands.sync(move |_, r: ResolveMethod| {
        contracts.binding(&r.binding)?.function(&r.method, &r.values).map(ResolvedMethod)
    });
    commands.deferred(|caller, r: CallMethod, done: Completer<Flat>| {
        call_for(caller, r.method.0.as_str(), r.args, r.inherited, r.options, done);
    });
}
