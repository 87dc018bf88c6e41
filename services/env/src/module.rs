//! The Lua module `env`.

use wippy_lua::member;
use wippy_lua::modules::{Module, ModuleValue};
use wippy_lua::native::{Call, Member, Raise, Ret};
use wippy_runtime::Error;

use crate::commands::{AllVariables, GetVariable, SetVariable};

pub static MODULE: Module = Module {
    name: "env",
    value: ModuleValue::Table(MEMBERS),
    class: &["process", "security"],
    description: "Environment variables that entries declare",
};

const MEMBERS: &[Member] = &[member!("get", get), member!("set", set), member!("get_all", get_all)];

fn get(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let name = call.text(1)?.into_owned();
    if name.is_empty() {
        return call.fail(Error::invalid("empty key"));
    }
    call.request(GetVariable { name }, |call, reply| match reply {
        Ok(value) => {
            call.push_str(value);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn set(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let name = call.text(1)?.into_owned();
    let value = call.text(2)?.into_owned();
    if name.is_empty() {
        return call.fail(Error::invalid("empty key"));
    }
    call.request(SetVariable { name, value }, |call, reply| match reply {
        Ok(()) => {
            call.push_bool(true);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn get_all(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.request(AllVariables, |call, reply| match reply {
        Ok(all) => {
            call.push_table(0, all.len().max(1));
            let table = call.top();
            for (name, value) in all {
                call.push_str(value);
                call.set_field(table, &name);
            }
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}
