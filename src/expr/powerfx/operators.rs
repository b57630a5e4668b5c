//! Arithmetic, comparison and membership.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::coerce::{Number, mismatch};
use super::datetime::{self, DAY};
use super::enums::Raw;
use super::error::{Eval, Failure, Kind};
use super::eval::Cx;
use super::syntax::Binary;
use super::value::Value;

pub(super) fn binary(cx: &mut Cx<'_>, operator: Binary, left: Value, right: Value) -> Eval {
    match operator {
        Binary::Add => add(cx, &left, &right),
        Binary::Subtract => subtract(cx, &left, &right),
        Binary::Multiply | Binary::Divide => {
            let (left, right) = operands(cx, &left, &right)?;
            match operator {
                Binary::Multiply => multiply(left, right),
                _ => divide(left, right),
            }
        }
        Binary::Power => {
            let (left, right) = super::error::both(cx.float(&left), cx.float(&right))?;
            power(left, right)
        }
        Binary::Equal => Ok(Value::Boolean(equal(cx, &left, &right)?)),
        Binary::NotEqual => Ok(Value::Boolean(!equal(cx, &left, &right)?)),
        Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual => {
            let order = order(cx, &left, &right)?;
            Ok(Value::Boolean(match operator {
                Binary::Less => order.is_lt(),
                Binary::LessEqual => order.is_le(),
                Binary::Greater => order.is_gt(),
                _ => order.is_ge(),
            }))
        }
        Binary::In => contains(cx, &left, &right, false),
        Binary::ExactIn => contains(cx, &left, &right, true),
    }
}

/// Both numbers; one that is a float makes the other a float.
fn operands(cx: &mut Cx<'_>, left: &Value, right: &Value) -> Eval<(Number, Number)> {
    if matches!(left, Value::Float(_)) || matches!(right, Value::Float(_)) {
        let (left, right) = super::error::both(cx.float(left), cx.float(right))?;
        return Ok((Number::Float(left), Number::Float(right)));
    }
    let decimals = matches!((left, right), (Value::Decimal(_), Value::Decimal(_)));
    if cx.options.number_is_float && !decimals {
        let (left, right) = super::error::both(cx.float(left), cx.float(right))?;
        return Ok((Number::Float(left), Number::Float(right)));
    }
    let (left, right) = super::error::both(cx.decimal(left), cx.decimal(right))?;
    Ok((Number::Decimal(left), Number::Decimal(right)))
}

fn finite(value: f64) -> Eval {
    match value.is_finite() {
        true => Ok(Value::Float(value)),
        false => Err(Failure::numeric("the result is too large for a number")),
    }
}

fn fits(value: Option<Decimal>) -> Eval {
    value
        .map(Value::Decimal)
        .ok_or_else(|| Failure::numeric("the result is too large for a decimal"))
}

fn plus(left: Number, right: Number) -> Eval {
    match (left, right) {
        (Number::Decimal(left), Number::Decimal(right)) => fits(left.checked_add(right)),
        (left, right) => finite(left.float() + right.float()),
    }
}

pub(super) fn multiply(left: Number, right: Number) -> Eval {
    match (left, right) {
        (Number::Decimal(left), Number::Decimal(right)) => fits(left.checked_mul(right)),
        (left, right) => finite(left.float() * right.float()),
    }
}

pub(super) fn divide(left: Number, right: Number) -> Eval {
    if right.is_zero() {
        return Err(Failure::div0());
    }
    match (left, right) {
        (Number::Decimal(left), Number::Decimal(right)) => fits(left.checked_div(right)),
        (left, right) => finite(left.float() / right.float()),
    }
}

pub(super) fn power(base: f64, exponent: f64) -> Eval {
    if base == 0.0 && exponent < 0.0 {
        return Err(Failure::div0());
    }
    finite(base.powf(exponent))
}

fn minus(number: Number) -> Number {
    match number {
        Number::Float(value) => Number::Float(-value),
        Number::Decimal(value) => Number::Decimal(-value),
    }
}

pub(super) fn negate(cx: &mut Cx<'_>, value: &Value) -> Eval {
    match value {
        Value::Time(ticks) => Ok(Value::Time(-ticks)),
        Value::Date(ticks) => shift(cx, &Value::Date(datetime::EPOCH), datetime::EPOCH - ticks),
        Value::DateTime(ticks) => shift(cx, &Value::DateTime(datetime::EPOCH), datetime::EPOCH - ticks),
        _ => cx.number(value).map(|value| minus(value).value()),
    }
}

pub(super) fn percent(cx: &mut Cx<'_>, value: &Value) -> Eval {
    match cx.number(value)? {
        Number::Float(value) => Ok(Value::Float(value / 100.0)),
        Number::Decimal(value) => fits(value.checked_div(Decimal::ONE_HUNDRED)),
    }
}

