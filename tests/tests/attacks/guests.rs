//! The files of `attacks/`: programs in Lua, and in WebAssembly as text. Each
//! says in its first lines what it attacks, the limit that it meets, and how it
//! ends.

use std::path::{Path, PathBuf};

use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::yaml;

/// CPU time of a guest that uses up all it has, as a duration text.
const WASTED: &str = "200ms";

/// A program that means harm.
pub struct Guest {
    pub name: String,
    /// How its end begins.
    ends: String,
    /// It computes until its CPU time is used up, and has little of it. All others have plenty, so that a slow machine
    /// does not end them otherwise.
    wastes_cpu: bool,
    /// Its code is installed when it is let loose, and compiled then.
    pub comes_late: bool,
    /// A process of the sandbox starts it again as often as it ends.
    pub is_restarted: bool,
    /// Whether it is told its neighbour and a process of its own host.
    pub takes_arguments: bool,
    code: Code,
}

enum Code {
    Lua {
        source: String,
        modules: String,
    },
    Wasm {
        text: String,
        /// Fields of the entry.
        entry: String,
    },
}

/// All of them.
pub fn all() -> Vec<Guest> {
    [lua(), wasm()].into_iter().flatten().collect()
}

pub fn lua() -> Vec<Guest> {
    let mut all = Vec::new();
    for (name, text) in files("", "lua") {
        let head = Head { name: &name, text: &text, comment: "-- " };
        head.check();
        let source = expanded(&text, head.comment);
        let code = Code::Lua { source, modules: head.says("modules").unwrap_or_default() };
        all.push(Guest {
            ends: head.needed("ends"),
            wastes_cpu: head.wastes_cpu(),
            comes_late: head.says("when").is_some_and(|says| says == "late"),
            is_restarted: false,
            takes_arguments: true,
            code,
            name,
        });
    }
    all
}

pub fn wasm() -> Vec<Guest> {
    let common = std::fs::read_to_string(dir().join("wasm/common.inc")).expect("what guests have in common");
    let mut all = Vec::new();
    for (name, text) in files("wasm", "wat") {
        let head = Head { name: &name, text: &text, comment: ";; " };
        head.check();
        let body = expanded(&text, head.comment);
        let first = body.lines().find(|line| !line.starts_with(";;")).unwrap_or_default();
        let whole = first.starts_with("(module") || first.starts_with("(component");
        let code = Code::Wasm {
            text: if whole { body } else { format!("(module {common}\n{body})") },
            entry: head.says("entry").unwrap_or_default(),
        };
        let when = head.says("when").unwrap_or_default();
        all.push(Guest {
            ends: head.needed("ends"),
            wastes_cpu: head.wastes_cpu(),
            comes_late: when == "late",
            is_restarted: when == "again and again",
            takes_arguments: head.says("arguments").is_none_or(|says| says != "none"),
            code,
            name: format!("wasm_{name}"),
        });
    }
    all
}

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("attacks")
}

fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(dir().join(folder)).expect("attacks").map(|f| f.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == extension));
    paths.sort();
    let name = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).expect("a guest"))).collect()
}

/// The lines `KEY: VALUE` at the beginning of a guest.
struct Head<'a> {
    name: &'a str,
    text: &'a str,
    comment: &'a str,
}

impl Head<'_> {
    fn says(&self, what: &str) -> Option<String> {
        let mut lines = self.text.lines().map_while(|line| line.strip_prefix(self.comment));
        lines.find_map(|line| line.strip_prefix(what)?.strip_prefix(": ").map(str::to_owned))
    }
    fn needed(&self, what: &str) -> String {
        self.says(what).unwrap_or_else(|| panic!("{} does not say its `{what}`", self.name))
    }
    fn wastes_cpu(&self) -> bool {
        self.needed("limit").ends_with("cpu.call")
    }
    fn check(&self) {
        assert!(!self.needed("attack").is_empty() && !self.needed("limit").is_empty(), "{}", self.name);
    }
}

/// Lines between the comments `repeat N` and `end` are there N times, with their number from 0 in place of `$n`.
fn expanded(text: &str, comment: &str) -> String {
    let said = |line: &str| line.trim().strip_prefix(comment).map(str::to_owned);
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(count) = said(line).and_then(|said| said.strip_prefix("repeat ").map(str::to_owned)) else {
            out += line;
            out.push('\n');
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| said(line).is_none_or(|said| said != "end")).collect();
        let block = block.join("\n") + "\n";
        let numbered = block.contains("$n");
        for n in 0..count.parse::<usize>().expect("a number") {
            out += &if numbered { block.replace("$n", &n.to_string()) } else { block.clone() };
        }
    }
    out
}

pub fn entry(name: &str, kind: &str, data: &str) -> Entry {
    let data = yaml::parse(data).unwrap().root.unwrap().into_value(yaml::Typing::Exact).unwrap();
    Entry { id: EntryId::new("app", name), kind: kind.into(), meta: Map::new(), data, origin: None }
}

pub fn code(name: &str, kind: &str, source: &str, modules: &str) -> Entry {
    let mut code = entry(name, kind, &format!("{{method: main, modules: [{modules}]}}"));
    if let Value::Map(data) = &mut code.data {
        data.insert("source".to_owned(), source.into());
    }
    code
}

impl Guest {
    /// Its entry; the code of guests in WebAssembly becomes a file in `dir`, which is the filesystem `app:guests`.
    pub fn entry(&self, dir: &Path) -> Entry {
        let mut made = match &self.code {
            Code::Lua { source, modules } => code(&self.name, "process.lua", source, modules),
            Code::Wasm { text, entry: fields } => {
                let binary = wippy_tests::assemble(text).unwrap_or_else(|e| panic!("{}: {e}", self.name));
                let file = format!("{}.wasm", self.name);
                std::fs::write(dir.join(&file), &binary).expect("a file");
                let hash = wippy_tests::sha256(&binary);
                let data = format!("{{fs: app:guests, path: /{file}, hash: \"{hash}\"{fields}}}");
                entry(&self.name, "process.wasm", &data)
            }
        };
        if let (true, Value::Map(data)) = (self.wastes_cpu, &mut made.data) {
            let limits = Map::from([("call".to_owned(), Value::Str(WASTED.into()))]);
            data.insert("limits".to_owned(), Value::Map(limits));
        }
        made
    }
    pub fn id(&self) -> EntryId {
        EntryId::new("app", &self.name)
    }
    /// Whether it goes on until somebody ends it.
    pub fn ends_itself(&self) -> bool {
        self.ends != "terminated"
    }
    /// Errors: it ended otherwise.
    pub fn check_end(&self, ended: &str) -> Result<(), String> {
        if ended.starts_with(&self.ends) {
            return Ok(());
        }
        let shown: String = ended.chars().take(300).collect();
        Err(format!("{}: ended as `{shown}`, not as `{}`", self.name, self.ends))
    }
}
