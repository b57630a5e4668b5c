//! Functions that evaluate an expression for every row.

use std::cmp::Ordering;
use std::ops::Range;

use super::Blank::Zero;
use super::table::rows;
use super::{Family, Function, MANY, Param, Returns, Scoping};
use crate::expr::ProblemKind;
use crate::expr::powerfx::bind::Binder;
use crate::expr::powerfx::coerce::mismatch;
use crate::expr::powerfx::enums::{Raw, SORT_ORDER};
use crate::expr::powerfx::error::{Eval, Failure};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::ir::Expr;
use crate::expr::powerfx::operators;
use crate::expr::powerfx::types::Type;
use crate::expr::powerfx::value::{Table, VALUE, Value};

const fn rows_of(function: Function) -> Function {
    function.family(Family::Table).scoped(Scoping::Rows)
}

pub(super) static FUNCTIONS: &[Function] = &[
    rows_of(Function::special(
        "Concat",
        &[Param::Any, Param::Row, Param::Text(Zero)],
        Returns::Check(concat_type),
        concat,
    ))
    .arity(1, MANY)
    .example("Concat([\"a\", \"b\"], Value, \", \")", "\"a, b\""),
    rows_of(Function::special(
        "CountIf",
        &[Param::Any, Param::Row],
        Returns::Check(count_if_type),
        count_if,
    ))
    .arity(2, MANY)
    .example("CountIf([1, 2, 3], Value > 1)", "2"),
    rows_of(Function::special(
        "Distinct",
        &[Param::Any, Param::Row],
        Returns::Check(distinct_type),
        distinct,
    ))
    .example("Distinct([1, 2, 1], Value)", "Table({Value:1},{Value:2})"),
    rows_of(Function::special(
        "Filter",
        &[Param::Any, Param::Row],
        Returns::Check(filter_type),
        filter,
    ))
    .arity(2, MANY)
    .example("Filter([1, 2, 3], Value > 1)", "Table({Value:2},{Value:3})"),
    rows_of(Function::special(
        "ForAll",
        &[Param::Any, Param::Row],
        Returns::Check(for_all_type),
        for_all,
    ))
    .example("ForAll([1, 2], Value * 2)", "Table({Value:2},{Value:4})"),
    rows_of(Function::special(
        "LookUp",
        &[Param::Any, Param::Row, Param::Row],
        Returns::Check(look_up_type),
        look_up,
    ))
    .arity(2, 3)
    .example("LookUp([{n: 1, t: \"a\"}, {n: 2, t: \"b\"}], n = 2, t)", "\"b\""),
    rows_of(Function::special(
        "Sort",
        &[Param::Any, Param::Row, Param::Enum(&SORT_ORDER)],
        Returns::Check(sort_type),
        sort,
    ))
    .arity(2, 3)
    .example(
        "Sort([2, 3, 1], Value, SortOrder.Descending)",
        "Table({Value:3},{Value:2},{Value:1})",
    ),
];

/// Checks that there is a table, or what may be one. Untyped arrays are made tables with `Table` first.
fn need_table(binder: &mut Binder<'_>, argument: &Expr) {
    if !matches!(argument.of, Type::Table(_) | Type::Any) {
        let message = format!("{} is not a table", argument.of);
        binder.report(ProblemKind::Type, &argument.span, message);
    }
}

fn need_conditions(binder: &mut Binder<'_>, arguments: &[Expr]) {
    for argument in arguments {
        if !argument.of.coerces(&Type::Boolean) {
            let message = format!("a condition is a boolean, not {}", argument.of);
            binder.report(ProblemKind::Type, &argument.span, message);
        }
    }
}

fn filter_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    need_table(binder, &arguments[0]);
    need_conditions(binder, &arguments[1..]);
    if arguments.len() > 2 {
        let span = arguments[2].span.clone();
        let help = Some("put conditions together with `&&`".to_owned());
        binder.report_with(
            ProblemKind::Arguments,
            &span,
            "`Filter` takes one condition".to_owned(),
            help,
        );
    }
    arguments[0].of.clone()
}

