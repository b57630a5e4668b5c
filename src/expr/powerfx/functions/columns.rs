//! Functions that change the columns of a table, or work with columns by their names.

use std::ops::Range;
use std::sync::Arc;

use super::Blank::Zero;
use super::iterate::{descends, sorted};
use super::table::rows;
use super::{Family, Function, MANY, Param, Returns, Scoping};
use crate::diagnostic::closest;
use crate::expr::ProblemKind;
use crate::expr::powerfx::bind::Binder;
use crate::expr::powerfx::enums::SORT_ORDER;
use crate::expr::powerfx::error::{Eval, Failure, Kind};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::ir::Expr;
use crate::expr::powerfx::operators;
use crate::expr::powerfx::types::{Columns, Type};
use crate::expr::powerfx::value::{Record, Value};

const fn columns_of(function: Function) -> Function {
    function.family(Family::Table)
}

pub(super) static FUNCTIONS: &[Function] = &[
    columns_of(Function::special(
        "AddColumns",
        &[Param::Aggregate, Param::Column, Param::Row],
        Returns::Check(add_type),
        add,
    ))
    .arity(3, MANY)
    .repeat(2)
    .scoped(Scoping::Rows)
    .example("AddColumns([{a: 1}], b, a + 1)", "Table({a:1,b:2})"),
    columns_of(Function::special(
        "DropColumns",
        &[Param::Aggregate, Param::Column],
        Returns::Check(drop_type),
        project,
    ))
    .arity(2, MANY)
    .example("DropColumns([{a: 1, b: 2}], b)", "Table({a:1})"),
    columns_of(Function::special(
        "Patch",
        &[Param::Record, Param::Record],
        Returns::Check(patch_type),
        patch,
    ))
    .arity(2, MANY)
    .example("Patch({a: 1, b: 2}, {b: 3})", "{a:1,b:3}"),
    columns_of(Function::special(
        "RenameColumns",
        &[Param::Aggregate, Param::Column, Param::Column],
        Returns::Check(rename_type),
        rename,
    ))
    .arity(3, MANY)
    .repeat(2)
    .example("RenameColumns([{a: 1}], a, b)", "Table({b:1})"),
    columns_of(Function::special(
        "Search",
        &[Param::Table, Param::Text(Zero), Param::Column],
        Returns::Check(search_type),
        search,
    ))
    .arity(3, MANY)
    .example(
        "Search([{n: \"Anna\"}, {n: \"Bob\"}], \"ann\", n)",
        "Table({n:\"Anna\"})",
    ),
    columns_of(Function::special(
        "ShowColumns",
        &[Param::Aggregate, Param::Column],
        Returns::Check(show_type),
        project,
    ))
    .arity(2, MANY)
    .example("ShowColumns([{a: 1, b: 2}], b)", "Table({b:2})"),
    columns_of(Function::special(
        "SortByColumns",
        &[Param::Table, Param::ColumnText, Param::Any],
        Returns::Check(sort_type),
        sort_by_columns,
    ))
    .arity(2, MANY)
    .repeat(2)
    .example("SortByColumns([{a: 2}, {a: 1}], a)", "Table({a:1},{a:2})"),
];

/// The name that a column argument says.
fn name(argument: &Expr) -> Arc<str> {
    argument.constant_text().cloned().unwrap_or_default()
}

fn need(binder: &mut Binder<'_>, columns: &Columns, argument: &Expr) {
    let name = name(argument);
    if columns.get(&name).is_none() {
        let help = closest(&name, columns.names()).map(|name| format!("did you mean `{name}`?"));
        binder.report_with(
            ProblemKind::UnknownName,
            &argument.span,
            format!("there is no column `{name}`"),
            help,
        );
    }
}

/// The columns of the first argument, if they are known.
fn known(arguments: &[Expr]) -> Option<Columns> {
    match &arguments[0].of {
        Type::Blank => None,
        of => of.columns().cloned(),
    }
}

fn like(of: &Type, columns: Columns) -> Type {
    match of {
        Type::Record(_) => Type::Record(columns),
        _ => Type::Table(columns),
    }
}

