//! The code graph: every code entry with what it imports.
//!
//! Knows ids and edges only. A node is immutable and shared, so "the same code
//! as before" is one pointer comparison; changing an entry puts another node in
//! its place.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wippy_runtime::process::OwnLimits;
use wippy_runtime::registry::{Entry, EntryId};

use super::Code;
use super::definition::{Dependency, Role, Target};
use super::types::Memo;

/// One version of one code entry, compiled.
pub(super) struct CodeNode {
    pub entry: Arc<Entry>,
    pub role: Role,
    pub method: Arc<str>,
    pub dependencies: Vec<Dependency>,
    pub limits: OwnLimits,
    pub code: Arc<Code>,
    pub known: Memo,
}

impl CodeNode {
    pub fn id(&self) -> &EntryId {
        &self.entry.id
    }
    fn same_as(&self, other: &CodeNode) -> bool {
        std::ptr::eq(self, other) || self.entry == other.entry
    }
    /// The entries it imports.
    pub fn imports(&self) -> impl Iterator<Item = (&Dependency, &EntryId)> {
        self.dependencies.iter().filter_map(|d| match &d.target {
            Target::Entry(id) => Some((d, id)),
            Target::Module(_) => None,
        })
    }
}

/// A node with everything it reaches: deepest first, by id inside a level, the node itself last.
#[derive(Clone)]
pub(super) struct Closure(Vec<Arc<CodeNode>>);

impl Closure {
    pub fn root(&self) -> &Arc<CodeNode> {
        self.0.last().expect("a closure has at least its root")
    }
    /// What the node imports, in the order in which it is loaded.
    pub fn libraries(&self) -> &[Arc<CodeNode>] {
        &self.0[..self.0.len() - 1]
    }
    pub fn nodes(&self) -> &[Arc<CodeNode>] {
        &self.0
    }
    /// Whether both are made of the same entries with the same content.
    pub fn same_as(&self, other: &Closure) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| a.same_as(b))
    }
    /// The nodes that `old` has not, or with other content.
    pub fn differing<'a>(&'a self, old: &'a Closure) -> impl Iterator<Item = &'a Arc<CodeNode>> {
        let known: BTreeMap<&EntryId, &Arc<CodeNode>> = old.0.iter().map(|n| (n.id(), n)).collect();
        self.0.iter().filter(move |n| !known.get(n.id()).is_some_and(|k| n.same_as(k)))
    }
}

/// See the module comment.
#[derive(Default)]
pub(super) struct Graph {
    nodes: BTreeMap<EntryId, Arc<CodeNode>>,
    /// Who imports an id, whether it is there or not.
    importers: BTreeMap<EntryId, BTreeSet<EntryId>>,
}

impl Graph {
    pub fn get(&self, id: &EntryId) -> Option<&Arc<CodeNode>> {
        self.nodes.get(id)
    }
    pub fn ids(&self) -> impl Iterator<Item = &EntryId> {
        self.nodes.keys()
    }
    /// Puts a node in the place of the one with its id, if any.
    pub fn put(&mut self, node: Arc<CodeNode>) {
        self.remove(node.id());
        for (_, id) in node.imports() {
            self.importers.entry(id.clone()).or_default().insert(node.id().clone());
        }
        self.nodes.insert(node.id().clone(), node);
    }
    pub fn remove(&mut self, id: &EntryId) {
        let Some(old) = self.nodes.remove(id) else { return };
        for (_, imported) in old.imports() {
            if let Some(importers) = self.importers.get_mut(imported) {
                importers.remove(id);
                if importers.is_empty() {
                    self.importers.remove(imported);
                }
            }
        }
    }
    /// The entries that import `id` themselves.
    pub fn importers(&self, id: &EntryId) -> impl Iterator<Item = &EntryId> {
        self.importers.get(id).into_iter().flatten()
    }
    /// `ids` and everything that reaches one of them.
    pub fn dependents(&self, ids: &BTreeSet<EntryId>) -> BTreeSet<EntryId> {
        let mut found = ids.clone();
        let mut new: Vec<EntryId> = ids.iter().cloned().collect();
        while let Some(id) = new.pop() {
            for importer in self.importers(&id) {
                if found.insert(importer.clone()) {
                    new.push(importer.clone());
                }
            }
        }
        found
    }

