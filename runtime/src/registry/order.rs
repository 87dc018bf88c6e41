//! What an entry refers to, and the order in which a change set can run.
//!
//! References are found by path patterns over meta and data, so that no kind
//! has to declare them. They serve ordering only: whether a reference must
//! resolve is the handler's business, and one that leads nowhere is ignored.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::LazyLock;

use super::changeset::{ChangeSet, OpKind, Operation};
use super::entry::{Entry, EntryId};
use super::forms;
use super::state::State;
use crate::payload::Value;

/// Where references stand. `*` is any key or list index, `*_env` any key with that ending.
const PATHS: &[&str] = &[
    // structure
    "meta.parent",
    "meta.depends_on",
    "meta.groups",
    "data.groups",
    "data.config",
    "data.*.depends_on",
    // lifecycle
    "data.lifecycle.requires",
    "data.lifecycle.depends_on",
    "data.lifecycle.security.policies",
    "data.lifecycle.security.groups",
    // code
    "data.imports.*",
    "data.func",
    "data.process",
    "data.host",
    "data.set",
    // env
    "data.env",
    "data.*_env",
    "meta.*_env",
    "data.storage",
    "data.storages",
    "data.tls.*_env",
    // http
    "meta.server",
    "meta.router",
    "data.server",
    "data.middleware",
    "data.post_middleware",
    "data.fs",
    "data.network",
    // security
    "data.security.policies",
    "data.security.groups",
    "data.security.token_store",
    "data.token_store",
    "data.store",
    // queue
    "data.queue",
    "data.driver",
    "data.dead_letter.queue",
    // contracts
    "data.contracts.*.contract",
    "data.contracts.*.methods.*",
    // cloud and temporal
    "data.bucket",
    "meta.temporal.activity.worker",
    "meta.temporal.workflow.worker",
];

/// How deep the string leaves of a map below a `*` are looked for.
const MAX_LEAF_DEPTH: u32 = 16;

struct Path {
    in_meta: bool,
    segments: Vec<&'static str>,
    wild: bool,
}

static COMPILED: LazyLock<Vec<Path>> = LazyLock::new(|| {
    let compile = |text: &&'static str| {
        let (root, rest) = text.split_once('.').unwrap_or((text, ""));
        Path { in_meta: root == "meta", segments: rest.split('.').collect(), wild: rest.contains('*') }
    };
    PATHS.iter().map(compile).collect()
});

/// What a text in an entry may refer to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// `ns:name`, or a bare name completed with the entry's namespace.
    Entry(EntryId),
    /// `group:<g>`: every entry listing `g` in its groups.
    Group(String),
    /// `ns:<namespace>`: every entry of the namespace.
    Namespace(String),
}

impl Reference {
    /// What `text` means in an entry of the namespace `ns`.
    pub fn parse(text: &str, ns: &str) -> Reference {
        match text.split_once(':') {
            Some(("group", group)) => Reference::Group(group.to_owned()),
            Some(("ns", namespace)) => Reference::Namespace(namespace.to_owned()),
            _ => Reference::Entry(EntryId::resolve(text, ns)),
        }
    }
}

/// Everything `entry` refers to by the known paths, in a fixed order, once each.
pub fn references(entry: &Entry) -> Vec<Reference> {
    let mut texts = Vec::new();
    for path in COMPILED.iter() {
        if path.in_meta {
            // Meta is a bare map, so its first segment is taken here.
            let (first, rest) = (path.segments[0], &path.segments[1..]);
            for (_, value) in entry.meta.iter().filter(|(k, _)| segment_accepts(first, k)) {
                walk(value, rest, path.wild, &mut texts);
            }
        } else {
            walk(&entry.data, &path.segments, path.wild, &mut texts);
        }
    }
    let mut seen = HashSet::new();
    let parse = |t: &str| Reference::parse(t, entry.id.ns());
    texts.into_iter().filter(|t| !t.is_empty()).map(parse).filter(|r| seen.insert(r.clone())).collect()
}

fn segment_accepts(segment: &str, key: &str) -> bool {
    match segment.strip_prefix('*') {
        Some(suffix) => key.ends_with(suffix),
        None => segment == key,
    }
}