fn twice(binder: &mut Binder<'_>, argument: &Expr) {
    let message = format!("the column `{}` stands twice", name(argument));
    binder.report(ProblemKind::Arguments, &argument.span, message);
}

fn odd(binder: &mut Binder<'_>, arguments: &[Expr], span: &Range<usize>) {
    if arguments.len().is_multiple_of(2) {
        binder.report(
            ProblemKind::Arguments,
            span,
            "columns come in pairs, of a name and what it is",
        );
    }
}

fn add_type(binder: &mut Binder<'_>, arguments: &mut [Expr], span: &Range<usize>) -> Type {
    odd(binder, arguments, span);
    let Some(before) = known(arguments) else {
        return Type::Any;
    };
    let mut columns = before.clone();
    for pair in arguments[1..].chunks_exact(2) {
        if columns.get(&name(&pair[0])).is_some() {
            twice(binder, &pair[0]);
        }
        columns = columns.with(name(&pair[0]), pair[1].of.clone());
    }
    like(&arguments[0].of, columns)
}

fn show_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let Some(before) = known(arguments) else {
        return Type::Any;
    };
    let mut columns: Vec<(Arc<str>, Type)> = Vec::new();
    for argument in &arguments[1..] {
        need(binder, &before, argument);
        let name = name(argument);
        if columns.iter().any(|(known, _)| *known == name) {
            twice(binder, argument);
        }
        columns.push((name.clone(), before.get(&name).cloned().unwrap_or(Type::Any)));
    }
    like(&arguments[0].of, Columns::new(columns))
}

fn drop_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let Some(before) = known(arguments) else {
        // Without known columns there is nothing to keep but what is there; `Any` is seen at the evaluation.
        return Type::Any;
    };
    for (position, argument) in arguments[1..].iter().enumerate() {
        need(binder, &before, argument);
        if arguments[1..position + 1]
            .iter()
            .any(|known| name(known) == name(argument))
        {
            twice(binder, argument);
        }
    }
    let dropped: Vec<Arc<str>> = arguments[1..].iter().map(name).collect();
    let kept = before
        .iter()
        .filter(|(name, _)| !dropped.contains(name))
        .cloned()
        .collect();
    like(&arguments[0].of, Columns::new(kept))
}

fn rename_type(binder: &mut Binder<'_>, arguments: &mut [Expr], span: &Range<usize>) -> Type {
    odd(binder, arguments, span);
    let Some(before) = known(arguments) else {
        return Type::Any;
    };
    let mut columns: Vec<(Arc<str>, Type)> = before.iter().cloned().collect();
    let mut renamed: Vec<Arc<str>> = Vec::new();
    for pair in arguments[1..].chunks_exact(2) {
        need(binder, &before, &pair[0]);
        let old = name(&pair[0]);
        if renamed.contains(&old) {
            twice(binder, &pair[0]);
        }
        renamed.push(old);
    }
    for pair in arguments[1..].chunks_exact(2) {
        let (old, new) = (name(&pair[0]), name(&pair[1]));
        let at = before.iter().position(|(known, _)| *known == old);
        if let Some(at) = at {
            columns[at].0 = new;
        }
    }
    for pair in arguments[1..].chunks_exact(2) {
        if columns.iter().filter(|(known, _)| *known == name(&pair[1])).count() > 1 {
            twice(binder, &pair[1]);
        }
    }
    like(&arguments[0].of, Columns::new(columns))
}

fn search_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    if let Some(columns) = known(arguments) {
        for argument in &arguments[2..] {
            need(binder, &columns, argument);
            let of = columns.get(&name(argument)).cloned().unwrap_or(Type::Text);
            if !matches!(of, Type::Text | Type::Any | Type::Blank) {
                binder.report(
                    ProblemKind::Type,
                    &argument.span,
                    format!("only texts are searched, not {of}"),
                );
            }
        }
    }
    arguments[0].of.clone()
}

