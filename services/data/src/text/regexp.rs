//! `text.regexp`: regular expressions without back references and look-around,
//! so that every search takes time in proportion to the text.

use regex::bytes::{Captures, Regex, RegexBuilder};
use wippy_lua::member;
use wippy_lua::native::{Call, Member, Object, Raise, Ret, Stack};
use wippy_runtime::Error;

use super::syntax::translate;

/// Bytes of a compiled pattern.
const MAX_COMPILED: usize = 1 << 20;

/// Bytes of a text in which something was replaced.
const MAX_RESULT: usize = 128 << 20;

/// A compiled pattern.
pub struct Regexp {
    pattern: String,
    regex: Regex,
}

impl Object for Regexp {
    const EXPECTED: &'static str = "text.Regexp";
    const METHODS: &'static [Member] = &[
        member!("match_string", match_string),
        member!("find_string", find_string),
        member!("find_all_string", find_all_string),
        member!("find_string_submatch", find_string_submatch),
        member!("find_all_string_submatch", find_all_string_submatch),
        member!("find_string_index", find_string_index),
        member!("find_all_string_index", find_all_string_index),
        member!("replace_all_string", replace_all_string),
        member!("split", split),
        member!("num_subexp", num_subexp),
        member!("subexp_names", subexp_names),
        member!("string", string),
    ];
}

pub fn compile(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let pattern = call.text(1)?.into_owned();
    let regex = translate(&pattern).and_then(|text| {
        let built = RegexBuilder::new(&text).size_limit(MAX_COMPILED).build();
        built.map_err(|e| match e {
            regex::Error::CompiledTooBig(_) => "error parsing regexp: expression too large".to_owned(),
            e => format!("error parsing regexp: {e}"),
        })
    });
    match regex {
        Ok(regex) => {
            call.push_object(Regexp { pattern, regex });
            call.fine()
        }
        Err(text) => call.fail(Error::invalid(text)),
    }
}

/// The expression, and the text in argument 2.
fn subject<'a>(call: &Call<'a>) -> Result<(&'a Regex, &'a [u8]), Raise> {
    Ok((&call.userdata::<Regexp>(1)?.regex, call.str(2)?))
}

fn match_string(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (regex, text) = subject(call)?;
    call.push_bool(regex.is_match(text));
    Ok(Ret::ONE)
}

fn find_string(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (regex, text) = subject(call)?;
    match regex.find(text).filter(|found| !found.is_empty()) {
        Some(found) => call.push_str(found.as_bytes()),
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}

/// Pushes a list of `items`, each pushed by `push`; gives their number.
fn push_list<T>(call: &Stack<'_>, items: impl Iterator<Item = T>, push: impl Fn(&Stack<'_>, T)) -> i64 {
    call.push_table(items.size_hint().0, 0);
    let mut count = 0;
    for item in items {
        push(call, item);
        count += 1;
        call.set_index(-2, count);
    }
    count
}

fn find_all_string(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (regex, text) = subject(call)?;
    push_list(call, regex.find_iter(text), |call, found| call.push_str(found.as_bytes()));
    Ok(Ret::ONE)
}

fn push_groups(call: &Stack<'_>, groups: Captures<'_>) {
    push_list(call, groups.iter(), |call, group| call.push_str(group.map_or(&b""[..], |g| g.as_bytes())));
}

