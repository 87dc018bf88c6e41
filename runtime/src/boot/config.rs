//! The runtime configuration: sections of dotted keys with typed reads.
//!
//! Values come, later ones winning, from packed defaults, `.wippy.yaml` (and
//! further files and profiles, see `config_file`), command-line switches and
//! `--set`. Reads never convert: a value of another type counts as absent, and
//! loading has already warned about it. Knows no component and no entry kind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::config_file;
use super::config_keys::{self, KeyType};
use super::problem::{Problem, nearest};
use crate::error::{Error, Result};
use crate::payload::Value;
use crate::yaml::Pos;

/// What to load the configuration from.
#[derive(Clone, Debug, Default)]
pub struct ConfigRequest {
    /// Relative file names are relative to this; empty is the working directory.
    pub dir: PathBuf,
    /// `--config`, in order. Empty: `.wippy.yaml`, which may be absent.
    pub files: Vec<PathBuf>,
    /// `--profile`, in order.
    pub profiles: Vec<String>,
    pub switches: Switches,
    /// `--set section.path=value`, in order.
    pub set: Vec<String>,
    /// Below everything else, by section and key: what a pack brings along.
    pub defaults: Vec<(String, String, Value)>,
}

/// Command-line switches that change the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// `-v`
    pub verbose: bool,
    /// `--very-verbose`
    pub very_verbose: bool,
    /// `-c`
    pub console: bool,
    /// `-e`
    pub event_streams: bool,
    /// `-p`
    pub profiler: bool,
}

/// One value with the place it was written at.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub value: Value,
    pub file: Option<Arc<str>>,
    pub pos: Pos,
    /// The text of an environment variable, which has no type of its own: the
    /// one case in which a read converts.
    pub untyped: bool,
}

impl Leaf {
    fn made(value: Value) -> Leaf {
        Leaf { value, file: None, pos: Pos::default(), untyped: false }
    }
}

/// See the module comment.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub(super) sections: BTreeMap<String, IndexMap<String, Leaf>>,
}

impl Config {
    /// A configuration in which every read gives its default.
    pub fn empty() -> Config {
        Config::default()
    }

    /// Reads the files and applies profiles, switches and `--set`. `env` is the
    /// environment for `${env:NAME}`. Gives the configuration and warnings, or
    /// every error and warning found. Blocks on files.
    pub fn load(
        request: &ConfigRequest,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
        let mut problems = Vec::new();
        let mut config = Config::default();
        for (section, key, value) in &request.defaults {
            config.set(section, key, value.clone());
        }
        let switches = request.switches;
        if switches.profiler {
            config.set("profiler", "enabled", true);
            config.set("profiler", "address", "localhost:6060");
        }
        let mut texts = Vec::new();
        let found = config_file::read(request, env, &mut config.sections, &mut texts, &mut problems);
        switches.apply(&mut config);
        config.set("boot", "config_path", found.to_string_lossy().as_ref());
        config.set("boot", "config_dir", found.parent().unwrap_or(&found).to_string_lossy().as_ref());
        for text in &request.set {
            match parse_set(text) {
                Ok((section, key, value)) => config.set(&section, &key, value),
                Err(e) => problems.push(Problem::error("", e.message())),
            }
        }
        config.check(&mut problems);
        for problem in problems.iter_mut().filter(|p| p.line > 0 && p.excerpt.is_none()) {
            if let Some((_, text)) = texts.iter().find(|(file, _)| *file == problem.file) {
                *problem = problem.clone().showing(text);
            }
        }
        if problems.iter().any(Problem::is_error) { Err(problems) } else { Ok((config, problems)) }
    }

    /// Sets one value, over whatever is there.
    pub fn set(&mut self, section: &str, key: &str, value: impl Into<Value>) {
        self.sections.entry(section.to_owned()).or_default().insert(key.to_owned(), Leaf::made(value.into()));
    }
    /// The value as written.
    pub fn get(&self, section: &str, key: &str) -> Option<&Value> {
        Some(&self.leaf(section, key)?.value)
    }
    /// All keys of a section, in the order of the file.
    pub fn section(&self, section: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.sections.get(section).into_iter().flatten().map(|(k, l)| (k.as_str(), &l.value))
    }
    /// File, line and column a value was written at, for messages.
    pub fn origin(&self, section: &str, key: &str) -> Option<(Arc<str>, Pos)> {
        let leaf = self.leaf(section, key)?;
        Some((leaf.file.clone()?, leaf.pos))
    }