fn sort_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    if let Some(columns) = known(arguments) {
        for argument in arguments[1..]
            .iter()
            .step_by(2)
            .filter(|argument| argument.constant_text().is_some())
        {
            need(binder, &columns, argument);
            let of = columns.get(&name(argument)).cloned().unwrap_or(Type::Any);
            if of.is_aggregate() || matches!(of, Type::Untyped | Type::Color | Type::Guid) {
                binder.report(ProblemKind::Type, &argument.span, format!("{of} has no order"));
            }
        }
    }
    for argument in arguments[2..].iter().step_by(2) {
        let fits = match &argument.of {
            Type::Table(order) => arguments.len() == 3 && order.0.len() <= 1,
            of => of.coerces(&Type::Enum(&SORT_ORDER)) || *of == Type::Text,
        };
        if !fits {
            let message = format!("{} is not a sort order", argument.of);
            binder.report(ProblemKind::Type, &argument.span, message);
        }
    }
    arguments[0].of.clone()
}

/// The fields of all records; one that comes again keeps its type.
fn patch_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let mut columns = Columns::default();
    for argument in arguments.iter() {
        match &argument.of {
            Type::Record(of) => {
                for (name, of) in of.iter() {
                    let before = columns.get(name).cloned();
                    let same = before
                        .as_ref()
                        .is_none_or(|before| *before == *of || *of == Type::Blank || before.is_any());
                    if !same || before == Some(Type::Blank) && *of != Type::Blank {
                        let message = format!("the field `{name}` was another type before, and is {of} here");
                        binder.report(ProblemKind::Type, &argument.span, message);
                    }
                    columns = columns.with(name.clone(), before.unwrap_or_else(|| of.clone()));
                }
            }
            Type::Blank => {}
            _ => return Type::Any,
        }
    }
    Type::Record(columns)
}

fn patch(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let mut result = Record::default();
    for value in cx.eval_all(arguments)? {
        match value {
            Value::Record(record) => {
                for (name, value) in record.iter() {
                    result = result.with(name, value.clone());
                }
            }
            value if value.is_blank() => {}
            other => return Err(crate::expr::powerfx::coerce::mismatch(&other, "a record")),
        }
    }
    Ok(Value::Record(result))
}

/// Changes a record, or every record of a table.
fn each(cx: &mut Cx<'_>, value: Value, mut change: impl FnMut(&mut Cx<'_>, Record) -> Eval<Record>) -> Eval {
    match value {
        Value::Record(record) => change(cx, record).map(Value::Record),
        value if value.is_blank() => Ok(Value::Blank),
        value => {
            let mut changed = Vec::new();
            for row in rows(cx, &value)?.each() {
                let width = if let Value::Record(record) = &row {
                    record.0.len()
                } else {
                    0
                };
                cx.burn(1 + width as u64)?;
                changed.push(match row {
                    Value::Record(record) => Value::Record(change(cx, record)?),
                    other => other,
                });
            }
            Ok(Value::table(changed))
        }
    }
}

fn add(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let value = cx.eval(&arguments[0])?;
    each(cx, value, |cx, record| {
        let mut fields = (*record.0).clone();
        for pair in arguments[1..].chunks_exact(2) {
            let value = cx.within(Value::Record(record.clone()), &pair[1]);
            fields.push((name(&pair[0]), Value::cell(value)?));
        }
        Ok(Record::new(fields))
    })
}

/// `ShowColumns` and `DropColumns`: the columns that the type of the result has.
fn project(cx: &mut Cx<'_>, arguments: &[Expr], of: &Type) -> Eval {
    let value = cx.eval(&arguments[0])?;
    let named: Vec<Arc<str>> = arguments[1..].iter().map(name).collect();
    each(cx, value, |_, record| {
        let kept = |name: &Arc<str>| match of.columns() {
            Some(columns) => columns.get(name).is_some(),
            None => named.contains(name),
        };
        Ok(Record::new(
            record.iter().filter(|(name, _)| kept(name)).cloned().collect(),
        ))
    })
}

