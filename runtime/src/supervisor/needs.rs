//! What a service needs: the services its `lifecycle.requires` names, and those its registry references lead to. An
//! entry that is no service is looked through: its own references count.

use std::collections::{BTreeSet, HashSet};

use crate::registry::order::{self, Reference};
use crate::registry::{EntryId, State};

/// The needs of one service under one state of the registry.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Needs {
    pub services: BTreeSet<EntryId>,
    /// Requirements that lead to no service.
    pub missing: Vec<EntryId>,
    /// The entries this was read from, there or not: a change of one of them may change the needs.
    read: HashSet<EntryId>,
    /// Some reference means a whole group or namespace, so that any change may matter.
    broad: bool,
}

impl Needs {
    pub fn find(id: &EntryId, requires: &[EntryId], state: &State, is_service: &dyn Fn(&EntryId) -> bool) -> Needs {
        let mut search = Search { state, is_service, own: id, needs: Needs::default() };
        search.needs.read.insert(id.clone());
        for required in requires {
            // `group:g` and `ns:n` name many.
            let text = required.as_str();
            let reference = Reference::parse(text, id.ns());
            let mut found = search.reachable(vec![reference]);
            if required == id {
                // Seen as the cycle it is.
                found.insert(id.clone());
            }
            if found.is_empty() {
                search.needs.missing.push(required.clone());
            }
            search.needs.services.extend(found);
        }
        let references = state.get(id).map(|entry| order::references(entry)).unwrap_or_default();
        let found = search.reachable(references);
        search.needs.services.extend(found);
        search.needs
    }

    /// Whether a change of `touched` may change these needs.
    pub fn may_change(&self, touched: &HashSet<EntryId>) -> bool {
        let (few, many) = if touched.len() < self.read.len() { (touched, &self.read) } else { (&self.read, touched) };
        (self.broad && !touched.is_empty()) || few.iter().any(|id| many.contains(id))
    }
}

struct Search<'a> {
    state: &'a State,
    is_service: &'a dyn Fn(&EntryId) -> bool,
    own: &'a EntryId,
    needs: Needs,
}

impl Search<'_> {
    /// The services that `from` leads to, without the own one.
    fn reachable(&mut self, from: Vec<Reference>) -> BTreeSet<EntryId> {
        let mut found = BTreeSet::new();
        let mut seen: HashSet<EntryId> = HashSet::from([self.own.clone()]);
        let mut open = from;
        while let Some(reference) = open.pop() {
            for id in self.named(reference) {
                if !seen.insert(id.clone()) {
                    continue;
                }
                self.needs.read.insert(id.clone());
                if (self.is_service)(&id) {
                    found.insert(id);
                } else if let Some(entry) = self.state.get(&id) {
                    open.extend(order::references(entry));
                }
            }
        }
        found
    }

    fn named(&mut self, reference: Reference) -> Vec<EntryId> {
        let all = match reference {
            Reference::Entry(id) => return vec![id],
            Reference::Namespace(ns) => self.state.namespace(&ns).map(|e| e.id.clone()).collect(),
            Reference::Group(group) => {
                let members = self.state.iter().filter(|e| order::groups(e).any(|g| g == group));
                members.map(|e| e.id.clone()).collect()
            }
        };
        self.needs.broad = true;
        all
    }
}
