//! Functions of numbers.

use rust_decimal::prelude::*;

use super::Blank::Zero;
use super::{Family, Function, Param, Returns};
use crate::expr::powerfx::coerce::Number;
use crate::expr::powerfx::error::{Eval, Failure};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::number;
use crate::expr::powerfx::operators;
use crate::expr::powerfx::value::Value;

const fn math(function: Function) -> Function {
    function.family(Family::Number)
}

const FLOAT: Param = Param::Float(Zero);
const NUMBER: Param = Param::Number(Zero);

macro_rules! float_functions {
    ($($name:literal $run:expr, $formula:literal $gives:literal;)+) => {
        [$(math(Function::plain($name, &[FLOAT], Returns::Float, |_, values| finite($run(float(&values[0])))))
            .tabular()
            .example($formula, $gives),)+]
    };
}

pub(super) static OF_FLOATS: &[Function] = &float_functions! {
"Acos" f64::acos, "Acos(1)" "0";
"Acot" |x: f64| std::f64::consts::FRAC_PI_2 - x.atan(), "Round(Acot(0), 4)" "1.5708";
"Asin" f64::asin, "Asin(0)" "0";
"Atan" f64::atan, "Atan(0)" "0";
"Cos" f64::cos, "Cos(0)" "1";
"Degrees" |x: f64| x * 180.0 / std::f64::consts::PI, "Degrees(Pi())" "180";
"Exp" f64::exp, "Exp(0)" "1";
"Radians" |x: f64| x * std::f64::consts::PI / 180.0, "Radians(0)" "0";
"Sin" f64::sin, "Sin(0)" "0";
"Tan" f64::tan, "Tan(0)" "0";
"Sqrt" f64::sqrt, "Sqrt(9)" "3";
"Ln" |x: f64| if x <= 0.0 { f64::NAN } else { x.ln() }, "Ln(1)" "0";
};

