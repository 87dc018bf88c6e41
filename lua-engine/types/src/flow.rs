//! What is known at a point of the program: types of variables and of fields reached through them.
//!
//! A *path* is a variable followed by constant field names; a *fact* is the type of a path from here on. All changes
//! go through a log, so that a branch costs what it changes: run it, [`Flow::leave`] takes its changes back and
//! remembers them, [`Flow::join`] merges the ends of several branches. This file knows no syntax.

use crate::algebra::{either, has_nil};
use crate::hash::Map;
use crate::scope::SymbolId;
use crate::ty::Ty;
use smallvec::SmallVec;

/// Field names in a path.
const MAX_PATH: u8 = 8;
/// Fields of a path that are found by looking at one after the other.
const FEW_CHILDREN: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathId(u32);

/// A few paths.
type Paths = SmallVec<[PathId; 16]>;

struct PathData<'t> {
    root: SymbolId,
    parent: Option<PathId>,
    /// The last field of it; empty for a variable.
    name: &'t str,
    depth: u8,
    children: SmallVec<[PathId; 4]>,
    fact: Option<Known>,
    /// Assignments so far: tells whether a variable is still the one it was.
    version: u32,
}

/// A fact, and the function whose code has found it out.
#[derive(Debug, Clone)]
pub struct Known {
    pub ty: Ty,
    pub function: u32,
}

/// The end of a branch: what it has changed.
pub struct End {
    dead: bool,
    vague: bool,
    /// In the order of the paths.
    changes: Vec<(PathId, Option<Known>)>,
}

/// The ends of the branches of one statement.
pub type Ends = SmallVec<[End; 4]>;

impl End {
    /// What the path is after this branch; none if it is as it was.
    fn change(&self, path: PathId) -> Option<&Option<Known>> {
        self.changes.binary_search_by_key(&path, |(path, _)| *path).ok().map(|at| &self.changes[at].1)
    }
}

#[derive(Default)]
pub struct Flow<'t> {
    paths: Vec<PathData<'t>>,
    /// By symbol.
    roots: Vec<Option<PathId>>,
    /// Fields of paths that have more than [`FEW_CHILDREN`], without those first ones.
    fields: Map<(PathId, &'t str), PathId>,
    log: Vec<(PathId, Option<Known>)>,
    /// Paths whose nil may become something else in any call.
    fragile: Vec<PathId>,
    /// Nothing gets here.
    pub dead: bool,
    /// Something may not get here: the statement before was a call that perhaps never returns.
    pub vague: bool,
}

/// A point to come back to.
#[derive(Clone, Copy)]
pub struct Mark {
    log: usize,
    dead: bool,
    vague: bool,
}

impl<'t> Flow<'t> {
    /// For a source with so many variables.
    pub fn new(symbols: usize) -> Self {
        let paths = Vec::with_capacity(symbols);
        Flow { paths, roots: vec![None; symbols], log: Vec::with_capacity(symbols), ..Flow::default() }
    }

    pub fn root(&mut self, symbol: SymbolId) -> PathId {
        let at = symbol.0 as usize;
        if let Some(Some(path)) = self.roots.get(at) {
            return *path;
        }
        let path = self.add(symbol, None, "", 0);
        if self.roots.len() <= at {
            self.roots.resize(at + 1, None);
        }
        self.roots[at] = Some(path);
        path
    }

    pub fn field(&mut self, of: PathId, name: &'t str) -> Option<PathId> {
        let parent = &self.paths[of.0 as usize];
        let mut first = parent.children.iter().take(FEW_CHILDREN);
        let found = first.find(|child| self.paths[child.0 as usize].name == name);
        let are_few = parent.children.len() < FEW_CHILDREN;
        if let Some(path) = found.or_else(|| if are_few { None } else { self.fields.get(&(of, name)) }) {
            return Some(*path);
        }
        if parent.depth >= MAX_PATH {
            return None;
        }
        let (root, depth) = (parent.root, parent.depth + 1);
        let path = self.add(root, Some(of), name, depth);
        self.paths[of.0 as usize].children.push(path);
        if !are_few {
            self.fields.insert((of, name), path);
        }
        Some(path)
    }

    fn add(&mut self, root: SymbolId, parent: Option<PathId>, name: &'t str, depth: u8) -> PathId {
        self.paths.push(PathData { root, parent, name, depth, children: SmallVec::new(), fact: None, version: 0 });
        PathId(self.paths.len() as u32 - 1)
    }

    pub fn root_of(&self, path: PathId) -> SymbolId {
        self.paths[path.0 as usize].root
    }

    pub fn is_root(&self, path: PathId) -> bool {
        self.paths[path.0 as usize].parent.is_none()
    }

    pub fn fact(&self, path: PathId) -> Option<&Known> {
        self.paths[path.0 as usize].fact.as_ref()
    }

