//! What an entry may import besides being a process: groups of interfaces,
//! named in its field `imports`.

use wippy_runtime::process::Control;
use wippy_runtime::registry::EntryId;
use wippy_runtime::{Error, Result};

/// One group. Any of its names enables all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Cli,
    Io,
    Poll,
    Clocks,
    Filesystem,
    Random,
    Sockets,
    Http,
    Funcs,
    /// WASI of core modules: an empty environment, there whether it is named or not.
    Preview1,
}

/// Group, its name as a capability of hosts, and all names it goes by.
const NAMES: [(Group, &str, &[&str]); 10] = [
    (
        Group::Cli,
        "wasi:cli",
        &[
            "wasi:cli",
            "wasi:cli/environment",
            "wasi:cli/exit",
            "wasi:cli/stdin",
            "wasi:cli/stdout",
            "wasi:cli/stderr",
            "wasi:cli/terminal-stdin",
            "wasi:cli/terminal-stdout",
            "wasi:cli/terminal-stderr",
        ],
    ),
    (Group::Io, "wasi:io", &["wasi:io", "wasi:io/error", "wasi:io/streams"]),
    (Group::Poll, "wasi:poll", &["wasi:poll", "wasi:io/poll"]),
    (Group::Clocks, "wasi:clocks", &["wasi:clocks", "wasi:clocks/wall-clock", "wasi:clocks/monotonic-clock"]),
    (Group::Filesystem, "wasi:filesystem", &["wasi:filesystem", "wasi:filesystem/types", "wasi:filesystem/preopens"]),
    (
        Group::Random,
        "wasi:random",
        &["wasi:random", "wasi:random/random", "wasi:random/insecure", "wasi:random/insecure-seed"],
    ),
    (
        Group::Sockets,
        "wasi:sockets",
        &[
            "wasi:sockets",
            "wasi:sockets/network",
            "wasi:sockets/instance-network",
            "wasi:sockets/ip-name-lookup",
            "wasi:sockets/tcp",
            "wasi:sockets/tcp-create-socket",
            "wasi:sockets/udp",
            "wasi:sockets/udp-create-socket",
        ],
    ),
    (Group::Http, "wasi:http", &["wasi:http", "wasi:http/types", "wasi:http/outgoing-handler"]),
    (Group::Funcs, "funcs", &["funcs", "wippy:runtime/funcs"]),
    (Group::Preview1, "wasi1", &["wasi1", "wasi-preview1", "preview1", "wasi_snapshot_preview1"]),
];

/// A set of groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(Vec<Group>);

impl Grants {
    /// The group that an item of `imports` names.
    pub fn group(item: &str) -> Option<Group> {
        let name = item.trim().to_lowercase();
        let name = name.split('@').next().unwrap_or_default();
        let behind = name.split_once(':').map_or("", |(_, rest)| rest);
        let find = |name: &str| NAMES.iter().find(|(_, _, names)| names.contains(&name)).map(|n| n.0);
        find(behind).or_else(|| find(name))
    }
    pub fn add(&mut self, group: Group) {
        if !self.0.contains(&group) {
            self.0.push(group);
            self.0.sort();
        }
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn has(&self, group: Group) -> bool {
        self.0.contains(&group)
    }
    /// Whether streams are there: standard streams, files, sockets and bodies are of no use without them.
    pub fn has_streams(&self) -> bool {
        [Group::Io, Group::Cli, Group::Filesystem, Group::Sockets, Group::Http].into_iter().any(|g| self.has(g))
    }
    /// Whether `wasi:io/poll` is there: streams and clocks are of little use without it.
    pub fn has_poll(&self) -> bool {
        self.has_streams() || self.has(Group::Poll) || self.has(Group::Clocks)
    }
    /// Whether an interface of that name, with or without a version, is there.
    pub fn offers(&self, interface: &str) -> bool {
        let name = interface.split('@').next().unwrap_or_default();
        match name {
            _ if name.starts_with("wippy:process/") => true,
            "wasi:io/poll" => self.has_poll(),
            "wasi:io/streams" | "wasi:io/error" => self.has_streams(),
            "wasi:cli/terminal-input" | "wasi:cli/terminal-output" => self.has(Group::Cli),
            name => NAMES.iter().any(|(group, _, names)| self.has(*group) && names.contains(&name)),
        }
    }
    /// Whether anything needs the state and the IO runtime that WASI works with.
    pub fn needs_wasi(&self) -> bool {
        self.0.iter().any(|g| !matches!(g, Group::Funcs | Group::Preview1))
    }
    /// A group that only components can import.
    pub fn component_only(&self) -> Option<&'static str> {
        let only = |group: &Group| *group != Group::Preview1 && self.has(*group);
        NAMES.iter().find(|(group, ..)| only(group)).map(|n| n.1)
    }

    /// Errors: PermissionDenied for the first group that the host of `control` denies.
    pub fn check_host(&self, control: &Control, entry: &EntryId) -> Result<()> {
        let host = &control.host;
        if !host.capabilities.is_restricted() {
            return Ok(());
        }
        let names = NAMES.iter().filter(|(group, ..)| self.has(*group)).map(|n| n.1);
        match names.into_iter().find(|name| !host.capabilities.allows(name)) {
            None => Ok(()),
            Some(name) => Err(Error::permission_denied(format!(
                "capability \"{name}\" is denied by host {} (entry {entry})",
                host.id.text()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_groups() {
        let cases = [
            ("wasi:cli", Some(Group::Cli)),
            (" WASI:cli/Stdout@0.2.3 ", Some(Group::Cli)),
            ("wasi:io/poll", Some(Group::Poll)),
            ("funcs", Some(Group::Funcs)),
            ("app:funcs", Some(Group::Funcs)),
            ("wippy:runtime/funcs@0.1.0", Some(Group::Funcs)),
            ("preview1", Some(Group::Preview1)),
            ("acme:pkg/thing", None),
            ("", None),
        ];
        for (item, want) in cases {
            assert_eq!(Grants::group(item), want, "{item:?}");
        }
    }
}