fn rename(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let value = cx.eval(&arguments[0])?;
    let pairs: Vec<(Arc<str>, Arc<str>)> = arguments[1..]
        .chunks_exact(2)
        .map(|pair| (name(&pair[0]), name(&pair[1])))
        .collect();
    each(cx, value, |_, record| {
        let renamed = record.iter().map(|(known, value)| {
            let new = pairs.iter().find(|(old, _)| old == known).map_or(known, |(_, new)| new);
            (new.clone(), value.clone())
        });
        Ok(Record::new(renamed.collect()))
    })
}

fn search(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let values = cx.eval_all(&arguments[..2])?;
    if values[0].is_blank() {
        return Ok(Value::Blank);
    }
    let wanted = cx.string(&values[1])?.to_lowercase();
    let mut found = Vec::new();
    for row in rows(cx, &values[0])?.each() {
        cx.burn(1)?;
        let Value::Record(record) = &row else {
            row.read()?;
            if wanted.is_empty() {
                found.push(Value::Blank);
            }
            continue;
        };
        for argument in &arguments[2..] {
            let Some(value) = record.get(&name(argument)) else {
                continue;
            };
            let text = cx.string(&value.clone().read()?)?.to_lowercase();
            if text.contains(&wanted) {
                found.push(row.clone());
                break;
            }
        }
    }
    Ok(Value::table(found))
}

/// The name that an argument says or is evaluated to.
fn column_name(cx: &mut Cx<'_>, argument: &Expr) -> Eval<Arc<str>> {
    let value = cx.eval(argument)?;
    cx.string(&value)
}

/// What a row is sorted by; a column that no record has is a mistake.
fn key_of(cx: &mut Cx<'_>, row: &Value, column: &Arc<str>) -> Eval {
    match row {
        Value::Record(record) if record.get(column).is_none() => {
            Err(Failure::new(Kind::USAGE, format!("there is no column `{column}`")))
        }
        row => cx.field(row.clone(), column),
    }
}

fn sort_by_columns(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let value = cx.eval(&arguments[0])?;
    if value.is_blank() {
        return Ok(Value::Blank);
    }
    if let [_, column, order] = arguments
        && matches!(order.of, Type::Table(_) | Type::Any)
    {
        let order = cx.eval(order)?;
        if let Value::Table(order) = &order {
            let column = column_name(cx, column)?;
            return by_example(cx, &value, &column, order.rows());
        }
        if matches!(arguments[2].of, Type::Table(_)) {
            return Err(Failure::invalid("the order of the rows is blank"));
        }
    }
    let mut keys = Vec::new();
    let mut descending = Vec::new();
    for pair in arguments[1..].chunks(2) {
        keys.push(column_name(cx, &pair[0])?);
        descending.push(match pair.get(1) {
            Some(order) => {
                let order = cx.eval(order)?;
                descends(&order)?
            }
            None => false,
        });
    }
    let mut keyed = Vec::new();
    for row in rows(cx, &value)?.each() {
        cx.burn(1)?;
        let row = row.read()?;
        let mut key = Vec::with_capacity(keys.len());
        for name in &keys {
            key.push(key_of(cx, &row, name)?);
        }
        keyed.push((key, row));
    }
    sorted(cx, keyed, &descending)
}

/// Rows in the order of a list of values; those with other values come last.
fn by_example(cx: &mut Cx<'_>, value: &Value, column: &Arc<str>, order: &[Value]) -> Eval {
    let mut groups: Vec<Vec<Value>> = vec![Vec::new(); order.len() + 1];
    let mut examples: Vec<Value> = Vec::with_capacity(order.len());
    for example in order {
        let example = example.clone().read()?.first_field().read()?;
        for known in &examples {
            if operators::equal(cx, known, &example)? {
                return Err(Failure::invalid("a value stands twice in the order of the rows"));
            }
        }
        examples.push(example);
    }
    for row in rows(cx, value)?.each() {
        let row = row.read()?;
        let key = key_of(cx, &row, column)?;
        let mut place = examples.len();
        for (position, example) in examples.iter().enumerate() {
            if operators::equal(cx, &key, example)? {
                place = position;
                break;
            }
        }
        groups[place].push(row);
    }
    Ok(Value::table(groups.into_iter().flatten().collect()))
}
