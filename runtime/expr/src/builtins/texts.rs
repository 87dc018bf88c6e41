//! Functions of texts. Places are counted in bytes, lengths in characters.

use super::{Answer, int, lists, text};
use crate::eval::{Budget, Text};
use crate::value::Value;

/// Most repetitions of `repeat`.
const MAX_REPEAT: i64 = 1_000_000;

fn mapped(budget: &mut Budget, arguments: &[Value], f: impl Fn(&str) -> String) -> Answer {
    let text = text(arguments, 0, "");
    budget.text(text.len())?;
    Ok(Value::Str(f(text).into()))
}

fn part(budget: &mut Budget, part: &str) -> Answer {
    budget.text(part.len())?;
    Ok(Value::text(part))
}

pub(super) fn upper(budget: &mut Budget, arguments: &[Value]) -> Answer {
    mapped(budget, arguments, str::to_uppercase)
}

pub(super) fn lower(budget: &mut Budget, arguments: &[Value]) -> Answer {
    mapped(budget, arguments, str::to_lowercase)
}

pub(super) fn trim(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let whole = text(arguments, 0, "");
    let Some(set) = arguments.get(1).and_then(Value::as_str) else { return part(budget, whole.trim()) };
    budget.step((whole.len() as u64 / 64).saturating_mul(1 + set.len() as u64))?;
    part(budget, whole.trim_matches(|c| set.contains(c)))
}

pub(super) fn trim_prefix(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let whole = text(arguments, 0, "");
    part(budget, whole.strip_prefix(text(arguments, 1, " ")).unwrap_or(whole))
}

pub(super) fn trim_suffix(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let whole = text(arguments, 0, "");
    part(budget, whole.strip_suffix(text(arguments, 1, " ")).unwrap_or(whole))
}

pub(super) fn has_prefix(_: &mut Budget, arguments: &[Value]) -> Answer {
    Ok(Value::Bool(text(arguments, 0, "").starts_with(text(arguments, 1, ""))))
}

pub(super) fn has_suffix(_: &mut Budget, arguments: &[Value]) -> Answer {
    Ok(Value::Bool(text(arguments, 0, "").ends_with(text(arguments, 1, ""))))
}

fn place(found: Option<usize>) -> Answer {
    Ok(Value::Int(found.map_or(-1, |at| at as i64)))
}

pub(super) fn index_of(budget: &mut Budget, arguments: &[Value]) -> Answer {
    budget.step(arguments[0].size())?;
    place(text(arguments, 0, "").find(text(arguments, 1, "")))
}

pub(super) fn last_index_of(budget: &mut Budget, arguments: &[Value]) -> Answer {
    budget.step(arguments[0].size())?;
    place(text(arguments, 0, "").rfind(text(arguments, 1, "")))
}

/// At most `limit` pieces, each with its separator if `keep`.
fn pieces(budget: &mut Budget, arguments: &[Value], keep: bool) -> Answer {
    let (whole, separator) = (text(arguments, 0, ""), text(arguments, 1, ""));
    let limit = match int(arguments, 2) {
        Some(n) => usize::try_from(n).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    budget.text(whole.len())?;
    let mut all = Vec::new();
    let mut rest = whole;
    while all.len() + 1 < limit {
        // Without a separator every character is a piece.
        let next = match separator.is_empty() {
            true => rest.chars().next().map(|c| c.len_utf8()).filter(|n| *n < rest.len()).map(|n| (n, n)),
            false => rest.find(separator).map(|at| (at, at + separator.len())),
        };
        let Some((end, start)) = next else { break };
        budget.grow(1)?;
        all.push(Value::text(&rest[..if keep { start } else { end }]));
        rest = &rest[start..];
    }
    if limit > 0 && !(separator.is_empty() && whole.is_empty()) {
        all.push(Value::text(rest));
    }
    Ok(Value::list(all)?)
}

pub(super) fn split(budget: &mut Budget, arguments: &[Value]) -> Answer {
    pieces(budget, arguments, false)
}

pub(super) fn split_after(budget: &mut Budget, arguments: &[Value]) -> Answer {
    pieces(budget, arguments, true)
}

pub(super) fn replace(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let (whole, old, new) = (text(arguments, 0, ""), text(arguments, 1, ""), text(arguments, 2, ""));
    let limit = int(arguments, 3).map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    budget.text(whole.len())?;
    let found = whole.matches(old).take(limit).count();
    budget.step(found as u64)?;
    budget.text(found.saturating_mul(new.len()))?;
    Ok(Value::Str(whole.replacen(old, new, found).into()))
}

pub(super) fn repeat(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let (text, n) = (text(arguments, 0, ""), int(arguments, 1).unwrap_or(0));
    if n < 0 {
        return Err(format!("invalid argument for repeat (expected positive integer, got {n})").into());
    }
    if n > MAX_REPEAT {
        return Err(Text::Borrowed("memory budget exceeded"));
    }
    budget.text(text.len().saturating_mul(n as usize))?;
    Ok(Value::Str(text.repeat(n as usize).into()))
}

pub(super) fn join(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let (texts, separator) = lists::texts(arguments, "join")?;
    let inner: usize = texts.iter().map(|t| t.len()).sum();
    budget.step(texts.len() as u64)?;
    budget.text(inner.saturating_add(texts.len().saturating_mul(separator.len())))?;
    Ok(Value::Str(texts.join(separator).into()))
}
