//! The WIT package is well formed, and every item in it is documented.

use std::path::Path;

use wit_parser::{Resolve, TypeDefKind, WorldItem};

fn packages() -> Resolve {
    let mut resolve = Resolve::default();
    resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("wit")).expect("the package parses");
    resolve
}

#[test]
fn the_world_process_has_one_export_and_imports_the_whole_package() {
    let resolve = packages();
    let (_, package) = resolve.packages.iter().find(|(_, p)| p.name.name == "process").expect("the package");
    assert_eq!(package.name.to_string(), "wippy:process@0.1.0");
    let world = &resolve.worlds[package.worlds["process"]];
    let exports: Vec<_> = world.exports.keys().map(|k| resolve.name_world_key(k)).collect();
    assert_eq!(exports, ["run"]);
    let imported = world.imports.values().filter(|item| matches!(item, WorldItem::Interface { .. })).count();
    assert_eq!(imported, package.interfaces.len());
}

#[test]
fn every_item_says_what_it_is() {
    let resolve = packages();
    let mut silent = Vec::new();
    for (_, package) in resolve.packages.iter() {
        for (name, id) in &package.interfaces {
            let interface = &resolve.interfaces[*id];
            let functions = interface.functions.iter().map(|(function, f)| (function, &f.docs));
            let types = interface.types.iter().map(|(ty, id)| (ty, &resolve.types[*id]));
            // A `use` of another interface's type is documented there.
            let own =
                types.filter(|(_, def)| !matches!(def.kind, TypeDefKind::Type(_))).map(|(ty, def)| (ty, &def.docs));
            let items = functions.chain(own).chain([(name, &interface.docs)]);
            silent.extend(items.filter(|(_, docs)| docs.contents.is_none()).map(|(item, _)| format!("{name}: {item}")));
        }
    }
    assert!(silent.is_empty(), "without a comment: {silent:#?}");
}
