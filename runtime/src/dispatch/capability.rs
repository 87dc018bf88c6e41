//! What a host lets its processes ask for.

use crate::pattern::Pattern;

/// Patterns of capability names; `deny` wins. The default allows everything
/// but terminal IO, which only a terminal host grants.
#[derive(Clone, Debug)]
pub struct CapabilitySet {
    allow: Vec<Pattern>,
    deny: Vec<Pattern>,
    restricted: bool,
}

impl CapabilitySet {
    /// The capability of reading and writing the terminal.
    pub const TERMINAL: &'static str = "terminal";

    pub fn new(allow: Vec<Pattern>, deny: Vec<Pattern>) -> CapabilitySet {
        CapabilitySet { allow, deny, restricted: true }
    }
    /// Everything, terminal IO included.
    pub fn terminal() -> CapabilitySet {
        CapabilitySet { allow: vec![Pattern::new("**")], deny: Vec::new(), restricted: false }
    }
    /// Whether anything but terminal IO may be denied: the message path asks only then.
    pub fn is_restricted(&self) -> bool {
        self.restricted
    }
    pub fn allows(&self, capability: &str) -> bool {
        self.allow.iter().any(|p| p.matches(capability)) && !self.deny.iter().any(|p| p.matches(capability))
    }
}

impl Default for CapabilitySet {
    fn default() -> Self {
        CapabilitySet { allow: vec![Pattern::new("**")], deny: vec![Pattern::new(Self::TERMINAL)], restricted: false }
    }
}