    /// Whether a closure is what its root reaches as things are.
    pub fn has(&self, closure: &Closure) -> bool {
        closure.0.iter().all(|node| self.nodes.get(node.id()).is_some_and(|now| Arc::ptr_eq(now, node)))
    }

    /// Everything `root`, which need not be in the graph, reaches.
    pub fn closure(&self, root: &Arc<CodeNode>) -> Result<Closure, Broken> {
        let mut reached: BTreeMap<&EntryId, Reached<'_>> = BTreeMap::from([(root.id(), Reached::new(root))]);
        let mut new = vec![root];
        while let Some(node) = new.pop() {
            for (dependency, id) in node.imports() {
                if !reached.contains_key(id) {
                    let Some(target) = self.nodes.get(id) else {
                        return Err(Broken::Missing(node.clone(), dependency.clone()));
                    };
                    reached.insert(id, Reached::new(target));
                    new.push(target);
                }
                reached.entry(id).and_modify(|r| r.importers += 1);
            }
        }
        by_depth(root, reached).map(Closure).ok_or(Broken::Cycle)
    }

    /// A chain of imports from `from` to `to`, both included; `instead` replaces nodes of the graph.
    pub fn path(
        &self,
        from: &Arc<CodeNode>,
        to: &EntryId,
        instead: &BTreeMap<EntryId, Arc<CodeNode>>,
    ) -> Option<Vec<EntryId>> {
        let mut came_from: BTreeMap<&EntryId, &EntryId> = BTreeMap::new();
        let mut new = vec![from];
        while let Some(node) = new.pop() {
            for (_, id) in node.imports() {
                if id != to && came_from.contains_key(id) {
                    continue;
                }
                came_from.insert(id, node.id());
                if id == to {
                    return Some(chain(from.id(), to, &came_from));
                }
                new.extend(instead.get(id).or_else(|| self.nodes.get(id)));
            }
        }
        None
    }
}

/// The steps that led from `from` to `to`, which may be the same.
fn chain(from: &EntryId, to: &EntryId, came_from: &BTreeMap<&EntryId, &EntryId>) -> Vec<EntryId> {
    let mut steps = vec![to.clone()];
    let mut at = to;
    while let Some(before) = came_from.get(at) {
        steps.push((*before).clone());
        at = before;
        if at == from {
            break;
        }
    }
    steps.reverse();
    steps
}

/// Why a node cannot be laid out as things are.
pub(super) enum Broken {
    /// An import of a node leads nowhere.
    Missing(Arc<CodeNode>, Dependency),
    Cycle,
}

/// A node of a closure in the making.
struct Reached<'a> {
    node: &'a Arc<CodeNode>,
    /// Those that were not visited yet.
    importers: usize,
    /// The longest chain of imports that leads here from the root.
    depth: usize,
}

impl<'a> Reached<'a> {
    fn new(node: &'a Arc<CodeNode>) -> Self {
        Reached { node, importers: 0, depth: 0 }
    }
}

