//! Choices, and questions about blanks and errors.

use std::ops::Range;
use std::sync::Arc;

use super::Blank::Zero;
use super::{Family, Function, MANY, Param, Returns, Scoping};
use crate::expr::ProblemKind;
use crate::expr::powerfx::bind::Binder;
use crate::expr::powerfx::enums::{ERROR_KIND, Raw};
use crate::expr::powerfx::error::{Eval, Failure, Fault, Kind};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::ir::Expr;
use crate::expr::powerfx::operators;
use crate::expr::powerfx::types::{Columns, Type};
use crate::expr::powerfx::value::{Record, VALUE, Value};

const fn logical(function: Function) -> Function {
    function.family(Family::Logical)
}

pub(super) static FUNCTIONS: &[Function] = &[
    logical(Function::special("And", &[Param::Boolean(Zero)], Returns::Boolean, and))
        .arity(1, MANY)
        .example("And(1 < 2, true)", "true"),
    logical(Function::plain("Blank", &[], Returns::Blank, |_, _| Ok(Value::Blank))).example("Blank()", "Blank()"),
    logical(Function::plain(
        "Boolean",
        &[Param::Any],
        Returns::Check(boolean_type),
        boolean,
    ))
    .tabular()
    .example("Boolean(\"true\")", "true"),
    logical(Function::special(
        "Coalesce",
        &[Param::Any],
        Returns::Check(coalesce_type),
        coalesce,
    ))
    .arity(1, MANY)
    .example("Coalesce(Blank(), \"\", \"x\")", "\"x\""),
    logical(Function::plain(
        "Error",
        &[Param::Any],
        Returns::Check(error_type),
        error,
    ))
    .example("IfError(Error(\"no\"), FirstError.Message)", "\"no\""),
    logical(Function::special(
        "If",
        &[Param::Any, Param::Any],
        Returns::Check(if_type),
        if_,
    ))
    .arity(2, MANY)
    .repeat(2)
    .example("If(1 > 2, \"a\", \"b\")", "\"b\""),
    logical(Function::special(
        "IfError",
        &[Param::Any, Param::Row],
        Returns::Check(if_error_type),
        if_error,
    ))
    .arity(2, MANY)
    .repeat(2)
    .scoped(Scoping::Errors)
    .example("IfError(1 / 0, -1)", "-1"),
    logical(Function::plain(
        "IsBlank",
        &[Param::Any],
        Returns::Boolean,
        |_, values| Ok(Value::Boolean(values[0].is_blank_or_empty())),
    ))
    .example("IsBlank(\"\")", "true"),
    logical(Function::special(
        "IsBlankOrError",
        &[Param::Any],
        Returns::Boolean,
        is_blank_or_error,
    ))
    .example("IsBlankOrError(1 / 0)", "true"),
    logical(Function::special("IsError", &[Param::Any], Returns::Boolean, is_error)).example("IsError(1 / 0)", "true"),
    logical(Function::plain(
        "Not",
        &[Param::Boolean(Zero)],
        Returns::Boolean,
        |cx, values| Ok(Value::Boolean(!cx.boolean(&values[0])?)),
    ))
    .tabular()
    .example("Not(true)", "false"),
    logical(Function::special("Or", &[Param::Boolean(Zero)], Returns::Boolean, or))
        .arity(1, MANY)
        .example("Or(1 > 2, true)", "true"),
    logical(Function::special(
        "Switch",
        &[Param::Any, Param::Any, Param::Any],
        Returns::Check(switch_type),
        switch,
    ))
    .arity(3, MANY)
    .repeat(2)
    .example("Switch(2, 1, \"one\", 2, \"two\", \"many\")", "\"two\""),
    logical(Function::special(
        "With",
        &[Param::Record, Param::Row],
        Returns::Check(with_type),
        with,
    ))
    .scoped(Scoping::Record)
    .example("With({a: 2, b: 3}, a * b)", "6"),
];

fn and(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    junction(cx, arguments, false)
}

fn or(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    junction(cx, arguments, true)
}

fn junction(cx: &mut Cx<'_>, arguments: &[Expr], decides: bool) -> Eval {
    for argument in arguments {
        let value = cx.eval(argument)?;
        if cx.boolean(&value)? == decides {
            return Ok(Value::Boolean(decides));
        }
    }
    Ok(Value::Boolean(!decides))
}

fn boolean_type(binder: &mut Binder<'_>, arguments: &mut [Expr], span: &Range<usize>) -> Type {
    let of = match &arguments[0].of {
        Type::Table(columns) => columns.single().map_or(Type::Any, |(_, of)| of.clone()),
        of => of.clone(),
    };
    if of.is_aggregate() || !of.coerces(&Type::Boolean) {
        binder.report(ProblemKind::Type, span, format!("{of} is not made a boolean"));
    }
    match &arguments[0].of {
        Type::Table(_) => Type::table_of(VALUE, Type::Boolean),
        _ => Type::Boolean,
    }
}

