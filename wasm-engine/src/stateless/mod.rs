//! Finds functions that leave no trace: whatever they are called with, they
//! change nothing in their instance and reach nothing outside of it. A call of
//! such a function cannot be told from one in a new instance, and can be made a
//! second time, so one instance serves all its calls.
//!
//! `code` decides about the functions of a module, by what their instructions
//! can do; `shape` finds the function behind an export of a component. Both say
//! no to what they do not follow: indirect calls, imported functions, anything
//! newer than the first version of WebAssembly, and code that is not small.

mod code;
mod shape;

/// Whether the function `method` of this binary code is one. The code is valid.
pub fn is_stateless(code: &[u8], is_component: bool, method: &str) -> bool {
    match is_component {
        false => code::is_pure(code, &[method]).unwrap_or(false),
        true => shape::lifted(code, method).is_some_and(|found| {
            let names: Vec<&str> = found.names.iter().map(String::as_str).collect();
            code::is_pure(found.module, &names).unwrap_or(false)
        }),
    }
}

#[cfg(test)]
mod tests;
