//! Rows in groups.

use std::ops::Range;
use std::sync::Arc;

use super::table::rows;
use super::{Family, Function, MANY, Param, Returns};
use crate::diagnostic::closest;
use crate::expr::ProblemKind;
use crate::expr::powerfx::bind::Binder;
use crate::expr::powerfx::error::{Eval, Failure};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::ir::{Expr, Kind};
use crate::expr::powerfx::operators;
use crate::expr::powerfx::types::{Columns, Type};
use crate::expr::powerfx::value::Value;

/// The name of the rows of a group.
pub(in crate::expr::powerfx) const GROUP: &str = "ThisGroup";

pub(super) static FUNCTIONS: &[Function] = &[Function::special(
    "Summarize",
    &[Param::Table, Param::Group],
    Returns::Check(summarize_type),
    summarize,
)
.arity(2, MANY)
.family(Family::Table)
.example(
    "Summarize([{a: 1, n: 2}, {a: 1, n: 3}], a, Sum(ThisGroup, n) As total)",
    "Table({a:1,total:5})",
)];

/// What an argument behind the table is: the name of a column to group by, or a formula with its name.
enum Part<'a> {
    Column(Arc<str>),
    Formula(&'a Arc<str>, &'a Expr),
}

fn part(argument: &Expr) -> Part<'_> {
    match &argument.kind {
        Kind::Record(fields) if fields.len() == 1 => Part::Formula(&fields[0].0, &fields[0].1),
        _ => Part::Column(argument.constant_text().cloned().unwrap_or_default()),
    }
}

fn summarize_type(binder: &mut Binder<'_>, arguments: &mut [Expr], span: &Range<usize>) -> Type {
    let Some(columns) = arguments[0].of.columns().cloned() else {
        return Type::Any;
    };
    if columns.get(GROUP).is_some() {
        let message = format!("the column `{GROUP}` has the name of the rows of a group");
        binder.report(ProblemKind::Arguments, &arguments[0].span, message);
    }
    let mut result: Vec<(Arc<str>, Type)> = Vec::new();
    let mut groups = false;
    for argument in &arguments[1..] {
        let (name, of) = match part(argument) {
            Part::Column(name) => {
                groups = true;
                let of = columns.get(&name).cloned().unwrap_or_else(|| {
                    let help = closest(&name, columns.names()).map(|name| format!("did you mean `{name}`?"));
                    let message = format!("there is no column `{name}`");
                    binder.report_with(ProblemKind::UnknownName, &argument.span, message, help);
                    Type::Any
                });
                (name, of)
            }
            Part::Formula(name, formula) => (name.clone(), formula.of.clone()),
        };
        if of.is_aggregate() {
            binder.report(
                ProblemKind::Type,
                &argument.span,
                format!("{of} cannot be in a summary"),
            );
        }
        if result.iter().any(|(known, _)| *known == name) {
            binder.report(
                ProblemKind::Arguments,
                &argument.span,
                format!("there are two columns `{name}`"),
            );
        }
        result.push((name, of));
    }
    if !groups {
        binder.report(ProblemKind::Arguments, span, "`Summarize` needs a column to group by");
    }
    Type::Table(Columns::new(result))
}

fn summarize(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let table = cx.eval(&arguments[0])?;
    if table.is_blank() {
        return Ok(Value::Blank);
    }
    let keys: Vec<Arc<str>> = arguments[1..]
        .iter()
        .filter_map(|argument| match part(argument) {
            Part::Column(name) => Some(name),
            Part::Formula(..) => None,
        })
        .collect();
    let mut groups: Vec<(Vec<Value>, Vec<Value>)> = Vec::new();
    for row in rows(cx, &table)?.each() {
        let row = row.read()?;
        if row.is_blank() {
            continue;
        }
        let mut key = Vec::with_capacity(keys.len());
        for name in &keys {
            key.push(cx.field(row.clone(), name)?);
        }
        match find(cx, &groups, &key)? {
            Some(at) => groups[at].1.push(row),
            None => groups.push((key, vec![row])),
        }
    }
    let mut summary = Vec::with_capacity(groups.len());
    for (key, members) in groups {
        let group = Value::record(vec![(GROUP.into(), Value::table(members))]);
        let mut fields = Vec::with_capacity(arguments.len() - 1);
        let mut key = key.into_iter();
        for argument in &arguments[1..] {
            fields.push(match part(argument) {
                Part::Column(name) => (name, key.next().unwrap_or(Value::Blank)),
                Part::Formula(name, formula) => (name.clone(), Value::cell(cx.within(group.clone(), formula))?),
            });
        }
        summary.push(Value::record(fields));
    }
    Ok(Value::table(summary))
}

/// The group of a key.
fn find(cx: &mut Cx<'_>, groups: &[(Vec<Value>, Vec<Value>)], key: &[Value]) -> Result<Option<usize>, Failure> {
    for (at, (known, _)) in groups.iter().enumerate() {
        let mut same = true;
        for (one, other) in known.iter().zip(key) {
            same = operators::equal(cx, one, other)?;
            if !same {
                break;
            }
        }
        if same {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