fn boolean(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    match &values[0] {
        value if value.is_blank() => Ok(Value::Blank),
        Value::Text(text) if text.is_empty() => Ok(Value::Blank),
        value => Ok(Value::Boolean(cx.boolean(value)?)),
    }
}

/// Makes all of them one type, that of the first that has one.
fn join(binder: &mut Binder<'_>, arguments: &mut [Expr], positions: &[usize]) -> Type {
    let mut of = Type::Blank;
    for position in positions {
        let one = &arguments[*position].of;
        match of.join(one) {
            Some(joined) => of = joined,
            None => {
                let message = format!("{one} does not go with {of}, which the first result is");
                let span = arguments[*position].span.clone();
                binder.report(ProblemKind::Type, &span, message);
                return Type::Any;
            }
        }
    }
    for position in positions {
        let blank = Expr::new(
            crate::expr::powerfx::ir::Kind::Constant(Value::Blank),
            Type::Blank,
            arguments[*position].span.clone(),
        );
        let argument = std::mem::replace(&mut arguments[*position], blank);
        arguments[*position] = argument.coerced(&of);
    }
    of
}

fn condition(binder: &mut Binder<'_>, argument: &Expr) {
    if !argument.of.coerces(&Type::Boolean) {
        let message = format!("a condition is a boolean, not {}", argument.of);
        binder.report(ProblemKind::Type, &argument.span, message);
    }
}

fn if_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let pairs = arguments.len() / 2;
    for pair in 0..pairs {
        condition(binder, &arguments[pair * 2]);
    }
    let mut results: Vec<usize> = (0..pairs).map(|pair| pair * 2 + 1).collect();
    if arguments.len() % 2 == 1 {
        results.push(arguments.len() - 1);
    }
    join(binder, arguments, &results)
}

fn if_(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    for pair in arguments.chunks(2) {
        let [condition, result] = pair else {
            return cx.eval(&pair[0]);
        };
        let value = cx.eval(condition)?;
        if cx.boolean(&value)? {
            return cx.eval(result);
        }
    }
    Ok(Value::Blank)
}

fn switch_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let mut results: Vec<usize> = (2..arguments.len()).step_by(2).collect();
    if arguments.len().is_multiple_of(2) {
        results.push(arguments.len() - 1);
    }
    let compared: Vec<usize> = (1..arguments.len() - 1).step_by(2).collect();
    let subject = arguments[0].of.clone();
    for position in compared {
        let case = &arguments[position];
        let fits = subject.is_any()
            || case.of.is_any()
            || subject == case.of
            || (!subject.is_aggregate() && case.of.coerces(&subject))
            || (!case.of.is_aggregate() && subject.coerces(&case.of));
        if !fits {
            let message = format!("{subject} cannot be compared with {}", case.of);
            let span = case.span.clone();
            binder.report(ProblemKind::Type, &span, message);
        }
    }
    join(binder, arguments, &results)
}

fn switch(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let subject = cx.eval(&arguments[0])?;
    for pair in arguments[1..].chunks(2) {
        let [case, result] = pair else {
            return cx.eval(&pair[0]);
        };
        let case = cx.eval(case)?;
        if operators::equal(cx, &subject, &case)? {
            return cx.eval(result);
        }
    }
    Ok(Value::Blank)
}

fn coalesce_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let all: Vec<usize> = (0..arguments.len()).collect();
    join(binder, arguments, &all)
}

fn coalesce(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    for argument in arguments {
        let value = cx.eval(argument)?;
        if !value.is_blank_or_empty() {
            return Ok(value);
        }
    }
    Ok(Value::Blank)
}

fn is_error(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    match cx.eval(&arguments[0]) {
        Err(failure) if failure.is_error() => Ok(Value::Boolean(true)),
        result => result.map(|_| Value::Boolean(false)),
    }
}

fn is_blank_or_error(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    match cx.eval(&arguments[0]) {
        Err(failure) if failure.is_error() => Ok(Value::Boolean(true)),
        result => result.map(|value| Value::Boolean(value.is_blank_or_empty())),
    }
}

/// The type of an error, as `FirstError` has it.
fn error_columns() -> Columns {
    Columns::new(vec![
        ("Kind".into(), Type::Any),
        ("Message".into(), Type::Text),
        ("Source".into(), Type::Text),
        ("Observed".into(), Type::Text),
        ("Details".into(), Type::Any),
    ])
}

/// What the fallbacks of `IfError` see.
pub(in crate::expr::powerfx) fn errors_type() -> Type {
    Type::record(vec![
        ("FirstError".into(), Type::Record(error_columns())),
        ("AllErrors".into(), Type::Table(error_columns())),
    ])
}