fn count_if_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    need_table(binder, &arguments[0]);
    need_conditions(binder, &arguments[1..]);
    binder.number_type()
}

fn look_up_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    need_table(binder, &arguments[0]);
    need_conditions(binder, &arguments[1..2]);
    if arguments[1].of == Type::Text {
        let span = arguments[1].span.clone();
        binder.report(ProblemKind::Type, &span, "a condition is a boolean, not a text");
    }
    match (arguments.get(2), &arguments[0].of) {
        (Some(result), _) => result.of.clone(),
        (None, Type::Table(columns)) => Type::Record(columns.clone()),
        (None, Type::Untyped) => Type::Untyped,
        _ => Type::Any,
    }
}

fn for_all_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    if !matches!(arguments[0].of, Type::Untyped | Type::Blank) {
        need_table(binder, &arguments[0]);
    }
    match &arguments[1].of {
        Type::Record(columns) => Type::Table(columns.clone()),
        Type::Any => Type::Any,
        of => Type::table_of(VALUE, of.clone()),
    }
}

fn distinct_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    need_table(binder, &arguments[0]);
    Type::table_of(VALUE, arguments[1].of.clone())
}

fn sort_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    need_table(binder, &arguments[0]);
    let of = arguments[1].of.clone();
    if of.is_aggregate() || matches!(of, Type::Untyped | Type::Color | Type::Guid) {
        let span = arguments[1].span.clone();
        binder.report(ProblemKind::Type, &span, format!("{of} has no order"));
    }
    arguments[0].of.clone()
}

fn concat_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let over_rows = matches!(
        arguments[0].of,
        Type::Table(_) | Type::Untyped | Type::Any | Type::Blank
    );
    if over_rows && arguments.len() > 3 && arguments[0].of != Type::Any {
        let span = arguments[3].span.clone();
        binder.report(
            ProblemKind::Arguments,
            &span,
            "`Concat` takes a table, an expression and a separator",
        );
    }
    if over_rows && arguments.len() < 2 && arguments[0].of != Type::Any {
        let span = arguments[0].span.clone();
        binder.report(
            ProblemKind::Arguments,
            &span,
            "`Concat` takes a table and an expression over its rows",
        );
    }
    for argument in arguments.iter().skip(usize::from(over_rows)) {
        if !argument.of.coerces(&Type::Text) || argument.of.is_aggregate() {
            let message = format!("{} cannot be used as a text", argument.of);
            let span = argument.span.clone();
            binder.report(ProblemKind::Type, &span, message);
        }
    }
    Type::Text
}

/// The rows of the first argument, or nothing for a blank.
fn table_of(cx: &mut Cx<'_>, argument: &Expr) -> Eval<Option<Table>> {
    let value = cx.eval(argument)?;
    match value.is_blank() {
        true => Ok(None),
        false => rows(cx, &value).map(Some),
    }
}

/// A row as an element of a table that is made.
fn keep(row: Value) -> Value {
    match row {
        untyped @ Value::Untyped(_) => Value::row(VALUE, untyped),
        row => row,
    }
}

