//! The build's promise: an edit that does not fit the sources exactly once
//! fails, by name.

#[path = "../build/edit.rs"]
mod edit;
#[path = "../edits/mod.rs"]
mod edits;

use std::collections::HashSet;

use edit::{Edit, apply};

const SOURCE: &str = "int a;\n  int b;\nint twice;\n\tint twice;\n";

fn edited(anchor: &'static str) -> Result<String, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("l.c");
    std::fs::write(&file, SOURCE).unwrap();
    let edit = Edit { name: "the edit", file: "l.c", anchor, text: "long b;\nlong c;" };
    apply(dir.path(), &[edit]).map_err(|e| e.to_string())?;
    Ok(std::fs::read_to_string(&file).unwrap())
}

#[test]
fn an_anchor_is_one_whole_line() {
    assert_eq!(edited("int b;").unwrap(), "int a;\nlong b;\nlong c;\nint twice;\n\tint twice;\n");
    for (anchor, hits) in [("int c;", 0), ("int", 0), ("b;", 0), ("int twice;", 2)] {
        let error = edited(anchor).unwrap_err();
        assert_eq!(error, format!("edit `the edit` of l.c: its anchor occurs {hits} times, not once: {anchor:?}"));
    }
}

#[test]
fn a_missing_file_names_the_edit() {
    let dir = tempfile::tempdir().unwrap();
    let edit = Edit { name: "the edit", file: "gone.c", anchor: "x", text: "y" };
    let error = apply(dir.path(), &[edit]).unwrap_err().to_string();
    assert!(error.starts_with("edit `the edit` of gone.c: "), "{error}");
}

#[test]
fn every_edit_has_its_own_name() {
    let mut seen = HashSet::new();
    for edit in edits::GROUPS.iter().flat_map(|group| group.iter()) {
        assert!(seen.insert(edit.name), "two edits are called {:?}", edit.name);
    }
    assert!(seen.len() > 60);
}
