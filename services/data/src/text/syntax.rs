//! Patterns of RE2 as the `regex` library reads them. The two differ in little:
//! `\d`, `\w`, `\s` and `\b` mean ASCII there and Unicode here, and a count has at
//! most 1000 repetitions there. Errors are told in RE2's words.

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    self, Assertion, AssertionKind, Ast, ClassPerl, ClassPerlKind, ClassSetItem, ErrorKind, RepetitionKind,
    RepetitionRange, Span, Visitor,
};

const MAX_REPEAT: u32 = 1000;

/// `pattern` for the library. Errors: `error parsing regexp: ...`.
pub fn translate(pattern: &str) -> Result<String, String> {
    let wrong = |what: &str, span: &Span| {
        let part = if span.is_empty() { pattern } else { &pattern[span.start.offset..span.end.offset] };
        format!("error parsing regexp: {what}: `{part}`")
    };
    let ast = Parser::new().parse(pattern).map_err(|e| match e.kind() {
        ErrorKind::GroupUnclosed => format!("error parsing regexp: missing closing ): `{pattern}`"),
        kind => wrong(words(kind), e.span()),
    })?;
    let changes = ast::visit(&ast, Changes::default()).map_err(|(what, span)| wrong(what, &span))?;
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut done = 0;
    for (span, text) in changes {
        out.push_str(&pattern[done..span.start.offset]);
        out.push_str(text);
        done = span.end.offset;
    }
    out.push_str(&pattern[done..]);
    Ok(out)
}

fn words(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::GroupUnopened => "unexpected )",
        ErrorKind::ClassUnclosed => "missing closing ]",
        ErrorKind::RepetitionMissing => "missing argument to repetition operator",
        ErrorKind::ClassRangeInvalid | ErrorKind::ClassRangeLiteral => "invalid character class range",
        ErrorKind::EscapeUnexpectedEof => "trailing backslash at end of expression",
        ErrorKind::UnsupportedLookAround | ErrorKind::FlagUnrecognized => "invalid or unsupported Perl syntax",
        ErrorKind::GroupNameInvalid | ErrorKind::GroupNameEmpty | ErrorKind::GroupNameUnexpectedEof => {
            "invalid named capture"
        }
        ErrorKind::GroupNameDuplicate { .. } => "duplicate capture group name",
        ErrorKind::RepetitionCountInvalid => "invalid repeat count",
        ErrorKind::NestLimitExceeded(_) => "expression nests too deeply",
        _ => "invalid escape sequence",
    }
}

/// What to write in place of parts of the pattern, in order.
#[derive(Default)]
struct Changes(Vec<(Span, &'static str)>);

impl Visitor for Changes {
    type Output = Vec<(Span, &'static str)>;
    /// What the library reads and RE2 does not, and where.
    type Err = (&'static str, Span);

    fn finish(mut self) -> Result<Self::Output, Self::Err> {
        self.0.sort_by_key(|(span, _)| span.start.offset);
        Ok(self.0)
    }
    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        match ast {
            Ast::ClassPerl(class) => self.0.push((class.span, alone(class))),
            Ast::Assertion(assertion) => {
                let Assertion { span, kind } = &**assertion;
                match kind {
                    AssertionKind::WordBoundary => self.0.push((*span, r"(?-u:\b)")),
                    AssertionKind::NotWordBoundary => self.0.push((*span, r"(?-u:\B)")),
                    _ => {}
                }
            }
            Ast::Repetition(repetition) => {
                let count = match &repetition.op.kind {
                    RepetitionKind::Range(RepetitionRange::Exactly(n) | RepetitionRange::AtLeast(n)) => *n,
                    RepetitionKind::Range(RepetitionRange::Bounded(low, high)) => *low.max(high),
                    _ => 0,
                };
                if count > MAX_REPEAT {
                    return Err(("invalid repeat count", repetition.op.span));
                }
                if let Ast::Repetition(inner) = &*repetition.ast {
                    let both = Span::new(inner.op.span.start, repetition.op.span.end);
                    return Err(("invalid nested repetition operator", both));
                }
            }
            _ => {}
        }
        Ok(())
    }
    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Self::Err> {
        if let ClassSetItem::Perl(class) = item {
            let text = match (&class.kind, class.negated) {
                (ClassPerlKind::Digit, false) => "0-9",
                (ClassPerlKind::Space, false) => r"\t\n\f\r ",
                (ClassPerlKind::Word, false) => "0-9A-Za-z_",
                _ => alone(class),
            };
            self.0.push((class.span, text));
        }
        Ok(())
    }
}

/// A class of ASCII characters, or of all others.
fn alone(class: &ClassPerl) -> &'static str {
    match (&class.kind, class.negated) {
        (ClassPerlKind::Digit, false) => "[0-9]",
        (ClassPerlKind::Digit, true) => "[^0-9]",
        (ClassPerlKind::Space, false) => r"[\t\n\f\r ]",
        (ClassPerlKind::Space, true) => r"[^\t\n\f\r ]",
        (ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
        (ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_mean_ascii() {
        let cases = [
            (r"\d+-\D", "[0-9]+-[^0-9]"),
            (r"[\w.]\b[^\S\d]", r"[0-9A-Za-z_.](?-u:\b)[^[^\t\n\f\r ]0-9]"),
            (r"é\\d(\B)", r"é\\d((?-u:\B))"),
            ("a{1000}", "a{1000}"),
        ];
        for (pattern, want) in cases {
            let got = translate(pattern).unwrap();
            assert_eq!(got, want);
            assert!(regex::bytes::Regex::new(&got).is_ok(), "{got}");
        }
    }

    #[test]
    fn errors_are_in_the_words_of_re2() {
        let cases = [
            ("(", "missing closing ): `(`"),
            ("a)", "unexpected ): `)`"),
            ("[a", "missing closing ]: `[`"),
            ("*", "missing argument to repetition operator: `*`"),
            ("a\\", "trailing backslash at end of expression: `\\`"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            (r"(a)\1", r"invalid escape sequence: `\1`"),
            ("[z-a]", "invalid character class range: `z-a`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("a**", "invalid nested repetition operator: `**`"),
        ];
        for (pattern, want) in cases {
            assert_eq!(translate(pattern), Err(format!("error parsing regexp: {want}")), "{pattern}");
        }
    }
}