fn holds(cx: &mut Cx<'_>, row: &Value, conditions: &[Expr]) -> Eval<bool> {
    for condition in conditions {
        let value = cx.within(row.clone(), condition)?;
        if !cx.boolean(&value)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn filter(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let Some(rows) = table_of(cx, &arguments[0])? else {
        return Ok(Value::Blank);
    };
    let mut kept = Vec::new();
    for row in rows.each() {
        cx.burn(1)?;
        match row {
            Value::Error(failure) => kept.push(Value::Error(failure)),
            row => match holds(cx, &row, &arguments[1..]) {
                Ok(true) => kept.push(keep(row)),
                Ok(false) => {}
                Err(failure) => kept.push(Value::cell(Err(failure))?),
            },
        }
    }
    Ok(Value::table(kept))
}

fn count_if(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let rows = table_of(cx, &arguments[0])?.unwrap_or_default();
    let mut count = 0;
    for row in rows.each() {
        cx.burn(1)?;
        count += i64::from(holds(cx, &row, &arguments[1..])?);
    }
    Ok(cx.int(count))
}

fn for_all(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let Some(rows) = table_of(cx, &arguments[0])? else {
        return Ok(Value::Blank);
    };
    let mut made = Vec::with_capacity(rows.rows().len());
    let mut failure: Option<Failure> = None;
    for row in rows.each() {
        cx.burn(1)?;
        let value = match cx.within(row, &arguments[1]) {
            Ok(value) => value,
            Err(found) => {
                failure = Some(match failure {
                    Some(before) => before.and(found),
                    None => found,
                });
                continue;
            }
        };
        let records = match &arguments[1].of {
            Type::Record(_) => true,
            Type::Any => matches!(value, Value::Record(_) | Value::Blank),
            _ => false,
        };
        made.push(match records {
            true => value,
            false => Value::row(VALUE, value),
        });
    }
    match failure {
        Some(failure) => Err(failure),
        None => Ok(Value::table(made)),
    }
}

fn look_up(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    for row in table_of(cx, &arguments[0])?.unwrap_or_default().each() {
        cx.burn(1)?;
        if holds(cx, &row, &arguments[1..2])? {
            let row = row.read()?;
            return match arguments.get(2) {
                Some(result) => cx.within(row, result),
                None => Ok(row),
            };
        }
    }
    Ok(Value::Blank)
}

fn distinct(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let Some(rows) = table_of(cx, &arguments[0])? else {
        return Ok(Value::Blank);
    };
    let mut found: Vec<Value> = Vec::new();
    for row in rows.each() {
        let value = cx.within(row.read()?, &arguments[1])?;
        if matches!(value, Value::Record(_) | Value::Table(_)) {
            return Err(mismatch(&value, "what rows are told apart by"));
        }
        let mut known = false;
        for other in &found {
            known = operators::equal(cx, other, &value)?;
            if known {
                break;
            }
        }
        if !known {
            found.push(value);
        }
    }
    Ok(Value::table(
        found.into_iter().map(|value| Value::row(VALUE, value)).collect(),
    ))
}

/// The order of two values to sort by; blanks come last whatever the direction.
pub(super) fn compare(cx: &mut Cx<'_>, left: &Value, right: &Value, descending: bool) -> Eval<Ordering> {
    let order = match (left.is_blank(), right.is_blank()) {
        (true, true) => return Ok(Ordering::Equal),
        (true, false) => return Ok(Ordering::Greater),
        (false, true) => return Ok(Ordering::Less),
        (false, false) => match (left, right) {
            (Value::Text(left), Value::Text(right)) => {
                cx.burn((left.len() + right.len()) as u64 / 64)?;
                text_order(left, right)
            }
            (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
            (Value::Time(left), Value::Time(right)) => left.cmp(right),
            (Value::Date(_) | Value::DateTime(_), Value::Date(_) | Value::DateTime(_)) => {
                cx.ticks(left)?.cmp(&cx.ticks(right)?)
            }
            (Value::Enum(of, one), Value::Enum(_, other)) => {
                let place = |raw: &Raw| of.members.iter().position(|(_, known)| known == raw);
                place(one).cmp(&place(other))
            }
            (Value::Float(_) | Value::Decimal(_), Value::Float(_) | Value::Decimal(_)) => {
                let (left, right) = (cx.number(left)?, cx.number(right)?);
                operators::compare_numbers(left, right)
            }
            (left, _) => return Err(mismatch(left, "what rows are sorted by")),
        },
    };
    Ok(if descending { order.reverse() } else { order })
}

/// Letters in the order of the alphabet whatever their case; small ones first where that is all.
fn text_order(left: &str, right: &str) -> Ordering {
    let folded = left.to_lowercase().cmp(&right.to_lowercase());
    folded.then_with(|| right.cmp(left))
}

/// Sorts rows by their keys, and keeps the order of equal ones.
pub(super) fn sorted(cx: &mut Cx<'_>, mut keyed: Vec<(Vec<Value>, Value)>, descending: &[bool]) -> Eval {
    let mut failure = None;
    let count = keyed.len() as u64;
    cx.burn(count * u64::from(64 - count.leading_zeros()))?;
    keyed.sort_by(|(left, _), (right, _)| {
        for (position, (left, right)) in left.iter().zip(right).enumerate() {
            match compare(cx, left, right, descending.get(position).copied().unwrap_or(false)) {
                Ok(Ordering::Equal) => {}
                Ok(order) => return order,
                Err(found) => {
                    failure.get_or_insert(found);
                }
            }
        }
        Ordering::Equal
    });
    match failure {
        Some(failure) => Err(failure),
        None => Ok(Value::table(keyed.into_iter().map(|(_, row)| row).collect())),
    }
}

pub(super) fn descends(value: &Value) -> Eval<bool> {
    match value {
        Value::Enum(_, Raw::Text(text)) => Ok(text == "descending"),
        Value::Text(text) if text.eq_ignore_ascii_case("descending") => Ok(true),
        Value::Text(text) if text.eq_ignore_ascii_case("ascending") => Ok(false),
        Value::Blank => Ok(false),
        other => Err(mismatch(other, "a sort order")),
    }
}

fn sort(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let Some(rows) = table_of(cx, &arguments[0])? else {
        return Ok(Value::Blank);
    };
    let descending = match arguments.get(2) {
        Some(order) => {
            let order = cx.eval(order)?;
            descends(&order)?
        }
        None => false,
    };
    let mut keyed = Vec::with_capacity(rows.rows().len());
    let mut kind: Option<&'static str> = None;
    for row in rows.each() {
        cx.burn(1)?;
        let row = row.read()?;
        let key = cx.within(row.clone(), &arguments[1])?;
        if !key.is_blank() {
            let of = key.a_kind();
            if *kind.get_or_insert(of) != of {
                return Err(mismatch(&key, "what rows are sorted by, with others of another kind"));
            }
        }
        keyed.push((vec![key], row));
    }
    sorted(cx, keyed, &[descending])
}

/// Over the rows of a table; of texts, the texts one after the other, as people write it for `Concatenate`.
fn concat(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let first = cx.eval(&arguments[0])?;
    let over_rows = match &first {
        Value::Table(_) | Value::Untyped(_) => true,
        Value::Blank => matches!(arguments[0].of, Type::Table(_) | Type::Untyped),
        _ => false,
    };
    if !over_rows {
        let mut text = cx.string(&first)?.to_string();
        for argument in &arguments[1..] {
            let value = cx.within(Value::Blank, argument)?;
            text.push_str(&cx.string(&value)?);
        }
        return cx.make_text(text);
    }
    if first.is_blank() {
        return Ok(Value::Blank);
    }
    let Some(each) = arguments.get(1) else {
        return Err(Failure::invalid(
            "`Concat` of a table takes an expression over its rows",
        ));
    };
    let separator = match arguments.get(2) {
        Some(separator) => {
            let separator = cx.within(Value::Blank, separator)?;
            cx.string(&separator)?
        }
        None => "".into(),
    };
    let mut text = String::new();
    for (position, row) in rows(cx, &first)?.each().enumerate() {
        cx.burn(1)?;
        if position > 0 {
            text.push_str(&separator);
        }
        let value = cx.within(row, each)?;
        text.push_str(&cx.string(&value)?);
        if text.len() > crate::expr::powerfx::limits::TEXT {
            return Err(Failure::Limit("a text becomes too large"));
        }
    }
    cx.make_text(text)
}