    pub fn get_bool(&self, section: &str, key: &str, default: bool) -> bool {
        self.bool(section, key).unwrap_or(default)
    }
    pub fn get_int(&self, section: &str, key: &str, default: i64) -> i64 {
        self.int(section, key).unwrap_or(default)
    }
    /// A YAML number with a decimal point; an integer is not one.
    pub fn get_float(&self, section: &str, key: &str, default: f64) -> f64 {
        self.typed(section, key, KeyType::Float, |v, untyped| match v {
            Value::Float(f) => Some(*f),
            Value::Str(s) if untyped => s.parse().ok(),
            _ => None,
        })
        .unwrap_or(default)
    }
    pub fn get_str(&self, section: &str, key: &str, default: &str) -> String {
        self.str(section, key).unwrap_or(default).to_owned()
    }
    pub fn get_duration(&self, section: &str, key: &str, default: Duration) -> Duration {
        self.duration(section, key).unwrap_or(default)
    }
    /// A list of texts, or one text as a list of one.
    pub fn get_list(&self, section: &str, key: &str, default: &[&str]) -> Vec<String> {
        self.list(section, key).unwrap_or_else(|| default.iter().map(|s| (*s).to_owned()).collect())
    }

    /// The boolean at `key`, if there is one.
    pub fn bool(&self, section: &str, key: &str) -> Option<bool> {
        self.typed(section, key, KeyType::Bool, |v, untyped| match v {
            Value::Bool(b) => Some(*b),
            Value::Str(s) if untyped => s.parse().ok(),
            _ => None,
        })
    }
    /// The integer at `key`, if there is one.
    pub fn int(&self, section: &str, key: &str) -> Option<i64> {
        self.typed(section, key, KeyType::Int, |v, untyped| match v {
            Value::Int(i) => Some(*i),
            Value::Str(s) if untyped => s.parse().ok(),
            _ => None,
        })
    }
    /// The text at `key`, if there is one.
    pub fn str(&self, section: &str, key: &str) -> Option<&str> {
        self.typed(section, key, KeyType::Str, |v, _| v.as_str())
    }
    /// The duration at `key`, if there is one; negative ones do not count.
    pub fn duration(&self, section: &str, key: &str) -> Option<Duration> {
        self.typed(section, key, KeyType::Duration, |v, _| crate::duration::parse_std(v.as_str()?).ok())
    }
    /// The texts at `key`, if there are any.
    pub fn list(&self, section: &str, key: &str) -> Option<Vec<String>> {
        self.typed(section, key, KeyType::List, |v, _| texts(v))
    }

    fn leaf(&self, section: &str, key: &str) -> Option<&Leaf> {
        self.sections.get(section)?.get(key)
    }

    fn typed<'a, T>(
        &'a self,
        section: &str,
        key: &str,
        ty: KeyType,
        read: impl FnOnce(&'a Value, bool) -> Option<T>,
    ) -> Option<T> {
        let leaf = self.leaf(section, key)?;
        let value = read(&leaf.value, leaf.untyped);
        // Keys of the table were checked when the configuration was loaded.
        if value.is_none() && config_keys::find(section, key).is_none_or(|known| known.ty == KeyType::Any) {
            tracing::warn!("{section}.{key} must be {}, found {}", ty.describe(), leaf.value.type_name());
        }
        value
    }

    /// Warns about unknown names that look misspelt and about values of a wrong type.
    fn check(&self, problems: &mut Vec<Problem>) {
        for (section, leaves) in &self.sections {
            if config_keys::keys(section).next().is_none() {
                let first = leaves.values().next();
                let known = nearest(section, config_keys::sections().chain(config_keys::TOP_LEVEL.iter().copied()));
                if let (Some(known), Some(leaf)) = (known, first) {
                    let message = format!("unknown section `{section}` is ignored");
                    problems.push(warning(leaf, section, message).help(format!("did you mean `{known}`?")));
                }
                continue;
            }
            for (key, leaf) in leaves {
                check_leaf(section, key, leaf, problems);
            }
        }
    }
}

