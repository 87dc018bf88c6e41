//! Reads `.wippy.yaml`: sections, variables, profiles, `${…}`.
//!
//! Order: all files are read and merged leaf by leaf, then the selected
//! profiles over them, then variables and the environment are put in. So a
//! profile that is not selected may name variables that do not exist here.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use super::config::{ConfigRequest, Leaf, absolute};
use super::config_keys::TOP_LEVEL;
use super::problem::{Problem, nearest};
use super::source::{ReadError, read_text};
use crate::error::{Error, Result};
use crate::payload::Value;
use crate::placeholder::{Placeholder, expand};
use crate::yaml::{self, Node, NodeValue, Typing};

pub(super) type Sections = BTreeMap<String, IndexMap<String, Leaf>>;

/// The name of the file that is read when none is named.
pub const DEFAULT_FILE: &str = ".wippy.yaml";

const VERSION: &str = "1.0";
/// How deep variables may refer to one another.
const VAR_DEPTH: usize = 16;

/// One file, or several merged, before profiles are chosen.
#[derive(Default)]
struct Body {
    sections: Sections,
    vars: IndexMap<String, Leaf>,
}

/// Adds the values of the files to `into`, their names and texts to `texts`, and gives the absolute path of the first file.
pub(super) fn read(
    request: &ConfigRequest,
    env: &dyn Fn(&str) -> Option<String>,
    into: &mut Sections,
    texts: &mut Vec<(Arc<str>, String)>,
    problems: &mut Vec<Problem>,
) -> PathBuf {
    let mut base = Body::default();
    let mut profiles: IndexMap<String, Body> = IndexMap::new();
    let default = [PathBuf::from(DEFAULT_FILE)];
    let files = if request.files.is_empty() { &default[..] } else { &request.files[..] };
    for file in files {
        let name: Arc<str> = file.to_string_lossy().as_ref().into();
        match read_text(&absolute(&request.dir, file)) {
            Ok(text) => {
                read_file(&name, &text, &mut base, &mut profiles, problems);
                texts.push((name, text));
            }
            Err(ReadError::Missing) if request.files.is_empty() => {}
            Err(e) => problems.push(Problem::error(name, format!("failed to read config file: {e}"))),
        }
    }
    let mut vars = base.vars;
    merge_sections(into, base.sections);
    let mut profile_vars = Vec::new();
    for wanted in &request.profiles {
        let Some(body) = profiles.get(wanted) else {
            let mut p = Problem::error("", format!("unknown profile \"{wanted}\""));
            let names: Vec<_> = profiles.keys().map(String::as_str).collect();
            p = match (nearest(wanted, names.iter().copied()), names.is_empty()) {
                (Some(name), _) => p.help(format!("did you mean `{name}`?")),
                (None, false) => p.help(format!("known profiles: {}", names.join(", "))),
                (None, true) => p.help("the configuration has no `profiles` section"),
            };
            problems.push(p);
            continue;
        };
        merge_sections(into, body.sections.clone());
        add_and_remove(into);
        profile_vars.extend(body.vars.keys().cloned());
        vars.extend(body.vars.clone());
    }
    add_and_remove(into);
    let mut expander = Expander { env, vars: &vars, profile_vars: &profile_vars, problems, stack: Vec::new() };
    for (section, leaves) in into {
        for (key, leaf) in leaves {
            expander.leaf(section, key, leaf);
        }
    }
    absolute(&request.dir, files.first().unwrap_or(&default[0]))
}

