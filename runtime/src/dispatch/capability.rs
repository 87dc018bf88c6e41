//! What a host lets its processes ask for.
//!
//! A capability is the name of a module (`sql`), of a group of commands
//! (`process.spawn`), of a WASI group (`wasi:http`), or the kind of an entry
//! that is called (`function.lua`). An item of a list is a pattern as in policies: `*`,
//! `prefix*`, `prefix.*`; a plain name also covers the groups below it, so
//! `process` is all of the process module. Kinds can all be called unless some
//! of them are listed under `allow`; then only those can.

/// One item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    /// The name, or anything below it.
    Name(Box<str>),
    /// Everything that begins so.
    Prefix(Box<str>),
}

impl Item {
    fn parse(text: &str) -> Item {
        match text.strip_suffix('*') {
            Some(prefix) => Item::Prefix(prefix.strip_suffix('.').unwrap_or(prefix).into()),
            None => Item::Name(text.into()),
        }
    }
    /// Whether it means a kind of entries that can be called.
    fn is_kind(&self) -> bool {
        let (Item::Name(text) | Item::Prefix(text)) = self;
        let families = ["function", "workflow"].iter().any(|family| {
            let rest = text.strip_prefix(family);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        families || ["process.lua", "process.wasm"].iter().any(|kind| text.starts_with(kind))
    }
    fn covers(&self, capability: &str) -> bool {
        match self {
            Item::Prefix(prefix) => capability.starts_with(&**prefix),
            Item::Name(name) => {
                let rest = capability.strip_prefix(&**name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
        }
    }
}

/// Lists of capabilities; `deny` wins. The default allows everything but
/// terminal IO, which only a terminal host grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilitySet {
    allow: Vec<Item>,
    deny: Vec<Item>,
    terminal: bool,
    /// Anything but terminal IO may be denied.
    restricted: bool,
    /// Kinds are listed under `allow`.
    kinds: bool,
}

impl CapabilitySet {
    /// The capability of reading and writing the terminal.
    pub const TERMINAL: &'static str = "terminal";

    /// What is in `allow` and not in `deny`, without terminal IO.
    pub fn new<S: AsRef<str>>(allow: &[S], deny: &[S]) -> CapabilitySet {
        let items = |list: &[S]| list.iter().map(|text| Item::parse(text.as_ref())).collect();
        let (allow, deny): (Vec<Item>, Vec<Item>) = (items(allow), items(deny));
        let all = matches!(&allow[..], [Item::Prefix(all)] if all.is_empty());
        let kinds = allow.iter().any(Item::is_kind);
        CapabilitySet { restricted: !all || !deny.is_empty(), kinds, allow, deny, terminal: false }
    }
    /// This set and terminal IO, unless the set denies it.
    pub fn with_terminal(mut self) -> CapabilitySet {
        self.terminal = true;
        self
    }
    /// Whether anything but terminal IO may be denied: the message path asks only then.
    #[inline]
    pub fn is_restricted(&self) -> bool {
        self.restricted
    }
    /// Whether entries of `kind` may be called; whether anything may be called at all is a capability of its own.
    pub fn allows_kind(&self, kind: &str) -> bool {
        let covers = |list: &[Item]| list.iter().any(|item| item.is_kind() && item.covers(kind));
        (!self.kinds || covers(&self.allow)) && !covers(&self.deny)
    }
    pub fn allows(&self, capability: &str) -> bool {
        let covers = |list: &[Item]| list.iter().any(|item| item.covers(capability));
        let granted = if capability == Self::TERMINAL { self.terminal } else { covers(&self.allow) };
        granted && !covers(&self.deny)
    }
}

impl Default for CapabilitySet {
    fn default() -> Self {
        CapabilitySet::new(&["*"], &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_capabilities() {
        type Names = &'static [&'static str];
        // allow, deny, allowed, denied
        let cases: [(Names, Names, Names, Names); 5] = [
            (&["*"], &[], &["sql", "process.spawn"], &["terminal"]),
            (&["process", "time"], &[], &["process", "process.spawn", "time"], &["processes", "sql"]),
            (&["*"], &["exec", "process.spawn"], &["process.send"], &["exec", "exec.run", "process.spawn"]),
            (&["sql.*"], &[], &["sql", "sql.query", "sqlx"], &["store"]),
            (&["terminal", "wasi:*"], &[], &["wasi:clocks"], &["terminal", "wasi"]),
        ];
        for (allow, deny, allowed, denied) in cases {
            let set = CapabilitySet::new(allow, deny);
            for name in allowed {
                assert!(set.allows(name), "{set:?} should allow {name}");
            }
            for name in denied {
                assert!(!set.allows(name), "{set:?} should deny {name}");
            }
        }
        let kinds: [(Names, Names, Names, Names); 4] = [
            (&["*"], &[], &["function.lua", "process.lua"], &[]),
            (&["funcs", "function.*"], &["function.wasm"], &["function.lua"], &["function.wasm", "process.lua"]),
            (&["process", "process.lua"], &[], &["process.lua"], &["process.wasm", "function.lua"]),
            (&["*"], &["process.lua"], &["function.lua", "process.wasm"], &["process.lua"]),
        ];
        for (allow, deny, allowed, denied) in kinds {
            let set = CapabilitySet::new(allow, deny);
            assert!(allowed.iter().all(|kind| set.allows_kind(kind)), "{set:?}");
            assert!(!denied.iter().any(|kind| set.allows_kind(kind)), "{set:?}");
        }
        assert!(!CapabilitySet::default().is_restricted());
        assert!(!CapabilitySet::default().with_terminal().is_restricted());
        assert!(CapabilitySet::default().with_terminal().allows("terminal"));
        assert!(!CapabilitySet::new(&["*"], &["terminal"]).with_terminal().allows("terminal"));
    }
}
