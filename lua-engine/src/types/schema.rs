//! A type made ready for values: names looked up, keys hashed, expressions compiled.
//!
//! A flat list of nodes that refer to each other by number, so recursive types need nothing special. Limits: a type
//! that unfolds to more than [`MAX_NODES`] parts (only polymorphic recursion does) is cut off with a check that fails.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};

use lru::LruCache;
use parking_lot::Mutex;
use regex::bytes::{Regex, RegexBuilder};
use wippy_lua_types::ty::{Annotation, Def, Name, Record, Shape, Ty};

/// Parts of one type.
const MAX_NODES: usize = 10_000;
/// Bytes of a compiled expression.
const MAX_PATTERN: usize = 1 << 20;
/// Expressions that are kept for types to come.
const MAX_PATTERNS: NonZeroUsize = NonZeroUsize::new(256).unwrap();

pub(super) type Id = u32;

/// See the module comment. The root is node 0.
pub(super) struct Schema {
    nodes: Vec<Node>,
}

pub(super) struct Node {
    pub check: Check,
    /// For messages.
    pub ty: Ty,
}

pub(super) enum Check {
    Anything,
    Nothing,
    Nil,
    Boolean,
    Number,
    Integer,
    String,
    /// Any table.
    Table,
    /// An Error object, or a table that stands for one.
    Error,
    Function,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Name),
    Optional(Id),
    Any(Box<[Id]>),
    All(Box<[Id]>),
    Array(Id),
    Map(Entries),
    Record(Box<[Slot]>),
    Tuple(Box<[Id]>),
    Annotated(Id, Box<[Rule]>),
    /// The same as another node.
    Same(Id),
    Unresolved(Name),
    /// Too large to be made.
    Endless,
}

/// What a map asks of its parts.
pub(super) struct Entries {
    pub key: Id,
    pub value: Id,
    /// Whether string keys are looked at.
    pub texts: bool,
    /// Whether the sequence part is looked at.
    pub sequence: bool,
}

/// A field of a record.
pub(super) struct Slot {
    pub name: Name,
    pub hash: u32,
    pub check: Id,
    pub optional: bool,
}

/// An annotation.
pub(super) struct Rule {
    pub name: &'static str,
    /// The argument as text.
    pub arg: String,
    pub test: Test,
}

pub(super) enum Test {
    Min(f64),
    Max(f64),
    MinLen(u64),
    MaxLen(u64),
    Pattern(Arc<Regex>),
    /// Fails for every text, with this message.
    Broken(&'static str),
}

impl Schema {
    /// `hash` gives the hash of a text in the tables of this process.
    pub fn new(ty: &Ty, hash: &dyn Fn(&str) -> u32) -> Schema {
        let mut maker = Maker { nodes: vec![], names: HashMap::new(), hash };
        maker.node(ty);
        Schema { nodes: maker.nodes }
    }
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }
    /// Bytes it takes; expressions are shared by all types that have them.
    pub fn bytes(&self) -> usize {
        let parts = |node: &Node| match &node.check {
            Check::Any(ids) | Check::All(ids) | Check::Tuple(ids) => size_of_val(&**ids),
            Check::Record(slots) => size_of_val(&**slots),
            Check::Annotated(_, rules) => size_of_val(&**rules),
            _ => 0,
        };
        self.nodes.iter().map(|node| size_of::<Node>() + parts(node)).sum()
    }
}

struct Maker<'h> {
    nodes: Vec<Node>,
    /// Nodes of names, by definition; with their arguments.
    names: HashMap<*const Def, Vec<(Vec<Ty>, Id)>>,
    hash: &'h dyn Fn(&str) -> u32,
}