fn read_file(
    name: &Arc<str>,
    text: &str,
    base: &mut Body,
    profiles: &mut IndexMap<String, Body>,
    problems: &mut Vec<Problem>,
) {
    let root = match yaml::parse(text) {
        Ok(document) => document.root,
        Err(e) => {
            let mut p = Problem::syntax(name.clone(), text, &e);
            p.message = format!("failed to parse YAML: {}", p.message);
            return problems.push(p);
        }
    };
    let missing =
        || Problem::error(name.clone(), "missing version field").help("begin the file with `version: \"1.0\"`");
    let Some(root) = root else { return problems.push(missing()) };
    let pos = root.pos;
    let NodeValue::Map(members) = root.value else {
        let message = format!("failed to parse YAML: expected a map of sections, found {}", root.type_name());
        return problems.push(Problem::error(name.clone(), message).at(pos).showing(text));
    };
    match members.get("version").map(|m| &m.node) {
        Some(v) if v.as_str() == Some(VERSION) => {}
        Some(v) if v.as_str().is_some_and(|s| !s.is_empty()) => {
            let message = format!("unsupported version: {}", v.as_str().unwrap_or_default());
            problems.push(Problem::error(name.clone(), message).at(v.pos).showing(text));
        }
        Some(v) => problems.push(missing().at(v.pos).showing(text).help("the version is text: `version: \"1.0\"`")),
        None => problems.push(missing()),
    }
    let mut reader = Reader { name, text, problems };
    for (key, member) in members {
        match key.as_str() {
            "version" => {}
            "profiles" => {
                let Some(bodies) = reader.map("profiles", member.node) else { continue };
                for (profile, member) in bodies {
                    let path = format!("profiles.{profile}");
                    let Some(body) = reader.map(&path, member.node) else { continue };
                    let into = profiles.entry(profile).or_default();
                    for (section, member) in body {
                        reader.section(&section, member.node, into);
                    }
                }
            }
            _ => reader.section(&key, member.node, base),
        }
    }
}

struct Reader<'a> {
    name: &'a Arc<str>,
    text: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn map(&mut self, path: &str, node: Node) -> Option<yaml::NodeMap> {
        let (pos, found) = (node.pos, node.type_name());
        match node.value {
            NodeValue::Map(members) => Some(members),
            NodeValue::Scalar(yaml::Scalar::Null) => None,
            _ => {
                let message = format!("must be a map, found {found}");
                let p = Problem::error(self.name.clone(), message).at(pos).showing(self.text).field(path);
                self.problems.push(match nearest(path, TOP_LEVEL.iter().copied()) {
                    Some(known) => p.help(format!("did you mean `{known}`?")),
                    None => p.help(format!("write the keys of section `{path}` indented below it")),
                });
                None
            }
        }
    }

    fn section(&mut self, section: &str, node: Node, into: &mut Body) {
        let Some(members) = self.map(section, node) else { return };
        let leaves = match section {
            "vars" => &mut into.vars,
            _ => into.sections.entry(section.to_owned()).or_default(),
        };
        let (name, text) = (self.name.clone(), self.text);
        for (key, member) in members {
            flatten(key, member.node, &mut |key, node| {
                let pos = node.pos;
                match node.into_value(Typing::Exact) {
                    Ok(value) => {
                        leaves.shift_remove(&key);
                        leaves.insert(key, Leaf { value, file: Some(name.clone()), pos, untyped: false });
                    }
                    Err(e) => self.problems.push(Problem::syntax(name.clone(), text, &e).field(key)),
                }
            });
        }
    }
}

/// Calls `leaf` for every value that is no map, with its dotted key.
fn flatten(key: String, node: Node, leaf: &mut dyn FnMut(String, Node)) {
    match node.value {
        NodeValue::Map(members) => {
            for (inner, member) in members {
                flatten(format!("{key}.{inner}"), member.node, leaf);
            }
        }
        _ => leaf(key, node),
    }
}

fn merge_sections(into: &mut Sections, from: Sections) {
    for (section, leaves) in from {
        into.entry(section).or_default().extend(leaves);
    }
}

/// Applies `disable.namespaces.add`, `.remove` and the same of `entries`.
fn add_and_remove(sections: &mut Sections) {
    let Some(disable) = sections.get_mut("disable") else { return };
    for list in ["namespaces", "entries"] {
        let mut take = |op: &str| disable.shift_remove(&format!("{list}.{op}"));
        let (add, remove) = (take("add"), take("remove"));
        let Some(place) = add.clone().or_else(|| remove.clone()) else { continue };
        let items = |leaf: Option<Leaf>| match leaf.map(|l| l.value) {
            Some(Value::List(items)) => items,
            Some(Value::Nil) | None => Vec::new(),
            Some(one) => vec![one],
        };
        let mut all = items(disable.get(list).cloned());
        for item in items(add) {
            if !all.contains(&item) {
                all.push(item);
            }
        }
        let gone = items(remove);
        all.retain(|item| !gone.contains(item));
        disable.insert(list.to_owned(), Leaf { value: Value::List(all), ..place });
    }
}

