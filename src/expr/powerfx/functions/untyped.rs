//! JSON: texts read into untyped values, and values written as texts.

use std::sync::Arc;

use super::Blank::{Keep, Stop};
use super::{Family, Function, Param, Returns};
use crate::expr::powerfx::coerce::mismatch;
use crate::expr::powerfx::convert;
use crate::expr::powerfx::enums::{JSON_FORMAT, Raw};
use crate::expr::powerfx::error::{Eval, Failure, Kind};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::json::{self, Json};
use crate::expr::powerfx::number;
use crate::expr::powerfx::types::Type;
use crate::expr::powerfx::value::{VALUE, Value};

const fn json_function(function: Function) -> Function {
    function.family(Family::Json)
}

pub(super) static FUNCTIONS: &[Function] = &[
    json_function(Function::plain(
        "Column",
        &[Param::Untyped, Param::Text(Keep)],
        Returns::Untyped,
        column,
    ))
    .example("Text(Column(ParseJSON(\"{\"\"a\"\":1}\"), \"a\"))", "\"1\""),
    json_function(Function::plain(
        "ColumnNames",
        &[Param::Untyped],
        Returns::Check(|_, _, _| Type::table_of(VALUE, Type::Text)),
        column_names,
    ))
    .example("ColumnNames(ParseJSON(\"{\"\"a\"\":1}\"))", "Table({Value:\"a\"})"),
    json_function(Function::plain(
        "JSON",
        &[Param::Any, Param::Enum(&JSON_FORMAT)],
        Returns::Text,
        json_,
    ))
    .arity(1, 2)
    .example(
        "JSON({a: [1, 2]})",
        "\"{\"\"a\"\":[{\"\"Value\"\":1},{\"\"Value\"\":2}]}\"",
    ),
    json_function(Function::plain(
        "ParseJSON",
        &[Param::Text(Stop)],
        Returns::Untyped,
        parse_json,
    ))
    .example("Value(ParseJSON(\"{\"\"a\"\":1}\").a)", "1"),
];

fn parse_json(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let Value::Text(text) = &values[0] else {
        return Ok(Value::Blank);
    };
    cx.grow(text.len())?;
    match json::parse(text) {
        Ok(json) => Ok(Value::Untyped(json)),
        Err(why) => Err(Failure::new(Kind::INVALID_JSON, format!("the text is not JSON: {why}"))),
    }
}

/// The field of an untyped object; blank if it has none of that name.
pub(in crate::expr::powerfx) fn field(json: &Json, name: &str) -> Eval {
    match json {
        Json::Object(fields) => {
            let found = fields.iter().find(|(known, _)| &**known == name);
            Ok(found.map_or(Value::Blank, |(_, value)| Value::Untyped(value.clone())))
        }
        Json::Null => Ok(Value::Blank),
        _ => Err(Failure::invalid(format!(
            "the untyped value is no object and has no `{name}`"
        ))),
    }
}

fn column(_: &mut Cx<'_>, values: &[Value]) -> Eval {
    match (&values[0], &values[1]) {
        (Value::Untyped(json), Value::Text(name)) => field(json, name),
        (Value::Blank, _) | (_, Value::Blank) => Ok(Value::Blank),
        (other, _) => Err(mismatch(other, "an untyped object")),
    }
}

fn column_names(_: &mut Cx<'_>, values: &[Value]) -> Eval {
    match &values[0] {
        Value::Untyped(Json::Object(fields)) => {
            let names = fields
                .iter()
                .map(|(name, _)| Value::row(VALUE, Value::Text(name.clone())));
            Ok(Value::table(names.collect()))
        }
        value if value.is_blank() => Ok(Value::Blank),
        other => Err(mismatch(other, "an untyped object")),
    }
}

/// How deep a value may nest that is written.
const DEPTH: usize = 20;

/// How a value is written.
struct Style {
    indent: bool,
    flat: bool,
}

