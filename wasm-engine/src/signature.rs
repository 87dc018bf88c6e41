//! The `wit` text of core modules: signatures of primitive types, found in any
//! surroundings.

/// A primitive type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitive {
    Bool,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    F32,
    F64,
    Char,
    String,
}

impl Primitive {
    fn parse(text: &str) -> Option<Primitive> {
        use Primitive::*;
        Some(match text {
            "bool" => Bool,
            "s8" => S8,
            "u8" => U8,
            "s16" => S16,
            "u16" => U16,
            "s32" => S32,
            "u32" => U32,
            "s64" => S64,
            "u64" => U64,
            "f32" | "float32" => F32,
            "f64" | "float64" => F64,
            "char" => Char,
            "string" => String,
            _ => return None,
        })
    }
    /// Size and alignment in memory, in bytes.
    pub fn size(self) -> usize {
        match self {
            Primitive::Bool | Primitive::S8 | Primitive::U8 => 1,
            Primitive::S16 | Primitive::U16 => 2,
            Primitive::S32 | Primitive::U32 | Primitive::F32 | Primitive::Char => 4,
            Primitive::S64 | Primitive::U64 | Primitive::F64 | Primitive::String => 8,
        }
    }
    /// A text is two words of four bytes.
    pub fn align(self) -> usize {
        if self == Primitive::String { 4 } else { self.size() }
    }
}

/// What one function takes and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub params: Vec<Primitive>,
    pub results: Vec<Primitive>,
}

/// The signature of `method` in `text`. Errors: the cause texts of the reference.
pub fn find(text: &str, method: &str) -> Result<Signature, String> {
    if text.trim().is_empty() {
        let text = "[runtime] invalid_input: Call() requires a component or WIT definitions; use CallWithTypes() for \
                    native WASM without WIT";
        return Err(text.into());
    }
    let all = parse(text)
        .map_err(|cause| format!("[runtime] not_found: get function types from WIT (caused by: {cause})"))?;
    let found = all.into_iter().find(|(name, _)| name == method);
    found.map(|(_, signature)| signature).ok_or_else(|| {
        let cause = format!("[runtime] not_found: function \"{method}\" not found");
        format!("[runtime] not_found: get function types from WIT (caused by: {cause})")
    })
}

/// All signatures `name: func(params) -> result`, in order.
fn parse(text: &str) -> Result<Vec<(String, Signature)>, String> {
    let text = without_comments(text);
    let mut all = Vec::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("func") {
        let (before, after) = (rest[..at].trim_end(), rest[at + 4..].trim_start());
        rest = &rest[at + 4..];
        let Some((name, params)) = name_before(before).zip(after.strip_prefix('(')) else { continue };
        let Some((params, tail)) = params.split_once(')') else { continue };
        let results = match tail.trim_start().strip_prefix("->") {
            Some(results) => results.split([';', '}']).next().unwrap_or_default(),
            None => "",
        };
        let signature = Signature { params: types(params, "param")?, results: types(bare(results), "result")? };
        all.push((name.to_owned(), signature));
        rest = tail;
    }
    if all.is_empty() {
        return Err("[parse] invalid_input: no functions found in WIT text".into());
    }
    Ok(all)
}

fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('/') {
        out.push_str(&rest[..at]);
        let end = match rest.as_bytes().get(at + 1) {
            Some(b'/') => rest[at..].find('\n'),
            Some(b'*') => rest[at..].find("*/").map(|end| end + 2),
            _ => {
                out.push('/');
                Some(1)
            }
        };
        out.push(' ');
        rest = end.map_or("", |end| &rest[at + end..]);
    }
    out + rest
}

/// The name in `... name:`.
fn name_before(text: &str) -> Option<&str> {
    let text = text.strip_suffix(':')?.trim_end();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let start = text.rfind(|c: char| !is_part(c)).map_or(0, |at| at + 1);
    let name = &text[start..];
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then_some(name)
}

/// A result without its parentheses.
fn bare(results: &str) -> &str {
    let results = results.trim();
    results.strip_prefix('(').and_then(|r| r.strip_suffix(')')).unwrap_or(results)
}

fn types(list: &str, what: &str) -> Result<Vec<Primitive>, String> {
    let mut all = Vec::new();
    if list.trim().is_empty() {
        return Ok(all);
    }
    for item in list.split(',') {
        let ty = item.rsplit_once(':').map_or(item, |(_, ty)| ty).trim();
        if ty.is_empty() {
            continue;
        }
        all.push(Primitive::parse(ty).ok_or_else(|| {
            format!("[parse] invalid_data: parse {what} type {ty} (caused by: unknown primitive type \"{ty}\")")
        })?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::Primitive::*;
    use super::*;

    #[test]
    fn signatures_are_found_in_any_text() {
        let text = "package a:b; /* func(x) */\nworld w {\n // gone: func() -> list<u8>;\n export add: func(a: s32, b: \
                    s32) -> s32;\n greet-all: func(string)->string;\n none: func();\n two: func() -> (u8, f64)\n}";
        let cases: [(&str, &[Primitive], &[Primitive]); 4] = [
            ("add", &[S32, S32], &[S32]),
            ("greet-all", &[String], &[String]),
            ("none", &[], &[]),
            ("two", &[], &[U8, F64]),
        ];
        for (name, params, results) in cases {
            let want = Signature { params: params.to_vec(), results: results.to_vec() };
            assert_eq!(find(text, name).unwrap(), want, "{name}");
        }
    }

    #[test]
    fn problems_have_the_texts_of_the_reference() {
        let cases = [
            ("", "Call() requires a component or WIT definitions"),
            ("world w {}", "(caused by: [parse] invalid_input: no functions found in WIT text)"),
            ("f: func(a: list<u8>)", "parse param type list<u8> (caused by: unknown primitive type \"list<u8>\")"),
            ("f: func() -> result;", "parse result type result (caused by: unknown primitive type \"result\")"),
            ("g: func()", "(caused by: [runtime] not_found: function \"f\" not found)"),
        ];
        for (text, want) in cases {
            let got = find(text, "f").unwrap_err();
            assert!(got.contains(want), "{text}: {got}");
        }
    }
}
