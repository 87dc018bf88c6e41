//! What the type checker is told about built-in modules is what they have: every declared name exists, nothing else
//! does, and every declared function is called, in the program, with what its declaration says it takes.
//!
//! A module in the catalogue without a manifest fails, and so does a type with methods that [`INSTANCES`] has no
//! expression for. A call tells the number of an argument it does not like; that number must be one that is declared,
//! and one that was given.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use wippy::components::{self, Shared};
use wippy_lua::modules::{Catalogue, ModuleValue};
use wippy_lua::native::{Member, MemberValue};
use wippy_lua_types::ty::{Field, Function, Shape};
use wippy_lua_types::{Ty, builtin};
use wippy_runtime::Node;
use wippy_runtime::boot::{App, Config, Shutdown, Switches};
use wippy_runtime::clock::RealClock;
use wippy_runtime::entropy::SystemEntropy;
use wippy_runtime::events::Bus;
use wippy_runtime::logging::{Logging, Options};
use wippy_runtime::registry::{self, MemoryHistory, Registry};
use wippy_tests::Project;

/// A Lua expression for every type that has methods; what it needs is in [`INDEX`]. Whoever describes a new type adds
/// it here.
const INSTANCES: &[(&str, &str)] = &[
    ("channel.Channel", "channel.new(1)"),
    ("channel.SelectCase", "channel.new(1):case_receive()"),
    ("contract.Contract", "assert(contract.get('app:greeter'))"),
    ("errors.Error", "errors.new('x')"),
    ("eval_runner.Program", "assert(eval_runner.compile('return 1'))"),
    ("events.Subscription", "assert(events.subscribe('x'))"),
    ("expr.Program", "assert(expr.compile('1'))"),
    ("fs.FS", "assert(fs.get('app:files'))"),
    ("fs.File", "assert(assert(fs.get('app:files')):open('file.txt', 'w'))"),
    ("fs.Scanner", "assert(assert(assert(fs.get('app:files')):open('read.txt', 'r')):scanner())"),
    ("funcs.Executor", "funcs.new()"),
    ("funcs.Future", "assert(funcs.async('app:echo', 1))"),
    ("logger.Logger", "logger:named('x')"),
    ("payload.Payload", "payload.new('x')"),
    ("pg.Instance", "assert(pg.open('app:groups'))"),
    ("pg.Subscription", "select(2, assert(pg.open('app:groups')):monitor('x'))"),
    ("process.Message", "(function() process.send(process.pid(), 't', 1) return (process.inbox():receive()) end)()"),
    ("process.SpawnBuilder", "process.with_options({})"),
    ("registry.Changes", "assert(registry.snapshot()):changes()"),
    ("registry.History", "assert(registry.history())"),
    ("registry.Snapshot", "assert(registry.snapshot())"),
    ("registry.Version", "assert(registry.current_version())"),
    ("security.Actor", "security.new_actor('x')"),
    ("security.Policy", "assert(security.policy('app:policy'))"),
    ("security.Scope", "security.new_scope()"),
    ("security.TokenStore", "assert(security.token_store('app:tokens'))"),
    ("store.Store", "assert(store.get('app:kv'))"),
    ("text.Differ", "assert(text.diff.new())"),
    ("text.Regexp", "assert(text.regexp.compile('x'))"),
    ("text.Splitter", "assert(text.splitter.recursive())"),
    ("time.Duration", "assert(time.parse_duration('1s'))"),
    ("time.Location", "time.utc"),
    ("time.Ticker", "time.ticker('1h')"),
    ("time.Time", "time.now()"),
    ("time.Timer", "time.timer('1h')"),
];

/// Types whose objects this application cannot come by, and why.
const OUT_OF_REACH: &[(&str, &str)] =
    &[("stream.Stream", "made by modules of services"), ("stream.Scanner", "made from streams")];

const UNREAL: &str = "does not exist; known to the checker, as the reference says";