    pub fn version(&self, path: PathId) -> u32 {
        self.paths[path.0 as usize].version
    }

    /// Notes what a test has shown.
    pub fn learn(&mut self, path: PathId, ty: Ty, function: u32) {
        if has_nil(&ty) && !self.is_root(path) {
            self.fragile.push(path);
        }
        self.put(path, Some(Known { ty, function }));
    }

    /// Notes an assignment: what was known of the fields is void.
    pub fn assign(&mut self, path: PathId, ty: Option<Ty>, function: u32) {
        self.forget_below(path);
        self.paths[path.0 as usize].version += 1;
        match ty {
            Some(ty) => self.learn(path, ty, function),
            None => self.put(path, None),
        }
    }

    fn forget_below(&mut self, path: PathId) {
        for n in 0..self.paths[path.0 as usize].children.len() {
            let child = self.paths[path.0 as usize].children[n];
            self.forget_below(child);
            self.paths[child.0 as usize].version += 1;
            if self.paths[child.0 as usize].fact.is_some() {
                self.put(child, None);
            }
        }
    }

    /// Changes the type of what is known of a path, where no branch is open that this would have to be taken back with.
    pub fn amend(&mut self, path: PathId, change: impl FnOnce(Ty) -> Ty) {
        if let Some(known) = &mut self.paths[path.0 as usize].fact {
            known.ty = change(std::mem::replace(&mut known.ty, Ty::Undetermined));
        }
    }

    fn put(&mut self, path: PathId, fact: Option<Known>) {
        let old = std::mem::replace(&mut self.paths[path.0 as usize].fact, fact);
        self.log.push((path, old));
    }

    /// Makes a path undetermined, if anything is known that nil is part of.
    pub fn doubt_nil(&mut self, path: PathId) {
        let function = match self.fact(path) {
            Some(known) if has_nil(&known.ty) => known.function,
            _ => return,
        };
        self.put(path, Some(Known { ty: Ty::Undetermined, function }));
    }

    /// A call to somebody unknown: fields that were nil may not be any more.
    pub fn call(&mut self) {
        for path in std::mem::take(&mut self.fragile) {
            self.doubt_nil(path);
        }
    }

    /// A place that is reached from elsewhere: what `function` has found out by tests may not hold.
    pub fn doubt_all(&mut self, function: u32) {
        for n in 0..self.paths.len() {
            let test = |k: &Known| k.function == function && (has_nil(&k.ty) || k.ty == Ty::Never);
            if self.paths[n].fact.as_ref().is_some_and(test) {
                self.put(PathId(n as u32), Some(Known { ty: Ty::Undetermined, function }));
            }
        }
    }

    /// Remembers a path whose variable can be assigned in any call.
    pub fn is_fragile(&mut self, path: PathId) {
        self.fragile.push(path);
    }

    pub fn mark(&self) -> Mark {
        Mark { log: self.log.len(), dead: self.dead, vague: self.vague }
    }

    /// Goes back to `mark`, forgetting what was learnt since.
    pub fn undo(&mut self, mark: Mark) {
        while self.log.len() > mark.log {
            if let Some((path, old)) = self.log.pop() {
                self.paths[path.0 as usize].fact = old;
            }
        }
        self.dead = mark.dead;
        self.vague = mark.vague;
    }

    /// Ends a branch that started at `start` and goes back to `back`.
    pub fn leave(&mut self, start: Mark, back: Mark) -> End {
        let mut paths = Paths::new();
        if !self.dead {
            paths.extend(self.log[start.log..].iter().map(|(path, _)| *path));
            paths.sort_unstable();
            paths.dedup();
        }
        let changes = paths.into_iter().map(|path| (path, self.paths[path.0 as usize].fact.clone())).collect();
        let end = End { dead: self.dead, vague: self.vague, changes };
        self.undo(back);
        end
    }

    /// Goes on from where several branches meet.
    pub fn join(&mut self, ends: &[End]) {
        let alive = || ends.iter().filter(|e| !e.dead);
        if alive().next().is_none() {
            self.dead = true;
            return;
        }
        self.vague = alive().any(|e| e.vague);
        let mut paths: Paths = alive().flat_map(|e| e.changes.iter().map(|(path, _)| *path)).collect();
        paths.sort_unstable();
        paths.dedup();
        for path in paths {
            let current = self.paths[path.0 as usize].fact.clone();
            let mut merged: Option<Option<Known>> = None;
            for end in alive() {
                let fact = end.change(path).unwrap_or(&current);
                merged = Some(match (merged, fact) {
                    (None, fact) => fact.clone(),
                    (Some(Some(a)), Some(b)) => Some(Known { ty: either(a.ty, b.ty.clone()), function: b.function }),
                    _ => None,
                });
            }
            match merged.flatten() {
                Some(known) => self.learn(path, known.ty, known.function),
                None => self.put(path, None),
            }
        }
    }
}
