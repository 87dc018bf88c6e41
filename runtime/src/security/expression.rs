//! The guard of `security.policy.expr`: an expression over the actor, the
//! action, the resource and the attributes of a check.

use std::fmt;
use std::sync::Arc;

use wippy_expr as expr;
use wippy_expr::Ty;

use super::Check;
use crate::clock::Clock;
use crate::expression::{map_from_plain, reach};

/// Judged inside every request, so it may do far less than other expressions.
const LIMITS: expr::Limits = expr::Limits { steps: 20_000, memory: 20_000 };

/// A compiled expression that gives a boolean, as far as could be known.
pub(super) struct Expression {
    program: expr::Program,
    reads_attributes: bool,
    clock: Arc<dyn Clock>,
}

fn type_of(name: &str) -> Option<Ty> {
    Some(match name {
        "actor" => Ty::Object(&[("id", Ty::Str), ("meta", Ty::Map)]),
        "action" | "resource" => Ty::Str,
        "meta" => Ty::Map,
        _ => return None,
    })
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program.source())
    }
}

impl Expression {
    /// Errors: what is wrong and where. Names that are not there are nil.
    pub fn compile(source: &str, clock: Arc<dyn Clock>) -> Result<Expression, expr::Error> {
        let program = expr::Program::compile(source)?;
        program.check_bool(&expr::Names::Some(&type_of))?;
        let reads_attributes = program.names().any(|n| n == "meta" || n == "$env");
        Ok(Expression { program, reads_attributes, clock })
    }
    pub fn reads_attributes(&self) -> bool {
        self.reads_attributes
    }
    /// What cannot be computed, takes too long, or is no boolean does not hold.
    pub fn holds(&self, check: &Check<'_>) -> bool {
        matches!(self.program.run(Some(&Names(check)), &|| self.clock.wall(), LIMITS), Ok(expr::Value::Bool(true)))
    }
}

struct Names<'c>(&'c Check<'c>);

impl expr::Env for Names<'_> {
    fn get(&self, name: &str) -> Result<Option<expr::Value>, String> {
        let value = match name {
            "action" => expr::Value::text(self.0.action),
            "resource" => expr::Value::text(self.0.resource),
            "meta" => map_from_plain(self.0.attributes).map_err(|e| e.to_string())?,
            "actor" => {
                let meta = map_from_plain(&self.0.actor.meta).map_err(|e| e.to_string())?;
                map([("id", expr::Value::text(&self.0.actor.id)), ("meta", meta)])
            }
            _ => return Ok(None),
        };
        Ok(Some(value))
    }
    fn all(&self) -> expr::Value {
        let names = ["actor", "action", "resource", "meta"];
        map(names.map(|n| (n, self.get(n).ok().flatten().unwrap_or_default())))
    }
    fn reach(&self, name: &str, keys: &[Arc<str>]) -> Option<expr::Value> {
        match (name, keys) {
            ("meta", keys) => reach(self.0.attributes, keys),
            ("actor", [id]) if **id == *"id" => Some(expr::Value::text(&self.0.actor.id)),
            ("actor", [meta, keys @ ..]) if **meta == *"meta" => reach(&self.0.actor.meta, keys),
            _ => None,
        }
    }
}

fn map<const N: usize>(entries: [(&str, expr::Value); N]) -> expr::Value {
    let entries = entries.into_iter().map(|(k, v)| (expr::Key::Str(k.into()), v));
    expr::Value::map(entries.collect()).unwrap_or_default()
}
