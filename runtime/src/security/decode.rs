//! Reading `security.policy` and `security.policy.expr` entries.

use std::sync::Arc;

use regex::RegexBuilder;

use super::condition::{Condition, Operand, Operator, Right};
use super::expression::Expression;
use super::policy::{Effect, Filter, Guard, Policy};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::payload::Value;
use crate::registry::decode::Fields;
use crate::registry::{Entry, EntryId};

/// Largest compiled regular expression, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// The kind of policies whose guard is an expression.
pub(super) const EXPRESSION: &str = "security.policy.expr";

/// The policy of an entry, and the groups it is in. Errors: Internal `failed to create policy entry`, because of
/// Invalid `failed to decode policy config` or Internal `failed to create policy`; with `expr policy` in their place
/// for those.
pub(super) fn policy(entry: &Entry, clock: &Arc<dyn Clock>) -> Result<(Policy, Vec<EntryId>)> {
    read(entry, clock).map_err(|e| Error::internal("failed to create policy entry").because(e))
}

fn read(entry: &Entry, clock: &Arc<dyn Clock>) -> Result<(Policy, Vec<EntryId>)> {
    let is_expression = entry.kind == EXPRESSION;
    let what = if is_expression { "expr policy" } else { "policy" };
    let invalid = |e| Error::invalid(format!("failed to decode {what} config")).because(e);
    let refused = |e| Error::internal(format!("failed to create {what}")).because(e);
    let fields = Fields::new(entry).map_err(invalid)?;
    let groups = fields.list_of_str("groups").map_err(invalid)?;
    let groups = groups.into_iter().filter(|g| !g.is_empty()).map(|g| EntryId::resolve(g, entry.id.ns())).collect();
    let Some(policy) = fields.nested("policy").map_err(invalid)? else {
        return Err(invalid(fields.error("policy", "actions must be a string or list")));
    };
    let actions = filter(&policy, "actions").map_err(invalid)?;
    let resources = filter(&policy, "resources").map_err(invalid)?;
    let guard = if is_expression { Source::expression(&policy) } else { Source::conditions(&policy) };
    let guard = guard.map_err(invalid)?;
    let effect = match policy.opt_str("effect").map_err(invalid)?.unwrap_or_default() {
        "allow" => Effect::Allow,
        "deny" => Effect::Deny,
        other => return Err(invalid(policy.error("effect", format_args!("invalid policy effect: {other}")))),
    };
    let guard = guard.compile(&policy, clock).map_err(refused)?;
    drop(policy);
    fields.finish_and_log();
    Ok((Policy { id: entry.id.clone(), actions, resources, guard, effect }, groups))
}

/// A guard as it is written, its fields checked.
enum Source<'e> {
    Conditions(Vec<Written<'e>>),
    Expression(&'e str),
}

impl<'e> Source<'e> {
    fn conditions(policy: &Fields<'e>) -> Result<Source<'e>> {
        let written = policy.list_of_maps("conditions")?;
        let written = written.iter().enumerate().map(|(i, c)| Written::read(i, c));
        Ok(Source::Conditions(written.collect::<Result<_>>()?))
    }
    fn expression(policy: &Fields<'e>) -> Result<Source<'e>> {
        match policy.str_or("expression", "")? {
            "" => Err(policy.error("expression", "expression cannot be empty")),
            source => Ok(Source::Expression(source)),
        }
    }
    fn compile(self, policy: &Fields<'_>, clock: &Arc<dyn Clock>) -> Result<Guard> {
        match self {
            Source::Conditions(written) => {
                let conditions = written.into_iter().enumerate();
                let conditions = conditions.map(|(i, w)| w.compile().map_err(|e| entry_error(policy, i, e)));
                Ok(Guard::Conditions(conditions.collect::<Result<_>>()?))
            }
            Source::Expression(source) => match Expression::compile(source, clock.clone()) {
                Ok(expression) => Ok(Guard::Expression(Box::new(expression))),
                Err(e) => Err(policy.error("expression", format_args!("expression compilation failed: {e}"))),
            },
        }
    }
}

/// `error`, led to by the place of the condition's value.
fn entry_error(policy: &Fields<'_>, i: usize, error: Error) -> Error {
    let details = error.details().cloned();
    policy.error(&format!("conditions.{i}.value"), error.message()).with_details(details)
}

/// A filter: a text, or a list of which items that are no texts match nothing.
fn filter(policy: &Fields<'_>, key: &str) -> Result<Filter> {
    match policy.value(key) {
        Some(Value::Str(text)) if text.is_empty() => {
            Err(policy.error(key, format_args!("{key} string cannot be empty")))
        }
        Some(Value::List(list)) if list.is_empty() => {
            Err(policy.error(key, format_args!("{key} list cannot be empty")))
        }
        Some(Value::Str(text)) => Ok(Filter::new([text.as_str()])),
        Some(Value::List(list)) => Ok(Filter::new(list.iter().filter_map(Value::as_str))),
        _ => Err(policy.error(key, format_args!("{key} must be a string or list"))),
    }
}

/// A condition as it is written, its fields checked.
struct Written<'e> {
    field: &'e str,
    operator: (Operator, bool),
    value: Option<&'e Value>,
    value_from: &'e str,
}

impl<'e> Written<'e> {
    fn read(i: usize, fields: &Fields<'e>) -> Result<Written<'e>> {
        let wrong = |key: &str, what: &str| fields.error(key, format_args!("condition {i}: {what}"));
        let field = fields.str_or("field", "")?;
        if field.is_empty() {
            return Err(wrong("field", "field is required"));
        }
        let operator = fields.str_or("operator", "")?;
        if operator.is_empty() {
            return Err(wrong("operator", "operator is required"));
        }
        let (value, value_from) = (fields.value("value"), fields.str_or("value_from", "")?);
        if value.is_none() && value_from.is_empty() {
            return Err(wrong("value", "value or value_from is required"));
        }
        let unknown = || wrong("operator", &format!("invalid operator: {operator}"));
        Ok(Written { field, operator: Operator::parse(operator).ok_or_else(unknown)?, value, value_from })
    }

    /// Errors: Internal `invalid regex pattern`.
    fn compile(self) -> Result<Condition> {
        let (operator, negated) = self.operator;
        let right = match (self.value, operator) {
            _ if !self.value_from.is_empty() => Right::From(Operand::parse(self.value_from)),
            (Some(Value::Str(pattern)), Operator::Matches) => {
                let compiled = RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build();
                Right::Pattern(compiled.map_err(|e| {
                    let cause = e.to_string();
                    Error::internal("invalid regex pattern").detail("pattern", pattern.as_str()).detail("cause", cause)
                })?)
            }
            (value, Operator::Matches) => {
                let error = Error::internal("invalid regex pattern");
                return Err(error.detail("pattern", value.cloned()).detail("cause", "the pattern must be a string"));
            }
            (value, _) => Right::Value(value.cloned().unwrap_or_default()),
        };
        Ok(Condition { field: Operand::parse(self.field), operator, negated, right })
    }
}
