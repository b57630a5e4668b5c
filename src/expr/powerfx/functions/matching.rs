//! Regular expressions over texts. Pattern and options are constants, so that mistakes are found before a run and the
//! fields of a match are known.

use std::ops::Range;
use std::sync::Arc;

use super::Blank::Zero;
use super::{Family, Function, Param, Returns};
use crate::expr::ProblemKind;
use crate::expr::powerfx::bind::Binder;
use crate::expr::powerfx::enums::{MATCH, MATCH_OPTIONS};
use crate::expr::powerfx::error::{Eval, Failure, Kind as ErrorKind};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::ir::{Expr, Kind};
use crate::expr::powerfx::regex::{Flags, Pattern};
use crate::expr::powerfx::types::{Columns, Type};
use crate::expr::powerfx::value::{VALUE, Value};

const TEXT: Param = Param::Text(Zero);
const PARAMS: &[Param] = &[TEXT, Param::Enum(&MATCH), Param::Enum(&MATCH_OPTIONS)];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::special("IsMatch", PARAMS, Returns::Check(is_match_type), is_match)
        .arity(2, 3)
        .family(Family::Pattern)
        .example("IsMatch(\"123-45\", \"\\d{3}-\\d{2}\")", "true"),
    Function::special("Match", PARAMS, Returns::Check(match_type), match_)
        .arity(2, 3)
        .family(Family::Pattern)
        .example(
            "Match(\"Ada Lovelace\", \"(?<last>\\w+)$\")",
            "{FullMatch:\"Lovelace\",StartMatch:5,last:\"Lovelace\"}",
        ),
    Function::special("MatchAll", PARAMS, Returns::Check(match_all_type), match_all)
        .arity(2, 3)
        .family(Family::Pattern)
        .example("CountRows(MatchAll(\"a1b22\", \"\\d+\"))", "2"),
];

/// Reads the pattern and puts it in the place of the argument.
fn prepare(binder: &mut Binder<'_>, arguments: &mut [Expr]) -> Option<Arc<Pattern>> {
    let letters = match arguments.get(2) {
        None => String::new(),
        Some(options) => {
            let typed = options.of == Type::Enum(&MATCH_OPTIONS);
            match binder.constant(options).filter(|_| typed || options.of == Type::Text) {
                Some(letters) => letters.to_string(),
                None => {
                    let span = options.span.clone();
                    binder.report(
                        ProblemKind::Type,
                        &span,
                        "the options of a match are constants of `MatchOptions`",
                    );
                    return None;
                }
            }
        }
    };
    let span = arguments[1].span.clone();
    let Some(source) = binder.constant(&arguments[1]) else {
        binder.report(ProblemKind::Type, &span, "a regular expression is a constant text");
        return None;
    };
    match Pattern::new(&source, Flags::of(&letters)) {
        Ok(pattern) => {
            let pattern = Arc::new(pattern);
            arguments[1] = Expr::new(Kind::Pattern(pattern.clone()), Type::Text, span);
            Some(pattern)
        }
        Err(why) => {
            binder.report(
                ProblemKind::Syntax,
                &span,
                format!("the regular expression is malformed: {why}"),
            );
            None
        }
    }
}

/// The fields of a match.
fn fields(binder: &Binder<'_>, pattern: &Pattern) -> Columns {
    let mut columns = Columns::new(vec![
        ("FullMatch".into(), Type::Text),
        ("StartMatch".into(), binder.number_type()),
    ]);
    if pattern.numbered.is_some() {
        columns = columns.with("SubMatches".into(), Type::table_of(VALUE, Type::Text));
    }
    for name in &pattern.names {
        columns = columns.with(name.clone(), Type::Text);
    }
    columns
}

fn is_match_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    prepare(binder, arguments);
    Type::Boolean
}

fn match_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let pattern = prepare(binder, arguments);
    pattern.map_or(Type::Any, |pattern| Type::Record(fields(binder, &pattern)))
}

fn match_all_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let pattern = prepare(binder, arguments);
    pattern.map_or(Type::Any, |pattern| Type::Table(fields(binder, &pattern)))
}

fn pattern(arguments: &[Expr]) -> Eval<&Pattern> {
    match &arguments[1].kind {
        Kind::Pattern(pattern) => Ok(pattern),
        _ => Err(Failure::new(
            ErrorKind::BAD_REGEX,
            "the regular expression is not a constant",
        )),
    }
}

fn text(cx: &mut Cx<'_>, arguments: &[Expr]) -> Eval<Arc<str>> {
    let value = cx.eval(&arguments[0])?;
    let text = cx.string(&value)?;
    cx.burn(text.len() as u64 / 8)?;
    Ok(text)
}

fn too_long(_: fancy_regex::Error) -> Failure {
    Failure::Limit("a regular expression takes too long")
}

fn is_match(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let text = text(cx, arguments)?;
    let pattern = pattern(arguments)?;
    pattern.engine.is_match(&*text).map(Value::Boolean).map_err(too_long)
}

fn match_(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let text = text(cx, arguments)?;
    let pattern = pattern(arguments)?;
    match pattern.engine.captures(&*text).map_err(too_long)? {
        Some(captures) => found(cx, pattern, &captures, &text),
        None => Ok(Value::Blank),
    }
}

fn match_all(cx: &mut Cx<'_>, arguments: &[Expr], _: &Type) -> Eval {
    let text = text(cx, arguments)?;
    let pattern = pattern(arguments)?;
    let mut rows = Vec::new();
    let mut from = 0;
    while let Some(captures) = pattern.engine.captures_from_pos(&*text, from).map_err(too_long)? {
        cx.burn(1 + text.len() as u64 / 64)?;
        rows.push(found(cx, pattern, &captures, &text)?);
        let whole = captures.get(0).map_or(0..0, |whole| whole.start()..whole.end());
        // Behind an empty match the next character, so that it ends.
        let step = match whole.is_empty() {
            true => text[whole.end..].chars().next().map_or(1, char::len_utf8),
            false => 0,
        };
        from = whole.end + step;
        if from > text.len() {
            break;
        }
    }
    Ok(Value::table(rows))
}

fn found(cx: &mut Cx<'_>, pattern: &Pattern, captures: &fancy_regex::Captures<'_, str>, text: &str) -> Eval {
    let value = |at: usize| {
        captures
            .get(at)
            .map_or(Value::Blank, |found| Value::text(found.as_str()))
    };
    let start = captures
        .get(0)
        .map_or(0, |whole| text[..whole.start()].encode_utf16().count());
    let mut fields: Vec<(Arc<str>, Value)> = Vec::new();
    let mut set = |name: &str, value: Value| {
        fields.retain(|(known, _)| &**known != name);
        fields.push((name.into(), value));
    };
    set("FullMatch", value(0));
    set("StartMatch", cx.int(start as i64 + 1));
    if let Some(count) = pattern.numbered {
        let rows = (1..=count).map(|at| Value::row(VALUE, value(at))).collect();
        set("SubMatches", Value::table(rows));
    }
    for (position, name) in pattern.names.iter().enumerate() {
        set(name, value(position + 1));
    }
    Ok(Value::record(fields))
}
