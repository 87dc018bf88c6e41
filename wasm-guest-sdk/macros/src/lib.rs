//! The attribute `#[process]`. It only has to find the name of the function: what the function may take and return is
//! said by traits of `wippy-guest`, so no parser of Rust has to be compiled for every guest.
#![forbid(unsafe_code)]

use proc_macro::{TokenStream, TokenTree};

/// Makes a function the entry point of the process: what `method: run` of its entry calls.
///
/// The arguments of the spawn are its parameters, in order; each is decoded by serde, one that is missing is nil. It
/// returns nothing or a `Result`, whose value is the result of the process and whose error is why it failed.
#[proc_macro_attribute]
pub fn process(attribute: TokenStream, item: TokenStream) -> TokenStream {
    if !attribute.is_empty() {
        return error("#[process] takes no arguments");
    }
    match function_name(&item) {
        Ok(name) => {
            let mut out = item;
            let glue = format!("::wippy_guest::__export_process!({name});");
            out.extend(glue.parse::<TokenStream>().expect("a macro call is valid Rust"));
            out
        }
        Err(message) => {
            let mut out = error(message);
            out.extend(item);
            out
        }
    }
}

/// The identifier after the first `fn` outside of brackets.
fn function_name(item: &TokenStream) -> Result<String, &'static str> {
    let mut tokens = item.clone().into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word.to_string() == "async" => {
                return Err("a process waits by `receive` and is not async");
            }
            TokenTree::Ident(word) if word.to_string() == "fn" => {
                return match tokens.next() {
                    Some(TokenTree::Ident(name)) => Ok(name.to_string()),
                    _ => Err("#[process] belongs on a function"),
                };
            }
            _ => {}
        }
    }
    Err("#[process] belongs on a function")
}

fn error(message: &str) -> TokenStream {
    format!("::core::compile_error!({message:?});").parse().expect("a macro call is valid Rust")
}