pub(super) static FUNCTIONS: &[Function] = &[
    math(Function::plain("Abs", &[NUMBER], Returns::Number, |_, values| {
        Ok(match number_of(&values[0]) {
            Number::Float(value) => Value::Float(value.abs()),
            Number::Decimal(value) => Value::Decimal(value.abs()),
        })
    }))
    .tabular()
    .example("Abs(-2)", "2"),
    math(Function::plain(
        "Atan2",
        &[FLOAT, FLOAT],
        Returns::Float,
        |_, values| {
            let (x, y) = (float(&values[0]), float(&values[1]));
            match x == 0.0 && y == 0.0 {
                true => Err(Failure::div0()),
                false => finite(y.atan2(x)),
            }
        },
    ))
    .tabular()
    .example("Atan2(1, 0)", "0"),
    math(Function::plain(
        "Cot",
        &[FLOAT],
        Returns::Float,
        |_, values| match float(&values[0]).tan() {
            0.0 => Err(Failure::div0()),
            tangent => finite(1.0 / tangent),
        },
    ))
    .tabular()
    .example("Round(Cot(1), 4)", "0.6421"),
    math(Function::plain("Dec2Hex", &[FLOAT, FLOAT], Returns::Text, dec2hex))
        .arity(1, 2)
        .tabular()
        .example("Dec2Hex(255, 4)", "\"00FF\""),
    math(Function::plain("Hex2Dec", &[Param::Text(Zero)], Returns::Int, hex2dec))
        .tabular()
        .example("Hex2Dec(\"FF\")", "255"),
    math(Function::plain("Int", &[NUMBER], Returns::Number, |_, values| {
        Ok(match number_of(&values[0]) {
            Number::Float(value) => Value::Float(value.floor()),
            Number::Decimal(value) => Value::Decimal(value.floor()),
        })
    }))
    .tabular()
    .example("Int(-1.5)", "-2"),
    math(Function::plain(
        "IsNumeric",
        &[Param::Any],
        Returns::Boolean,
        is_numeric,
    ))
    .example("IsNumeric(\"12\")", "true"),
    math(Function::plain("Log", &[FLOAT, FLOAT], Returns::Float, log))
        .arity(1, 2)
        .tabular()
        .example("Log(100)", "2"),
    math(Function::plain("Mod", &[NUMBER, NUMBER], Returns::Number, modulo))
        .tabular()
        .example("Mod(-1, 3)", "2"),
    math(Function::plain("Pi", &[], Returns::Float, |_, _| {
        Ok(Value::Float(std::f64::consts::PI))
    }))
    .example("Round(Pi(), 2)", "3.14"),
    math(Function::plain(
        "Power",
        &[FLOAT, FLOAT],
        Returns::Float,
        |_, values| operators::power(float(&values[0]), float(&values[1])),
    ))
    .tabular()
    .example("Power(2, 10)", "1024"),
    math(Function::plain("Rand", &[], Returns::Int, |cx, _| {
        let random = cx.random();
        match cx.options.number_is_float {
            true => Ok(Value::Float(random)),
            false => number::to_decimal(random).map(Value::Decimal),
        }
    }))
    .example("Rand() < 1", "true"),
    math(Function::plain(
        "RandBetween",
        &[NUMBER, NUMBER],
        Returns::Number,
        rand_between,
    ))
    .tabular()
    .example("RandBetween(3, 3)", "3"),
    math(Function::plain(
        "Round",
        &[NUMBER, FLOAT],
        Returns::Number,
        |_, values| round(values, Way::Nearest),
    ))
    .tabular()
    .example("Round(2.345, 2)", "2.35"),
    math(Function::plain(
        "RoundDown",
        &[NUMBER, FLOAT],
        Returns::Number,
        |_, values| round(values, Way::Down),
    ))
    .tabular()
    .example("RoundDown(-2.9, 0)", "-2"),
    math(Function::plain(
        "RoundUp",
        &[NUMBER, FLOAT],
        Returns::Number,
        |_, values| round(values, Way::Up),
    ))
    .tabular()
    .example("RoundUp(2.1, 0)", "3"),
    math(Function::plain(
        "Trunc",
        &[NUMBER, FLOAT],
        Returns::Number,
        |_, values| round(values, Way::Down),
    ))
    .arity(1, 2)
    .tabular()
    .example("Trunc(-1.55, 1)", "-1.5"),
    math(Function::plain(
        "Sequence",
        &[FLOAT, NUMBER, NUMBER],
        Returns::Check(sequence_type),
        sequence,
    ))
    .arity(1, 3)
    .example("Sequence(3, 10, 5)", "Table({Value:10},{Value:15},{Value:20})"),
];

fn number_of(value: &Value) -> Number {
    match value {
        Value::Float(value) => Number::Float(*value),
        Value::Decimal(value) => Number::Decimal(*value),
        _ => Number::Decimal(Decimal::ZERO),
    }
}

fn float(value: &Value) -> f64 {
    number_of(value).float()
}

fn finite(value: f64) -> Eval {
    match value.is_finite() {
        true => Ok(Value::Float(value)),
        false => Err(Failure::numeric("the function has no value for this number")),
    }
}

fn dec2hex(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let number = float(&values[0]).floor();
    // Numbers of 40 bits, negative ones as their complement.
    if !(-549_755_813_888.0..=549_755_813_887.0).contains(&number) {
        return Err(Failure::numeric("the number does not fit into ten hexadecimal digits"));
    }
    let places = values.get(1).map(|places| float(places).trunc());
    if places.is_some_and(|places| !(1.0..=10.0).contains(&places)) {
        return Err(Failure::numeric("there are from one to ten digits"));
    }
    let number = number as i64;
    if number < 0 {
        return cx.make_text(format!("{:010X}", number & 0xff_ffff_ffff));
    }
    let hex = format!("{number:X}");
    let width = places.map_or(0, |places| places as usize);
    if width > 0 && hex.len() > width {
        return Err(Failure::numeric("the number has more digits"));
    }
    cx.make_text(format!("{hex:0>width$}"))
}

