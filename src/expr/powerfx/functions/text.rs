//! Functions of texts. Positions count from 1, in UTF-16 units as other implementations of the language count.

use std::ops::Range;
use std::sync::Arc;

use super::Blank::Zero;
use super::{Family, Function, MANY, Param, Returns};
use crate::expr::powerfx::bind::Binder;
use crate::expr::powerfx::error::{Eval, Failure, Kind};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::ir::Expr;
use crate::expr::powerfx::types::Type;
use crate::expr::powerfx::value::{VALUE, Value};
use crate::expr::powerfx::{html, limits, number};

const fn text(function: Function) -> Function {
    function.family(Family::Text)
}

const TEXT: Param = Param::Text(Zero);
const COUNT: Param = Param::Float(Zero);

pub(super) static FUNCTIONS: &[Function] = &[
    text(Function::plain("Char", &[COUNT], Returns::Text, char_))
        .tabular()
        .example("Char(65)", "\"A\""),
    text(Function::plain(
        "Concatenate",
        &[TEXT],
        Returns::Check(concatenate_type),
        concatenate,
    ))
    .arity(1, MANY)
    .tabular()
    .example("Concatenate(\"a\", 1, true)", "\"a1true\""),
    text(Function::plain("EncodeHTML", &[TEXT], Returns::Text, encode_html))
        .example("EncodeHTML(\"<b>\")", "\"&lt;b&gt;\""),
    text(Function::plain("EncodeUrl", &[TEXT], Returns::Text, encode_url))
        .example("EncodeUrl(\"a b&c\")", "\"a%20b%26c\""),
    text(Function::plain(
        "EndsWith",
        &[TEXT, TEXT],
        Returns::Boolean,
        |_, values| {
            let (text, end) = two(values);
            Ok(Value::Boolean(text.to_lowercase().ends_with(&end.to_lowercase())))
        },
    ))
    .example("EndsWith(\"report.PDF\", \".pdf\")", "true"),
    text(Function::plain("Find", &[TEXT, TEXT, COUNT], Returns::Int, find))
        .arity(2, 3)
        .tabular()
        .example("Find(\"b\", \"abcb\", 3)", "4"),
    text(Function::plain("Left", &[TEXT, COUNT], Returns::Text, |cx, values| {
        let units = units(&values[0]);
        let count = count(&values[1])?.min(units.len());
        make(cx, &units[..count])
    }))
    .tabular()
    .example("Left(\"hello\", 2)", "\"he\""),
    text(Function::plain("Len", &[TEXT], Returns::Int, |cx, values| {
        let length = units(&values[0]).len() as i64;
        Ok(cx.int(length))
    }))
    .tabular()
    .example("Len(\"hello\")", "5"),
    text(Function::plain("Lower", &[TEXT], Returns::Text, |cx, values| {
        cx.make_text(string(&values[0]).to_lowercase())
    }))
    .tabular()
    .example("Lower(\"ABC\")", "\"abc\""),
    text(Function::plain("Mid", &[TEXT, COUNT, COUNT], Returns::Text, mid))
        .arity(2, 3)
        .tabular()
        .example("Mid(\"hello\", 2, 3)", "\"ell\""),
    text(Function::plain("PlainText", &[TEXT], Returns::Text, plain_text))
        .example("PlainText(\"<p>a &amp; b</p>\")", "\"a & b\""),
    text(Function::plain("Proper", &[TEXT], Returns::Text, proper))
        .tabular()
        .example("Proper(\"mary ANN\")", "\"Mary Ann\""),
    text(Function::plain(
        "Replace",
        &[TEXT, COUNT, COUNT, TEXT],
        Returns::Text,
        replace,
    ))
    .tabular()
    .example("Replace(\"abcdef\", 2, 3, \"X\")", "\"aXef\""),
    text(Function::plain("Right", &[TEXT, COUNT], Returns::Text, |cx, values| {
        let units = units(&values[0]);
        let count = count(&values[1])?.min(units.len());
        make(cx, &units[units.len() - count..])
    }))
    .tabular()
    .example("Right(\"hello\", 2)", "\"lo\""),
    text(Function::plain(
        "Split",
        &[TEXT, TEXT],
        Returns::Check(|_, _, _| Type::table_of(VALUE, Type::Text)),
        split,
    ))
    .example("Split(\"a,b\", \",\")", "Table({Value:\"a\"},{Value:\"b\"})"),
    text(Function::plain(
        "StartsWith",
        &[TEXT, TEXT],
        Returns::Boolean,
        |_, values| {
            let (text, start) = two(values);
            Ok(Value::Boolean(text.to_lowercase().starts_with(&start.to_lowercase())))
        },
    ))
    .example("StartsWith(\"Hello\", \"he\")", "true"),
    text(Function::plain(
        "Substitute",
        &[TEXT, TEXT, TEXT, COUNT],
        Returns::Text,
        substitute,
    ))
    .arity(3, 4)
    .tabular()
    .example("Substitute(\"a-b-c\", \"-\", \"+\", 2)", "\"a-b+c\""),
    text(Function::plain("Trim", &[TEXT], Returns::Text, trim))
        .tabular()
        .example("Trim(\"  a   b \")", "\"a b\""),
    text(Function::plain("TrimEnds", &[TEXT], Returns::Text, |cx, values| {
        cx.make_text(string(&values[0]).trim_matches(' ').to_owned())
    }))
    .tabular()
    .example("TrimEnds(\"  a   b \")", "\"a   b\""),
    text(Function::plain(
        "UniChar",
        &[Param::Float(Zero)],
        Returns::Text,
        uni_char,
    ))
    .tabular()
    .example("UniChar(8364)", "\"€\""),
    text(Function::plain("Upper", &[TEXT], Returns::Text, |cx, values| {
        cx.make_text(string(&values[0]).to_uppercase())
    }))
    .tabular()
    .example("Upper(\"abc\")", "\"ABC\""),
];

