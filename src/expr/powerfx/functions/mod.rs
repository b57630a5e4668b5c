//! The functions: one table, from which come the checks of calls, suggestions and the page of documentation.

pub(super) mod color;
mod columns;
mod conversion;
mod datetime;
pub(super) mod group;
mod info;
mod iterate;
pub(super) mod logical;
mod matching;
mod math;
mod message;
mod statistics;
mod table;
mod text;
pub(super) mod untyped;

use std::ops::Range;

use super::bind::Binder;
use super::enums::{Backing, Enumeration, Raw};
use super::error::{Eval, Failure, Kind, all};
use super::eval::Cx;
use super::ir::Expr;
use super::types::Type;
use super::value::{VALUE, Value};

/// A function.
#[derive(Debug)]
pub(super) struct Function {
    pub name: &'static str,
    pub family: Family,
    pub min: usize,
    pub max: usize,
    pub params: &'static [Param],
    /// How many of the last parameters come again for further arguments.
    pub repeat: usize,
    /// Whether a table of one column may stand for a value, and makes the result a table.
    pub tabular: bool,
    pub scoping: Scoping,
    pub returns: Returns,
    pub body: Body,
    /// A formula and what it gives.
    pub example: (&'static str, &'static str),
}

/// What a function is about; the sections of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// `If`, `IsBlank`, …
    Logical,
    /// `Upper`, `Concatenate`, …
    Text,
    /// `Round`, `Sqrt`, …
    Number,
    /// `Sum`, `Max`, …
    Statistics,
    /// `Filter`, `First`, …
    Table,
    /// `Date`, `DateAdd`, …
    Date,
    /// `ParseJSON`, `JSON`, …
    Json,
    /// `Match`, `IsMatch`, …
    Pattern,
    /// `RGBA`, …
    Color,
    /// `UserMessage`, `MessageText`, …
    Message,
    /// `Language`, `Trace`, …
    Information,
}

/// What becomes of a blank argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blank {
    /// Zero, the empty text, false.
    Zero,
    /// It stays blank.
    Keep,
    /// The whole call is blank.
    Stop,
}

/// What an argument has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Param {
    Any,
    Text(Blank),
    Float(Blank),
    /// A number that keeps its kind.
    Number(Blank),
    Boolean(Blank),
    /// A date, with or without a time.
    DateTime(Blank),
    Color(Blank),
    Enum(&'static Enumeration),
    Untyped,
    Record,
    Table,
    /// A table or a record.
    Aggregate,
    /// The name of a column.
    Column,
    /// The name of a column, or a text that is one when it is evaluated.
    ColumnText,
    /// The name of a column, or a formula over the rows of a group with its name behind `As`.
    Group,
    /// Evaluated by the function, with a row or record in scope.
    Row,
}

/// Which names arguments of [`Param::Row`] may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scoping {
    None,
    /// The columns of the first argument.
    Rows,
    /// The fields of the first argument.
    Record,
    /// `FirstError` and `AllErrors`.
    Errors,
}

/// The type of the result.
#[derive(Clone, Copy)]
pub(super) enum Returns {
    Boolean,
    Text,
    Float,
    /// A number of the kind that formulas compute with.
    Int,
    /// A number of the kind of the [`Param::Number`] arguments.
    Number,
    Date,
    DateTime,
    Time,
    Color,
    Guid,
    Untyped,
    Blank,
    /// That of the first argument.
    First,
    Check(fn(&mut Binder<'_>, &mut [Expr], &Range<usize>) -> Type),
}

impl std::fmt::Debug for Returns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Returns")
    }
}