fn hex2dec(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let Value::Text(text) = &values[0] else {
        return Ok(cx.int(0));
    };
    if text.is_empty() {
        return Ok(cx.int(0));
    }
    let number = i64::from_str_radix(text, 16)
        .ok()
        .filter(|_| text.len() <= 10 && !text.starts_with(['+', '-']));
    let number = number.ok_or_else(|| Failure::numeric(format!("`{text}` is not a hexadecimal number")))?;
    let signed = match number >= 1 << 39 {
        true => number - (1 << 40),
        false => number,
    };
    Ok(cx.int(signed))
}

fn is_numeric(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    Ok(Value::Boolean(match &values[0] {
        value if value.is_blank() => false,
        Value::Text(text) if text.is_empty() => false,
        Value::Boolean(_) | Value::Record(_) | Value::Table(_) => false,
        value => cx.number(value).is_ok(),
    }))
}

fn log(_: &mut Cx<'_>, values: &[Value]) -> Eval {
    let number = float(&values[0]);
    let base = values.get(1).map_or(10.0, float);
    if number <= 0.0 || base <= 0.0 {
        return Err(Failure::numeric("a logarithm is of positive numbers"));
    }
    if base == 1.0 {
        return Err(Failure::div0());
    }
    finite(match base {
        10.0 => number.log10(),
        2.0 => number.log2(),
        base => number.ln() / base.ln(),
    })
}

fn modulo(_: &mut Cx<'_>, values: &[Value]) -> Eval {
    let (left, right) = (number_of(&values[0]), number_of(&values[1]));
    if right.is_zero() {
        return Err(Failure::div0());
    }
    match (left, right) {
        (Number::Decimal(left), Number::Decimal(right)) => {
            let overflow = || Failure::numeric("the result is too large for a decimal");
            let rest = left.checked_rem(right).ok_or_else(overflow)?;
            // The sign is that of the divisor.
            Ok(Value::Decimal(
                match !rest.is_zero() && (rest.is_sign_negative() != right.is_sign_negative()) {
                    true => rest.checked_add(right).ok_or_else(overflow)?,
                    false => rest,
                },
            ))
        }
        (left, right) => {
            let (left, right) = (left.float(), right.float());
            let quotient = (left / right).floor();
            if !quotient.is_finite() {
                return Err(Failure::numeric("the numbers are too far apart"));
            }
            let rest = left % right;
            finite(match rest != 0.0 && (rest < 0.0) != (right < 0.0) {
                true => rest + right,
                false => rest,
            })
        }
    }
}