/// The text of an argument that was made one.
pub(super) fn string(value: &Value) -> &Arc<str> {
    static EMPTY: std::sync::LazyLock<Arc<str>> = std::sync::LazyLock::new(|| "".into());
    match value {
        Value::Text(text) => text,
        _ => &EMPTY,
    }
}

fn two(values: &[Value]) -> (&str, &str) {
    (string(&values[0]), string(&values[1]))
}

fn units(value: &Value) -> Vec<u16> {
    string(value).encode_utf16().collect()
}

fn make(cx: &mut Cx<'_>, units: &[u16]) -> Eval {
    cx.make_text(String::from_utf16_lossy(units))
}

fn float_of(value: &Value) -> f64 {
    match value {
        Value::Float(value) => *value,
        Value::Decimal(value) => number::to_float(*value),
        _ => 0.0,
    }
}

/// A number of characters.
fn count(value: &Value) -> Eval<usize> {
    let count = float_of(value);
    match count >= 0.0 {
        true => Ok(count as usize),
        false => Err(Failure::invalid("a number of characters is not negative")),
    }
}

/// A position, from 1.
fn position(value: &Value) -> Eval<usize> {
    let position = float_of(value);
    match position >= 1.0 {
        true => Ok(position as usize),
        false => Err(Failure::invalid("positions count from 1")),
    }
}

fn char_(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let code = float_of(&values[0]).trunc();
    if !(1.0..256.0).contains(&code) {
        return Err(Failure::invalid("a character has a number from 1 to 255"));
    }
    cx.make_text(char::from(code as u8).to_string())
}

fn uni_char(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let code = float_of(&values[0]).trunc();
    let c = (1.0..=1_114_111.0)
        .contains(&code)
        .then(|| char::from_u32(code as u32))
        .flatten();
    match c {
        Some(c) => cx.make_text(c.to_string()),
        None if (55_296.0..57_344.0).contains(&code) => Err(Failure::new(
            Kind::NOT_APPLICABLE,
            "half a pair of UTF-16 is no character",
        )),
        None => Err(Failure::invalid("there is no character of this number")),
    }
}

/// A text, or an enumeration whose members are put together.
fn concatenate_type(_: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let joins = |of: &Type| matches!(of, Type::Enum(of) if of.joins);
    let first = arguments
        .iter()
        .map(|argument| &argument.of)
        .find(|of| joins(of))
        .cloned();
    let from_text = |of: &Type| matches!(of, Type::Enum(of) if of.from_backing);
    match first {
        Some(of)
            if arguments
                .iter()
                .all(|part| part.of == of || (from_text(&of) && part.of == Type::Text)) =>
        {
            of
        }
        _ if arguments.iter().any(|part| matches!(part.of, Type::Table(_))) => Type::table_of(VALUE, Type::Text),
        _ => Type::Text,
    }
}