/// The nodes by distance from the root, the farthest first; `None` if they form a cycle. A node is visited after all
/// that import it (Kahn's algorithm), so its distance is final then.
fn by_depth<'a>(
    root: &'a Arc<CodeNode>,
    mut reached: BTreeMap<&'a EntryId, Reached<'a>>,
) -> Option<Vec<Arc<CodeNode>>> {
    let mut visited = 0;
    let mut ready: Vec<&EntryId> =
        reached.get(root.id()).filter(|r| r.importers == 0).map(|_| root.id()).into_iter().collect();
    while let Some(id) = ready.pop() {
        visited += 1;
        let (node, depth) = reached.get(id).map(|r| (r.node, r.depth))?;
        for (_, id) in node.imports() {
            let target = reached.get_mut(id)?;
            target.depth = target.depth.max(depth + 1);
            target.importers -= 1;
            if target.importers == 0 {
                ready.push(target.node.id());
            }
        }
    }
    let mut order: Vec<Reached<'_>> = reached.into_values().collect();
    // Stable, so it stays by id inside a level.
    order.sort_by_key(|r| Reverse(r.depth));
    (visited == order.len()).then(|| order.into_iter().map(|r| r.node.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wippy_runtime::payload::{Map, Value};

    /// A node `app:name` with imports, written `name imports...`.
    fn node(text: &str) -> Arc<CodeNode> {
        let mut words = text.split(' ');
        let id = EntryId::new("app", words.next().unwrap_or_default());
        let dependency = |name: &str| Dependency {
            alias: name.to_owned(),
            target: Target::Entry(EntryId::new("app", name)),
            field: String::new(),
        };
        let entry = Entry { id, kind: "library.lua".into(), meta: Map::new(), data: Value::Nil, origin: None };
        let (role, method, code) = (Role::Library, "main".into(), Code::new(Arc::from([])));
        let (dependencies, limits) = (words.map(dependency).collect(), OwnLimits::default());
        let (entry, known) = (Arc::new(entry), Memo::default());
        Arc::new(CodeNode { entry, role, method, dependencies, limits, code, known })
    }

    fn graph(nodes: &[&str]) -> Graph {
        let mut graph = Graph::default();
        nodes.iter().for_each(|n| graph.put(node(n)));
        graph
    }

    fn names<'a>(ids: impl IntoIterator<Item = &'a EntryId>) -> String {
        ids.into_iter().map(EntryId::name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn closures_are_loaded_deepest_first_and_by_id_inside_a_level() {
        let graph = graph(&["z", "a", "m a z", "b m", "c", "side"]);
        let order = |root: &str| match graph.closure(&node(root)) {
            Ok(closure) => names(closure.nodes().iter().map(|n| n.id())),
            Err(Broken::Missing(node, missing)) => format!("{} misses {}", node.id().name(), missing.alias),
            Err(Broken::Cycle) => "cycle".to_owned(),
        };
        assert_eq!(order("main"), "main");
        assert_eq!(order("main z a"), "a z main");
        // `a` is imported directly too, but the longest chain to it has three steps.
        assert_eq!(order("main a b c"), "a z m b c main");
        let closure = |graph: &Graph| graph.closure(graph.get(&EntryId::new("app", "b")).expect("it is there")).ok();
        let (mut graph, other) = (self::graph(&["z", "m z", "b m"]), self::graph(&["z", "m z", "b m"]));
        let (own, others) = (closure(&graph).expect("no cycle"), closure(&other).expect("no cycle"));
        assert!(graph.has(&own) && own.same_as(&others) && !graph.has(&others));
        graph.put(node("c b"));
        assert!(graph.has(&own), "who imports it does not matter");
        graph.put(node("z"));
        assert!(!graph.has(&own));
        assert_eq!(order("main b gone"), "main misses gone");
        // Replacing nodes can close a circle for a while, with or without the root on it.
        assert_eq!(order("a b"), "cycle");
        assert!(self::graph(&["x y", "y x"]).closure(&node("main x")).is_err());
    }

    #[test]
    fn dependents_and_cycles() {
        let mut graph = graph(&["z", "a z", "b a", "c", "d b c"]);
        let changed = BTreeSet::from([EntryId::new("app", "a")]);
        assert_eq!(names(&graph.dependents(&changed)), "a b d");
        let path = |graph: &Graph, from: &str, instead: &[&str]| {
            let from = node(from);
            let instead = instead.iter().map(|n| node(n)).map(|n| (n.id().clone(), n)).collect();
            graph.path(&from, from.id(), &instead).map(|p| names(&p))
        };
        assert_eq!(path(&graph, "z c", &[]), None);
        assert_eq!(path(&graph, "z d", &[]).as_deref(), Some("z d b a z"));
        assert_eq!(path(&graph, "z z", &[]).as_deref(), Some("z z"));
        assert_eq!(path(&graph, "new w", &["w new"]).as_deref(), Some("new w new"));
        graph.remove(&EntryId::new("app", "d"));
        assert_eq!(names(&graph.dependents(&changed)), "a b");
        assert_eq!(names(graph.importers(&EntryId::new("app", "c"))), "");
    }
}