/// A date or time with ticks added.
fn shift(cx: &Cx<'_>, value: &Value, ticks: i64) -> Eval {
    let outside = || Failure::numeric("the date is not between the years 1 and 9999");
    Ok(match value {
        Value::Time(at) => Value::Time(at.checked_add(ticks).ok_or_else(outside)?),
        Value::Date(at) => {
            let moved = at.checked_add(ticks).and_then(datetime::in_range).ok_or_else(outside)?;
            Value::Date(datetime::existing(moved, cx.zone()))
        }
        Value::DateTime(at) => {
            let moved = at.checked_add(ticks).and_then(datetime::in_range).ok_or_else(outside)?;
            Value::DateTime(datetime::existing(moved, cx.zone()))
        }
        other => return Err(mismatch(other, "a date")),
    })
}

fn is_temporal(value: &Value) -> bool {
    matches!(value, Value::Date(_) | Value::DateTime(_) | Value::Time(_))
}

fn add(cx: &mut Cx<'_>, left: &Value, right: &Value) -> Eval {
    match (left, right) {
        (Value::Time(left), Value::Time(right)) => Ok(Value::Time(left + right)),
        (Value::Time(time), Value::Date(ticks) | Value::DateTime(ticks))
        | (Value::Date(ticks) | Value::DateTime(ticks), Value::Time(time)) => {
            shift(cx, &Value::DateTime(*ticks), *time)
        }
        (left, right) if is_temporal(left) && is_temporal(right) => Err(Failure::invalid("two dates cannot be added")),
        (temporal, other) | (other, temporal) if is_temporal(temporal) => {
            let days = cx.float(other)?;
            shift(cx, temporal, datetime::from_days(days)?)
        }
        _ => {
            let (left, right) = operands(cx, left, right)?;
            plus(left, right)
        }
    }
}

fn subtract(cx: &mut Cx<'_>, left: &Value, right: &Value) -> Eval {
    match (left, right) {
        (Value::Time(left), Value::Time(right))
        | (Value::Date(left) | Value::DateTime(left), Value::Date(right) | Value::DateTime(right)) => {
            let days = (left - right) as f64 / DAY as f64;
            match cx.options.number_is_float {
                true => Ok(Value::Float(days)),
                false => {
                    let exact = Decimal::from(left - right).checked_div(Decimal::from(DAY));
                    fits(exact)
                }
            }
        }
        (Value::Date(ticks) | Value::DateTime(ticks), Value::Time(time)) => shift(cx, &Value::DateTime(*ticks), -time),
        (Value::Time(_), Value::Date(_) | Value::DateTime(_)) => {
            Err(Failure::invalid("a date cannot be subtracted from a time"))
        }
        (temporal, other) if is_temporal(temporal) => {
            let days = cx.float(other)?;
            shift(cx, temporal, datetime::from_days(-days)?)
        }
        (_, temporal) if is_temporal(temporal) => Err(Failure::new(
            Kind::NOT_SUPPORTED,
            format!("{} is not subtracted from a number", temporal.a_kind()),
        )),
        (left, right @ Value::Untyped(_)) => {
            let right = cx.number(right)?.value();
            let (left, right) = operands(cx, left, &right)?;
            plus(left, minus(right))
        }
        _ => {
            let (left, right) = operands(cx, left, right)?;
            plus(left, minus(right))
        }
    }
}

pub(super) fn compare_numbers(left: Number, right: Number) -> Ordering {
    match (left, right) {
        (Number::Decimal(left), Number::Decimal(right)) => left.cmp(&right),
        (left, right) => left.float().partial_cmp(&right.float()).unwrap_or(Ordering::Equal),
    }
}

/// The order of two values as `<` sees them: numbers, dates and times.
fn order(cx: &mut Cx<'_>, left: &Value, right: &Value) -> Eval<Ordering> {
    for value in [left, right] {
        if matches!(
            value,
            Value::Text(_) | Value::Boolean(_) | Value::Record(_) | Value::Table(_) | Value::Guid(_) | Value::Color(_)
        ) {
            return Err(mismatch(value, "a number to compare"));
        }
    }
    match (left, right) {
        (Value::Untyped(_), other) if is_temporal(other) || matches!(other, Value::Decimal(_)) => {
            let left = like(cx, left, other)?;
            return order(cx, &left, other);
        }
        (other, Value::Untyped(_)) if is_temporal(other) || matches!(other, Value::Decimal(_)) => {
            let right = like(cx, right, other)?;
            return order(cx, other, &right);
        }
        (Value::Time(left), Value::Time(right)) => return Ok(left.cmp(right)),
        (left, right) if is_temporal(left) && is_temporal(right) => {
            return Ok(cx.ticks(left)?.cmp(&cx.ticks(right)?));
        }
        _ => {}
    }
    let (left, right) = operands(cx, left, right)?;
    Ok(compare_numbers(left, right))
}

