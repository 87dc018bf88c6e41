//! The README's first application is typed in and run as it says.

use wippy_tests::Project;

/// The first fenced block of `language` behind `heading`.
fn block<'t>(text: &'t str, heading: &str, language: &str) -> &'t str {
    let (_, rest) = text.split_once(heading).expect("the heading");
    let (_, rest) = rest.split_once(&format!("```{language}\n")).expect("a block");
    rest.split_once("```").expect("its end").0
}

#[test]
fn the_first_actor_works_as_shown() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("README.md");
    let project = Project::new(env!("CARGO_BIN_EXE_wippy-under-test"));
    assert_eq!(project.run(&["init"]).code, Some(0));
    project.write("src/_index.yaml", block(&text, "names what the application consists of", "yaml"));
    for file in ["src/counter.lua", "src/ask.lua"] {
        project.write(file, block(&text, &format!("`{file}`:"), "lua"));
    }
    let outcome = project.run(&["run", "ask"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    assert_eq!(outcome.stdout, block(&text, "wippy run ask\n", "text"));
}
