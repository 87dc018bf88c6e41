//! Functions of numbers.

use super::{Answer, int};
use crate::eval::{Budget, Text, order};
use crate::value::Value;

pub(super) fn abs(_: &mut Budget, arguments: &[Value]) -> Answer {
    match &arguments[0] {
        Value::Int(n) => Ok(Value::Int(n.wrapping_abs())),
        other => Ok(Value::Float(other.as_float().unwrap_or(f64::NAN).abs())),
    }
}

fn rounded(arguments: &[Value], f: fn(f64) -> f64) -> Answer {
    Ok(Value::Float(f(arguments[0].as_float().unwrap_or(f64::NAN))))
}

pub(super) fn ceil(_: &mut Budget, arguments: &[Value]) -> Answer {
    rounded(arguments, f64::ceil)
}

pub(super) fn floor(_: &mut Budget, arguments: &[Value]) -> Answer {
    rounded(arguments, f64::floor)
}

pub(super) fn round(_: &mut Budget, arguments: &[Value]) -> Answer {
    rounded(arguments, f64::round)
}

/// The numbers in `arguments` and in lists in them.
fn gather(all: &mut Vec<Value>, arguments: &[Value], name: &str, budget: &mut Budget) -> Result<(), Text> {
    for argument in arguments {
        budget.step(1)?;
        match argument {
            Value::Int(_) | Value::Float(_) => all.push(argument.clone()),
            Value::List(list) => gather(all, list.items(), name, budget)?,
            other => return Err(format!("invalid argument for {name} (type {})", other.type_name()).into()),
        }
    }
    Ok(())
}

fn best(budget: &mut Budget, arguments: &[Value], name: &str, wanted: std::cmp::Ordering) -> Answer {
    let mut all = Vec::new();
    gather(&mut all, arguments, name, budget)?;
    let best = all.into_iter().reduce(|best, v| if order(&v, &best) == Some(Some(wanted)) { v } else { best });
    Ok(best.unwrap_or_default())
}

pub(super) fn max(budget: &mut Budget, arguments: &[Value]) -> Answer {
    best(budget, arguments, "max", std::cmp::Ordering::Greater)
}

pub(super) fn min(budget: &mut Budget, arguments: &[Value]) -> Answer {
    best(budget, arguments, "min", std::cmp::Ordering::Less)
}

fn floats(budget: &mut Budget, arguments: &[Value], name: &str) -> Result<Vec<f64>, Text> {
    let mut all = Vec::new();
    gather(&mut all, arguments, name, budget)?;
    Ok(all.iter().filter_map(Value::as_float).collect())
}

pub(super) fn mean(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let all = floats(budget, arguments, "mean")?;
    Ok(Value::Float(if all.is_empty() { 0.0 } else { all.iter().sum::<f64>() / all.len() as f64 }))
}

pub(super) fn median(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let mut all = floats(budget, arguments, "median")?;
    let n = all.len();
    budget.step(n as u64 * u64::from(n.checked_ilog2().unwrap_or(0)))?;
    all.sort_by(f64::total_cmp);
    Ok(Value::Float(match n {
        0 => 0.0,
        n if n % 2 == 1 => all[n / 2],
        n => (all[n / 2 - 1] + all[n / 2]) / 2.0,
    }))
}

fn two(arguments: &[Value], f: fn(i64, i64) -> i64) -> Answer {
    Ok(Value::Int(f(int(arguments, 0).unwrap_or(0), int(arguments, 1).unwrap_or(0))))
}

pub(super) fn bitand(_: &mut Budget, arguments: &[Value]) -> Answer {
    two(arguments, |a, b| a & b)
}

pub(super) fn bitor(_: &mut Budget, arguments: &[Value]) -> Answer {
    two(arguments, |a, b| a | b)
}

pub(super) fn bitxor(_: &mut Budget, arguments: &[Value]) -> Answer {
    two(arguments, |a, b| a ^ b)
}

/// The bits of the first that are not in the second.
pub(super) fn bitnand(_: &mut Budget, arguments: &[Value]) -> Answer {
    two(arguments, |a, b| a & !b)
}

pub(super) fn bitnot(_: &mut Budget, arguments: &[Value]) -> Answer {
    two(arguments, |a, _| !a)
}

fn shift(arguments: &[Value], f: fn(i64, u32) -> i64) -> Answer {
    let (value, by) = (int(arguments, 0).unwrap_or(0), int(arguments, 1).unwrap_or(0));
    let by = u64::try_from(by).map_err(|_| format!("invalid operation: negative shift count {by} (type int)"))?;
    Ok(Value::Int(f(value, by.min(64) as u32)))
}

pub(super) fn bitshl(_: &mut Budget, arguments: &[Value]) -> Answer {
    shift(arguments, |n, by| n.checked_shl(by).unwrap_or(0))
}

pub(super) fn bitshr(_: &mut Budget, arguments: &[Value]) -> Answer {
    shift(arguments, |n, by| n >> by.min(63))
}

pub(super) fn bitushr(_: &mut Budget, arguments: &[Value]) -> Answer {
    shift(arguments, |n, by| (n as u64).checked_shr(by).unwrap_or(0) as i64)
}