fn find_string_submatch(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (regex, text) = subject(call)?;
    match regex.captures(text) {
        Some(groups) => push_groups(call, groups),
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}

fn find_all_string_submatch(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (regex, text) = subject(call)?;
    push_list(call, regex.captures_iter(text), push_groups);
    Ok(Ret::ONE)
}

/// First and last byte from 1, both inside.
fn push_place(call: &Stack<'_>, found: regex::bytes::Match<'_>) {
    push_list(call, [found.start() + 1, found.end()].into_iter(), |call, at| call.push_int(at as i64));
}

fn find_string_index(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (regex, text) = subject(call)?;
    match regex.find(text) {
        Some(found) => push_place(call, found),
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}

fn find_all_string_index(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (regex, text) = subject(call)?;
    if push_list(call, regex.find_iter(text), push_place) == 0 {
        call.push_nil();
    }
    Ok(Ret::ONE)
}

fn replace_all_string(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (regex, text) = subject(call)?;
    let template = template(regex, call.str(3)?);
    let (mut out, mut done) = (Vec::new(), 0);
    for groups in regex.captures_iter(text) {
        let Some(whole) = groups.get(0) else { continue };
        out.extend_from_slice(&text[done..whole.start()]);
        done = whole.end();
        for part in &template {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Group(n) => out.extend_from_slice(groups.get(*n).map_or(&b""[..], |group| group.as_bytes())),
            }
            if out.len() > MAX_RESULT {
                return Err(Raise::text("result is too long"));
            }
        }
    }
    out.extend_from_slice(&text[done..]);
    call.push_str(out);
    Ok(Ret::ONE)
}

/// A part of what matches are replaced by.
enum Part<'t> {
    Text(&'t [u8]),
    Group(usize),
}

/// Reads `$1`, `${1}`, `${name}` and `$$`; a group that does not exist is empty, any other `$` is itself.
fn template<'t>(regex: &Regex, text: &'t [u8]) -> Vec<Part<'t>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.iter().position(|b| *b == b'$') {
        parts.push(Part::Text(&rest[..at]));
        let behind = &rest[at + 1..];
        if let Some(behind) = behind.strip_prefix(b"$") {
            parts.push(Part::Text(b"$"));
            rest = behind;
            continue;
        }
        let (braces, name) = match behind.strip_prefix(b"{") {
            Some(inside) => (2, inside),
            None => (0, behind),
        };
        let length = name.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        if length == 0 || (braces > 0 && name.get(length) != Some(&b'}')) {
            parts.push(Part::Text(b"$"));
            rest = behind;
            continue;
        }
        let name = std::str::from_utf8(&name[..length]).unwrap_or_default();
        let named = || regex.capture_names().position(|n| n == Some(name));
        if let Some(n) = name.parse().ok().or_else(named) {
            parts.push(Part::Group(n));
        }
        rest = &behind[length + braces..];
    }
    parts.push(Part::Text(rest));
    parts
}

fn split(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (regex, text) = subject(call)?;
    let most = match call.opt_int(3)? {
        None | Some(..0) => usize::MAX,
        Some(n) => n as usize,
    };
    let parts = if most == 0 { Vec::new() } else { parts(regex, text, most) };
    push_list(call, parts.into_iter(), |call, part| call.push_str(part));
    Ok(Ret::ONE)
}

/// `text` cut at the matches, into at most `most` parts, which is not 0. An empty match at the front cuts nothing.
fn parts<'t>(regex: &Regex, text: &'t [u8], most: usize) -> Vec<&'t [u8]> {
    if text.is_empty() {
        return vec![text];
    }
    let (mut parts, mut from, mut cut) = (Vec::new(), 0, 0);
    for found in regex.find_iter(text) {
        if parts.len() + 1 == most {
            break;
        }
        cut = found.start();
        if found.end() != 0 {
            parts.push(&text[from..cut]);
        }
        from = found.end();
    }
    // A match that is empty and at the very end leaves nothing behind it.
    if cut != text.len() {
        parts.push(&text[from..]);
    }
    parts
}

fn num_subexp(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let groups = call.userdata::<Regexp>(1)?.regex.captures_len();
    call.push_int(groups as i64 - 1);
    Ok(Ret::ONE)
}

fn subexp_names(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let regex = &call.userdata::<Regexp>(1)?.regex;
    push_list(call, regex.capture_names(), |call, name| call.push_str(name.unwrap_or_default()));
    Ok(Ret::ONE)
}

fn string(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_str(&call.userdata::<Regexp>(1)?.pattern);
    Ok(Ret::ONE)
}
