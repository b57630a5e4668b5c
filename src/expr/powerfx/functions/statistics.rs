//! Sums, averages and the like: of arguments, or of an expression over the rows of a table.

use std::cmp::Ordering;
use std::ops::Range;

use rust_decimal::Decimal;

use super::{Family, Function, MANY, Param, Returns, Scoping};
use crate::expr::ProblemKind;
use crate::expr::powerfx::bind::Binder;
use crate::expr::powerfx::coerce::Number;
use crate::expr::powerfx::error::{Eval, Failure, all};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::ir::Expr;
use crate::expr::powerfx::operators;
use crate::expr::powerfx::types::Type;
use crate::expr::powerfx::value::Value;

macro_rules! statistics {
    ($($name:literal $run:ident $check:ident, $formula:literal $gives:literal;)+) => {
        &[$(Function::special(
            $name,
            &[Param::Any, Param::Row],
            Returns::Check($check),
            |cx, arguments, of| {
                let values = values(cx, arguments)?;
                $run(cx, values, of)
            },
        )
        .arity(1, MANY)
        .scoped(Scoping::Rows)
        .family(Family::Statistics)
        .example($formula, $gives),)+]
    };
}

pub(super) static FUNCTIONS: &[Function] = statistics! {
    "Average" average of_numbers, "Average(1, 2, 6)" "3";
    "Max" max of_values, "Max([3, 9, 4], Value)" "9";
    "Min" min of_values, "Min(3, 9, 4)" "3";
    "StdevP" deviation of_float, "StdevP(1, 3)" "1";
    "Sum" sum of_numbers, "Sum([1, 2, 3], Value * 2)" "12";
    "VarP" variance of_float, "VarP(1, 3)" "1";
};

/// The type of the smallest and largest: that of the first value, which the others are made.
fn of_values(binder: &mut Binder<'_>, arguments: &mut [Expr], span: &Range<usize>) -> Type {
    match first_type(binder, arguments, span) {
        of @ (Type::Float | Type::Decimal | Type::Any | Type::Date | Type::Time | Type::DateTime) => of,
        _ => binder.number_type(),
    }
}

/// The kind of number that comes of numbers: that of the first one.
fn of_numbers(binder: &mut Binder<'_>, arguments: &mut [Expr], span: &Range<usize>) -> Type {
    match first_type(binder, arguments, span) {
        of @ (Type::Float | Type::Decimal | Type::Any) => of,
        _ => binder.number_type(),
    }
}

fn of_float(binder: &mut Binder<'_>, arguments: &mut [Expr], span: &Range<usize>) -> Type {
    first_type(binder, arguments, span);
    Type::Float
}

fn first_type(binder: &mut Binder<'_>, arguments: &[Expr], span: &Range<usize>) -> Type {
    let over_table = matches!(arguments[0].of, Type::Table(_));
    if arguments[0].of == Type::Untyped && arguments.len() <= 2 {
        binder.report(
            ProblemKind::Type,
            &arguments[0].span,
            "an untyped array is made a table with `Table` first",
        );
    }
    if over_table && arguments.len() != 2 {
        binder.report(
            ProblemKind::Arguments,
            span,
            "a table and an expression over its rows are expected",
        );
        return Type::Any;
    }
    let values = match over_table {
        true => &arguments[1..],
        false => arguments,
    };
    for value in values {
        if !value.of.coerces(&Type::Decimal) || value.of.is_aggregate() {
            let message = format!("{} cannot be used as a number", value.of);
            binder.report(ProblemKind::Type, &value.span, message);
        }
    }
    let known = values.iter().map(|value| &value.of).find(|of| **of != Type::Blank);
    known.cloned().unwrap_or(Type::Blank)
}

/// The values: of the arguments, or of the second one over the rows of the first.
fn values(cx: &mut Cx<'_>, arguments: &[Expr]) -> Eval<Vec<Value>> {
    let [first, row] = arguments else {
        let values = cx.eval_all(arguments)?;
        return Ok(spread(values));
    };
    if !matches!(first.of, Type::Table(_) | Type::Any | Type::Blank) {
        return cx.eval_all(arguments);
    }
    let table = cx.eval(first)?;
    let Value::Table(table) = table else {
        if matches!(first.of, Type::Table(_)) {
            return Ok(Vec::new());
        }
        let second = cx.within(Value::Blank, row)?;
        return Ok(vec![table, second]);
    };
    let mut results = Vec::with_capacity(table.rows().len());
    for item in table.rows() {
        cx.burn(1)?;
        // The first row that fails ends it.
        results.push(cx.within(item.clone().read()?, row)?);
    }
    Ok(results)
}

