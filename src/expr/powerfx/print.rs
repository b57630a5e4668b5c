//! Values as the formulas that make them: how a result is shown to a person.

use std::fmt::Write;

use super::datetime::{self, DAY};
use super::enums::Raw;
use super::error::Failure;
use super::json::{self, Json};
use super::value::Value;
use super::{coerce, number};

/// The value as a formula. Fields stand in the order of their names, so that equal values look alike.
pub(super) fn formula(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

/// An error as the formula that makes it.
pub(super) fn error(failure: &Failure) -> String {
    let Failure::Errors(errors) = failure else {
        return "Error({Kind:ErrorKind.Internal})".to_owned();
    };
    let each: Vec<String> = errors
        .iter()
        .map(
            |fault| match super::enums::ERROR_KIND.name_of(&Raw::Number(fault.kind.0)) {
                Some(name) => format!("{{Kind:ErrorKind.{name}}}"),
                None => format!("{{Kind:{}}}", fault.kind.0),
            },
        )
        .collect();
    match &each[..] {
        [one] => format!("Error({one})"),
        _ => format!("Error(Table({}))", each.join(",")),
    }
}

fn write(out: &mut String, value: &Value) {
    // Writing to a text does not fail.
    let _ = match value {
        Value::Blank | Value::Untyped(Json::Null) => write!(out, "Blank()"),
        Value::Boolean(value) => write!(out, "{value}"),
        Value::Float(value) => write!(out, "{}", number::float_text(*value)),
        Value::Decimal(value) => write!(out, "{}", number::decimal_text(*value)),
        Value::Text(text) => write!(out, "\"{}\"", text.replace('"', "\"\"")),
        Value::Date(ticks) => {
            let at = datetime::parts(*ticks);
            write!(out, "Date({},{},{})", at.year, at.month, at.day)
        }
        Value::DateTime(ticks) => {
            let at = datetime::parts(*ticks);
            write!(
                out,
                "DateTime({},{},{},{},{},{},{})",
                at.year, at.month, at.day, at.hour, at.minute, at.second, at.millisecond
            )
        }
        Value::Time(ticks) => {
            let ticks = ticks.rem_euclid(DAY);
            let at = datetime::parts(ticks);
            write!(out, "Time({},{},{},{})", at.hour, at.minute, at.second, at.millisecond)
        }
        Value::Guid(value) => write!(out, "GUID(\"{}\")", coerce::guid_text(*value)),
        Value::Color(color) => {
            let [alpha, red, green, blue] = color.to_be_bytes();
            let alpha = number::float_text((f64::from(alpha) / 255.0 * 1000.0).round() / 1000.0);
            write!(out, "RGBA({red},{green},{blue},{alpha})")
        }
        Value::Enum(of, raw) => match of.name_of(raw) {
            Some(name) => write!(out, "{}.{}", of.name, identifier(name)),
            None => write!(out, "{}.CalculatedOptionSetValue", of.name),
        },
        Value::Untyped(json) => {
            untyped(out, json);
            Ok(())
        }
        Value::Record(record) => {
            let mut fields: Vec<_> = record.iter().collect();
            fields.sort_by(|left, right| left.0.cmp(&right.0));
            out.push('{');
            for (position, (name, value)) in fields.into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                out.push_str(&identifier(name));
                out.push(':');
                write(out, value);
            }
            out.push('}');
            Ok(())
        }
        Value::Table(table) => {
            out.push_str("Table(");
            for (position, row) in table.rows().iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write(out, row);
            }
            out.push(')');
            Ok(())
        }
        Value::Error(failure) => {
            out.push_str(&error(failure));
            Ok(())
        }
    };
}

fn untyped(out: &mut String, value: &Json) {
    match value {
        Json::Null => out.push_str("Blank()"),
        Json::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(text) => out.push_str(text),
        Json::Text(text) => json::write_text(out, text),
        Json::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                untyped(out, item);
            }
            out.push(']');
        }
        Json::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|left, right| left.0.cmp(&right.0));
            out.push('{');
            for (position, (name, item)) in fields.into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                out.push_str(&identifier(name));
                out.push(':');
                untyped(out, item);
            }
            out.push('}');
        }
    }
}

/// A name as a formula writes it, between quotes where it needs them.
pub(super) fn identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c == '_' || c.is_alphabetic())
        && name.chars().all(|c| c == '_' || c.is_alphanumeric())
        && !super::parser::is_reserved(name);
    match plain {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', "''")),
    }
}
