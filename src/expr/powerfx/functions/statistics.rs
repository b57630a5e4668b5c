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
    ($($name:literal $run:ident, $formula:literal $gives:literal;)+) => {
        &[$(Function::special(
            $name,
            &[Param::Any, Param::Row],
            Returns::Check(of_numbers),
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
    "Average" average, "Average(1, 2, 6)" "3";
    "Max" max, "Max([3, 9, 4], Value)" "9";
    "Min" min, "Min(3, 9, 4)" "3";
    "StdevP" deviation, "StdevP(1, 3)" "1";
    "Sum" sum, "Sum([1, 2, 3], Value * 2)" "12";
    "VarP" variance, "VarP(1, 3)" "1";
};

/// The type of the result, which for the largest and smallest may be a date.
fn of_numbers(binder: &mut Binder<'_>, arguments: &mut Vec<Expr>, span: &Range<usize>) -> Type {
    let over_table = matches!(arguments[0].of, Type::Table(_));
    if over_table || (arguments.len() == 2 && arguments[0].of == Type::Untyped) {
        if arguments.len() != 2 {
            binder.report(ProblemKind::Arguments, span, "a table and an expression over its rows are expected");
            return Type::Any;
        }
    }
    let numbers = match over_table {
        true => &arguments[1..],
        false => &arguments[..],
    };
    let mut of = Type::Blank;
    let mut wrong = None;
    for argument in numbers {
        if !argument.of.coerces(&Type::Decimal) || matches!(argument.of, Type::Void) {
            wrong = Some(argument);
        }
        of = match (&of, &argument.of) {
            (Type::Blank, Type::Any) | (Type::Any, _) | (_, Type::Any) => Type::Any,
            (Type::Blank | Type::Date, Type::Date) => Type::Date,
            (Type::Blank | Type::Time, Type::Time) => Type::Time,
            (Type::Blank | Type::Date | Type::DateTime, Type::DateTime) | (Type::DateTime, Type::Date) => {
                Type::DateTime
            }
            (before, Type::Blank) => before.clone(),
            (Type::Float, _) | (_, Type::Float) => Type::Float,
            (Type::Blank | Type::Decimal, Type::Decimal) => Type::Decimal,
            _ => binder.number_type(),
        };
    }
    if let Some(wrong) = wrong {
        let message = format!("{} cannot be used as a number", wrong.of);
        let span = wrong.span.clone();
        binder.report(ProblemKind::Type, &span, message);
    }
    of
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
        results.push(match item {
            Value::Error(failure) => Err(failure.clone()),
            item => cx.within(item.clone(), row),
        });
    }
    all(results)
}

/// A table of one column given as the only argument counts as its values.
fn spread(values: Vec<Value>) -> Vec<Value> {
    match &values[..] {
        [Value::Table(table)] => table.rows().iter().map(Value::first_field).collect(),
        _ => values,
    }
}

/// The numbers among the values; blanks do not count.
fn numbers(cx: &mut Cx<'_>, values: &[Value]) -> Eval<Vec<Number>> {
    let present: Vec<Eval<Number>> = values
        .iter()
        .filter(|value| !value.is_blank())
        .map(|value| cx.number(value))
        .collect();
    let mut numbers = all(present)?;
    if numbers.iter().any(|number| matches!(number, Number::Float(_))) {
        numbers = numbers.into_iter().map(|number| Number::Float(number.float())).collect();
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

fn count(cx: &Cx<'_>, like: Number, count: usize) -> Number {
    let _ = cx;
    match like {
        Number::Float(_) => Number::Float(count as f64),
        Number::Decimal(_) => Number::Decimal(Decimal::from(count)),
    }
}

fn sum(cx: &mut Cx<'_>, values: Vec<Value>, of: &Type) -> Eval {
    let numbers = numbers(cx, &values)?;
    if numbers.is_empty() {
        return Ok(Value::Blank);
    }
    let value = total(&numbers)?.value();
    temporal(cx, value, of)
}

fn average(cx: &mut Cx<'_>, values: Vec<Value>, of: &Type) -> Eval {
    let numbers = numbers(cx, &values)?;
    let Some(first) = numbers.first() else {
        return Err(Failure::div0());
    };
    let count = count(cx, *first, numbers.len());
    let value = operators::divide(total(&numbers)?, count)?;
    temporal(cx, value, of)
}

fn temporal(cx: &mut Cx<'_>, value: Value, of: &Type) -> Eval {
    match of {
        Type::Date | Type::DateTime | Type::Time => cx.coerce(value, of),
        _ => Ok(value),
    }
}

fn variance(cx: &mut Cx<'_>, values: Vec<Value>, _: &Type) -> Eval {
    let numbers = numbers(cx, &values)?;
    let Some(first) = numbers.first() else {
        return Err(Failure::div0());
    };
    let count = count(cx, *first, numbers.len());
    let sum = total(&numbers)?;
    match (sum, count) {
        (Number::Decimal(sum), Number::Decimal(count)) => {
            let overflow = || Failure::numeric("the result is too large for a decimal");
            let mean = sum.checked_div(count).ok_or_else(overflow)?;
            let mut squares = Decimal::ZERO;
            for number in &numbers {
                let Number::Decimal(value) = number else { continue };
                let distance = value.checked_sub(mean).ok_or_else(overflow)?;
                let square = distance.checked_mul(distance).ok_or_else(overflow)?;
                squares = squares.checked_add(square).ok_or_else(overflow)?;
            }
            operators::divide(Number::Decimal(squares), Number::Decimal(count))
        }
        (sum, count) => {
            let mean = sum.float() / count.float();
            let squares: f64 = numbers.iter().map(|number| (number.float() - mean).powi(2)).sum();
            operators::divide(Number::Float(squares), Number::Float(count.float()))
        }
    }
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
    for number in numbers(cx, &values)? {
        best = Some(match best {
            Some(best) if operators::compare_numbers(number, best) != wanted => best,
            _ => number,
        });
    }
    let Some(best) = best else {
        return Ok(Value::Blank);
    };
    // Of dates, the date itself, which a number of days may not give to the tick.
    if of.is_temporal() {
        for value in values.iter().filter(|value| !value.is_blank()) {
            if operators::compare_numbers(cx.number(value)?, best).is_eq() {
                return cx.coerce(value.clone(), of);
            }
        }
    }
    Ok(best.value())
}