fn json_(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let flags = match values.get(1) {
        Some(Value::Enum(_, Raw::Text(text))) => text.to_string(),
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    };
    let style = Style {
        indent: flags.contains('4'),
        flat: flags.contains('_'),
    };
    let mut out = String::new();
    write(cx, &mut out, &values[0], &style, 0)?;
    cx.make_text(out)
}

fn line(out: &mut String, style: &Style, depth: usize) {
    if style.indent {
        out.push_str("\r\n");
        out.extend(std::iter::repeat_n("    ", depth));
    }
}

fn write(cx: &mut Cx<'_>, out: &mut String, value: &Value, style: &Style, depth: usize) -> Eval<()> {
    cx.burn(1)?;
    if depth > DEPTH {
        return Err(Failure::invalid("the value nests too deeply to be written as JSON"));
    }
    if out.len() > crate::expr::powerfx::limits::TEXT {
        return Err(Failure::Limit("a text becomes too large"));
    }
    match value {
        Value::Blank => out.push_str("null"),
        Value::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Float(value) => out.push_str(&number::float_text(*value)),
        Value::Decimal(value) => out.push_str(&number::decimal_text(*value)),
        Value::Date(_) | Value::DateTime(_) | Value::Time(_) => json::write_text(out, &convert::iso(value, cx)),
        Value::Color(color) => json::write_text(out, &convert::color_text(*color)),
        Value::Enum(_, Raw::Color(color)) => json::write_text(out, &convert::color_text(*color)),
        Value::Enum(_, Raw::Number(number)) => out.push_str(&number.to_string()),
        Value::Text(_) | Value::Guid(_) | Value::Enum(..) => {
            let text = cx.string(value)?;
            json::write_text(out, &text);
        }
        Value::Untyped(json) => untyped(cx, out, json, style, depth)?,
        Value::Error(failure) => return Err(failure.clone()),
        Value::Record(record) => {
            let mut fields: Vec<_> = record.iter().collect();
            fields.sort_by(|left, right| left.0.cmp(&right.0));
            out.push('{');
            let count = fields.len();
            for (position, (name, value)) in fields.into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                line(out, style, depth + 1);
                json::write_text(out, name);
                out.push_str(if style.indent { ": " } else { ":" });
                write(cx, out, value, style, depth + 1)?;
            }
            if count > 0 {
                line(out, style, depth);
            }
            out.push('}');
        }
        Value::Table(table) => {
            out.push('[');
            for (position, row) in table.rows().iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                line(out, style, depth + 1);
                match row {
                    Value::Record(record) if style.flat && record.0.len() == 1 && &*record.0[0].0 == VALUE => {
                        write(cx, out, &record.0[0].1, style, depth + 1)?;
                    }
                    row => write(cx, out, row, style, depth + 1)?,
                }
            }
            if !table.rows().is_empty() {
                line(out, style, depth);
            }
            out.push(']');
        }
    }
    Ok(())
}

fn untyped(cx: &mut Cx<'_>, out: &mut String, value: &Json, style: &Style, depth: usize) -> Eval<()> {
    cx.burn(1)?;
    if depth > DEPTH {
        return Err(Failure::invalid("the value nests too deeply to be written as JSON"));
    }
    match value {
        Json::Null => out.push_str("null"),
        Json::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(text) => out.push_str(text),
        Json::Text(text) => json::write_text(out, text),
        Json::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                line(out, style, depth + 1);
                untyped(cx, out, item, style, depth + 1)?;
            }
            if !items.is_empty() {
                line(out, style, depth);
            }
            out.push(']');
        }
        Json::Object(fields) => {
            let mut fields: Vec<&(Arc<str>, Json)> = fields.iter().collect();
            fields.sort_by(|left, right| left.0.cmp(&right.0));
            out.push('{');
            let count = fields.len();
            for (position, (name, item)) in fields.into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                line(out, style, depth + 1);
                json::write_text(out, name);
                out.push_str(if style.indent { ": " } else { ":" });
                untyped(cx, out, item, style, depth + 1)?;
            }
            if count > 0 {
                line(out, style, depth);
            }
            out.push('}');
        }
    }
    Ok(())
}
