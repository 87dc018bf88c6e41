//! Writing YAML.
//!
//! [`to_string`] is for people and files of our own (two spaces, `serde_yaml`).
//! [`encode`] reproduces the layout of the reference's encoder, which Lua
//! programs see and compare: block style, regular indents, natural key order,
//! literal blocks for text with line breaks.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::Typing;
use super::scalar::{Scalar, resolve};
use crate::payload::{Map, Value};

/// `value` as a YAML document with a line break at its end.
///
/// `serde_yaml` writes some texts plainly that our reader takes for something
/// else (`2024-01-02`, a key `<<`). Such documents, which are rare, are written
/// by [`encode`], so that what is written always reads back the same.
pub fn to_string(value: &Value) -> String {
    let written = serde_yaml::to_string(value).ok();
    let reads_back = |text: &String| {
        let root = super::parse(text).ok()?.root;
        let back = root.map_or(Some(Value::Nil), |r| r.into_value(Typing::Json).ok())?;
        same(value, &back).then_some(())
    };
    match written.filter(|text| reads_back(text).is_some()) {
        Some(text) => text,
        None => encode(value, Some(&Layout::default())),
    }
}

/// Equal up to the type of numbers.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((ka, a), (kb, b))| ka == kb && same(a, b))
        }
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => a.as_float() == b.as_float(),
        _ => a == b,
    }
}

/// How [`encode`] lays a document out.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// These keys come first, in this order, in every map.
    pub field_order: Vec<String>,
    /// The other keys are sorted by bytes, not kept in their order.
    pub sort_unordered: bool,
}

/// `value` as the reference writes it. Without a layout: indent 4, keys in
/// natural order. With one: indent 2, `field_order` first.
pub fn encode(value: &Value, layout: Option<&Layout>) -> String {
    let mut out = Emitter { out: String::new(), step: if layout.is_some() { 2 } else { 4 }, layout };
    out.node(value, 0, false);
    if !out.out.ends_with('\n') {
        out.out.push('\n');
    }
    out.out
}

struct Emitter<'a> {
    out: String,
    step: usize,
    layout: Option<&'a Layout>,
}

impl Emitter<'_> {
    /// Writes `value`; the cursor stands behind `- ` or at the start of a line.
    /// `indent` is the column of the value's own lines.
    fn node(&mut self, value: &Value, indent: usize, in_list: bool) {
        match value {
            Value::List(items) if !items.is_empty() => {
                for (i, item) in items.iter().enumerate() {
                    if i > 0 || !in_list {
                        self.line(indent);
                    }
                    self.out.push('-');
                    self.child(item, indent, true);
                }
            }
            Value::Map(map) if !map.is_empty() => {
                for (i, (key, item)) in self.ordered(map).into_iter().enumerate() {
                    if i > 0 || !in_list {
                        self.line(indent);
                    }
                    text(&mut self.out, key, true, indent, self.step);
                    self.out.push(':');
                    self.child(item, indent, false);
                }
            }
            scalar => self.scalar(scalar, self.step, self.step),
        }
    }

    /// A list item or map member behind its `-` or `key:`.
    fn child(&mut self, value: &Value, indent: usize, in_list: bool) {
        // Inside a list the first indent just skips the `- `; elsewhere it goes to the next multiple.
        let inner = if in_list { indent + 2 } else { (indent / self.step + 1) * self.step };
        match value {
            Value::List(l) if !l.is_empty() => {
                if in_list {
                    self.out.push(' ');
                }
                self.node(value, inner, in_list);
            }
            Value::Map(m) if !m.is_empty() => {
                if in_list {
                    self.out.push(' ');
                }
                self.node(value, inner, in_list);
            }
            scalar => {
                self.out.push(' ');
                self.scalar(scalar, inner, inner - indent);
            }
        }
    }

    fn line(&mut self, indent: usize) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// `indent` is where further lines of the scalar go, `step` how far that is from its parent.
    fn scalar(&mut self, value: &Value, indent: usize, step: usize) {
        let out = &mut self.out;
        let _ = match value {
            Value::Nil => write!(out, "null"),
            Value::Bool(b) => write!(out, "{b}"),
            Value::Int(i) => write!(out, "{i}"),
            Value::Float(f) if f.is_nan() => write!(out, ".nan"),
            Value::Float(f) if f.is_infinite() => write!(out, "{}", if *f > 0.0 { ".inf" } else { "-.inf" }),
            Value::Float(f) => write!(out, "{}", float(*f)),
            Value::List(_) => write!(out, "[]"),
            Value::Map(_) => write!(out, "{{}}"),
            Value::Bytes(b) => {
                use base64::Engine as _;
                write!(out, "!!binary {}", base64::engine::general_purpose::STANDARD.encode(b))
            }
            Value::Error(e) => {
                text(out, &e.to_string(), false, indent, step);
                Ok(())
            }
            Value::Str(s) => {
                text(out, s, false, indent, step);
                Ok(())
            }
        };
    }

    fn ordered<'v>(&self, map: &'v Map) -> Vec<(&'v String, &'v Value)> {
        let mut members: Vec<_> = map.iter().collect();
        let Some(layout) = self.layout else {
            members.sort_by(|a, b| natural(a.0, b.0));
            return members;
        };
        if layout.sort_unordered {
            members.sort_by(|a, b| a.0.cmp(b.0));
        }
        let rank = |key: &str| layout.field_order.iter().position(|k| k == key).unwrap_or(usize::MAX);
        members.sort_by_key(|(key, _)| rank(key));
        members
    }
}

