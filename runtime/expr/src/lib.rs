//! The expression language of policies and of the `expr` module: the dialect of
//! expr-lang, which no crate follows closely and within bounds.
//!
//! A [`Program`] is compiled once (`lexer`, `parser`, then `check` for types)
//! and run as often as wanted by `eval` against an [`Env`]. Expressions are
//! bounded in nodes and depth, values in size and depth, runs in steps and
//! memory: whatever the input, compiling and running end and never panic.
//!
//! Knows nothing of the runtime: whoever has names brings an [`Env`].

#![forbid(unsafe_code)]

mod ast;
mod builtins;
mod check;
mod error;
mod eval;
mod lexer;
mod parser;
mod types;
mod value;

use std::sync::Arc;

pub use builtins::names as builtin_names;
pub use error::Error;
pub use parser::{MAX_DEPTH, MAX_NODES, MAX_SOURCE};
pub use types::Ty;
pub use value::{Key, List, MAX_NESTING, MAX_SIZE, Map, TooLarge, Value};

/// Where names come from while an expression runs.
pub trait Env {
    /// The value of a name, `None` if there is none. Errors: a text, such as that names cannot be looked up here.
    fn get(&self, name: &str) -> Result<Option<Value>, String>;
    /// `$env`.
    fn all(&self) -> Value;
    /// The value of `name.key.key...`, found without building what it is in. `None` leaves the way to the language.
    fn reach(&self, name: &str, keys: &[Arc<str>]) -> Option<Value> {
        let _ = (name, keys);
        None
    }
}

/// What the checker knows of names: their types.
pub enum Names<'n> {
    /// Nothing.
    Any,
    /// Something; other names are allowed.
    Some(&'n dyn Fn(&str) -> Option<Ty>),
    /// Everything; other names are errors.
    Only(&'n dyn Fn(&str) -> Option<Ty>),
}

/// What one run may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nodes evaluated, elements looked at, pieces of text compared.
    pub steps: u64,
    /// Values built; sixteen bytes of text count as one.
    pub memory: u64,
}

impl Default for Limits {
    /// A hundred thousand steps, some 4 ms and 14 at most, and a million values, some megabytes.
    fn default() -> Limits {
        Limits { steps: 100_000, memory: 1_000_000 }
    }
}

/// A compiled expression.
#[derive(Debug)]
pub struct Program {
    source: Box<str>,
    parsed: parser::Parsed,
}

impl Program {
    /// Compiles what may use any names. Errors: the syntax, or operands that can never fit.
    pub fn compile(source: &str) -> Result<Program, Error> {
        let parsed = parser::parse(source).map_err(|fault| fault.locate(source))?;
        let program = Program { source: source.into(), parsed };
        program.check(&Names::Any)?;
        Ok(program)
    }
    /// What is known of the result. Errors: unknown names, operands that can never fit.
    pub fn check(&self, names: &Names<'_>) -> Result<Ty, Error> {
        let ty = check::check(&self.parsed.root, names, self.parsed.slots);
        ty.map_err(|fault| fault.locate(&self.source))
    }
    /// As [`Program::check`], and the result must be a boolean, as far as that is known.
    pub fn check_bool(&self, names: &Names<'_>) -> Result<(), Error> {
        match self.check(names)? {
            Ty::Bool | Ty::Any => Ok(()),
            ty => {
                let fault = error::Fault::new(self.parsed.root.at, format!("expected bool, but got {ty}"));
                Err(fault.locate(&self.source))
            }
        }
    }
    pub fn source(&self) -> &str {
        &self.source
    }
    /// The names of the environment it looks up, and `$env` if it does.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parsed.names.iter().map(|n| &**n)
    }
    /// Bytes it takes, about.
    pub fn weight(&self) -> usize {
        self.parsed.weight
    }
    /// Without an `env` every name is an error. `now` gives nanoseconds since 1970.
    pub fn run(&self, env: Option<&dyn Env>, now: &dyn Fn() -> i64, limits: Limits) -> Result<Value, Error> {
        self.run_counted(env, now, limits).0
    }
    /// [`Program::run`], and the steps it took, however it ended.
    pub fn run_counted(
        &self,
        env: Option<&dyn Env>,
        now: &dyn Fn() -> i64,
        limits: Limits,
    ) -> (Result<Value, Error>, u64) {
        let around = eval::Surroundings { env, now };
        let mut run = eval::Run::new(around, limits, self.parsed.slots);
        let result = run.node(&self.parsed.root).map_err(|fault| fault.locate(&self.source));
        (result, limits.steps.saturating_sub(run.steps_left()))
    }
}
