//! Filesystem entries and programs that work on them. What programs see is in
//! `tests/cases/*.lua`: files, a program, what it returns; each case runs under
//! several seeds and on threads.

mod world;

use std::path::Path;

use wippy_lua::native::Object;
use wippy_lua_types::builtin;
use wippy_runtime::dispatch::CapabilitySet;
use wippy_runtime::process::Limits;
use wippy_runtime::registry::{ChangeSet, EntryId};
use wippy_runtime::security::{Ask, Policies};
use world::{Parts, World, entry, program};

#[derive(Default)]
struct Case {
    name: String,
    /// Further fields of the filesystem `app:files`.
    fields: String,
    /// Path, content.
    files: Vec<(String, String)>,
    source: String,
    want: String,
}

/// Reads `--- case NAME`, `--- fields YAML`, `--- file PATH`, `--- main` and `--- expect` sections. A file's last line
/// feed belongs to it.
fn cases(text: &str) -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    let mut section = "";
    for line in text.lines() {
        let Some(head) = line.strip_prefix("--- ") else {
            let case = all.last_mut().expect("a case first");
            let to = match section {
                "file" => &mut case.files.last_mut().expect("a file").1,
                "expect" => &mut case.want,
                _ => &mut case.source,
            };
            to.push_str(line);
            to.push('\n');
            continue;
        };
        let (word, rest) = head.split_once(' ').unwrap_or((head, ""));
        section = word;
        if word == "case" {
            all.push(Case { name: rest.to_owned(), ..Case::default() });
            continue;
        }
        let case = all.last_mut().expect("a case first");
        match word {
            "fields" => case.fields = format!(", {rest}"),
            "file" => case.files.push((rest.to_owned(), String::new())),
            "main" | "expect" => {}
            other => panic!("unknown section {other}"),
        }
    }
    all
}

fn play(case: &Case, seed: Option<u64>) -> String {
    let world = World::new(Parts { seed, ..Parts::default() });
    std::fs::create_dir_all(world.path("tree/empty")).expect("a directory");
    for (path, content) in &case.files {
        world.write(&format!("tree/{path}"), content);
    }
    let files = world.filesystem("app:files", "tree", &case.fields);
    match world.app.install(vec![files, program("app:main", &case.source)]) {
        Ok(_) => world.plain(&world.shown("app:main")),
        Err(e) => e.to_string(),
    }
}