/// Functions that are not called, and why.
const NOT_CALLED: &[(&str, &str)] = &[
    ("system.exit", "ends the program"),
    ("process.upgrade", "ends the process"),
    ("globals.collectgarbage", UNREAL),
    ("globals.rawlen", UNREAL),
    ("table.move", UNREAL),
    ("table.pack", UNREAL),
    ("coroutine.close", UNREAL),
    ("coroutine.isyieldable", UNREAL),
];

/// Standard libraries that are described but in no catalogue.
const LIBRARIES: &[&str] = &["globals", "string", "table", "math", "coroutine"];

const INDEX: &str = r#"
version: "1.0"
namespace: app
entries:
  - name: terminal
    kind: terminal.host
    lifecycle: {auto_start: true}
  - name: files
    kind: fs.directory
    directory: files
    auto_init: true
  - name: groups
    kind: pg.scope
  - name: greeter
    kind: contract.definition
    methods: [{name: greet}]
  - name: policy
    kind: security.policy
    policy: {actions: "*", resources: "*", effect: allow}
  - name: kv
    kind: store.memory
    lifecycle: {auto_start: true}
  - name: tokens
    kind: security.token_store
    store: app:kv
  - name: echo
    kind: function.lua
    method: main
    source: "return {main = function(v) return v end}"
  - name: main
    kind: process.lua
    meta: {command: {name: check}}
    source: file://main.lua
    method: main
    modules: [MODULES]
"#;

/// Calls a function in a coroutine of its own, since it may wait, and tells what is wrong about its arguments.
const PRELUDE: &str = r#"
local io = require("io")
local time = require("time")
local co = coroutine.create(function() end)
local calls = 0
local function call(what, self, declared, given, typed, f)
    calls = calls + 1
    local done = channel.new(1)
    coroutine.spawn(function()
        local _, err = pcall(f)
        done:send(tostring(err))
    end)
    local late = time.after("300ms")
    local r = channel.select{done:case_receive(), late:case_receive()}
    if r.channel ~= done then return end
    local text = r.value
    if text:find("attempt to call a non-function", 1, true) then
        return io.print("WRONG " .. what .. " cannot be called")
    end
    local n = tonumber(text:match("bad argument #(%d+)"))
    n = n and n - self
    if n == nil or n < 1 then return end
    if n > declared then
        io.print("WRONG " .. what .. " takes more than " .. declared .. " arguments: " .. text)
    elseif n > given then
        io.print("WRONG " .. what .. " needs argument " .. n .. ", which is declared optional: " .. text)
    elseif typed[n] and text:find("expected, got", 1, true) then
        io.print("WRONG " .. what .. " wants another type: " .. text)
    end
end
local function main()
"#;

fn boot() -> Arc<App> {
    let config = Config::empty();
    let clock = Arc::new(RealClock::new());
    let node = Node::new("local", clock.clone(), Arc::new(SystemEntropy)).expect("a node");
    node.timers().start().expect("a thread");
    let registry = Registry::new(registry::Config::default(), Arc::new(MemoryHistory::new()), Bus::new());
    let logging = Logging::install(Options::from_config(&config, Switches::default(), true), clock);
    let shared = Shared { shutdown: Shutdown::new(), logging, terminal: wippy_terminal::stdio(), memory_limit: None };
    App::boot(node, registry, config, components::all(shared)).expect("a runtime")
}

/// Compares a table of members with the type that describes it.
fn compare(path: &str, members: &[Member], module: &str, ty: &str, wrong: &mut Vec<String>) {
    let declared: BTreeSet<String> = builtin::members(module, ty).into_iter().collect();
    let real: BTreeSet<&str> = members.iter().map(|member| member.name).collect();
    wrong.extend(real.iter().filter(|n| !declared.contains(**n)).map(|n| format!("{path}.{n} is not declared")));
    wrong.extend(declared.iter().filter(|n| !real.contains(n.as_str())).map(|n| format!("{path}.{n} does not exist")));
    for member in members {
        if let MemberValue::Table(inner) = member.value {
            compare(&format!("{path}.{}", member.name), inner, module, &format!("{ty}_{}", member.name), wrong);
        }
    }
}