fn walk<'v>(value: &'v Value, segments: &[&str], wild: bool, out: &mut Vec<&'v str>) {
    let Some((segment, rest)) = segments.split_first() else {
        return leaves(value, if wild { MAX_LEAF_DEPTH } else { 0 }, out);
    };
    match value {
        Value::Map(map) if segment.starts_with('*') => {
            map.iter().filter(|(k, _)| segment_accepts(segment, k)).for_each(|(_, v)| walk(v, rest, wild, out));
        }
        Value::Map(map) => {
            if let Some(v) = map.get(*segment) {
                walk(v, rest, wild, out);
            }
        }
        Value::List(list) if *segment == "*" => list.iter().for_each(|v| walk(v, rest, wild, out)),
        _ => {}
    }
}

/// A string, the strings of a list and, `depth` permitting, the string leaves of maps.
fn leaves<'v>(value: &'v Value, depth: u32, out: &mut Vec<&'v str>) {
    match value {
        Value::Str(s) => out.push(s),
        Value::List(list) => out.extend(list.iter().filter_map(Value::as_str)),
        Value::Map(map) if depth > 0 => map.values().for_each(|v| leaves(v, depth - 1, out)),
        _ => {}
    }
}

/// The groups an entry is a member of: `meta.groups` and `data.groups`.
pub fn groups(entry: &Entry) -> impl Iterator<Item = &str> {
    [entry.meta.get("groups"), entry.field("groups")].into_iter().flatten().flat_map(|v| {
        let mut out = Vec::new();
        leaves(v, 0, &mut out);
        out
    })
}

/// Which operations of a change set concern an id, a group or a namespace.
#[derive(Default)]
struct Index<'a> {
    ids: HashMap<&'a EntryId, Vec<usize>>,
    groups: HashMap<&'a str, Vec<usize>>,
    namespaces: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn add(&mut self, n: usize, entry: &'a Entry) {
        self.ids.entry(&entry.id).or_default().push(n);
        self.namespaces.entry(entry.id.ns()).or_default().push(n);
        for group in groups(entry) {
            self.groups.entry(group).or_default().push(n);
        }
    }
    fn find(&self, reference: &Reference) -> &[usize] {
        let found = match reference {
            Reference::Entry(id) => self.ids.get(id),
            Reference::Group(group) => self.groups.get(group.as_str()),
            Reference::Namespace(ns) => self.namespaces.get(ns.as_str()),
        };
        found.map_or(&[], Vec::as_slice)
    }
}

/// The operations are nodes 0 to n-1. Node n is a milestone, not an operation:
/// "the environment is there".
struct Graph {
    /// `(first, then)`, with repetitions.
    edges: Vec<(usize, usize)>,
    /// Edges that only make the order nicer and give way to a cycle.
    soft: Vec<(usize, usize)>,
}

/// The change set in an order in which it can run from `before`: creates and
/// updates after what they depend on, deletes after their dependants, users of
/// `${env:…}` and `*_env` fields after env storages and variables, ties by
/// namespace, name and kind.
/// A cycle is logged and the input order is used.
pub fn sort(changes: ChangeSet, before: &State) -> ChangeSet {
    let ops = changes.0;
    let graph = build(&ops, before);
    let all: Vec<_> = graph.edges.iter().chain(&graph.soft).copied().collect();
    let order = match topological(&ops, &all).or_else(|_| topological(&ops, &graph.edges)) {
        Ok(order) => order,
        Err(stuck) => {
            let ids: Vec<&str> = stuck.iter().take(20).map(|n| ops[*n].id().as_str()).collect();
            tracing::warn!(entries = ids.join(", "), "entries depend on each other in a cycle; using the given order");
            fallback(&ops, before)
        }
    };
    let mut slots: Vec<Option<Operation>> = ops.into_iter().map(Some).collect();
    ChangeSet(order.into_iter().filter_map(|n| slots[n].take()).collect())
}