/// Shortest text that reads back the same; integral values as integers.
fn float(f: f64) -> String {
    if f.fract() == 0.0 && f.abs() < 1e15 {
        return format!("{}", f as i64);
    }
    let exponent = f.abs().log10().floor();
    if !(-5.0..21.0).contains(&exponent) {
        // 1e+21, 1e-07: sign and at least two digits in the exponent.
        let text = format!("{f:e}");
        let (mantissa, exp) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exp.strip_prefix('-').map_or(('+', exp), |d| ('-', d));
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    format!("{f}")
}

/// Digit runs compare as numbers, letters come after other characters.
fn natural(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let common = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (Some(&x), Some(&y)) = (a.get(common), b.get(common)) else { return a.len().cmp(&b.len()) };
    let run = |s: &[char], from: usize| s[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let start = (0..common).rev().take_while(|&i| a[i].is_ascii_digit()).last().unwrap_or(common);
    let (na, nb) = (run(&a, start), run(&b, start));
    if na > 0 && nb > 0 {
        let trimmed = |s: &[char], n: usize| -> Vec<char> {
            s[start..start + n].iter().copied().skip_while(|c| *c == '0').collect()
        };
        let (da, db) = (trimmed(&a, na), trimmed(&b, nb));
        let by_number = da.len().cmp(&db.len()).then_with(|| da.cmp(&db));
        return by_number.then_with(|| na.cmp(&nb)).then_with(|| a.cmp(&b));
    }
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ => x.cmp(&y),
    }
}

/// Writes a string in the first of plain, literal, single and double quoted
/// that keeps it the same string for every reader of YAML 1.1 and 1.2.
fn text(out: &mut String, s: &str, key: bool, indent: usize, step: usize) {
    let special = s.chars().any(|c| !printable(c));
    let trailing_space = s.ends_with(' ') || s.contains(" \n");
    if s.contains('\n') && !key && !special && !trailing_space {
        return literal(out, s, indent, step);
    }
    let is_string = matches!(resolve(s), Scalar::Str(_)) && !old_word(s) && !base60(s);
    if !is_string || special || s.contains('\n') || s.contains('\t') && s.trim() != s {
        return double_quoted(out, s);
    }
    if plain_allowed(s) && !(key && s == "<<") {
        out.push_str(s);
    } else {
        out.push('\'');
        out.push_str(&s.replace('\'', "''"));
        out.push('\'');
    }
}

fn printable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{20}'..='\u{7e}' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{feff}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Booleans of YAML 1.1, which many readers still know.
fn old_word(s: &str) -> bool {
    let words = ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"];
    words.contains(&s)
}

/// `190:20:30`, a number in YAML 1.1.
fn base60(s: &str) -> bool {
    let rest = s.strip_prefix(['-', '+']).unwrap_or(s);
    if !rest.starts_with(|c: char| c.is_ascii_digit()) || !rest.contains(':') {
        return false;
    }
    rest.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '.' | '_'))
}

fn plain_allowed(s: &str) -> bool {
    let mut chars = s.chars();
    let Some(first) = chars.next() else { return false };
    let second = chars.next();
    let indicator = match first {
        '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => true,
        '-' | '?' | ':' => second.is_none_or(|c| c == ' ' || c == '\t'),
        _ => false,
    };
    !indicator
        && s.trim_matches([' ', '\t']) == s
        && !s.starts_with("---")
        && !s.starts_with("...")
        && !s.ends_with(':')
        && !s.contains(": ")
        && !s.contains(":\t")
        && !s.contains(" #")
        && !s.contains("\t#")
}

fn literal(out: &mut String, s: &str, indent: usize, step: usize) {
    out.push('|');
    if s.starts_with([' ', '\n']) {
        // The reader cannot find out the indent itself.
        let _ = write!(out, "{step}");
    }
    match (s.ends_with('\n'), s.ends_with("\n\n") || s == "\n") {
        (false, _) => out.push('-'),
        (true, true) => out.push('+'),
        (true, false) => {}
    }
    out.push('\n');
    for line in s.split_inclusive('\n') {
        if line != "\n" {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(line);
    }
}

fn double_quoted(out: &mut String, s: &str) {
    out.push('"');
    for c in s.chars() {
        let _ = match c {
            '"' => write!(out, "\\\""),
            '\\' => write!(out, "\\\\"),
            '\n' => write!(out, "\\n"),
            '\t' => write!(out, "\\t"),
            '\r' => write!(out, "\\r"),
            '\0' => write!(out, "\\0"),
            '\u{7}' => write!(out, "\\a"),
            '\u{8}' => write!(out, "\\b"),
            '\u{b}' => write!(out, "\\v"),
            '\u{c}' => write!(out, "\\f"),
            '\u{1b}' => write!(out, "\\e"),
            '\u{85}' => write!(out, "\\N"),
            '\u{2028}' => write!(out, "\\L"),
            '\u{2029}' => write!(out, "\\P"),
            '\u{feff}' => write!(out, "\\uFEFF"),
            c if printable(c) => write!(out, "{c}"),
            c if (c as u32) < 0x100 => write!(out, "\\x{:02X}", c as u32),
            c if (c as u32) < 0x1_0000 => write!(out, "\\u{:04X}", c as u32),
            c => write!(out, "\\U{:08X}", c as u32),
        };
    }
    out.push('"');
}
