//! Texts made of values by a format, and numbers read from texts.

use std::ops::Range;

use super::Blank::Keep;
use super::text::string;
use super::{Family, Function, Param, Returns};
use crate::expr::ProblemKind;
use crate::expr::powerfx::bind::Binder;
use crate::expr::powerfx::coerce::Number;
use crate::expr::powerfx::enums::{Backing, DATE_TIME_FORMAT};
use crate::expr::powerfx::error::{Eval, Failure, Kind};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::ir::Expr;
use crate::expr::powerfx::json::Json;
use crate::expr::powerfx::locale::Locale;
use crate::expr::powerfx::types::Type;
use crate::expr::powerfx::value::Value;
use crate::expr::powerfx::{format, numparse};

const fn conversion(function: Function) -> Function {
    function.family(Family::Text)
}

pub(super) static FUNCTIONS: &[Function] = &[
    conversion(Function::plain(
        "Text",
        &[Param::Any, Param::Any, Param::Text(Keep)],
        Returns::Check(text_type),
        text_,
    ))
    .arity(1, 3)
    .example("Text(1234.5, \"#,##0.00\")", "\"1,234.50\""),
    conversion(Function::plain(
        "Value",
        &[Param::Any, Param::Text(Keep)],
        Returns::Check(value_type),
        value,
    ))
    .arity(1, 2)
    .example("Value(\"1,234.5\")", "1234.5"),
    conversion(Function::plain(
        "Decimal",
        &[Param::Any, Param::Text(Keep)],
        Returns::Check(decimal_type),
        decimal,
    ))
    .arity(1, 2)
    .example("Decimal(\"0.1\")", "0.1"),
    conversion(Function::plain(
        "Float",
        &[Param::Any, Param::Text(Keep)],
        Returns::Check(float_type),
        float,
    ))
    .arity(1, 2)
    .example("Float(\"1e100\")", "1E+100"),
];

fn language(value: Option<&Value>, cx: &Cx<'_>) -> Eval<&'static Locale> {
    match value {
        None | Some(Value::Blank) => Ok(cx.locale),
        Some(value) => Locale::find(string(value)).ok_or_else(|| {
            Failure::new(
                Kind::BAD_LANGUAGE,
                format!("the language `{}` is not known", string(value)),
            )
        }),
    }
}

fn text_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let of = arguments[0].of.clone();
    let span = arguments[0].span.clone();
    let fits = of.coerces(&Type::Text) && !of.is_aggregate();
    if !fits {
        binder.report(ProblemKind::Type, &span, format!("`Text` does not take {of}"));
    }
    let Some(pattern) = arguments.get(1).cloned() else {
        return Type::Text;
    };
    let formats = matches!(
        of,
        Type::Float
            | Type::Decimal
            | Type::Date
            | Type::Time
            | Type::DateTime
            | Type::Untyped
            | Type::Any
            | Type::Blank
    );
    if fits && !formats {
        binder.report(
            ProblemKind::Type,
            &pattern.span,
            "a format is for numbers and dates only",
        );
    }
    let named = pattern.of == Type::Enum(&DATE_TIME_FORMAT);
    if !named && !matches!(pattern.of, Type::Text | Type::Any | Type::Blank | Type::Untyped) {
        binder.report(
            ProblemKind::Type,
            &pattern.span,
            format!("{} is not a format", pattern.of),
        );
    }
    if let Some(text) = binder.constant(&pattern).filter(|_| pattern.of == Type::Text)
        && !format::is_format(&text)
    {
        binder.report(ProblemKind::Type, &pattern.span, format!("`{text}` is not a format"));
    }
    Type::Text
}

fn text_(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let locale = language(values.get(2), cx)?;
    let Some(pattern) = values.get(1) else {
        return match &values[0] {
            value if value.is_blank() => Ok(Value::Blank),
            value => cx.string(value).map(Value::Text),
        };
    };
    if pattern.is_blank() || matches!(values.get(2), Some(Value::Blank)) {
        return Ok(Value::text(""));
    }
    let pattern = match pattern {
        Value::Untyped(_) => Value::Text(cx.string(pattern)?),
        pattern => pattern.clone(),
    };
    let text = format::formatted(cx, &values[0], &pattern, locale)?;
    cx.make_text(text)
}

fn numeric_type(binder: &mut Binder<'_>, arguments: &[Expr], gives: Type) -> Type {
    let of = arguments[0].of.clone();
    let fits = match &of {
        Type::Table(_) | Type::Record(_) | Type::Guid | Type::Color => false,
        Type::Enum(of) => of.backing == Backing::Number,
        of => of.coerces(&Type::Decimal),
    };
    if !fits {
        let span = arguments[0].span.clone();
        binder.report(ProblemKind::Type, &span, format!("{of} is not made a number"));
    }
    gives
}

fn value_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let gives = match &arguments[0].of {
        of @ (Type::Float | Type::Decimal) => of.clone(),
        Type::Any => Type::Any,
        _ => binder.number_type(),
    };
    numeric_type(binder, arguments, gives)
}

fn decimal_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    numeric_type(binder, arguments, Type::Decimal)
}

fn float_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    numeric_type(binder, arguments, Type::Float)
}

/// The number of a text in a language; nothing for an empty text, and for what is no text.
fn parsed(cx: &Cx<'_>, values: &[Value], float: bool) -> Eval<Option<Option<Number>>> {
    let locale = language(values.get(1), cx)?;
    match &values[0] {
        Value::Text(text) | Value::Untyped(Json::Text(text))
            if values.len() > 1 || matches!(values[0], Value::Text(_)) =>
        {
            numparse::parse(text, locale, float)
                .map(Some)
                .map_err(|()| Failure::invalid(format!("`{text}` is not a number")))
        }
        _ => Ok(None),
    }
}

fn value(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    if values[0].is_blank() {
        return Ok(Value::Blank);
    }
    match parsed(cx, values, cx.options.number_is_float)? {
        Some(number) => Ok(number.map_or(Value::Blank, Number::value)),
        None => Ok(cx.number(&values[0])?.value()),
    }
}

fn decimal(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    if values[0].is_blank() {
        return Ok(Value::Blank);
    }
    match parsed(cx, values, false)? {
        Some(number) => Ok(number.map_or(Value::Blank, Number::value)),
        None => Ok(Value::Decimal(cx.decimal(&values[0])?)),
    }
}

fn float(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    if values[0].is_blank() {
        return Ok(Value::Blank);
    }
    match parsed(cx, values, true)? {
        Some(number) => Ok(number.map_or(Value::Blank, Number::value)),
        None => Ok(Value::Float(cx.float(&values[0])?)),
    }
}
