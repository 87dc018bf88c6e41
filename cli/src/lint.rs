//! `wippy lint`: checks the types of the project's Lua sources and, with
//! `--rules`, looks for habits that are mostly mistakes. Nothing is started.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use serde::Serialize;
use wippy_lua::code::{self, Finding};
use wippy_lua_types::Severity;
use wippy_runtime::registry::Entry;
use wippy_runtime::registry::pipeline::{CacheMode, CodeCache};

use crate::args::{Global, LintArgs};
use crate::failure::{Failure, show as show_problems};
use crate::output::print;
use crate::project;

/// Findings by severity.
#[derive(Clone, Copy, Default)]
struct Counts {
    errors: usize,
    warnings: usize,
    hints: usize,
}

impl Counts {
    fn of<'a>(severities: impl IntoIterator<Item = &'a Severity>) -> Counts {
        let mut counts = Counts::default();
        for severity in severities {
            match severity {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Hint => counts.hints += 1,
            }
        }
        counts
    }
    fn total(self) -> usize {
        self.errors + self.warnings + self.hints
    }
    /// `2 errors, 1 warnings`: only what there is.
    fn parts(self) -> String {
        let parts = [(self.errors, "errors"), (self.warnings, "warnings"), (self.hints, "hints")];
        let there = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
        there.collect::<Vec<_>>().join(", ")
    }
}

/// Exit code 0. Errors: the project cannot be read; something wrong was found in it.
pub fn lint(global: &Global, args: &LintArgs) -> Result<(), Failure> {
    let config = project::config(global, &args.set)?;
    let cache = CodeCache::from_config(&config, true);
    if args.cache_reset {
        reset(&cache)?;
    }
    let project = project::require(&args.lock_file, &config)?;
    show_problems(&project.problems);
    let entries: Vec<Arc<Entry>> = project.entries.into_iter().map(Arc::new).collect();
    let linted = entries.iter().filter(|e| code::is_linted(&e.kind));
    let selected = |entry: &Entry| args.ns.is_empty() || args.ns.iter().any(|ns| within(entry.id.ns(), ns));
    let total = linted.filter(|e| selected(e)).count();
    if global.console {
        eprintln!("Checking {total} entries...");
    }
    let level = level(&args.level);
    let kept = config.get_bool("lua", "cache.typecheck.enabled", true) && cache.mode() != CacheMode::Off;
    let mut findings = code::lint_entries(&entries, args.rules, kept.then(|| Arc::new(cache)));
    findings.retain(|f| {
        let code = f.diagnostic.code.to_string();
        selected(f.entry)
            && f.diagnostic.severity <= level
            && (args.code.is_empty() || args.code.iter().any(|wanted| wanted.eq_ignore_ascii_case(&code)))
    });
    let counts = Counts::of(findings.iter().map(|f| &f.diagnostic.severity));
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    match (args.json, args.summary) {
        (true, _) => json(&findings, limit, total, counts),
        (false, true) => summary(&findings, total, counts),
        (false, false) => table(&findings, limit, total, counts, colored(args)),
    }
    if counts.errors > 0 {
        return Err(anyhow!("lint failed: {} errors, {} warnings", counts.errors, counts.warnings).into());
    }
    Ok(())
}

fn reset(cache: &CodeCache) -> Result<(), Failure> {
    let dir = cache.dir();
    match std::fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("cannot remove the cache {}", dir.display()))?
        }
        _ => Ok(()),
    }
}

/// `app` is itself; `app.*` and `app.**` are `app` and everything below it.
fn within(ns: &str, wanted: &str) -> bool {
    match wanted.strip_suffix(".**").or_else(|| wanted.strip_suffix(".*")) {
        Some(above) => ns == above || ns.strip_prefix(above).is_some_and(|rest| rest.starts_with('.')),
        None => ns == wanted,
    }
}

/// The least severe findings that are wanted.
fn level(text: &str) -> Severity {
    match text {
        "warning" | "warn" => Severity::Warning,
        "hint" => Severity::Hint,
        _ => Severity::Error,
    }
}

fn colored(args: &LintArgs) -> bool {
    !args.no_color && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn table(findings: &[Finding<'_>], limit: usize, total: usize, counts: Counts, colored: bool) {
    for finding in findings.iter().take(limit) {
        let text = finding.diagnostic.render(finding.file, finding.source);
        let color = match finding.diagnostic.severity {
            Severity::Error => "\x1b[1;31m",
            Severity::Warning => "\x1b[1;33m",
            Severity::Hint => "\x1b[1;36m",
        };
        match text.split_once(": ") {
            Some((head, rest)) if colored => print(&format!("{color}{head}\x1b[0m: {rest}\n")),
            _ => print(&format!("{text}\n")),
        }
    }
    ending(total, counts);
}

fn ending(total: usize, counts: Counts) {
    if counts.total() == 0 {
        print("No issues found");
        print(&format!("Checked {total} entries"));
    } else {
        print(&format!("Checked {total} entries: {}", counts.parts()));
    }
}

fn summary(findings: &[Finding<'_>], total: usize, counts: Counts) {
    let mut namespaces: BTreeMap<&str, Vec<&Severity>> = BTreeMap::new();
    let mut codes: BTreeMap<_, usize> = BTreeMap::new();
    for Finding { entry, diagnostic, .. } in findings {
        namespaces.entry(entry.id.ns()).or_default().push(&diagnostic.severity);
        *codes.entry((diagnostic.code, diagnostic.severity)).or_default() += 1;
    }
    if !findings.is_empty() {
        print("By namespace:");
        for (ns, severities) in namespaces {
            let counts = Counts::of(severities);
            print(&format!("  {ns:<30} {} issues ({})", counts.total(), counts.parts()));
        }
        print("\nBy error code:");
        for ((code, severity), n) in codes {
            print(&format!("  {code:<8} [{severity:<7}] {n:>4} occurrences"));
        }
        print("");
    }
    ending(total, counts);
}

#[derive(Serialize)]
struct Report<'f> {
    diagnostics: Option<Vec<Line<'f>>>,
    total_entries: usize,
    error_count: usize,
    warning_count: usize,
    hint_count: usize,
}

#[derive(Serialize)]
struct Line<'f> {
    entry_id: &'f str,
    code: String,
    severity: &'static str,
    message: &'f str,
    line: u32,
    column: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'f str>,
}

fn json(findings: &[Finding<'_>], limit: usize, total: usize, counts: Counts) {
    let lines = findings.iter().take(limit).map(|Finding { entry, diagnostic, .. }| Line {
        entry_id: entry.id.as_str(),
        code: diagnostic.code.to_string(),
        severity: diagnostic.severity.as_str(),
        message: &diagnostic.message,
        line: diagnostic.line,
        column: diagnostic.column,
        help: diagnostic.help.as_deref(),
    });
    let report = Report {
        diagnostics: Some(lines.collect()).filter(|lines: &Vec<_>| !lines.is_empty()),
        total_entries: total,
        error_count: counts.errors,
        warning_count: counts.warnings,
        hint_count: counts.hints,
    };
    print(&serde_json::to_string(&report).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    #[test]
    fn namespaces() {
        let cases = [
            ("app", "app", true),
            ("app.x", "app", false),
            ("app", "app.*", true),
            ("app.x", "app.*", true),
            ("app.x.y", "app.**", true),
            ("apple", "app.*", false),
        ];
        for (ns, wanted, expected) in cases {
            assert_eq!(super::within(ns, wanted), expected, "{ns} in {wanted}");
        }
    }
}