fn rand_between(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let (low, high) = (number_of(&values[0]), number_of(&values[1]));
    if operators::compare_numbers(low, high).is_gt() {
        return Err(Failure::numeric("the lower bound is above the upper one"));
    }
    let random = cx.random();
    match (low, high) {
        (Number::Decimal(low), Number::Decimal(high)) => {
            let (low, high) = (low.ceil(), high.floor());
            let span = high.checked_sub(low).and_then(|span| span.checked_add(Decimal::ONE));
            let offset = span
                .and_then(|span| span.checked_mul(Decimal::from_f64(random)?))
                .map(|offset| offset.floor());
            let picked = offset
                .and_then(|offset| low.checked_add(offset))
                .map(|picked| picked.min(high));
            Ok(Value::Decimal(picked.unwrap_or(low)))
        }
        (low, high) => {
            let (low, high) = (low.float().ceil(), high.float().floor());
            finite((low + (random * (high - low + 1.0)).floor()).min(high))
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Nearest,
    Up,
    Down,
}

/// Rounds to a number of digits behind the point, or before it when that is negative; away from zero or towards it.
fn round(values: &[Value], way: Way) -> Eval {
    let digits = values.get(1).map_or(0.0, float).trunc();
    let strategy = match way {
        Way::Nearest => RoundingStrategy::MidpointAwayFromZero,
        Way::Up => RoundingStrategy::AwayFromZero,
        Way::Down => RoundingStrategy::ToZero,
    };
    match number_of(&values[0]) {
        Number::Decimal(value) => {
            if digits >= 28.0 {
                return Ok(Value::Decimal(value));
            }
            if digits >= 0.0 {
                return Ok(Value::Decimal(value.round_dp_with_strategy(digits as u32, strategy)));
            }
            if digits < -28.0 {
                return Ok(Value::Decimal(Decimal::ZERO));
            }
            let overflow = || Failure::numeric("the result is too large for a decimal");
            let unit = Decimal::from_i128_with_scale(10i128.pow(-digits as u32), 0);
            let units = value.checked_div(unit).ok_or_else(overflow)?;
            let rounded = units.round_dp_with_strategy(0, strategy);
            Ok(Value::Decimal(rounded.checked_mul(unit).ok_or_else(overflow)?))
        }
        Number::Float(value) => Ok(Value::Float(round_float(value, digits, way))),
    }
}

fn round_float(value: f64, digits: f64, way: Way) -> f64 {
    let whole = |value: f64| match way {
        Way::Nearest => value.round(),
        Way::Up if value < 0.0 => value.floor(),
        Way::Up => value.ceil(),
        Way::Down => value.trunc(),
    };
    if digits == 0.0 {
        return whole(value);
    }
    if digits.abs() > 300.0 || !value.is_finite() {
        return if digits > 0.0 { value } else { 0.0 };
    }
    // 2.345 is a little less than it says; its decimal form is what was meant.
    let scaled = match number::to_decimal(value) {
        Ok(decimal) if digits.abs() < 28.0 => {
            let values = [Value::Decimal(decimal), Value::Float(digits)];
            if let Ok(Value::Decimal(rounded)) = round(&values, way) {
                return number::to_float(rounded);
            }
            value * 10f64.powi(digits as i32)
        }
        _ => value * 10f64.powi(digits as i32),
    };
    match scaled.is_finite() {
        true => whole(scaled) / 10f64.powi(digits as i32),
        false => value,
    }
}

fn sequence_type(
    binder: &mut crate::expr::powerfx::bind::Binder<'_>,
    arguments: &mut [crate::expr::powerfx::ir::Expr],
    _: &std::ops::Range<usize>,
) -> crate::expr::powerfx::types::Type {
    use crate::expr::powerfx::types::Type;
    let floats = arguments.iter().skip(1).any(|argument| argument.of == Type::Float);
    let of = if floats { Type::Float } else { binder.number_type() };
    Type::table_of(crate::expr::powerfx::value::VALUE, of)
}

fn sequence(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let count = float(&values[0]).floor();
    if !(0.0..=50_000.0).contains(&count) {
        return Err(Failure::invalid("a sequence has from 0 to 50,000 numbers"));
    }
    let one = cx.int(1);
    let start = number_of(values.get(1).unwrap_or(&one));
    let step = number_of(values.get(2).unwrap_or(&one));
    let mut rows = Vec::with_capacity(count as usize);
    for position in 0..count as i64 {
        cx.burn(1)?;
        let value = match (start, step) {
            (Number::Decimal(start), Number::Decimal(step)) => Decimal::from(position)
                .checked_mul(step)
                .and_then(|offset| start.checked_add(offset))
                .map(Value::Decimal)
                .ok_or_else(|| Failure::numeric("the result is too large for a decimal")),
            (start, step) => finite(start.float() + position as f64 * step.float()),
        };
        rows.push(Value::row(crate::expr::powerfx::value::VALUE, Value::cell(value)?));
    }
    Ok(Value::table(rows))
}
