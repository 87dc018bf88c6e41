//! Paths inside a filesystem, as text: `/` between names, whatever the system
//! underneath uses. Nothing is looked up.

use crate::error::{Error, Result};

/// The path that `path` means in a program whose working directory is `cwd`: relative to the root, without `.`, `..` and
/// empty names; `.` is the root. With a `/` in front it begins at the root.
///
/// Errors (Invalid): `path contains null byte`; `path traversal not allowed` if it leads out.
pub fn clean(cwd: &str, path: &str) -> Result<String> {
    if path.contains('\0') {
        return Err(Error::invalid("path contains null byte"));
    }
    let base = if path.starts_with('/') { "" } else { cwd };
    let mut names: Vec<&str> = Vec::new();
    for name in base.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." if names.pop().is_none() => return Err(Error::invalid("path traversal not allowed")),
            ".." => {}
            name => names.push(name),
        }
    }
    Ok(if names.is_empty() { ".".to_owned() } else { names.join("/") })
}

/// A clean path with the root as `/`.
pub fn shown(path: &str) -> String {
    if path == "." { "/".to_owned() } else { format!("/{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_stay_inside() {
        // working directory, path, result
        let cases = [
            (".", "a", Some("a")),
            (".", "./a//b/", Some("a/b")),
            (".", "a/../b", Some("b")),
            (".", "", Some(".")),
            (".", "/", Some(".")),
            (".", "///a", Some("a")),
            (".", "...", Some("...")),
            (".", "..a/b..", Some("..a/b..")),
            (".", "a\\..\\..\\b", Some("a\\..\\..\\b")),
            ("x/y", "..", Some("x")),
            ("x/y", "../..", Some(".")),
            ("x/y", "/z", Some("z")),
            ("x/y", "../../..", None),
            (".", "..", None),
            (".", "../a", None),
            (".", "a/../../b", None),
            ("x", "/../x", None),
            (".", "a\0b", None),
        ];
        for (cwd, path, want) in cases {
            assert_eq!(clean(cwd, path).ok().as_deref(), want, "{cwd} {path:?}");
        }
        assert_eq!((shown(".").as_str(), shown("a/b").as_str()), ("/", "/a/b"));
    }

    proptest! {
        #[test]
        fn what_is_clean_stays_as_it_is_and_has_no_way_out(path in "[a./\\x00]{0,16}", cwd in "[a/]{0,4}") {
            if let Ok(inside) = clean(&cwd, &path) {
                prop_assert_eq!(&clean(".", &inside).unwrap(), &inside);
                prop_assert!(inside == "." || inside.split('/').all(|n| !matches!(n, "" | "." | "..")));
            }
        }
    }
}
