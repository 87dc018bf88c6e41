//! What WASI asks the gate: the capability of the host for the group, and the
//! permission of the caller for what the guest wants to reach.
//!
//! All are answered at once, so they can be asked wherever a guest's caller is
//! known, outside of its steps too.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use wippy_runtime::dispatch::{Caller, DispatcherBuilder, Gate, Permissions, Request};
use wippy_runtime::files::Filesystem;
use wippy_runtime::payload::Map;
use wippy_runtime::registry::EntryId;
use wippy_runtime::{Error, Result};

/// A filesystem as directory of a guest.
pub struct Mount {
    pub fs: EntryId,
}

impl Request for Mount {
    const NAME: &'static str = "wasi.mount";
    const CAPABILITY: &'static str = "wasi:filesystem";
    const PERMISSIONS: Permissions = Some(&[("fs.get", "filesystem id")]);
    type Reply = Arc<dyn Filesystem>;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        gate.require_shown("fs.get", &self.fs, || {
            Error::permission_denied(format!("not allowed to access filesystem: {}", self.fs))
        })
    }
}

macro_rules! questions {
    ($($(#[$doc:meta])* $type:ident { $($field:ident: $ty:ty),* } = $name:literal, $capability:literal,
        $permissions:expr, |$this:ident, $gate:ident| $ask:expr;)*) => {
        $($(#[$doc])*
        pub struct $type {
            $(pub $field: $ty,)*
        }
        impl Request for $type {
            const NAME: &'static str = $name;
            const CAPABILITY: &'static str = $capability;
            const PERMISSIONS: Permissions = Some(&$permissions);
            type Reply = ();
            fn authorize(&self, $gate: &Gate<'_>) -> Result<()> {
                let $this = self;
                $ask
            }
        })*
    };
}

questions! {
    /// May it connect there over TCP, or send a datagram there?
    Connect { to: SocketAddr } = "wasi.connect", "wasi:sockets",
        [("socket.connect", "host:port"), ("socket.private_ip", "address, if it is private")],
        |r, gate| {
            gate.require_shown("socket.connect", &r.to, || denied(&r.to))?;
            match is_private(r.to.ip()) {
                true => gate.require_shown("socket.private_ip", &r.to.ip(), || denied(&r.to)),
                false => Ok(()),
            }
        };
    /// May it wait there for connections, or for datagrams?
    Listen { at: SocketAddr } = "wasi.listen", "wasi:sockets", [("socket.listen", "host:port")],
        |r, gate| gate.require_shown("socket.listen", &r.at, || denied(&r.at));
    /// May it look up the addresses of a name?
    LookUp { name: String } = "wasi.resolve", "wasi:sockets", [("socket.resolve", "host name")],
        |r, gate| gate.require("socket.resolve", &r.name, || denied(&r.name));
    /// May it send this HTTP request? Policies see the attribute `method`.
    HttpRequest { url: String, method: String } = "wasi.http", "wasi:http", [("http_client.request", "URL")],
        |r, gate| {
            let attributes = Map::from_iter([("method".to_owned(), r.method.as_str().into())]);
            match gate.ask("http_client.request", &r.url, &attributes) {
                true => Ok(()),
                false => Err(denied(&r.url)),
            }
        };
    /// May an HTTP request go to this address?
    HttpAddress { address: IpAddr } = "wasi.http.address", "wasi:http",
        [("http_client.private_ip", "address, if it is private")],
        |r, gate| match is_private(r.address) {
            true => gate.require_shown("http_client.private_ip", &r.address, || {
                denied(&format_args!("private IP {}", r.address))
            }),
            false => Ok(()),
        };
}

fn denied(what: &dyn std::fmt::Display) -> Error {
    Error::permission_denied(format!("not allowed: {what}"))
}

/// Adds the handlers.
pub fn register(commands: &mut DispatcherBuilder) {
    commands.sync(|caller, r: Mount| {
        let found = caller.node.filesystems().get(&r.fs);
        found.map_err(|_| Error::not_found(format!("wasi mount filesystem not found: {}", r.fs)))
    });
    commands.sync(|_, _: Connect| Ok(()));
    commands.sync(|_, _: Listen| Ok(()));
    commands.sync(|_, _: LookUp| Ok(()));
    commands.sync(|_, _: HttpRequest| Ok(()));
    commands.sync(|_, _: HttpAddress| Ok(()));
}

/// Asks whether the caller may. Errors: PermissionDenied.
pub fn ask<R: Request<Reply = ()>>(caller: &Caller, question: R) -> Result<()> {
    let answer = caller.node.dispatcher().call_at_once(caller, question);
    answer.unwrap_or_else(|| Err(Error::internal("a question of WASI is not answered at once")))
}

/// Addresses that are not of the public network: loopback, private use, link-local, unspecified.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let link_local_group = v4.octets().starts_with(&[224, 0, 0]);
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified() || link_local_group
        }
        IpAddr::V6(v6) => {
            let link_local_group = v6.segments()[0] & 0xff0f == 0xff02;
            let local = v6.is_unique_local() || v6.is_unicast_link_local() || link_local_group;
            v6.is_loopback() || v6.is_unspecified() || local
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses() {
        let private = [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "224.0.0.1",
            "::1",
            "::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "::ffff:10.0.0.1",
        ];
        let public = ["8.8.8.8", "172.32.0.1", "192.169.0.1", "224.0.1.1", "2606:4700::1", "ff0e::1", "::ffff:8.8.8.8"];
        for text in private {
            assert!(is_private(text.parse().unwrap()), "{text}");
        }
        for text in public {
            assert!(!is_private(text.parse().unwrap()), "{text}");
        }
    }
}
