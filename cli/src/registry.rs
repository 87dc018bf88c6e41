//! `wippy registry`: the entries of the project as the runtime would get them,
//! and the versions it has recorded. Nothing is started.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use wippy_runtime::boot::Config;
use wippy_runtime::events::Bus;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::history::{self, History};
use wippy_runtime::registry::{Entry, MemoryHistory, OpKind, Registry};

use crate::args::{Format, Global, HistoryArgs, ListArgs, RollbackArgs, ShowArgs};
use crate::failure::{Failure, show as show_problems};
use crate::output::{self, print};
use crate::project;

pub fn list(global: &Global, args: &ListArgs) -> Result<(), Failure> {
    let config = project::config(global, &[])?;
    let project = project::require(&args.lock_file, &config)?;
    show_problems(&project.problems);
    let entries = matching(project.entries, args)?;
    if args.format.json || args.format.yaml {
        structured(args.format, &entries.iter().map(|e| value_of(e)).collect());
        return Ok(());
    }
    if entries.is_empty() {
        print("No entries found");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = entries.iter().map(|e| vec![e.id.to_string(), e.kind.clone()]).collect();
    output::table(&["ID", "KIND"], &rows, &[50, 30]);
    print(&format!("Total: {} entries", entries.len()));
    Ok(())
}

/// The entries that all conditions hold for, by id.
fn matching(entries: Vec<Entry>, args: &ListArgs) -> Result<Vec<Arc<Entry>>, Failure> {
    let mut filter = Map::new();
    let mut add = |key: &str, value: &Option<String>| {
        filter.extend(value.as_ref().map(|v| (key.to_owned(), Value::Str(v.clone()))));
    };
    add(".kind", &args.kind);
    add(".ns", &args.ns);
    add(".name", &args.name);
    for condition in &args.meta {
        let at = condition.find(['~', '*', '^', '$', '=']).filter(|at| *at > 0);
        let at = at.with_context(|| format!("invalid --meta \"{condition}\": expected FIELD=VALUE"))?;
        let (field, rest) = condition.split_at(at);
        let (op, value) = rest.split_at(1);
        let op = if op == "=" { "" } else { op };
        filter.insert(format!("{op}meta.{field}"), value.into());
    }
    // A registry that has only these entries: searching is its business.
    let internal = entries.iter().map(|e| e.kind.clone()).collect();
    let config = wippy_runtime::registry::Config { internal_kinds: internal, ..Default::default() };
    let registry = Registry::new(config, Arc::new(MemoryHistory::new()), Bus::new());
    registry.load_state(entries, None)?;
    let mut found = registry.find(&filter).to_vec();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

pub fn show(global: &Global, args: &ShowArgs) -> Result<(), Failure> {
    let config = project::config(global, &[])?;
    let project = project::require(&args.lock_file, &config)?;
    show_problems(&project.problems);
    let entry = one(&project.entries, &args.id)?;
    if let Some(name) = &args.field {
        let missing = || anyhow!("field \"{name}\" not found in entry data");
        let value = entry.data.at(name).ok_or_else(missing)?;
        match value {
            Value::Str(text) if args.raw || !args.format.json => print(text.trim_end_matches('\n')),
            value => structured(args.format, value),
        }
        return Ok(());
    }
    structured(args.format, &value_of(entry));
    Ok(())
}

fn one<'a>(entries: &'a [Entry], wanted: &str) -> anyhow::Result<&'a Entry> {
    let found: Vec<&Entry> = match wanted.contains(':') {
        true => entries.iter().filter(|e| e.id.as_str() == wanted).collect(),
        false => entries.iter().filter(|e| e.id.name() == wanted).collect(),
    };
    match found[..] {
        [] => bail!("entry not found: {wanted}"),
        [entry] => Ok(entry),
        _ => bail!("ambiguous entry name \"{wanted}\", use full ID (namespace:name)"),
    }
}

pub fn history(global: &Global, args: &HistoryArgs) -> Result<(), Failure> {
    let history = recorded(&project::config(global, &[])?)?;
    let head = history.head()?;
    let mut all = Vec::new();
    for version in history.versions()? {
        all.push((version, history.changes(version.id)?.0));
    }
    if args.format.json || args.format.yaml {
        let value = all.iter().map(|(v, ops)| {
            let ops = ops.iter().map(|op| {
                Value::Map(Map::from([
                    ("kind".to_owned(), op.kind.as_str().into()),
                    ("id".to_owned(), op.id().as_str().into()),
                ]))
            });
            Value::Map(Map::from([
                ("id".to_owned(), Value::Int(v.id as i64)),
                ("parent".to_owned(), v.parent.map(|p| p as i64).into()),
                ("head".to_owned(), (head == Some(v.id)).into()),
                ("changes".to_owned(), ops.collect()),
            ]))
        });
        structured(args.format, &value.collect());
        return Ok(());
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|(v, ops)| {
            let count = |kind| ops.iter().filter(|op| op.kind == kind).count();
            let changes = format!("+{} ~{} -{}", count(OpKind::Create), count(OpKind::Update), count(OpKind::Delete));
            let marked = if head == Some(v.id) { format!("{v} (head)") } else { v.to_string() };
            vec![marked, v.parent.map(|p| format!("v{p}")).unwrap_or_default(), changes]
        })
        .collect();
    output::table(&["VERSION", "PARENT", "CHANGES"], &rows, &[30, 30, 60]);
    Ok(())
}

pub fn rollback(global: &Global, args: &RollbackArgs) -> Result<(), Failure> {
    let text = args.version.strip_prefix('v').unwrap_or(&args.version);
    let id: u64 = text.parse().map_err(|_| anyhow!("invalid version \"{}\": expected 3 or v3", args.version))?;
    let history = recorded(&project::config(global, &[])?)?;
    let newest = history.highest()?;
    if history.version(id)?.is_none() {
        return Err(anyhow!("version not found in history: v{id}; the newest is v{newest}").into());
    }
    history.set_head(id)?;
    print(&format!("Head is v{id}. The next start uses it; a runtime that is running keeps what it has."));
    Ok(())
}

/// The history on disk.
fn recorded(config: &Config) -> Result<Arc<dyn History>, Failure> {
    let kind = config.get_str("registry", "history_type", "memory");
    if !config.get_bool("registry", "enable_history", true) || kind != "sqlite" {
        let why = "no history is kept on disk: set registry.history_type to sqlite in .wippy.yaml";
        return Err(anyhow!(why).into());
    }
    let path = history_path(config);
    if !path.exists() {
        return Err(anyhow!("nothing is recorded yet: {} does not exist", path.display()).into());
    }
    Ok(history::open(&kind, &path)?)
}

pub fn history_path(config: &Config) -> PathBuf {
    config.get_str("registry", "history_path", ".wippy/registry.db").into()
}

fn value_of(entry: &Entry) -> Value {
    Value::Map(Map::from([
        ("id".to_owned(), entry.id.as_str().into()),
        ("kind".to_owned(), entry.kind.as_str().into()),
        ("meta".to_owned(), entry.meta.clone().into()),
        ("data".to_owned(), entry.data.clone()),
    ]))
}

fn structured(format: Format, value: &Value) {
    if format.json { output::json(value) } else { output::yaml(value) }
}