/// A table of one column given as the only argument counts as its values.
fn spread(values: Vec<Value>) -> Vec<Value> {
    match &values[..] {
        [Value::Table(table)] => table.rows().iter().map(Value::first_field).collect(),
        _ => values,
    }
}

/// The numbers among the values, of the kind of the result; blanks do not count.
fn numbers(cx: &mut Cx<'_>, values: &[Value], of: &Type) -> Eval<Vec<Number>> {
    let present: Vec<Eval<Number>> = values
        .iter()
        .filter(|value| !value.is_blank())
        .map(|value| match (of, value) {
            (Type::Float, value) => cx.float(value).map(Number::Float),
            (Type::Decimal, value) => cx.decimal(value).map(Number::Decimal),
            (Type::Date | Type::DateTime | Type::Time, Value::Text(_)) => {
                let value = cx.coerce(value.clone(), of)?;
                cx.float(&value).map(Number::Float)
            }
            (Type::Date | Type::DateTime | Type::Time, value) => cx.float(value).map(Number::Float),
            (_, value) => cx.number(value),
        })
        .collect();
    let mut numbers = all(present)?;
    if numbers.iter().any(|number| matches!(number, Number::Float(_))) {
        numbers = numbers
            .into_iter()
            .map(|number| Number::Float(number.float()))
            .collect();
    }
    Ok(numbers)
}

fn total(numbers: &[Number]) -> Eval<Number> {
    let mut decimal = Decimal::ZERO;
    let mut float = 0.0;
    for number in numbers {
        match number {
            Number::Float(value) => float += value,
            Number::Decimal(value) => {
                let overflow = || Failure::numeric("the sum is too large for a decimal");
                decimal = decimal.checked_add(*value).ok_or_else(overflow)?;
            }
        }
    }
    match numbers.first() {
        Some(Number::Float(_)) if !f64::is_finite(float) => Err(Failure::numeric("the sum is too large")),
        Some(Number::Float(_)) => Ok(Number::Float(float)),
        _ => Ok(Number::Decimal(decimal)),
    }
}

fn count(like: Number, count: usize) -> Number {
    match like {
        Number::Float(_) => Number::Float(count as f64),
        Number::Decimal(_) => Number::Decimal(Decimal::from(count)),
    }
}

fn sum(cx: &mut Cx<'_>, values: Vec<Value>, of: &Type) -> Eval {
    let numbers = numbers(cx, &values, of)?;
    if numbers.is_empty() {
        return Ok(Value::Blank);
    }
    Ok(total(&numbers)?.value())
}

fn average(cx: &mut Cx<'_>, values: Vec<Value>, of: &Type) -> Eval {
    let numbers = numbers(cx, &values, of)?;
    let Some(first) = numbers.first() else {
        return Err(Failure::div0());
    };
    let count = count(*first, numbers.len());
    operators::divide(total(&numbers)?, count)
}

fn variance(cx: &mut Cx<'_>, values: Vec<Value>, of: &Type) -> Eval {
    let numbers = numbers(cx, &values, of)?;
    if numbers.is_empty() {
        return Err(Failure::div0());
    }
    let count = Number::Float(numbers.len() as f64);
    let mean = total(&numbers)?.float() / count.float();
    let squares: f64 = numbers.iter().map(|number| (number.float() - mean).powi(2)).sum();
    operators::divide(Number::Float(squares), count)
}

fn deviation(cx: &mut Cx<'_>, values: Vec<Value>, of: &Type) -> Eval {
    let variance = variance(cx, values, of)?;
    Ok(Value::Float(cx.float(&variance)?.sqrt()))
}

fn max(cx: &mut Cx<'_>, values: Vec<Value>, of: &Type) -> Eval {
    extreme(cx, values, of, Ordering::Greater)
}

fn min(cx: &mut Cx<'_>, values: Vec<Value>, of: &Type) -> Eval {
    extreme(cx, values, of, Ordering::Less)
}

fn extreme(cx: &mut Cx<'_>, values: Vec<Value>, of: &Type, wanted: Ordering) -> Eval {
    let mut best: Option<Number> = None;
    for number in numbers(cx, &values, of)? {
        best = Some(match best {
            Some(best) if operators::compare_numbers(number, best) != wanted => best,
            _ => number,
        });
    }
    let Some(best) = best else {
        return Ok(Value::Blank);
    };
    cx.coerce(best.value(), of)
}
