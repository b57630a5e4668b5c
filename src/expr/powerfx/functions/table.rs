//! Tables: their rows, how many they are, and tables made of values.

use std::ops::Range;
use std::sync::Arc;

use super::Blank::Zero;
use super::{Family, Function, MANY, Param, Returns};
use crate::expr::ProblemKind;
use crate::expr::powerfx::bind::Binder;
use crate::expr::powerfx::coerce::mismatch;
use crate::expr::powerfx::error::{Eval, Failure};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::ir::Expr;
use crate::expr::powerfx::json::Json;
use crate::expr::powerfx::types::{Columns, Type};
use crate::expr::powerfx::value::{Table, VALUE, Value};

const fn table(function: Function) -> Function {
    function.family(Family::Table)
}

pub(super) static FUNCTIONS: &[Function] = &[
    table(Function::plain(
        "Count",
        &[Param::Table],
        Returns::Check(number_column),
        count,
    ))
    .example("Count([1, 2])", "2"),
    table(Function::plain(
        "CountA",
        &[Param::Table],
        Returns::Check(one_column),
        count_a,
    ))
    .example("CountA([\"a\", \"\"])", "2"),
    table(Function::plain(
        "CountRows",
        &[Param::Any],
        Returns::Check(rows_type),
        |cx, values| {
            let table = rows(cx, &values[0])?;
            let rows = table.rows();
            cx.burn(rows.len() as u64 / 16)?;
            let failed = rows.iter().find_map(|row| match row {
                Value::Error(failure) => Some(failure.clone()),
                _ => None,
            });
            failed.map_or_else(|| Ok(cx.int(rows.len() as i64)), Err)
        },
    ))
    .example("CountRows([1, 2, 3])", "3"),
    table(Function::plain(
        "First",
        &[Param::Any],
        Returns::Check(row_type),
        |cx, values| {
            rows(cx, &values[0])?
                .rows()
                .first()
                .cloned()
                .unwrap_or(Value::Blank)
                .read()
        },
    ))
    .example("First([1, 2]).Value", "1"),
    table(Function::plain(
        "FirstN",
        &[Param::Any, Param::Float(Zero)],
        Returns::Check(same_rows),
        |cx, values| some(cx, values, |rows, count| &rows[..count]),
    ))
    .example("FirstN([1, 2, 3], 2)", "Table({Value:1},{Value:2})"),
    table(Function::plain(
        "Index",
        &[Param::Any, Param::Float(Zero)],
        Returns::Check(row_type),
        index,
    ))
    .example("Index([\"a\", \"b\"], 2).Value", "\"b\""),
    table(Function::plain(
        "IsEmpty",
        &[Param::Any],
        Returns::Check(empty_type),
        |cx, values| Ok(Value::Boolean(rows(cx, &values[0])?.rows().is_empty())),
    ))
    .example("IsEmpty([])", "true"),
    table(Function::plain(
        "Last",
        &[Param::Any],
        Returns::Check(row_type),
        |cx, values| {
            rows(cx, &values[0])?
                .rows()
                .last()
                .cloned()
                .unwrap_or(Value::Blank)
                .read()
        },
    ))
    .example("Last([1, 2]).Value", "2"),
    table(Function::plain(
        "LastN",
        &[Param::Any, Param::Float(Zero)],
        Returns::Check(same_rows),
        |cx, values| some(cx, values, |rows, count| &rows[rows.len() - count..]),
    ))
    .example("LastN([1, 2, 3], 2)", "Table({Value:2},{Value:3})"),
    table(Function::plain(
        "Shuffle",
        &[Param::Table],
        Returns::First,
        |cx, values| {
            let Value::Table(table) = &values[0] else {
                return Ok(Value::Blank);
            };
            let mut rows = table.rows().to_vec();
            for last in (1..rows.len()).rev() {
                let other = (cx.random() * (last + 1) as f64) as usize;
                rows.swap(last, other.min(last));
            }
            Ok(Value::table(rows))
        },
    ))
    .example("CountRows(Shuffle([1, 2, 3]))", "3"),
    table(Function::special(
        "Table",
        &[Param::Any],
        Returns::Check(table_type),
        table_,
    ))
    .arity(0, MANY)
    .example("Table({a: 1}, {a: 2})", "Table({a:1},{a:2})"),
];

/// The rows of a table; of an untyped array, its elements.
pub(super) fn rows(cx: &mut Cx<'_>, value: &Value) -> Eval<Table> {
    match value {
        Value::Table(table) => Ok(table.clone()),
        Value::Blank | Value::Untyped(Json::Null) => Ok(Table::default()),
        Value::Untyped(Json::Array(items)) => {
            cx.burn(items.len() as u64)?;
            let elements = items.iter().cloned().map(Value::Untyped).collect();
            Ok(Table(Arc::new(elements)))
        }
        other => Err(mismatch(other, "a table")),
    }
}

/// Checks that there is a table, or what may be one.
fn need_table(binder: &mut Binder<'_>, argument: &Expr) {
    if !matches!(argument.of, Type::Table(_) | Type::Untyped | Type::Any | Type::Blank) {
        let message = format!("{} is not a table", argument.of);
        binder.report(ProblemKind::Type, &argument.span, message);
    }
}

fn rows_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    need_table(binder, &arguments[0]);
    binder.number_type()
}

