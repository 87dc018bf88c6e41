//! The id of this node.

use uuid::Uuid;
use wippy_runtime::boot::Config;

/// `relay.node_name`, else `WIPPY_NODE_ID`, else `WIPPY_RELAY_NODE_NAME`, else a UUID that is the same whenever this
/// machine runs a program in this directory.
pub fn node_name(config: &Config) -> String {
    let configured = config.str("relay", "node_name").map(str::to_owned);
    let env = |name: &str| std::env::var(name).ok();
    let named = configured.into_iter().chain(env("WIPPY_NODE_ID")).chain(env("WIPPY_RELAY_NODE_NAME"));
    named.map(|n| n.trim().to_owned()).find(|n| !n.is_empty()).unwrap_or_else(stable)
}

fn stable() -> String {
    let dir = std::env::current_dir().map(|d| d.to_string_lossy().into_owned()).unwrap_or_default();
    match machine() {
        Some(machine) => {
            Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("wippy-node:{machine}\0{dir}").as_bytes()).to_string()
        }
        None => Uuid::new_v4().to_string(),
    }
}

/// The machine's id, else its host name.
fn machine() -> Option<String> {
    ["/etc/machine-id", "/var/lib/dbus/machine-id", "/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .map(|text| text.trim().to_owned())
        .find(|text| !text.is_empty())
}
