//! Which handler owns a kind, and what an unknown kind was probably meant to be.

use std::sync::Arc;

use super::changeset::Operation;
use super::core::Snapshot;
use super::entry::Entry;
use super::handler::{EntryHandler, Observer};
use super::transition::quietly;
use crate::error::Error;
use crate::pattern::Pattern;

/// The kinds of the reference. One that has no owner is not misspelt but not there.
const REFERENCE: &[&str] = &[
    "function.lua",
    "library.lua",
    "process.lua",
    "workflow.lua",
    "module.lua",
    "function.lua.bc",
    "library.lua.bc",
    "process.lua.bc",
    "workflow.lua.bc",
    "process.host",
    "terminal.host",
    "process.service",
    "registry.entry",
    "ns.definition",
    "ns.requirement",
    "ns.dependency",
    "env.storage.memory",
    "env.storage.file",
    "env.storage.os",
    "env.storage.static",
    "env.storage.router",
    "env.variable",
    "exec.native",
    "exec.docker",
    "template.set",
    "template.jet",
    "contract.definition",
    "contract.binding",
    "network",
    "network.socks5",
    "network.i2p",
    "network.tailscale",
    "pg.scope",
    "http.service",
    "http.router",
    "http.endpoint",
    "http.static",
    "db.sql.sqlite",
    "db.sql.postgres",
    "db.sql.mysql",
    "db.cdc.postgres",
    "store.memory",
    "store.sql",
    "store.kv.raft",
    "store.kv.crdt",
    "queue.driver.memory",
    "queue.driver.amqp",
    "queue.driver.sqs",
    "queue.queue",
    "queue.consumer",
    "fs.directory",
    "fs.embed",
    "cloudstorage.s3",
    "config.aws",
    "security.policy",
    "security.policy.expr",
    "security.token_store",
    "temporal.client",
    "temporal.worker",
    "function.wasm",
    "function.wat",
    "process.wasm",
];

/// A handler with its compiled patterns.
#[derive(Clone)]
pub(super) struct Owner {
    pub handler: Arc<dyn EntryHandler>,
    patterns: Arc<[Pattern]>,
}

/// An observer with its compiled patterns.
#[derive(Clone)]
pub(super) struct Watcher {
    pub observer: Arc<dyn Observer>,
    patterns: Arc<[Pattern]>,
}

/// Everybody who takes part in changes, as of one moment.
#[derive(Clone, Default)]
pub(super) struct Participants {
    pub owners: Vec<Owner>,
    pub watchers: Vec<Watcher>,
    /// Kinds that are only stored.
    pub internal: Vec<String>,
}

fn compile(kinds: &[&str]) -> Arc<[Pattern]> {
    kinds.iter().map(|k| Pattern::new(k)).collect()
}

impl Participants {
    pub fn add_owner(&mut self, handler: Arc<dyn EntryHandler>) {
        let patterns = compile(handler.kinds());
        self.owners.push(Owner { handler, patterns });
    }
    pub fn add_watcher(&mut self, observer: Arc<dyn Observer>) {
        let patterns = compile(observer.kinds());
        self.watchers.push(Watcher { observer, patterns });
    }
    pub fn is_internal(&self, kind: &str) -> bool {
        self.internal.iter().any(|k| k == kind)
    }
    pub fn owner(&self, kind: &str) -> Option<&Arc<dyn EntryHandler>> {
        self.owners.iter().find(|o| o.patterns.iter().any(|p| p.matches(kind))).map(|o| &o.handler)
    }
    pub fn watchers_of(&self, kind: &str) -> impl Iterator<Item = &Arc<dyn Observer>> {
        self.watchers.iter().filter(move |w| w.patterns.iter().any(|p| p.matches(kind))).map(|w| &w.observer)
    }

    /// Tells everybody, handlers first, that `snapshot` is what they hold.
    pub fn installed(&self, snapshot: &Snapshot, changes: &[Operation]) {
        self.owners.iter().for_each(|o| quietly(|| o.handler.installed(snapshot, changes)));
        self.watchers.iter().for_each(|w| quietly(|| w.observer.installed(snapshot, changes)));
    }

    /// Every kind that can be named, sorted.
    pub fn known(&self) -> Vec<String> {
        let mut known = self.internal.clone();
        for owner in &self.owners {
            known.extend(owner.patterns.iter().flat_map(Pattern::examples));
            known.extend(owner.handler.known_kinds().iter().map(|k| k.to_string()));
        }
        known.sort();
        known.dedup();
        known
    }

    pub fn unknown(&self, entry: &Entry) -> Error {
        if entry.kind.is_empty() {
            return entry.error("kind is empty");
        }
        if REFERENCE.contains(&entry.kind.as_str()) {
            return entry.error(format_args!("kind `{}` is not supported by this build", entry.kind));
        }
        match nearest(&entry.kind, self.known().iter().map(String::as_str)) {
            Some(near) => entry.error(format_args!("unknown kind `{}`, did you mean `{near}`?", entry.kind)),
            None => entry.error(format_args!("unknown kind `{}`", entry.kind)),
        }
    }
}

/// The candidate a misspelt `word` resembles most, if any resembles it:
/// about one edit in three characters, or the same parts in another order.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 128 {
        return None;
    }
    let folded = word.to_lowercase();
    let limit = (folded.chars().count() / 3).clamp(1, 5);
    let swapped = folded.rsplit('.').collect::<Vec<_>>().join(".");
    candidates
        .into_iter()
        .map(|c| {
            let candidate = c.to_lowercase();
            let reordered = if swapped == candidate { 1 } else { usize::MAX };
            (strsim::osa_distance(&folded, &candidate).min(reordered), c)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggestions() {
        let known = ["function.lua", "library.lua", "process.lua", "process.host", "terminal.host", "env.variable"];
        let cases = [
            ("fucntion.lua", Some("function.lua")),
            ("function.lau", Some("function.lua")),
            ("Process.Lua", Some("process.lua")),
            ("lua.function", Some("function.lua")),
            ("process.hots", Some("process.host")),
            ("env.varible", Some("env.variable")),
            ("x", None),
            ("totally.else", None),
        ];
        for (word, want) in cases {
            assert_eq!(nearest(word, known), want, "{word}");
        }
    }
}
