//! What somebody who wrote a name or text that is not there may have meant.

use crate::algebra::without_nil;
use crate::ty::{Record, Shape, Ty};

/// The candidate most like `word`, if one is alike at all.
fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(word, c), c))
        .filter(|(distance, c)| *distance > 0 && *distance <= allowed && c.len() > *distance)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

fn meant(name: &str) -> String {
    format!("did you mean '{name}'?")
}

/// The one of `names` that `word` nearly is.
pub fn name(word: &str, names: &[&str]) -> Option<String> {
    nearest(word, names.iter().copied()).map(meant)
}

/// A field or method of `types` that is nearly called `name`.
pub fn member(types: &[Ty], name: &str) -> Option<String> {
    let resolved: Vec<_> = types.iter().map(Ty::resolved).collect();
    let records = resolved.iter().filter_map(|ty| ty.as_record());
    nearest(name, records.flat_map(|r| r.fields.iter().map(|f| f.name.as_ref()))).map(meant)
}

/// What a value that does not suit a declared type nearly is: a text among others, a field of another name.
pub fn value(given: &Ty, declared: &Ty) -> Option<String> {
    let declared = without_nil(declared);
    let declared = declared.resolved();
    match (given, given.shape(), declared.shape()) {
        (Ty::Str(text), ..) => {
            let texts = declared.members().iter().filter_map(|m| match m {
                Ty::Str(text) => Some(text.as_ref()),
                _ => None,
            });
            nearest(text, texts).map(|text| format!("did you mean \"{text}\"?"))
        }
        (_, Some(Shape::Record(given)), Some(Shape::Record(wanted))) => fields(given, wanted),
        (_, Some(Shape::Tuple(given)), Some(Shape::Array(element))) => given.iter().find_map(|g| value(g, element)),
        _ => None,
    }
}

fn fields(given: &Record, wanted: &Record) -> Option<String> {
    let extra = given.fields.iter().filter(|f| wanted.field(&f.name).is_none());
    let missing = || wanted.fields.iter().map(|f| f.name.as_ref()).filter(|name| given.field(name).is_none());
    let misspelt = extra.into_iter().find_map(|f| nearest(&f.name, missing()).map(|name| (&f.name, name)));
    if let Some((written, name)) = misspelt {
        return Some(format!("did you mean '{name}' instead of '{written}'?"));
    }
    let both = given.fields.iter().filter_map(|f| Some((&f.ty, &wanted.field(&f.name)?.ty)));
    both.into_iter().filter(|(given, wanted)| !crate::relate::fits(given, wanted)).find_map(|(g, w)| value(g, w))
}