#[test]
fn programs_see_what_the_cases_say() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("cases").map(|f| f.expect("a file").path()).collect();
    files.sort();
    let mut failures = Vec::new();
    for file in files {
        for case in cases(&std::fs::read_to_string(&file).expect("a readable file")) {
            for seed in [Some(1), Some(2), Some(3), None] {
                let got = play(&case, seed);
                if got.trim_end() != case.want.trim_end() {
                    let want = case.want.trim_end();
                    failures.push(format!("{} (seed {seed:?})\n  expected: {want}\n  got:      {got}", case.name));
                    break;
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn entries_that_cannot_be_used_are_refused() {
    let cases = [
        ("{auto_init: true}", "field directory: directory path is required"),
        ("{directory: x, mode: \"0o755\"}", "field mode: invalid file mode format"),
        ("{directory: x, mode: \"855\"}", "field mode: invalid file mode format"),
        ("{directory: x, mode: 755}", "field mode: expected string, got integer"),
        ("{directory: x, base: home}", "field base: invalid directory base"),
        ("{directory: x, auto_init: maybe}", "field auto_init: expected boolean, got string"),
        (
            "{directory: /nowhere/at/all}",
            "field directory: failed to create filesystem: failed to open directory: /nowhere/at/all: no such file or \
             directory",
        ),
        ("{directory: /dev/null, auto_init: true}", "failed to open directory: /dev/null: "),
    ];
    for (data, want) in cases {
        let world = World::new(Parts { seed: Some(1), ..Parts::default() });
        let error = world.app.install(vec![entry("app:files", "fs.directory", data)]).unwrap_err().to_string();
        assert!(error.contains(want), "{data}: {error}");
    }
}

const SHOW: &str = r#"return { main = function()
    local f, err = require("fs").get("app:files")
    if not f then return tostring(err) end
    return f:readfile("name.txt") or "none"
end }"#;

#[test]
fn entries_follow_changes_and_failed_changes_leave_them() {
    let world = World::new(Parts { seed: Some(1), ..Parts::default() });
    for tree in ["one", "two"] {
        world.write(&format!("{tree}/name.txt"), tree);
    }
    let at = |tree: &str| world.filesystem("app:files", tree, "");
    world.app.install(vec![at("one"), program("app:main", SHOW)]).unwrap();
    assert_eq!(world.shown("app:main"), "one");
    world.app.registry.apply(ChangeSet::new().update(at("two"))).unwrap();
    assert_eq!(world.shown("app:main"), "two");
    let broken = program("app:broken", "x = = 1");
    world.app.registry.apply(ChangeSet::new().update(at("one")).create(broken.clone())).unwrap_err();
    assert_eq!(world.shown("app:main"), "two");
    let id = EntryId::parse("app:files");
    world.app.registry.apply(ChangeSet::new().delete(id.clone()).create(broken)).unwrap_err();
    assert_eq!(world.shown("app:main"), "two");
    world.app.registry.apply(ChangeSet::new().delete(id)).unwrap();
    assert_eq!(world.shown("app:main"), "filesystem not found: app:files");
}

#[test]
fn relative_directories_begin_at_the_module_that_declares_them() {
    let world = World::new(Parts { seed: Some(1), ..Parts::default() });
    world.write("module/data/name.txt", "of the module");
    world.app.node.filesystems().set_module_roots([("acme/lib".to_owned(), world.path("module"))]);
    let of_module = |base: &str| {
        let mut files = entry("app:files", "fs.directory", &format!("{{directory: data{base}}}"));
        files.meta.insert("module".into(), "acme/lib".into());
        files
    };
    let refused = world.app.install(vec![of_module(", base: project")]).unwrap_err().to_string();
    assert!(refused.contains("failed to open directory: data: no such file or directory"), "{refused}");
    let world = World::new(Parts { seed: Some(1), ..Parts::default() });
    world.write("module/data/name.txt", "of the module");
    world.app.node.filesystems().set_module_roots([("acme/lib".to_owned(), world.path("module"))]);
    world.app.install(vec![of_module(""), program("app:main", SHOW)]).unwrap();
    assert_eq!(world.shown("app:main"), "of the module");
}

#[test]
fn missing_directories_are_made_with_their_mode() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new(Parts { seed: Some(1), ..Parts::default() });
    let files = world.filesystem("app:files", "new/tree", ", auto_init: true, mode: \"0750\"");
    let source = r#"return { main = function()
        local f = require("fs").get("app:files")
        assert(f:mkdir("sub") and f:writefile("sub/a", "x"))
        return "done"
    end }"#;
    world.app.install(vec![files, program("app:main", source)]).unwrap();
    assert_eq!(world.shown("app:main"), "done");
    let mode = |path: &str| world.path(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!([mode("new/tree"), mode("new/tree/sub"), mode("new/tree/sub/a")].map(|m| m & 0o027), [0, 0, 0]);
    assert_eq!([mode("new/tree/sub"), mode("new/tree/sub/a")].map(|m| m & 0o700), [0o700, 0o600]);
}

#[test]
fn no_link_leads_out() {
    use std::os::unix::fs::symlink;
    let source = r#"local fs = require("fs")
    return { main = function()
        local f, out = fs.get("app:files"), {}
        local function refused(value, err) out[#out + 1] = tostring(value) .. " " .. err:kind() .. " " .. err:message() end
        refused(f:readfile("link.txt"))
        refused(f:writefile("link.txt", "changed"))
        refused(f:writefile("dir/new.txt", "made"))
        refused(f:readdir("dir"))
        refused(f:stat("dir/secret.txt"))
        refused(f:mkdir("dir/sub"))
        refused(f:remove("dir/secret.txt"))
        refused(f:open("absolute", "r"))
        assert(f:exists("link.txt") == false and f:readfile("inside") == "mine")
        assert(f:remove("link.txt") == true)
        local names = {}
        for e in f:readdir("/") do names[#names + 1] = e.name .. "=" .. e.type end
        out[#out + 1] = table.concat(names, " ")
        return table.concat(out, "\n")
    end }"#;
    for seed in [Some(1), None] {
        let world = World::new(Parts { seed, ..Parts::default() });
        world.write("outside/secret.txt", "secret");
        world.write("tree/own.txt", "mine");
        symlink("../outside/secret.txt", world.path("tree/link.txt")).unwrap();
        symlink("../outside", world.path("tree/dir")).unwrap();
        symlink("/etc/passwd", world.path("tree/absolute")).unwrap();
        symlink("own.txt", world.path("tree/inside")).unwrap();
        world.app.install(vec![world.filesystem("app:files", "tree", ""), program("app:main", source)]).unwrap();
        let out = "path escapes from parent";
        let want = format!(
            "nil NotFound open link.txt: openat link.txt: {out}\n\
             false NotFound open link.txt: openat link.txt: {out}\n\
             false NotFound open dir/new.txt: openat dir/new.txt: {out}\n\
             nil Internal readdir dir: openat dir: {out}\n\
             nil NotFound stat dir/secret.txt: statat dir/secret.txt: {out}\n\
             false Internal mkdir dir/sub: mkdirat dir/sub: {out}\n\
             false Internal remove dir/secret.txt: unlinkat dir/secret.txt: {out}\n\
             nil NotFound open absolute: openat absolute: {out}\n\
             absolute=file dir=file inside=file own.txt=file"
        );
        assert_eq!(world.shown("app:main"), want);
        assert_eq!(std::fs::read_to_string(world.path("outside/secret.txt")).unwrap(), "secret");
        assert_eq!(std::fs::read_dir(world.path("outside")).unwrap().count(), 1);
    }
}

#[test]
fn open_files_count_and_go_with_their_process() {
    let limits = Limits { handles: 2, ..Limits::default() };
    for seed in [Some(1), None] {
        let world = World::new(Parts { seed, limits: limits.clone(), ..Parts::default() });
        world.write("tree/a", "x");
        let source = r#"local fs = require("fs")
        return { main = function()
            local f = fs.get("app:files")
            local a, b = assert(f:open("a", "r")), assert(f:open("a", "r"))
            local c, err = f:open("a", "r")
            assert(c == nil and err:kind() == "LimitExceeded", tostring(err))
            b:close()
            c = assert(f:open("a", "r"))
            b = nil
            return tostring(err)
        end }"#;
        world.app.install(vec![world.filesystem("app:files", "tree", ""), program("app:main", source)]).unwrap();
        let before = open_files();
        for _ in 0..5 {
            assert_eq!(world.shown("app:main"), "a process may hold 2 open resources");
        }
        let start = std::time::Instant::now();
        while open_files() > before {
            assert!(start.elapsed().as_secs() < 20, "files are left open");
            std::thread::yield_now();
        }
    }
}

/// Files named `a` that this program has open.
fn open_files() -> usize {
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    open.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|file| file.ends_with("tree/a"))).count()
}

#[test]
fn a_file_larger_than_the_memory_of_a_process_is_not_read_at_once() {
    let limits = Limits { memory: 4 << 20, ..Limits::default() };
    let world = World::new(Parts { seed: Some(1), limits, ..Parts::default() });
    world.write("tree/big", vec![b'x'; 5 << 20]);
    let source = r#"local fs = require("fs")
    return { main = function()
        local f = fs.get("app:files")
        local whole, err = f:readfile("big")
        local h, n = assert(f:open("big", "r")), 0
        while true do
            local piece, eof = h:read(65536)
            if not piece then assert(eof:message() == "EOF") break end
            n = n + #piece
        end
        return tostring(whole) .. " " .. err:kind() .. " " .. err:message() .. " " .. n
    end }"#;
    world.app.install(vec![world.filesystem("app:files", "tree", ""), program("app:main", source)]).unwrap();
    let want = "nil LimitExceeded read big: it is larger than 4194304 bytes 5242880";
    assert_eq!(world.shown("app:main"), want);
}

/// Refuses `fs.get` for everything but one id.
struct Only(&'static str);

impl Policies for Only {
    fn allows(&self, ask: &Ask<'_>) -> bool {
        ask.action != "fs.get" || ask.resource == self.0
    }
}

#[test]
fn only_getting_a_filesystem_asks_for_permission() {
    let source = r#"local fs = require("fs")
    return { main = function()
        local f = assert(fs.get("app:files"))
        local g, err = fs.get("app:secret")
        return f:readfile("name.txt") .. " " .. tostring(g) .. " " .. err:kind() .. " " .. err:message()
    end }"#;
    let world = World::new(Parts { seed: Some(1), ..Parts::default() });
    world.write("tree/name.txt", "mine");
    world.app.node.set_policies(std::sync::Arc::new(Only("app:files")));
    let secret = world.filesystem("app:secret", "tree", "");
    let files = world.filesystem("app:files", "tree", "");
    world.app.install(vec![files, secret, program("app:main", source)]).unwrap();
    let want = "mine nil PermissionDenied not allowed to access filesystem: app:secret";
    assert_eq!(world.shown("app:main"), want);
}

#[test]
fn a_host_without_the_capability_has_no_files() {
    let capabilities = CapabilitySet::new(&["*"], &["fs"]);
    let world = World::new(Parts { seed: Some(1), capabilities, ..Parts::default() });
    world.write("tree/name.txt", "mine");
    world.app.install(vec![world.filesystem("app:files", "tree", ""), program("app:main", SHOW)]).unwrap();
    let shown = world.shown("app:main");
    assert!(shown.contains("capability \"fs\" is denied by host app:host"), "{shown}");
}

#[test]
fn the_checker_is_told_what_is_there() {
    let mut wrong = Vec::new();
    let mut compare = |ty: &str, members: &[wippy_lua::native::Member]| {
        let mut real: Vec<&str> = members.iter().map(|m| m.name).collect();
        let mut declared = builtin::members("fs", ty);
        real.sort_unstable();
        declared.sort();
        if declared != real {
            wrong.push(format!("{ty}: declared {declared:?}, there {real:?}"));
        }
    };
    compare("FS", wippy_fs::FsObject::METHODS);
    compare("File", wippy_fs::FileObject::METHODS);
    compare("Scanner", wippy_fs::ScannerObject::METHODS);
    let wippy_lua::modules::ModuleValue::Table(members) = wippy_fs::MODULE.value else { panic!("a table") };
    compare("fs", members);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