/// How a function is evaluated.
#[derive(Clone, Copy)]
pub(super) enum Body {
    /// From the values of its arguments, made what its parameters ask for.
    Plain(fn(&mut Cx<'_>, &[Value]) -> Eval),
    /// From its arguments as they are written.
    Special(fn(&mut Cx<'_>, &[Expr], &Type) -> Eval),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body")
    }
}

/// No bound on the number of arguments.
pub(super) const MANY: usize = usize::MAX;

impl Function {
    const fn new(name: &'static str, params: &'static [Param], returns: Returns, body: Body) -> Function {
        Function {
            name,
            family: Family::Information,
            min: params.len(),
            max: params.len(),
            params,
            repeat: 1,
            tabular: false,
            scoping: Scoping::None,
            returns,
            body,
            example: ("", ""),
        }
    }

    const fn plain(
        name: &'static str,
        params: &'static [Param],
        returns: Returns,
        run: fn(&mut Cx<'_>, &[Value]) -> Eval,
    ) -> Function {
        Function::new(name, params, returns, Body::Plain(run))
    }

    const fn special(
        name: &'static str,
        params: &'static [Param],
        returns: Returns,
        run: fn(&mut Cx<'_>, &[Expr], &Type) -> Eval,
    ) -> Function {
        Function::new(name, params, returns, Body::Special(run))
    }

    const fn family(mut self, family: Family) -> Function {
        self.family = family;
        self
    }

    const fn arity(mut self, min: usize, max: usize) -> Function {
        self.min = min;
        self.max = max;
        self
    }

    const fn repeat(mut self, count: usize) -> Function {
        self.repeat = count;
        self
    }

    const fn tabular(mut self) -> Function {
        self.tabular = true;
        self
    }

    const fn scoped(mut self, scoping: Scoping) -> Function {
        self.scoping = scoping;
        self
    }

    const fn example(mut self, formula: &'static str, gives: &'static str) -> Function {
        self.example = (formula, gives);
        self
    }

    /// What the argument at a position has to be.
    pub fn param(&self, position: usize) -> Param {
        if let Some(param) = self.params.get(position) {
            return *param;
        }
        let repeat = self.repeat.min(self.params.len());
        match repeat {
            0 => Param::Any,
            _ => {
                let first = self.params.len() - repeat;
                self.params[first + (position - first) % repeat]
            }
        }
    }
}

impl Param {
    /// Whether a value of a type may stand here.
    pub fn accepts(self, of: &Type) -> bool {
        match self {
            Param::Any | Param::Row | Param::Column | Param::ColumnText | Param::Group => true,
            Param::Text(_) => of.coerces(&Type::Text),
            Param::Float(_) | Param::Number(_) => of.coerces(&Type::Decimal),
            Param::Boolean(_) => of.coerces(&Type::Boolean),
            Param::DateTime(_) => of.coerces(&Type::DateTime),
            Param::Color(_) => of.coerces(&Type::Color),
            Param::Enum(wanted) => of.coerces(&Type::Enum(wanted)),
            Param::Untyped => matches!(of, Type::Untyped | Type::Any | Type::Blank),
            Param::Record => matches!(of, Type::Record(_) | Type::Any | Type::Blank),
            Param::Table => matches!(of, Type::Table(_) | Type::Any | Type::Blank),
            Param::Aggregate => of.is_aggregate() || of.is_any(),
        }
    }

    /// As a message calls it.
    pub fn wanted(self) -> String {
        match self {
            Param::Any | Param::Row => "a value".to_owned(),
            Param::Text(_) => "a text".to_owned(),
            Param::Float(_) | Param::Number(_) => "a number".to_owned(),
            Param::Boolean(_) => "a boolean".to_owned(),
            Param::DateTime(_) => "a date".to_owned(),
            Param::Color(_) => "a color".to_owned(),
            Param::Enum(of) => format!("a value of {}", of.name),
            Param::Untyped => "an untyped value".to_owned(),
            Param::Record => "a record".to_owned(),
            Param::Table => "a table".to_owned(),
            Param::Aggregate => "a table or a record".to_owned(),
            Param::Column | Param::ColumnText | Param::Group => "the name of a column".to_owned(),
        }
    }

    fn blank(self) -> Blank {
        match self {
            Param::Text(blank)
            | Param::Float(blank)
            | Param::Number(blank)
            | Param::Boolean(blank)
            | Param::DateTime(blank)
            | Param::Color(blank) => blank,
            _ => Blank::Keep,
        }
    }

    /// A value as the parameter asks for it.
    fn convert(self, cx: &mut Cx<'_>, value: &Value) -> Eval {
        if value.is_blank() && self.blank() == Blank::Keep {
            return Ok(match self {
                Param::Untyped => value.clone(),
                _ => Value::Blank,
            });
        }
        Ok(match self {
            Param::Text(_) => Value::Text(cx.string(value)?),
            Param::Float(_) => Value::Float(cx.float(value)?),
            Param::Number(_) => cx.number(value)?.value(),
            Param::Boolean(_) => Value::Boolean(cx.boolean(value)?),
            Param::DateTime(Blank::Keep) if matches!(value, Value::Text(text) if text.is_empty()) => Value::Blank,
            Param::DateTime(_) => match value {
                Value::Date(_) | Value::DateTime(_) | Value::Time(_) => value.clone(),
                value => Value::DateTime(cx.ticks(value)?),
            },
            Param::Color(_) => match value {
                Value::Blank => Value::Color(0),
                Value::Color(_) => value.clone(),
                Value::Enum(_, Raw::Color(color)) => Value::Color(*color),
                value => return Err(super::coerce::mismatch(value, "a color")),
            },
            Param::Enum(of) => match (value, of.backing) {
                (Value::Enum(..), _) => value.clone(),
                (Value::Text(text), Backing::Text) => Value::Enum(of, Raw::Text(text.to_string().into())),
                (value, Backing::Number) => Value::Enum(of, Raw::Number(cx.float(value)? as i64)),
                (value, _) => return Err(super::coerce::mismatch(value, of.name)),
            },
            Param::Record if !matches!(value, Value::Record(_)) => {
                return Err(super::coerce::mismatch(value, "a record"));
            }
            Param::Table if !matches!(value, Value::Table(_)) => {
                return Err(super::coerce::mismatch(value, "a table"));
            }
            Param::Aggregate if !matches!(value, Value::Table(_) | Value::Record(_)) => {
                return Err(super::coerce::mismatch(value, "a table or a record"));
            }
            _ => value.clone(),
        })
    }
}

type Run = fn(&mut Cx<'_>, &[Value]) -> Eval;

/// Calls a function with the values of its arguments.
pub(super) fn call(cx: &mut Cx<'_>, function: &'static Function, run: Run, arguments: &[Expr], of: &Type) -> Eval {
    if !function.tabular {
        let values = cx.eval_all(arguments)?;
        return apply(cx, function, run, &values);
    }
    let results: Vec<Eval> = arguments.iter().map(|argument| cx.eval(argument)).collect();
    let is_table = |result: &Eval| matches!(result, Ok(Value::Table(_)));
    if !matches!(of, Type::Table(_)) && !results.iter().any(is_table) {
        let value = apply(cx, function, run, &all(results)?)?;
        // Members of an enumeration that were put together are one of it.
        return match of {
            Type::Enum(_) => cx.coerce(value, of),
            _ => Ok(value),
        };
    }
    // A table that failed or is blank is the whole result; a value that failed is one in every row.
    let mut blank = false;
    for (result, argument) in results.iter().zip(arguments) {
        match (result, &argument.of) {
            (Err(failure), Type::Table(_)) => return Err(failure.clone()),
            (Err(failure @ Failure::Limit(_)), _) => return Err(failure.clone()),
            (Ok(value), Type::Table(_)) if value.is_blank() => blank = true,
            _ => {}
        }
    }
    match blank {
        true => Ok(Value::Blank),
        false => broadcast(cx, function, run, &results),
    }
}

fn apply(cx: &mut Cx<'_>, function: &'static Function, run: Run, values: &[Value]) -> Eval {
    let param = |position| function.param(position);
    let stops = |(position, value): (usize, &Value)| value.is_blank() && param(position).blank() == Blank::Stop;
    if values.iter().enumerate().any(stops) {
        return Ok(Value::Blank);
    }
    let size: usize = values.iter().map(text_size).sum();
    cx.burn(size as u64 / 64)?;
    // One number that is a float makes all of them floats.
    let is_float =
        |(position, value): (usize, &Value)| matches!((param(position), value), (Param::Number(_), Value::Float(_)));
    let floats = values.iter().enumerate().any(is_float);
    let converted: Vec<Eval> = values
        .iter()
        .enumerate()
        .map(|(position, value)| match param(position) {
            Param::Number(_) if floats => cx.float(value).map(Value::Float),
            param => param.convert(cx, value),
        })
        .collect();
    run(cx, &all(converted)?)
}

/// The bytes of a text, which take time to work with.
fn text_size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        _ => 0,
    }
}

/// Applies a function to the rows of tables of one column; a value that is no table goes with every row.
fn broadcast(cx: &mut Cx<'_>, function: &'static Function, run: Run, results: &[Eval]) -> Eval {
    let lengths = results.iter().filter_map(|result| match result {
        Ok(Value::Table(table)) => Some(table.rows().len()),
        _ => None,
    });
    let rows = lengths.max().unwrap_or(0);
    let mut made = Vec::with_capacity(rows);
    for row in 0..rows {
        cx.burn(1)?;
        made.push(match row_arguments(results, row) {
            Err(failure) => Value::Error(failure),
            Ok(None) => {
                let failure = Failure::new(Kind::NOT_APPLICABLE, "the tables have different numbers of rows");
                Value::row(VALUE, Value::Error(failure))
            }
            Ok(Some(arguments)) => {
                let value = all(arguments).and_then(|arguments| apply(cx, function, run, &arguments));
                Value::row(VALUE, Value::cell(value)?)
            }
        });
    }
    Ok(Value::table(made))
}

/// The arguments for a row; nothing where a table has no such row, an error where the row itself is one.
fn row_arguments(results: &[Eval], row: usize) -> Result<Option<Vec<Eval>>, Failure> {
    let mut arguments = Vec::with_capacity(results.len());
    for result in results {
        arguments.push(match result {
            Ok(Value::Table(table)) => match table.rows().get(row) {
                Some(Value::Error(failure)) => return Err(failure.clone()),
                Some(row) => row.first_field().read(),
                None => return Ok(None),
            },
            result => result.clone(),
        });
    }
    Ok(Some(arguments))
}

static FAMILIES: &[&[Function]] = &[
    logical::FUNCTIONS,
    text::FUNCTIONS,
    conversion::FUNCTIONS,
    math::OF_FLOATS,
    math::FUNCTIONS,
    statistics::FUNCTIONS,
    table::FUNCTIONS,
    iterate::FUNCTIONS,
    columns::FUNCTIONS,
    group::FUNCTIONS,
    datetime::FUNCTIONS,
    untyped::FUNCTIONS,
    matching::FUNCTIONS,
    color::FUNCTIONS,
    message::FUNCTIONS,
    info::FUNCTIONS,
];

/// All functions.
pub(super) fn every() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// The function of a name; case matters.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    every().find(|function| function.name == name)
}