fn concatenate(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let mut text = String::new();
    for value in values {
        text.push_str(string(value));
    }
    cx.make_text(text)
}

fn encode_html(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let mut out = String::new();
    for c in string(&values[0]).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{a0}'..='\u{ff}' => out.push_str(&format!("&#{};", c as u32)),
            c if c as u32 > 0xffff => out.push_str(&format!("&#{};", c as u32)),
            c => out.push(c),
        }
    }
    cx.make_text(out)
}

fn encode_url(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let mut out = String::new();
    for byte in string(&values[0]).bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    cx.make_text(out)
}

fn find(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let (wanted, within) = (units(&values[0]), units(&values[1]));
    let from = match values.get(2) {
        None => 0,
        Some(start) => position(start)? - 1,
    };
    if from > within.len() {
        return Err(Failure::invalid("the search begins behind the end of the text"));
    }
    if wanted.is_empty() {
        return Ok(cx.int(from as i64 + 1));
    }
    cx.burn((within.len() / 16) as u64)?;
    let found = within[from..].windows(wanted.len()).position(|window| window == wanted);
    Ok(found.map_or(Value::Blank, |at| cx.int((from + at) as i64 + 1)))
}

fn mid(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let units = units(&values[0]);
    let start = position(&values[1])? - 1;
    let count = match values.get(2) {
        None => units.len(),
        Some(value) => count(value)?,
    };
    let start = start.min(units.len());
    let end = start.saturating_add(count).min(units.len());
    make(cx, &units[start..end])
}

fn replace(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let units = units(&values[0]);
    let start = (position(&values[1])? - 1).min(units.len());
    let end = start.saturating_add(count(&values[2])?).min(units.len());
    let mut result = units[..start].to_vec();
    result.extend(string(&values[3]).encode_utf16());
    result.extend(&units[end..]);
    make(cx, &result)
}

fn split(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let (text, separator) = two(values);
    let parts: Vec<String> = match separator.is_empty() {
        // Without a separator, its characters.
        true => text.chars().map(String::from).collect(),
        false => text.split(separator).map(str::to_owned).collect(),
    };
    let mut rows = Vec::with_capacity(parts.len());
    for part in parts {
        cx.burn(1)?;
        rows.push(Value::row(VALUE, Value::text(part)));
    }
    Ok(Value::table(rows))
}

fn substitute(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let (text, old) = two(values);
    let new = string(&values[2]);
    let which = values.get(3).map(float_of);
    if which.is_some_and(|which| which < 1.0) {
        return Err(Failure::invalid("occurrences count from 1"));
    }
    if old.is_empty() {
        return Ok(values[0].clone());
    }
    let count = text.matches(old).count();
    if text.len() + count.saturating_mul(new.len()) > limits::TEXT {
        return Err(Failure::Limit("a text becomes too large"));
    }
    match which {
        None => cx.make_text(text.replace(old, new)),
        Some(which) => match text.match_indices(old).nth(which as usize - 1) {
            Some((at, _)) => cx.make_text(format!("{}{new}{}", &text[..at], &text[at + old.len()..])),
            None => Ok(values[0].clone()),
        },
    }
}

fn trim(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let words: Vec<&str> = string(&values[0]).split(' ').filter(|word| !word.is_empty()).collect();
    cx.make_text(words.join(" "))
}

fn proper(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let mut out = String::new();
    let mut begins = true;
    for c in string(&values[0]).chars() {
        if c.is_alphabetic() {
            match begins {
                true => out.extend(c.to_uppercase()),
                false => out.extend(c.to_lowercase()),
            }
        } else {
            out.push(c);
        }
        begins = !(c.is_alphanumeric() || c == '\'');
    }
    cx.make_text(out)
}

/// HTML without its tags, and with the characters that its entities stand for.
fn plain_text(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    cx.make_text(html::plain(string(&values[0])))
}
