//! Projects as text: see `wippy_tests::cases` for the form.

use wippy_tests::cases;

#[test]
fn every_project_gives_what_it_says() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("cases").map(|f| f.expect("a file").path()).collect();
    files.sort();
    let (mut failures, mut count) = (Vec::new(), 0);
    for case in files.iter().flat_map(|file| cases(file)) {
        count += 1;
        failures.extend(case.check(env!("CARGO_BIN_EXE_wippy-under-test")).err());
    }
    assert!(count > 0, "no cases found");
    assert!(failures.is_empty(), "{} of {count} cases fail:\n\n{}", failures.len(), failures.join("\n\n"));
}
