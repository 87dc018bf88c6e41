//! `text.diff`: differences of two texts, shown, and as patches.

use std::borrow::Cow;

use wippy_lua::member;
use wippy_lua::native::{Call, Member, Object, Raise, Ret, Type};
use wippy_runtime::{Error, Result as Outcome};

use super::delta::{Budget, Delta, Op, diff};
use super::patch::{self, Fuzz};
use super::{Text, number};
use crate::work;

/// Characters of a text that is compared.
const MAX_TEXT: usize = 1 << 19;
/// Bytes of texts that are compared inside the step.
const LITTLE: usize = 256;
/// Characters around an edit, at most: more the search could not look for.
const MAX_MARGIN: f64 = 15.0;

/// Compares texts.
pub struct Differ(Fuzz);

impl Object for Differ {
    const EXPECTED: &'static str = "text.Differ";
    const METHODS: &'static [Member] = &[
        member!("compare", compare),
        member!("pretty_text", pretty_text),
        member!("pretty_html", pretty_html),
        member!("patch_make", patch_make),
        member!("patch_apply", patch_apply),
        member!("summarize", summarize),
    ];
}

pub fn new(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let how = Fuzz {
        diff_timeout: number(call, "diff_timeout", 1.0),
        match_threshold: number(call, "match_threshold", 0.5),
        match_distance: number(call, "match_distance", 1000.0),
        patch_delete_threshold: number(call, "patch_delete_threshold", 0.5),
        patch_margin: number(call, "patch_margin", 4.0).clamp(0.0, MAX_MARGIN) as usize,
    };
    call.push_object(Differ(how));
    call.fine()
}

/// The text in argument `i`.
fn text(call: &Call<'_>, i: i32) -> Result<Outcome<Vec<char>>, Raise> {
    let chars: Vec<char> = call.text(i)?.chars().collect();
    let fits = chars.len() <= MAX_TEXT;
    Ok(if fits { Ok(chars) } else { Err(Error::limit_exceeded(format!("a text may have {MAX_TEXT} characters"))) })
}

/// What is compared.
type Pair = (Vec<char>, Vec<char>);

/// The two texts in arguments 2 and 3.
fn texts(call: &Call<'_>) -> Result<Outcome<Pair>, Raise> {
    let (a, b) = (text(call, 2)?, text(call, 3)?);
    Ok(a.and_then(|a| Ok((a, b?))))
}

fn compare(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let how = call.userdata::<Differ>(1)?.0;
    let (a, b) = match texts(call)? {
        Ok(texts) => texts,
        Err(e) => return call.fail(e),
    };
    let job = move || Ok(diff(&a, &b, &mut Budget::seconds(how.diff_timeout)));
    let little = call.str(2)?.len() + call.str(3)?.len() <= LITTLE;
    work::run::<Text, Vec<Delta>>(call, little, job, |call, deltas| {
        let deltas = match deltas {
            Ok(deltas) => deltas,
            Err(e) => return call.fail(e),
        };
        call.push_table(deltas.len(), 0);
        for (n, delta) in (1..).zip(deltas) {
            call.push_table(0, 2);
            call.push_str(operation(delta.op));
            call.set_field(-2, "operation");
            call.push_str(delta.text.into_iter().collect::<String>());
            call.set_field(-2, "text");
            call.set_index(-2, n);
        }
        call.fine()
    })
}

fn operation(op: Op) -> &'static str {
    match op {
        Op::Equal => "equal",
        Op::Delete => "delete",
        Op::Insert => "insert",
    }
}

/// A difference as a program gives it. `None`: no operation that is known.
type Given = (Option<Op>, Vec<u8>);

/// The differences in argument 2: what `compare` gave, or what a program made.
fn differences(call: &mut Call<'_>) -> Result<Vec<Given>, Raise> {
    let count = call.raw_len(call.table(2)?);
    let mut all = Vec::with_capacity(count);
    for n in 1..=count {
        if call.get_index(2, n as i64) == Type::Table {
            let item = call.top();
            call.get_field(item, "operation");
            let op = match call.bytes(-1) {
                Some(b"equal") => Some(Op::Equal),
                Some(b"delete") => Some(Op::Delete),
                Some(b"insert") => Some(Op::Insert),
                _ => None,
            };
            call.get_field(item, "text");
            all.push((op, call.bytes(-1).unwrap_or_default().to_vec()));
            call.truncate(item);
        }
        call.pop(1);
    }
    Ok(all)
}

