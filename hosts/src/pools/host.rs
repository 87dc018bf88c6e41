//! Where calls run that come from no process (from a service, at boot): one
//! host of the node, started with the first such call.

use std::sync::Arc;

use wippy_runtime::dispatch::CapabilitySet;
use wippy_runtime::process::{HostShared, HostState, Limits};
use wippy_runtime::relay::Name;
use wippy_runtime::scheduler::{Pool, PoolConfig};
use wippy_runtime::{Error, Node, Result};

/// Its id, as introspection shows it.
pub const FUNCTION_HOST: &str = "node:functions";

pub(super) fn function_host(node: &Arc<Node>) -> Result<Arc<HostShared>> {
    node.functions().host(|| {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let config = PoolConfig { name: "functions".into(), workers };
        let pool = Pool::start(node, &config)
            .map_err(|e| Error::unavailable(format!("cannot start the threads of functions: {e}")).retryable(true))?;
        let (capabilities, limits) = (CapabilitySet::default(), Limits::default());
        let host = HostShared::new(Name::new(FUNCTION_HOST)?, Arc::new(pool), capabilities, limits);
        host.set_state(HostState::Running);
        let host = Arc::new(host);
        node.ledger().join(&host);
        Ok(host)
    })
}