fn error_record(cx: &Cx<'_>, fault: &Fault) -> Value {
    Value::record(vec![
        ("Kind".into(), cx.int(fault.kind.0)),
        ("Message".into(), Value::Text(fault.message.clone())),
        ("Source".into(), Value::Blank),
        ("Observed".into(), Value::Blank),
        ("Details".into(), fault.details.clone().unwrap_or(Value::Blank)),
    ])
}

fn errors_record(cx: &Cx<'_>, failure: &Failure) -> Value {
    let faults: &[Fault] = match failure {
        Failure::Errors(faults) => faults,
        Failure::Limit(_) => &[],
    };
    let all: Vec<Value> = faults.iter().map(|fault| error_record(cx, fault)).collect();
    Value::record(vec![
        ("FirstError".into(), all.first().cloned().unwrap_or(Value::Blank)),
        ("AllErrors".into(), Value::table(all)),
    ])
}

fn if_error_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let mut results: Vec<usize> = (0..arguments.len()).filter(|position| position % 2 == 1).collect();
    // Of the values that are tried only the last one is a result.
    match arguments.len() % 2 {
        1 => results.insert(0, arguments.len() - 1),
        _ => results.insert(0, arguments.len() - 2),
    }
    if arguments.len() == 2 {
        results = vec![0, 1];
    }
    join(binder, arguments, &results)
}

fn if_error(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let mut last = Ok(Value::Blank);
    for pair in arguments.chunks(2) {
        let [tried, fallback] = pair else {
            return cx.eval(&pair[0]);
        };
        last = match cx.eval(tried) {
            Err(failure) if failure.is_error() => {
                let errors = errors_record(cx, &failure);
                return cx.within(errors, fallback);
            }
            result => result,
        };
    }
    last
}

fn error_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let argument = &arguments[0];
    let columns = match &argument.of {
        Type::Record(columns) | Type::Table(columns) => columns.clone(),
        Type::Any | Type::Blank | Type::Text => return Type::Blank,
        of if of.coerces(&Type::Text) => return Type::Blank,
        of => {
            let message = format!("`Error` takes a text or a record, not {of}");
            let span = argument.span.clone();
            binder.report(ProblemKind::Type, &span, message);
            return Type::Blank;
        }
    };
    let span = argument.span.clone();
    if columns.get("Kind").is_none() {
        binder.report(ProblemKind::Arguments, &span, "an error needs a field `Kind`");
    }
    for (name, of) in columns.iter() {
        let fits = match &**name {
            "Kind" => of.coerces(&Type::Enum(&ERROR_KIND)) || of.coerces(&Type::Decimal),
            "Message" | "Source" | "Observed" => of.coerces(&Type::Text),
            "Details" => true,
            _ => {
                binder.report(ProblemKind::Arguments, &span, format!("an error has no field `{name}`"));
                true
            }
        };
        if !fits {
            binder.report(ProblemKind::Type, &span, format!("the field `{name}` cannot be {of}"));
        }
    }
    Type::Blank
}

fn error(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let faults = match &values[0] {
        Value::Record(record) => vec![fault(cx, record)?],
        Value::Table(table) => {
            let mut faults = Vec::new();
            for row in table.rows() {
                match row.clone().read()? {
                    Value::Record(record) => faults.push(fault(cx, &record)?),
                    _ => return Err(Failure::invalid("an error is a record")),
                }
            }
            faults
        }
        Value::Blank => Vec::new(),
        value => vec![Fault {
            kind: Kind::CUSTOM,
            message: cx.string(value)?,
            details: None,
            range: None,
        }],
    };
    match faults.is_empty() {
        true => Err(Failure::invalid("`Error` was given nothing")),
        false => Err(Failure::Errors(Arc::new(faults))),
    }
}

fn fault(cx: &mut Cx<'_>, record: &Record) -> Eval<Fault> {
    let field = |name: &str| record.get(name).cloned().unwrap_or(Value::Blank).read();
    let kind = match field("Kind")? {
        Value::Blank => return Err(Failure::invalid("an error needs a kind")),
        value => Kind(cx.float(&value)? as i64),
    };
    let message = match field("Message")? {
        Value::Blank => match ERROR_KIND.name_of(&Raw::Number(kind.0)) {
            Some(name) => format!("an error of the kind {name}").into(),
            None => "an error".into(),
        },
        value => cx.string(&value)?,
    };
    let details = match field("Details")? {
        Value::Blank => None,
        value => Some(value),
    };
    Ok(Fault {
        kind,
        message,
        details,
        range: None,
    })
}

fn with_type(_: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    arguments[1].of.clone()
}

fn with(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    match cx.eval(&arguments[0])? {
        Value::Blank => Ok(Value::Blank),
        record => cx.within(record, &arguments[1]),
    }
}