fn empty_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    need_table(binder, &arguments[0]);
    Type::Boolean
}

fn row_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    need_table(binder, &arguments[0]);
    match &arguments[0].of {
        Type::Table(columns) => Type::Record(columns.clone()),
        Type::Untyped => Type::Untyped,
        _ => Type::Any,
    }
}

fn same_rows(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    need_table(binder, &arguments[0]);
    arguments[0].of.clone()
}

fn one_column(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    if let Type::Table(columns) = &arguments[0].of
        && columns.single().is_none()
    {
        let span = arguments[0].span.clone();
        binder.report(ProblemKind::Type, &span, "the table needs to have one column");
    }
    binder.number_type()
}

fn number_column(binder: &mut Binder<'_>, arguments: &mut [Expr], span: &Range<usize>) -> Type {
    if let Some((_, of)) = arguments[0].of.columns().and_then(|columns| columns.single())
        && !(of.is_number() || of.is_any())
    {
        let message = format!("`Count` counts numbers, not {of}");
        let span = arguments[0].span.clone();
        binder.report(ProblemKind::Type, &span, message);
    }
    one_column(binder, arguments, span)
}

fn count(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let mut count = 0;
    for row in rows(cx, &values[0])?.each() {
        let value = row.read()?.first_field().read()?;
        if matches!(
            value,
            Value::Float(_) | Value::Decimal(_) | Value::Date(_) | Value::DateTime(_) | Value::Time(_)
        ) {
            count += 1;
        }
    }
    Ok(cx.int(count))
}

fn count_a(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let mut count = 0;
    for row in rows(cx, &values[0])?.each() {
        if !row.read()?.first_field().read()?.is_blank() {
            count += 1;
        }
    }
    Ok(cx.int(count))
}

fn float(value: Option<&Value>, default: f64) -> f64 {
    match value {
        Some(Value::Float(value)) => *value,
        _ => default,
    }
}

fn some(cx: &mut Cx<'_>, values: &[Value], pick: fn(&[Value], usize) -> &[Value]) -> Eval {
    if values[0].is_blank() {
        return Ok(Value::Blank);
    }
    let table = rows(cx, &values[0])?;
    let rows = table.rows();
    let count = float(values.get(1), 1.0).trunc();
    let picked = pick(rows, (count.max(0.0) as usize).min(rows.len())).to_vec();
    cx.burn(picked.len() as u64)?;
    match &values[0] {
        Value::Untyped(_) => {
            let items = picked.into_iter().map(|row| match row {
                Value::Untyped(json) => json,
                _ => Json::Null,
            });
            Ok(Value::Untyped(Json::Array(Arc::new(items.collect()))))
        }
        _ => Ok(Value::table(picked)),
    }
}

fn index(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    if values[0].is_blank() {
        return Ok(Value::Blank);
    }
    let table = rows(cx, &values[0])?;
    let rows = table.rows();
    let position = float(values.get(1), 0.0).trunc();
    let found = (position >= 1.0).then(|| rows.get(position as usize - 1)).flatten();
    match found {
        Some(row) => row.clone().read(),
        None => Err(Failure::invalid(format!(
            "there is no row {position}, the table has {}",
            rows.len()
        ))),
    }
}

fn table_type(binder: &mut Binder<'_>, arguments: &mut [Expr], span: &Range<usize>) -> Type {
    if let [one] = &arguments[..]
        && one.of == Type::Untyped
    {
        return Type::table_of(VALUE, Type::Untyped);
    }
    let mut of = Type::Blank;
    for argument in arguments.iter() {
        let row = match &argument.of {
            Type::Table(columns) => Type::Record(columns.clone()),
            of @ (Type::Record(_) | Type::Blank | Type::Any) => of.clone(),
            other => {
                let message = format!("{other} is not a row of a table");
                let span = argument.span.clone();
                binder.report(ProblemKind::Type, &span, message);
                return Type::Any;
            }
        };
        match of.join(&row) {
            Some(joined) => of = joined,
            None => {
                binder.report(
                    ProblemKind::Type,
                    span,
                    "the columns of a row have other types than those before",
                );
                return Type::Any;
            }
        }
    }
    match of {
        Type::Record(columns) => Type::Table(columns),
        Type::Blank => Type::Table(Columns::default()),
        _ => Type::Any,
    }
}

fn table_(cx: &mut Cx<'_>, arguments: &[Expr], of: &Type) -> Eval {
    let mut rows = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let value = match argument.of {
            Type::Untyped => cx.eval(argument)?,
            _ => Value::cell(cx.eval(argument))?,
        };
        match value {
            Value::Error(failure) if matches!(argument.of, Type::Table(_)) => return Err(failure),
            Value::Table(table) => rows.extend(table.rows().iter().cloned()),
            Value::Untyped(Json::Null) => return Ok(Value::Blank),
            Value::Untyped(Json::Array(items)) => {
                rows.extend(items.iter().map(|item| Value::row(VALUE, Value::Untyped(item.clone()))));
            }
            untyped @ Value::Untyped(_) => return Err(mismatch(&untyped, "an array")),
            Value::Blank if matches!(argument.of, Type::Table(_)) => {}
            row => rows.push(row),
        }
    }
    cx.burn(rows.len() as u64)?;
    cx.coerce(Value::table(rows), of)
}