fn build(ops: &[Operation], before: &State) -> Graph {
    let (mut kept, mut deleted) = (Index::default(), Index::default());
    let old = |op: &'_ Operation| before.get(op.id()).cloned();
    let olds: Vec<_> = ops.iter().map(old).collect();
    for (n, op) in ops.iter().enumerate() {
        match op.kind {
            OpKind::Delete => deleted.add(n, olds[n].as_deref().unwrap_or(&op.entry)),
            _ => kept.add(n, &op.entry),
        }
    }
    let mut graph = Graph { edges: same_id_edges(ops, before), soft: environment_edges(ops) };
    for (n, op) in ops.iter().enumerate() {
        if op.kind != OpKind::Delete {
            for reference in references(&op.entry) {
                let needed = kept.find(&reference).iter().filter(|m| ops[**m].id() != op.id());
                graph.edges.extend(needed.map(|m| (*m, n)));
            }
        }
        let Some(old) = &olds[n] else { continue };
        for reference in references(old) {
            for m in deleted.find(&reference).iter().copied().filter(|m| ops[*m].id() != op.id()) {
                match op.kind {
                    OpKind::Delete => graph.edges.push((n, m)),
                    // Lets go of what is about to vanish, unless it comes back.
                    OpKind::Update if !kept.ids.contains_key(ops[m].id()) => graph.soft.push((n, m)),
                    _ => {}
                }
            }
        }
    }
    graph
}

/// Env storages and variables, then the milestone, then those that use their values.
fn environment_edges(ops: &[Operation]) -> Vec<(usize, usize)> {
    let milestone = ops.len();
    let kept = ops.iter().enumerate().filter(|(_, op)| op.kind != OpKind::Delete);
    let (env, others): (Vec<_>, Vec<_>) = kept.partition(|(_, op)| op.entry.kind.starts_with("env."));
    if env.is_empty() {
        return Vec::new();
    }
    let users = others.into_iter().filter(|(_, op)| forms::asks_environment(&op.entry));
    env.into_iter().map(|(n, _)| (n, milestone)).chain(users.map(|(n, _)| (milestone, n))).collect()
}

/// Operations on one id stay in their order; a delete of what exists goes first.
fn same_id_edges(ops: &[Operation], before: &State) -> Vec<(usize, usize)> {
    let mut by_id: HashMap<&EntryId, Vec<usize>> = HashMap::new();
    for (n, op) in ops.iter().enumerate() {
        by_id.entry(op.id()).or_default().push(n);
    }
    let mut edges = Vec::new();
    for (id, mut list) in by_id.into_iter().filter(|(_, l)| l.len() > 1) {
        if before.contains(id) && list.iter().all(|n| ops[*n].kind != OpKind::Update) {
            list.sort_by_key(|n| ops[*n].kind != OpKind::Delete);
        }
        edges.extend(list.windows(2).map(|w| (w[0], w[1])));
    }
    edges
}

/// Kahn's algorithm, smallest key first. `Err` holds the operations in or behind a cycle.
fn topological(ops: &[Operation], edges: &[(usize, usize)]) -> Result<Vec<usize>, Vec<usize>> {
    let nodes = ops.len() + 1;
    let mut after = vec![Vec::new(); nodes];
    let mut missing = vec![0usize; nodes];
    for &(first, then) in edges {
        after[first].push(then);
        missing[then] += 1;
    }
    // The milestone has no operation and `None` comes first: it is passed at once.
    let key = |n: usize| Reverse((ops.get(n).map(|op| (op.id(), &op.entry.kind, op.kind)), n));
    let mut ready: BinaryHeap<_> = (0..nodes).filter(|n| missing[*n] == 0).map(key).collect();
    let mut order = Vec::with_capacity(nodes);
    while let Some(Reverse((_, n))) = ready.pop() {
        order.push(n);
        for &m in &after[n] {
            missing[m] -= 1;
            if missing[m] == 0 {
                ready.push(key(m));
            }
        }
    }
    let done = order.len() == nodes;
    order.retain(|n| *n < ops.len());
    if done { Ok(order) } else { Err((0..ops.len()).filter(|n| missing[*n] > 0).collect()) }
}

/// Creates and updates as given, then deletes last first; a delete that makes
/// room for a create of the same id goes to the front.
fn fallback(ops: &[Operation], before: &State) -> Vec<usize> {
    let created: HashSet<&EntryId> = ops.iter().filter(|o| o.kind == OpKind::Create).map(Operation::id).collect();
    let makes_room = |n: &usize| created.contains(ops[*n].id()) && before.contains(ops[*n].id());
    let (deletes, others): (Vec<_>, Vec<_>) = (0..ops.len()).partition(|n| ops[*n].kind == OpKind::Delete);
    let (first, last): (Vec<_>, Vec<_>) = deletes.into_iter().partition(makes_room);
    first.into_iter().chain(others).chain(last.into_iter().rev()).collect()
}
