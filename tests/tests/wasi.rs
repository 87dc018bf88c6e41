//! What guests reach with WASI: as much as entry, host and policies let them, and nothing else. The guest `outside` does
//! what it is told and tells what came of it.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use wippy_tests::{Project, guests};

const ENTRIES: &str = r#"version: "1.0"
namespace: app
entries:
  - { name: processes, kind: process.host, host: { workers: 1 }, lifecycle: { auto_start: true } }
  - { name: walled, kind: process.host, capabilities: { deny: ["wasi:filesystem", "wasi:http"] }, lifecycle: { auto_start: true } }
  - { name: terminal, kind: terminal.host, hide_logs: true, lifecycle: { auto_start: true, requires: [processes] } }
  - { name: guests, kind: fs.directory, directory: guests }
  - { name: data, kind: fs.directory, directory: data }
  - { name: sealed, kind: fs.directory, directory: data, mode: "0555" }
  - { name: main, kind: process.lua, source: file://main.lua, modules: [io, security], meta: { command: { name: main } } }
"#;

/// An entry that runs the guest.
fn outside(name: &str, imports: &str, wasi: &str) -> String {
    let file = "kind: process.wasm, fs: app:guests, path: /outside.wasm, hash: file://outside.sha256, method: run";
    format!("  - {{ name: {name}, {file}, imports: [{imports}], wasi: {{ {wasi} }} }}\n")
}

/// The entries of the guest, each with one group.
fn outsiders() -> String {
    let mounts = "mounts: [{ fs: app:data, guest: /work }, { fs: app:data, guest: /look, read_only: true }, \
        { fs: app:sealed, guest: /a }]";
    [
        outside("files", "wasi:filesystem", mounts),
        outside("nowhere", "wasi:filesystem", "mounts: [{ fs: app:absent, guest: /work }]"),
        outside("sockets", "wasi:sockets", ""),
        outside("requests", "wasi:http", ""),
        outside("nothing", "", ""),
    ]
    .concat()
}

const PRELUDE: &str = r#"
local io, security = require("io"), require("security")
-- Runs the guest of an entry as somebody with the policies of a group, or as nobody.
local function run(group, entry, host, ...)
  local spawner = process.with_context({})
  if group then
    spawner = spawner:with_actor(security.new_actor("ann")):with_scope(security.named_scope("app:" .. group))
  end
  local events = process.events()
  local started, err = pcall(spawner.spawn_monitored, spawner, "app:" .. entry, "app:" .. host, ...)
  if not started then return io.print("not started: " .. tostring(err):match("capability.*")) end
  local result = events:receive().result
  if result.error then
    local text = tostring(result.error)
    return io.print("ended: " .. (text:match("unknown import: .- has not been defined") or text))
  end
  for _, line in ipairs(result.value) do io.print(line) end
end
return function()
"#;

/// A policy that lets the members of `group` do `actions` to `resources`, among them to start the guests.
fn policy(group: &str, actions: &str, resources: &str) -> String {
    let entry = |name: &str, actions: &str, resources: &str| {
        let policy = format!("{{ actions: [{actions}], resources: [{resources}], effect: allow }}");
        format!("  - {{ name: {name}, kind: security.policy, groups: [{group}], policy: {policy} }}\n")
    };
    let start = entry(&format!("{group}_start"), "process.*", "\"*\"");
    if actions.is_empty() { start } else { start + &entry(&format!("{group}_more"), actions, resources) }
}

/// What the command `main` with the body `lua` prints, in an application with more `entries`.
fn told(lua: &str, entries: &str) -> Vec<String> {
    let project = Project::new(env!("CARGO_BIN_EXE_wippy-under-test")).with([
        ("src/_index.yaml", &*format!("{ENTRIES}{}{entries}", outsiders())),
        ("src/main.lua", &*format!("{PRELUDE}{lua}\nend\n")),
        ("wippy.lock", "directories: { src: ./src }\n"),
        ("data/given.txt", "something\n"),
        ("secret.txt", "secret\n"),
    ]);
    for (from, to) in [("outside.wasm", "guests/outside.wasm"), ("outside.sha256", "src/outside.sha256")] {
        let guest = std::fs::read(guests().join(from)).expect("the guest");
        project.write_bytes(to, &guest);
    }
    let data = project.dir().join("data");
    std::os::unix::fs::symlink("../secret.txt", data.join("link")).expect("a link");
    std::os::unix::fs::symlink("..", data.join("away")).expect("a link");
    let outcome = project.run(&["run", "main"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    for made in ["made.txt", "made", "data/etc", "data/copy"] {
        assert!(!project.dir().join(made).exists(), "the guest has made {made}");
    }
    outcome.stdout.lines().map(str::to_owned).collect()
}

/// What the guest tells of its work in a mount that may not be changed.
const LOOKED: [&str; 13] = [
    "read: something",
    "write: not-permitted",
    "append: not-permitted",
    "read back: no-entry",
    "stat: no-entry",
    "make directory: not-permitted",
    "rename: not-permitted",
    "list: away given.txt link",
    "remove full directory: not-permitted",
    "remove file: not-permitted",
    "remove directory: not-permitted",
    "set size: not-permitted",
    "read absent: no-entry",
];

const WORKED: [&str; 13] = [
    "read: something",
    "write: ok",
    "append: ok",
    "read back: one two",
    "stat: DescriptorType::RegularFile 7",
    "make directory: ok",
    "rename: ok",
    "list: away given.txt link sub",
    "remove full directory: not-empty",
    "remove file: ok",
    "remove directory: ok",
    "set size: ok",
    "read absent: no-entry",
];

#[test]
fn files_are_those_of_the_mounts() {
    let lua = r#"
      run(nil, "files", "processes", "mounts", {})
      run(nil, "files", "processes", "work", {"/look"})
      run(nil, "files", "processes", "work", {"/a"})
      run(nil, "files", "processes", "work", {"/work"})
    "#;
    let expected = [&["/a", "/look", "/work"][..], &LOOKED, &LOOKED, &WORKED].concat();
    assert_eq!(told(lua, ""), expected);
}

#[test]
fn no_path_leads_out_of_a_mount() {
    let expected = [
        "../secret.txt: not-permitted",
        "/etc/passwd: not-permitted",
        "a/../../secret.txt: no-entry",
        "link: not-permitted",
        "link/../secret.txt: not-permitted",
        "away/secret.txt: not-permitted",
        "write: not-permitted",
        "rename: not-permitted",
        "hard link: not-permitted",
        "symbolic link: not-permitted",
        "directory: not-permitted",
        "stat: not-permitted",
    ];
    assert_eq!(told("run(nil, 'files', 'processes', 'escape', {'/work'})", ""), expected);
}

#[test]
fn a_mount_needs_its_filesystem_the_host_and_the_permission() {
    let lua = r#"
      run(nil, "nowhere", "processes", "mounts", {})
      run(nil, "files", "walled", "mounts", {})
      run("strangers", "files", "processes", "mounts", {})
      run("readers", "files", "processes", "mounts", {})
      run(nil, "nothing", "processes", "mounts", {})
    "#;
    let entries = policy("strangers", "", "") + &policy("readers", "fs.get", "\"app:*\"");
    let expected = [
        "ended: wasi mount filesystem not found: app:absent",
        "not started: capability \"wasi:filesystem\" is denied by host app:walled (entry app:files)",
        "ended: not allowed to access filesystem: app:data",
        "/a",
        "/look",
        "/work",
        "ended: unknown import: `wasi:filesystem/preopens@0.2.12#get-directories` has not been defined",
    ];
    assert_eq!(told(lua, &entries), expected);
}

/// Answers each connection with `pong` to what it sends first.
fn echo_server() -> SocketAddr {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut client in server.incoming().map_while(Result::ok) {
            let mut ping = [0; 4];
            let _ = client.read_exact(&mut ping).and_then(|()| client.write_all(b"pong"));
        }
    });
    address
}

#[test]
fn sockets_go_where_policies_let_them() {
    let there = echo_server();
    let lua = format!(
        r#"
      run(nil, "sockets", "processes", "tcp", {{}})
      run(nil, "sockets", "processes", "udp", {{}})
      run(nil, "sockets", "processes", "connect", {{"{there}"}})
      run(nil, "sockets", "processes", "resolve", {{"localhost"}})
      for _, group in ipairs({{"strangers", "public", "clients", "servers"}}) do
        io.print(group)
        run(group, "sockets", "processes", "connect", {{"{there}"}})
        run(group, "sockets", "processes", "tcp", {{}})
        run(group, "sockets", "processes", "udp", {{}})
        run(group, "sockets", "processes", "resolve", {{"localhost"}})
      end
      run(nil, "nothing", "processes", "connect", {{"{there}"}})
    "#
    );
    let entries = [
        policy("strangers", "", ""),
        policy("public", "socket.connect, socket.resolve", "\"*\""),
        policy("clients", "socket.connect, socket.private_ip", &format!("\"{there}\", \"127.0.0.1\"")),
        policy("servers", "socket.listen", "\"127.0.0.1:*\""),
    ];
    let expected = [
        "listen: ok",
        "connect: ok",
        "server reads: ping",
        "client reads: pong",
        "send: 1",
        "receive: ping",
        "connect: pong",
        "resolve: this machine",
        "strangers",
        "connect: access-denied",
        "listen: access-denied",
        "bind: access-denied",
        "resolve: access-denied",
        // Its address is private.
        "public",
        "connect: access-denied",
        "listen: access-denied",
        "bind: access-denied",
        "resolve: this machine",
        "clients",
        "connect: pong",
        "listen: access-denied",
        "bind: access-denied",
        "resolve: access-denied",
        "servers",
        "connect: access-denied",
        "listen: ok",
        "connect: access-denied",
        "send: access-denied",
        "resolve: access-denied",
        "ended: unknown import: `wasi:sockets/tcp-create-socket@0.2.12#create-tcp-socket` has not been defined",
    ];
    assert_eq!(told(&lua, &entries.concat()), expected);
}

/// Tells who asks what it was asked: `/echo` at once, `/late` never, `/held` when somebody waits for that, `/closed`
/// whether one of those that waited has hung up.
fn http_server() -> SocketAddr {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("an address");
    std::thread::spawn(move || {
        let late = Arc::new(Late::default());
        for client in server.incoming().map_while(Result::ok) {
            let late = late.clone();
            std::thread::spawn(move || answer(client, &late));
        }
    });
    address
}

/// Connections that get no answer.
#[derive(Default)]
struct Late(Mutex<Vec<TcpStream>>, Condvar);

impl Late {
    fn add(&self, client: TcpStream) {
        self.0.lock().expect("whole").push(client);
        self.1.notify_all();
    }
    /// One of them, as soon as there is any.
    fn take(&self) -> TcpStream {
        let mut late = self.0.lock().expect("whole");
        loop {
            match late.pop() {
                Some(client) => return client,
                None => late = self.1.wait(late).expect("whole"),
            }
        }
    }
}

/// Answers one request, or keeps the connection.
fn answer(client: TcpStream, late: &Late) -> Option<()> {
    let mut reader = BufReader::new(client);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let (mut guest, mut length, mut chunked) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        match line.split_once(": ") {
            None => break,
            Some(("x-guest", value)) => guest = value.to_owned(),
            Some(("content-length", value)) => length = value.parse().ok()?,
            Some(("transfer-encoding", _)) => chunked = true,
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    while chunked {
        let mut size = String::new();
        reader.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        let mut part = vec![0; size + 2];
        reader.read_exact(&mut part).ok()?;
        body.extend(&part[..size]);
        chunked = size > 0;
    }
    let request = first.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut client = reader.into_inner();
    if request.ends_with("/late") {
        late.add(client);
        return None;
    }
    if request.ends_with("/held") {
        late.add(late.take());
    }
    if request.ends_with("/closed") {
        let mut other = late.take();
        other.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        let hung_up = match other.read(&mut [0]) {
            Ok(bytes) => bytes == 0,
            Err(e) => e.kind() == ErrorKind::ConnectionReset,
        };
        body = hung_up.to_string().into_bytes();
    }
    let text = format!("{request} guest={guest} body={}", String::from_utf8_lossy(&body));
    let status = if request.contains("/missing") { "404 Not Found" } else { "200 OK" };
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n", text.len());
    client.write_all((head + &text).as_bytes()).ok()
}

#[test]
fn requests_go_where_policies_let_them() {
    let there = http_server();
    let lua = format!(
        r#"
      local there = "{there}"
      run(nil, "requests", "processes", "http", {{"GET", there, "/echo?a=b", ""}})
      run(nil, "requests", "processes", "http", {{"POST", there, "/echo", "hello"}})
      run(nil, "requests", "processes", "http", {{"PATCH", there, "/missing", ""}})
      run(nil, "requests", "processes", "http", {{"GET", "ann@" .. there, "/echo", ""}})
      run(nil, "requests", "processes", "http", {{"GET", "127.0.0.1:1", "/", ""}})
      run(nil, "requests", "processes", "late", {{there, "/late"}})
      for _, group in ipairs({{"strangers", "public", "readers"}}) do
        io.print(group)
        run(group, "requests", "processes", "http", {{"GET", there, "/echo", ""}})
        run(group, "requests", "processes", "http", {{"POST", there, "/echo", ""}})
        run(group, "requests", "processes", "http", {{"GET", there, "/other", ""}})
      end
      run(nil, "requests", "walled", "http", {{"GET", there, "/echo", ""}})
      run(nil, "nothing", "processes", "http", {{"GET", there, "/echo", ""}})
    "#
    );
    let read = format!(
        r#"  - {{ name: reads, kind: security.policy, groups: [readers], policy: {{ actions: http_client.request,
      resources: "http://{there}/echo*", effect: allow, conditions: [{{ field: meta.method, operator: eq, value: GET }}] }} }}