fn pretty_text(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut out = Vec::new();
    for (op, text) in differences(call)? {
        let color = match op {
            Some(Op::Delete) => "\x1b[31m",
            Some(Op::Insert) => "\x1b[32m",
            _ => {
                out.extend(text);
                continue;
            }
        };
        for (n, line) in text.split(|b| *b == b'\n').enumerate() {
            if n > 0 {
                out.push(b'\n');
            }
            out.extend_from_slice(color.as_bytes());
            out.extend_from_slice(line);
            out.extend_from_slice(b"\x1b[0m");
        }
    }
    call.push_str(out);
    call.fine()
}

fn pretty_html(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut out = Vec::new();
    for (op, text) in differences(call)? {
        let (begin, end) = match op {
            Some(Op::Insert) => ("<ins style=\"background:#e6ffe6;\">", "</ins>"),
            Some(Op::Delete) => ("<del style=\"background:#ffe6e6;\">", "</del>"),
            _ => ("<span>", "</span>"),
        };
        out.extend_from_slice(begin.as_bytes());
        for b in &text {
            match b {
                b'&' => out.extend_from_slice(b"&amp;"),
                b'<' => out.extend_from_slice(b"&lt;"),
                b'>' => out.extend_from_slice(b"&gt;"),
                b'"' => out.extend_from_slice(b"&#34;"),
                b'\'' => out.extend_from_slice(b"&#39;"),
                b'\n' => out.extend_from_slice(b"&para;<br>"),
                b => out.push(*b),
            }
        }
        out.extend_from_slice(end.as_bytes());
    }
    call.push_str(out);
    call.fine()
}

fn summarize(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let all = differences(call)?;
    call.push_table(0, 3);
    for (name, op) in [("insertions", Op::Insert), ("deletions", Op::Delete), ("equals", Op::Equal)] {
        let bytes: usize = all.iter().filter(|(found, _)| *found == Some(op)).map(|(_, text)| text.len()).sum();
        call.push_int(bytes as i64);
        call.set_field(-2, name);
    }
    Ok(Ret::ONE)
}

fn patch_make(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let how = call.userdata::<Differ>(1)?.0;
    let (a, b) = match texts(call)? {
        Ok(texts) => texts,
        Err(e) => return call.fail(e),
    };
    let little = call.str(2)?.len() + call.str(3)?.len() <= LITTLE;
    let job = move || Ok(patch::make(&a, &b, how).iter().map(patch::write).collect());
    work::run::<Text, Vec<String>>(call, little, job, |call, patches| {
        let patches = match patches {
            Ok(patches) => patches,
            Err(e) => return call.fail(e),
        };
        call.push_table(patches.len(), 0);
        for (n, text) in (1..).zip(patches) {
            call.push_table(0, 1);
            call.push_str(text);
            call.set_field(-2, "text");
            call.set_index(-2, n);
        }
        call.fine()
    })
}

fn patch_apply(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let how = call.userdata::<Differ>(1)?.0;
    let count = call.raw_len(call.table(2)?);
    let text = match text(call, 3)? {
        Ok(text) => text,
        Err(e) => return call.fail(e),
    };
    let mut patches = Vec::new();
    for n in 1..=count {
        if call.get_index(2, n as i64) == Type::Table {
            let item = call.top();
            call.get_field(item, "text");
            let written = call.bytes(-1).map_or(Cow::Borrowed(""), String::from_utf8_lossy);
            // What is no patch is left out.
            patches.extend(patch::read(&written).unwrap_or_default());
            call.truncate(item);
        }
        call.pop(1);
    }
    let job = move || Ok(patch::apply(patches, &text, how));
    work::run::<Text, (Vec<char>, bool)>(call, false, job, |call, applied| match applied {
        Ok((text, all)) => {
            call.push_str(text.into_iter().collect::<String>());
            call.push_bool(all);
            Ok(Ret::TWO)
        }
        Err(e) => call.fail(e),
    })
}
