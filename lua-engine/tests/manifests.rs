//! What the type checker is told about built-in modules is what they really have.
//!
//! Here the objects and the standard libraries; the modules are compared, and all functions called, where the whole
//! catalogue is (`tests/tests/manifests.rs`).
//!
//! Both directions: a member without declaration would never be checked or completed, a declaration without member
//! would promise what a program cannot use. The checker knows a few base functions that do not exist on purpose.

use wippy_lua::modules;
use wippy_lua::modules::time::{DurationObject, LocationObject, TimeObject};
use wippy_lua::native::{Member, MemberValue, Object};
use wippy_lua::process::Channel;
use wippy_lua_types::builtin;

/// Declared although programs do not find them.
const NOT_THERE: &[&str] = &[
    "globals.collectgarbage",
    "globals.rawlen",
    "string.gfind",
    "table.move",
    "table.pack",
    "table.getn",
    "table.maxn",
    "math.ldexp",
    "math.mod",
    "math.pow",
    "math.cosh",
    "math.sinh",
    "math.tanh",
    "math.frexp",
    "math.log10",
    "math.atan2",
    "coroutine.close",
    "coroutine.isyieldable",
];

/// Compares a table of members with the type that describes it; `path` is for messages.
fn compare(path: &str, members: &[Member], module: &str, ty: &str, wrong: &mut Vec<String>) {
    let declared = builtin::members(module, ty);
    for member in members {
        if !declared.iter().any(|d| d == member.name) {
            wrong.push(format!("{path}.{} is not declared", member.name));
        }
        if let MemberValue::Table(inner) = member.value {
            compare(&format!("{path}.{}", member.name), inner, module, &format!("{ty}_{}", member.name), wrong);
        }
    }
    for name in declared {
        let there = members.iter().any(|m| m.name == name);
        if !there && !NOT_THERE.contains(&format!("{path}.{name}").as_str()) {
            wrong.push(format!("{path}.{name} does not exist"));
        }
    }
}

#[test]
fn objects_have_what_is_declared() {
    let mut wrong = vec![];
    let mut object = |members: &[Member], module: &str, ty: &str| {
        compare(&format!("{module}.{ty}"), members, module, ty, &mut wrong);
    };
    object(TimeObject::METHODS, "time", "Time");
    object(DurationObject::METHODS, "time", "Duration");
    object(LocationObject::METHODS, "time", "Location");
    object(Channel::METHODS, "channel", "Channel");
    object(modules::errors::ErrorObject::METHODS, "errors", "Error");
    object(modules::payload::Payload::METHODS, "payload", "Payload");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn libraries_have_what_is_declared() {
    let mut wrong = vec![];
    for library in ["string", "table", "math"] {
        let real: Vec<&str> = wippy_lua_vm::library::entries(library).map(|(name, _)| name).collect();
        let declared = builtin::members(library, library);
        let undeclared = real.iter().filter(|name| !declared.iter().any(|d| d == *name));
        wrong.extend(undeclared.map(|name| format!("{library}.{name} is not declared")));
        let absent = declared.iter().filter(|name| !real.contains(&name.as_str()));
        let absent = absent.map(|name| format!("{library}.{name}")).filter(|n| !NOT_THERE.contains(&n.as_str()));
        wrong.extend(absent.map(|name| format!("{name} does not exist")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