/// Puts variables and the environment into values.
struct Expander<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    vars: &'a IndexMap<String, Leaf>,
    profile_vars: &'a [String],
    problems: &'a mut Vec<Problem>,
    /// Variables being expanded, to find circles.
    stack: Vec<String>,
}

impl Expander<'_> {
    fn leaf(&mut self, section: &str, key: &str, leaf: &mut Leaf) {
        let untyped = matches!(&leaf.value, Value::Str(s) if s.starts_with("${env:") && s.ends_with('}'));
        let mut unknown = HashMap::new();
        match self.value(&leaf.value, &mut unknown) {
            Ok(Some(value)) => {
                leaf.untyped = untyped;
                leaf.value = value;
            }
            Ok(None) => {}
            Err(e) => {
                let file = leaf.file.clone().unwrap_or_default();
                self.problems.push(Problem::error(file, e.to_string()).at(leaf.pos).field(format!("{section}.{key}")));
            }
        }
        for (name, help) in unknown {
            let file = leaf.file.clone().unwrap_or_default();
            let message = format!("no variable `{name}`; `${{{name}}}` is left as it is");
            self.problems
                .push(Problem::warning(file, message).at(leaf.pos).field(format!("{section}.{key}")).help(help));
        }
    }

    fn value(&mut self, value: &Value, unknown: &mut HashMap<String, String>) -> Result<Option<Value>> {
        match value {
            Value::Str(text) => expand(text, &mut |p| self.placeholder(p, unknown)),
            Value::List(items) => {
                let items: Result<_> =
                    items.iter().map(|item| Ok(self.value(item, unknown)?.unwrap_or_else(|| item.clone()))).collect();
                Ok(Some(Value::List(items?)))
            }
            // Maps inside lists are values too.
            Value::Map(map) => {
                let map: Result<_> = map
                    .iter()
                    .map(|(k, v)| Ok((k.clone(), self.value(v, unknown)?.unwrap_or_else(|| v.clone()))))
                    .collect();
                Ok(Some(Value::Map(map?)))
            }
            _ => Ok(None),
        }
    }

    fn placeholder(&mut self, p: Placeholder<'_>, unknown: &mut HashMap<String, String>) -> Result<Option<Value>> {
        if p.env {
            if let Some(var) = self.stack.iter().find(|v| self.profile_vars.contains(v)) {
                return Err(Error::invalid(format!("variable `{var}` of a profile cannot use ${{env:{}}}", p.name)));
            }
            return match ((self.env)(p.name), p.default) {
                (Some(text), _) => Ok(Some(Value::Str(text))),
                (None, Some(default)) => Ok(Some(Value::Str(default.to_owned()))),
                (None, None) => Err(Error::invalid(format!("environment variable {} is not set", p.name))),
            };
        }
        let Some(leaf) = self.vars.get(p.name) else {
            if self.vars.is_empty() || p.default.is_some() {
                return Ok(None); // An entry's own placeholder, or none at all.
            }
            let help = match nearest(p.name, self.vars.keys().map(String::as_str)) {
                Some(name) => format!("did you mean `${{{name}}}`?"),
                None => format!("write `$${{{}}}` if it is meant literally", p.name),
            };
            unknown.insert(p.name.to_owned(), help);
            return Ok(None);
        };
        if self.stack.iter().any(|v| v == p.name) || self.stack.len() >= VAR_DEPTH {
            return Err(Error::invalid(format!("variable `{}` refers to itself", p.name)));
        }
        self.stack.push(p.name.to_owned());
        let value = self.value(&leaf.value, unknown);
        self.stack.pop();
        Ok(Some(value?.unwrap_or_else(|| leaf.value.clone())))
    }
}