fn warning(leaf: &Leaf, field: &str, message: String) -> Problem {
    Problem::warning(leaf.file.clone().unwrap_or_default(), message).at(leaf.pos).field(field)
}

fn check_leaf(section: &str, key: &str, leaf: &Leaf, problems: &mut Vec<Problem>) {
    let path = format!("{section}.{key}");
    let Some(known) = config_keys::find(section, key) else {
        if let Some(known) = nearest(key, config_keys::keys(section).map(|k| k.key)) {
            let help = format!("did you mean `{section}.{known}`?");
            problems.push(warning(leaf, &path, "unknown key is ignored".into()).help(help));
        }
        return;
    };
    let text = leaf.value.as_str();
    let loose = |ok: bool| leaf.untyped && ok;
    let fits = match known.ty {
        KeyType::Any => true,
        KeyType::Bool => leaf.value.as_bool().is_some() || loose(text.is_some_and(|t| t.parse::<bool>().is_ok())),
        KeyType::Int => matches!(leaf.value, Value::Int(_)) || loose(text.is_some_and(|t| t.parse::<i64>().is_ok())),
        KeyType::Float => {
            matches!(leaf.value, Value::Float(_)) || loose(text.is_some_and(|t| t.parse::<f64>().is_ok()))
        }
        KeyType::Str => text.is_some(),
        KeyType::Duration => text.is_some_and(|t| crate::duration::parse_std(t).is_ok()),
        KeyType::List => texts(&leaf.value).is_some(),
    };
    if fits || leaf.value.is_nil() {
        return;
    }
    let found = match (&leaf.value, known.ty) {
        (Value::Str(s), _) => format!("\"{s}\""),
        (Value::List(_), KeyType::List) => "a list with other values".to_owned(),
        (other, _) => other.type_name().to_owned(),
    };
    let message = format!("must be {}, found {found}", known.ty.describe());
    let help = match known.default {
        "" => "the value is ignored".to_owned(),
        default => format!("the value is ignored, the default `{default}` is used"),
    };
    problems.push(warning(leaf, &path, message).help(help));
}

/// A list of texts, or one text as a list of one.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Str(s) => Some(vec![s.clone()]),
        Value::List(items) => items.iter().map(|i| i.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

impl Switches {
    fn apply(self, config: &mut Config) {
        config.set("logmanager", "min_level", if self.verbose || self.very_verbose { -1 } else { 0 });
        if self.verbose {
            config.set("logger", "mode", "development");
            config.set("logger", "level", "debug");
        }
        if self.console {
            config.set("logger", "encoding", "console");
        }
        if self.event_streams {
            config.set("logmanager", "stream_to_events", true);
        }
    }
}

/// Splits `section.path=value` of `--set`.
pub fn parse_set(text: &str) -> Result<(String, String, Value)> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(Error::invalid(format!("invalid --set \"{text}\": expected section.path=value")));
    };
    let Some((section, path)) = key.split_once('.').filter(|(s, p)| !s.is_empty() && !p.is_empty()) else {
        let message = format!("invalid --set \"{text}\": key must be section.path (e.g. cluster.enabled)");
        return Err(Error::invalid(message));
    };
    let value = match value {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        other => match (other.parse::<i64>(), other.parse::<f64>()) {
            (Ok(i), _) => Value::Int(i),
            (_, Ok(f)) => Value::Float(f),
            _ => Value::Str(other.to_owned()),
        },
    };
    Ok((section.to_owned(), path.to_owned(), value))
}

/// `path` made absolute against `dir` (or the working directory) without touching the disk.
pub(super) fn absolute(dir: &Path, path: &Path) -> PathBuf {
    let joined = dir.join(path);
    std::path::absolute(&joined).unwrap_or(joined)
}