/// The names of all modules, and what is wrong with their manifests.
fn modules() -> (Vec<&'static str>, Vec<String>) {
    let app = boot();
    let catalogue = app.context.need::<Catalogue>().expect("the Lua engine");
    let (mut names, mut wrong) = (vec![], vec![]);
    for module in catalogue.all() {
        names.push(module.name);
        if builtin::module(module.name).is_none() {
            wrong.push(format!(
                "module {0} has no manifest: describe it in lua-engine/types/manifests/{0}.d.lua",
                module.name
            ));
        }
        if let ModuleValue::Table(members) = module.value {
            compare(module.name, members, module.name, module.name, &mut wrong);
        }
    }
    app.shutdown(std::time::Duration::from_secs(5));
    (names, wrong)
}

/// Writes a call of every function that is described.
#[derive(Default)]
struct Calls {
    lua: String,
    count: usize,
    wrong: Vec<String>,
}

impl Calls {
    fn module(&mut self, name: &str) {
        let Some(manifest) = builtin::module(name) else { return };
        let prefix = if name == "globals" { String::new() } else { format!("{name}.") };
        if let Some(record) = manifest.export.resolved().as_record() {
            self.table(name, &prefix, &record.fields);
        }
        let types: BTreeMap<_, _> = manifest.types.iter().collect();
        for (ty, def) in types {
            // Tables of functions begin with a small letter.
            let body = def.body.get().filter(|_| ty.starts_with(char::is_uppercase));
            let Some(record) = body.and_then(Ty::as_record).filter(|r| r.interface) else { continue };
            let path = format!("{name}.{ty}");
            if OUT_OF_REACH.iter().any(|(out, _)| *out == path) {
                continue;
            }
            let Some((_, instance)) = INSTANCES.iter().find(|(known, _)| *known == path) else {
                self.wrong.push(format!("INSTANCES has no expression for {path}"));
                continue;
            };
            for field in &record.fields {
                if let Some(function) = field.ty.as_function() {
                    self.function(&path, &format!("({instance})"), field, function);
                }
            }
        }
    }

    fn table(&mut self, path: &str, prefix: &str, fields: &[Field]) {
        for field in fields {
            if let Some(function) = field.ty.as_function() {
                self.function(path, prefix, field, function);
            } else if let Some(inner) = field.ty.resolved().as_record() {
                let name = &field.name;
                self.table(&format!("{path}.{name}"), &format!("{prefix}{name}."), &inner.fields);
            }
        }
    }

    fn function(&mut self, path: &str, prefix: &str, field: &Field, function: &Function) {
        let name = &field.name;
        let path = format!("{path}.{name}");
        if NOT_CALLED.iter().any(|(skipped, _)| *skipped == path) {
            return;
        }
        self.count += 1;
        let callee = match function.method {
            // A name may be a keyword of the dialect.
            true => {
                format!("(function(...) local o = {} return o['{name}'](o, ...) end)", prefix.trim_end_matches('.'))
            }
            false => format!("{prefix}{name}"),
        };
        let all: Vec<&Ty> = function.params.iter().map(|p| &p.ty).collect();
        let needed = all.iter().rposition(|ty| !is_optional(ty)).map_or(0, |last| last + 1);
        let mut args: Vec<String> = vec![];
        for ty in &all {
            match sample(ty, 0) {
                Some(sample) => args.push(sample),
                None => self.wrong.push(format!("{path}: no example of {ty}")),
            }
        }
        let typed: Vec<String> = all.iter().map(|ty| (!is_any(ty)).to_string()).collect();
        // One more than declared, of a kind that nobody accepts.
        let more = [args.clone(), vec!["co".to_owned()]].concat();
        let declared = if function.rest.is_some() { 99 } else { all.len() };
        let own = usize::from(function.method);
        for given in [&args[..needed.min(args.len())], &args, &more] {
            let (n, list, typed) = (given.len(), given.join(", "), typed.join(", "));
            let f = format!("function() return {callee}({list}) end");
            let _ = writeln!(self.lua, "    call({path:?}, {own}, {declared}, {n}, {{{typed}}}, {f})");
        }
    }
}

