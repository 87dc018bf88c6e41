//! `src/abi/process.component-type` is what `wit/` says, in the form that a component is made from. After a change of the
//! package: `WIPPY_BLESS=1 cargo test -p wippy-guest --test component_type`.

use std::path::Path;

use wit_component::StringEncoding;
use wit_parser::Resolve;

#[test]
fn guests_carry_the_type_of_the_package() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root.join("wit")).expect("the package parses");
    let world = resolve.select_world(&[package], Some("process")).expect("the world");
    let made = wit_component::metadata::encode(&resolve, world, StringEncoding::UTF8, None).expect("a type");
    let path = root.join("src/abi/process.component-type");
    if std::env::var_os("WIPPY_BLESS").is_some() {
        std::fs::write(&path, &made).expect("a file");
    }
    assert!(std::fs::read(&path).is_ok_and(|found| found == made), "out of date: see the head of this file");
}