"#
    );
    let entries = [
        policy("strangers", "", ""),
        policy("public", "http_client.request", "\"*\""),
        policy("readers", "http_client.private_ip", "\"127.0.0.1\""),
        read,
    ];
    let denied = |method: &str, path: &str| {
        format!("{method}: ErrorCode::InternalError(Some(\"not allowed: http://{there}{path}\"))")
    };
    let private =
        |method: &str| format!("{method}: ErrorCode::InternalError(Some(\"not allowed: private IP 127.0.0.1\"))");
    let text = str::to_owned;
    let expected = [
        text("GET: 200 text/plain GET /echo?a=b guest=yes body="),
        text("POST: 200 text/plain POST /echo guest=yes body=hello"),
        text("PATCH: 404 text/plain PATCH /missing guest=yes body="),
        text("GET: ErrorCode::HttpRequestUriInvalid"),
        text("GET: ErrorCode::ConnectionRefused"),
        text("late: ErrorCode::ConnectionReadTimeout"),
        text("strangers"),
        denied("GET", "/echo"),
        denied("POST", "/echo"),
        denied("GET", "/other"),
        text("public"),
        private("GET"),
        private("POST"),
        private("GET"),
        text("readers"),
        text("GET: 200 text/plain GET /echo guest=yes body="),
        denied("POST", "/echo"),
        denied("GET", "/other"),
        text("not started: capability \"wasi:http\" is denied by host app:walled (entry app:requests)"),
        text("ended: unknown import: `wasi:http/types@0.2.12#[constructor]fields` has not been defined"),
    ];
    assert_eq!(told(&lua, &entries.concat()), expected);
}

#[test]
fn requests_end_with_their_process_and_are_counted() {
    let there = http_server();
    let lua = format!(
        r#"
      local there, events = "{there}", process.events()
      local get = {{"GET", there, "/late", ""}}
      local pid = assert(process.spawn_monitored("app:requests", "app:processes", "http", get))
      run(nil, "requests", "processes", "http", {{"GET", there, "/held", ""}})
      process.terminate(pid)
      io.print(tostring(events:receive().result.error))
      run(nil, "requests", "processes", "http", {{"GET", there, "/closed", ""}})
      run(nil, "requests", "processes", "many", {{"65", there, "/late"}})
      run(nil, "requests", "processes", "http", {{"GET", there, "/echo", ""}})
    "#
    );
    let expected = [
        "GET: 200 text/plain GET /held guest=yes body=",
        "process terminated",
        "GET: 200 text/plain GET /closed guest=yes body=true",
        "many: ErrorCode::InternalError(Some(\"a process may have 64 HTTP requests at a time\"))",
        "GET: 200 text/plain GET /echo guest=yes body=",
    ];
    assert_eq!(told(&lua, ""), expected);
}