impl Maker<'_> {
    fn node(&mut self, ty: &Ty) -> Id {
        if let Some(named) = ty.as_named() {
            let known = self.names.get(&named.def.as_ptr());
            if let Some((_, id)) = known.and_then(|known| known.iter().find(|(args, _)| *args == named.args)) {
                return *id;
            }
        }
        let id = self.nodes.len() as Id;
        self.nodes.push(Node { check: Check::Endless, ty: ty.clone() });
        if self.nodes.len() > MAX_NODES {
            return id;
        }
        let check = match ty.as_named() {
            Some(named) => {
                // Found when the type mentions itself.
                self.names.entry(named.def.as_ptr()).or_default().push((named.args.clone(), id));
                if named.is_builtin() && named.name.eq_ignore_ascii_case("error") {
                    Check::Error
                } else {
                    let inner = named.expand();
                    if inner.as_named().is_some() { Check::Same(self.node(&inner)) } else { self.check(&inner) }
                }
            }
            None => self.check(ty),
        };
        self.nodes[id as usize].check = check;
        id
    }

    fn all(&mut self, parts: &[Ty]) -> Box<[Id]> {
        parts.iter().map(|part| self.node(part)).collect()
    }

    /// What is asked of a value of a type that is no name.
    fn check(&mut self, ty: &Ty) -> Check {
        let compound = match ty {
            Ty::Undetermined | Ty::Any | Ty::Unknown => return Check::Anything,
            Ty::Never => return Check::Nothing,
            Ty::Nil | Ty::SoftNil => return Check::Nil,
            Ty::Boolean => return Check::Boolean,
            Ty::Number => return Check::Number,
            Ty::Integer => return Check::Integer,
            Ty::String => return Check::String,
            Ty::Table => return Check::Table,
            Ty::Bool(b) => return Check::Bool(*b),
            Ty::Int(n) => return Check::Int(*n),
            Ty::Float(bits) => return Check::Float(f64::from_bits(*bits)),
            Ty::Str(text) => return Check::Text(text.clone()),
            Ty::Of(compound) => compound,
        };
        match &compound.shape {
            Shape::Union(members) => match members.as_slice() {
                [nil, other] if nil.is_nil() => Check::Optional(self.node(other)),
                _ => Check::Any(self.all(members)),
            },
            Shape::Intersection(parts) => Check::All(self.all(parts)),
            Shape::Array(element) => Check::Array(self.node(element)),
            Shape::Map(key, value) => self.map(key, value),
            Shape::Record(record) if record.interface => Check::Table,
            Shape::Record(record) => self.record(record),
            Shape::Tuple(parts) => Check::Tuple(self.all(parts)),
            Shape::Function(_) => Check::Function,
            Shape::Annotated(inner, annotations) => {
                let rules: Box<[Rule]> = annotations.iter().filter_map(rule).collect();
                Check::Annotated(self.node(inner), rules)
            }
            Shape::Unresolved(name) => Check::Unresolved(name.clone()),
            // `Self` accepts everything; a parameter nobody filled in and a type's own type accept nothing.
            Shape::Receiver => Check::Anything,
            Shape::Param(_) | Shape::TypeValue(_) => Check::Nothing,
            Shape::Named(_) => Check::Same(self.node(ty)),
        }
    }

    fn map(&mut self, key: &Ty, value: &Ty) -> Check {
        let named = key.resolved();
        let plain = match named.shape() {
            Some(Shape::Annotated(inner, _)) => inner.resolved(),
            _ => named.resolved(),
        };
        let texts = *plain == Ty::String;
        let sequence = matches!(*plain, Ty::Number | Ty::Integer | Ty::Any);
        Check::Map(Entries { key: self.node(key), value: self.node(value), texts, sequence })
    }

    fn record(&mut self, record: &Record) -> Check {
        let slots = record.fields.iter().map(|field| Slot {
            name: field.name.clone(),
            hash: (self.hash)(&field.name),
            check: self.node(&field.ty),
            optional: field.optional,
        });
        Check::Record(slots.collect())
    }
}

/// An expression that types share; none if it is not valid or too large.
fn compiled(pattern: &Name) -> Option<Arc<Regex>> {
    static KNOWN: LazyLock<Mutex<LruCache<Name, Arc<Regex>>>> =
        LazyLock::new(|| Mutex::new(LruCache::new(MAX_PATTERNS)));
    if let Some(known) = KNOWN.lock().get(pattern) {
        return Some(known.clone());
    }
    let regex = Arc::new(RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build().ok()?);
    KNOWN.lock().put(pattern.clone(), regex.clone());
    Some(regex)
}

/// What an annotation means; nothing for names nobody knows and arguments that are none.
fn rule(annotation: &Annotation) -> Option<Rule> {
    let number = match &annotation.arg {
        Some(Ty::Int(n)) => Some(*n as f64),
        Some(Ty::Float(bits)) => Some(f64::from_bits(*bits)),
        _ => None,
    };
    let length = || number.filter(|n| *n >= 0.0).map(|n| n as u64);
    let (name, test) = match annotation.name.as_ref() {
        "min" => ("min", Test::Min(number?)),
        "max" => ("max", Test::Max(number?)),
        "min_len" => ("min_len", Test::MinLen(length()?)),
        "max_len" => ("max_len", Test::MaxLen(length()?)),
        "pattern" => {
            let test = match &annotation.arg {
                Some(Ty::Str(pattern)) => compiled(pattern).map_or(Test::Broken("invalid regex"), Test::Pattern),
                _ => Test::Broken("invalid pattern argument"),
            };
            ("pattern", test)
        }
        _ => return None,
    };
    let arg = match &annotation.arg {
        Some(Ty::Str(text)) => text.to_string(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    Some(Rule { name, arg, test })
}