/// An untyped value as one of the kind of another.
fn like(cx: &mut Cx<'_>, untyped: &Value, other: &Value) -> Eval {
    match other {
        Value::Boolean(_) => cx.boolean(untyped).map(Value::Boolean),
        Value::Float(_) => cx.float(untyped).map(Value::Float),
        Value::Decimal(_) => cx.decimal(untyped).map(Value::Decimal),
        Value::Text(_) => cx.string(untyped).map(Value::Text),
        Value::Date(_) => cx
            .ticks(untyped)
            .map(|ticks| Value::Date(ticks - ticks.rem_euclid(DAY))),
        Value::DateTime(_) => cx.ticks(untyped).map(Value::DateTime),
        Value::Time(_) => cx.time(untyped).map(Value::Time),
        _ => Ok(untyped.clone()),
    }
}

/// Whether two values are equal, as `=` sees them.
pub(super) fn equal(cx: &mut Cx<'_>, left: &Value, right: &Value) -> Eval<bool> {
    cx.burn(1)?;
    Ok(match (left, right) {
        (left, right) if left.is_blank() || right.is_blank() => left.is_blank() && right.is_blank(),
        (Value::Untyped(_), Value::Untyped(_)) => return Err(mismatch(left, "one side of a comparison")),
        (Value::Untyped(json), other) | (other, Value::Untyped(json)) => {
            let untyped = Value::Untyped(json.clone());
            let same = like(cx, &untyped, other)?;
            match same {
                Value::Untyped(_) => false,
                same => equal(cx, &same, other)?,
            }
        }
        (Value::Boolean(left), Value::Boolean(right)) => left == right,
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::Guid(left), Value::Guid(right)) => left == right,
        (Value::Color(left), Value::Color(right)) => left == right,
        (Value::Enum(_, Raw::Color(left)), Value::Color(right))
        | (Value::Color(right), Value::Enum(_, Raw::Color(left))) => left == right,
        (Value::Enum(one, left), Value::Enum(other, right)) => one == other && left == right,
        (Value::Enum(_, Raw::Text(left)), Value::Text(right))
        | (Value::Text(right), Value::Enum(_, Raw::Text(left))) => **left == **right,
        (Value::Float(_) | Value::Decimal(_), Value::Float(_) | Value::Decimal(_)) => {
            let (left, right) = operands(cx, left, right)?;
            compare_numbers(left, right).is_eq()
        }
        (Value::Enum(_, Raw::Number(_)), Value::Float(_) | Value::Decimal(_))
        | (Value::Float(_) | Value::Decimal(_), Value::Enum(_, Raw::Number(_))) => {
            cx.float(left)? == cx.float(right)?
        }
        (Value::Time(left), Value::Time(right)) => left == right,
        (left, right) if is_temporal(left) && is_temporal(right) => cx.ticks(left)? == cx.ticks(right)?,
        (left, right) if is_temporal(left) || is_temporal(right) => {
            let number = |value: &Value| is_temporal(value) || matches!(value, Value::Float(_) | Value::Decimal(_));
            match number(left) && number(right) {
                true => {
                    let (left, right) = operands(cx, left, right)?;
                    compare_numbers(left, right).is_eq()
                }
                false => false,
            }
        }
        (Value::Record(left), Value::Record(right)) => {
            if left.0.len() != right.0.len() {
                return Ok(false);
            }
            for (name, value) in left.iter() {
                let Some(other) = right.get(name) else {
                    return Ok(false);
                };
                if !equal(cx, &value.clone().read()?, &other.clone().read()?)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => false,
    })
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}

/// `in` and `exactin`: a text within a text, a value within the column of a table, a record among rows.
fn contains(cx: &mut Cx<'_>, left: &Value, right: &Value, exact: bool) -> Eval {
    if let Value::Table(table) = right {
        for row in table.rows() {
            if row.is_blank() {
                continue;
            }
            let row = row.clone().read()?;
            let found = match left {
                Value::Record(_) => equal(cx, left, &row)?,
                _ => {
                    let value = row.first_field().read()?;
                    match (left, &value) {
                        (Value::Text(left), Value::Text(value)) if !exact => {
                            cx.burn(1 + (left.len() + value.len()) as u64 / 64)?;
                            lower(left) == lower(value)
                        }
                        _ => equal(cx, left, &value)?,
                    }
                }
            };
            if found {
                return Ok(Value::Boolean(true));
            }
        }
        return Ok(Value::Boolean(false));
    }
    if matches!(right, Value::Record(_)) {
        return Err(mismatch(right, "a table or a text to search"));
    }
    let (left, right) = super::error::both(cx.string(left), cx.string(right))?;
    cx.burn((left.len() + right.len()) as u64 / 64)?;
    Ok(Value::Boolean(match exact {
        true => right.contains(&*left),
        false => lower(&right).contains(&lower(&left)),
    }))
}