fn is_any(ty: &Ty) -> bool {
    matches!(*ty.resolved(), Ty::Undetermined | Ty::Any | Ty::Unknown) || matches!(ty.shape(), Some(Shape::Param(_)))
}

fn is_optional(ty: &Ty) -> bool {
    ty.resolved().members().iter().any(Ty::is_nil)
}

/// A Lua expression of a type.
fn sample(ty: &Ty, depth: u32) -> Option<String> {
    if let Some(named) = ty.as_named() {
        let known = |(path, _): &&(&str, &str)| path.rsplit('.').next() == named.name.rsplit('.').next();
        if let Some((_, expression)) = INSTANCES.iter().find(known) {
            return Some((*expression).to_owned());
        }
        if named.name.as_ref() == "error" {
            return Some("errors.new('x')".to_owned());
        }
    }
    if depth > 5 {
        return None;
    }
    if is_any(ty) {
        return Some("'x'".to_owned());
    }
    let ty = ty.resolved();
    Some(match &*ty {
        Ty::Nil | Ty::SoftNil => "nil".to_owned(),
        Ty::Boolean => "true".to_owned(),
        Ty::Number | Ty::Integer => "1".to_owned(),
        Ty::String => "'x'".to_owned(),
        Ty::Table => "{}".to_owned(),
        Ty::Bool(_) | Ty::Int(_) | Ty::Float(_) | Ty::Str(_) => ty.to_string(),
        _ => match ty.shape()? {
            Shape::Union(members) => members.iter().filter(|m| !m.is_nil()).find_map(|m| sample(m, depth + 1))?,
            Shape::Array(element) => format!("{{{}}}", sample(element, depth + 1)?),
            Shape::Map(..) => "{}".to_owned(),
            Shape::Function(_) => "function() end".to_owned(),
            Shape::Record(record) => {
                let needed = record.fields.iter().filter(|f| !f.optional && !is_optional(&f.ty));
                let fields: Option<Vec<String>> =
                    needed.map(|f| Some(format!("{} = {}", f.name, sample(&f.ty, depth + 1)?))).collect();
                format!("{{{}}}", fields?.join(", "))
            }
            _ => return None,
        },
    })
}

#[test]
fn every_declared_function_takes_what_is_declared() {
    let (modules, mut wrong) = modules();
    let mut calls = Calls::default();
    for module in modules.iter().chain(LIBRARIES) {
        calls.module(module);
    }
    wrong.append(&mut calls.wrong);
    let requires = modules.iter().map(|m| format!("local {m} = require(\"{m}\")\n")).collect::<String>();
    let main =
        format!("{requires}{PRELUDE}{}    io.print(\"CALLS \" .. calls)\nend\nreturn {{main = main}}\n", calls.lua);
    let project = Project::new(env!("CARGO_BIN_EXE_wippy-under-test")).with([
        ("wippy.lock", "directories:\n  modules: .wippy\n  src: ./src\n"),
        ("src/_index.yaml", INDEX.replace("MODULES", &modules.join(", ")).as_str()),
        ("src/main.lua", main.as_str()),
        ("files/read.txt", "one\ntwo\n"),
        ("src/files/read.txt", "one\ntwo\n"),
    ]);
    let outcome = project.run(&["run", "check"]);
    wrong.extend(outcome.stdout.lines().filter_map(|line| line.strip_prefix("WRONG ")).map(str::to_owned));
    let done = format!("CALLS {}", 3 * calls.count);
    if !outcome.stdout.lines().any(|line| line == done) {
        wrong.push(format!("not all of {} functions were called:\n{}", calls.count, outcome.stderr));
    }
    assert!(calls.count > 250, "only {} functions are declared", calls.count);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
