//! Filters that the engine has not, or has in another way.

use std::fmt::Write;

use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{Error, ErrorKind};

use super::error::to_engine;
use super::helper::check_length;
use super::{limits, value};
use crate::data::{Data, Map};
use crate::expr::EvalError;

/// Widths and counts that a filter takes end here.
const COUNT: usize = 100_000;

/// `x | string`: as a template writes it (rule 3).
pub(super) fn string(input: &Value) -> Result<Value, Error> {
    if input.kind() == ValueKind::String {
        return Ok(input.clone());
    }
    value::text(input).map(Value::from).map_err(to_engine)
}

/// `list | join(', ', attribute='name')`: every element as a template writes it (rule 3).
pub(super) fn join(
    input: &Value,
    joiner: Option<String>,
    attribute: Option<String>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let joiner = match joiner {
        Some(joiner) => joiner,
        None => kwargs.get::<Option<String>>("d")?.unwrap_or_default(),
    };
    let attribute = match attribute {
        Some(attribute) => Some(attribute),
        None => kwargs.get::<Option<String>>("attribute")?,
    };
    kwargs.assert_all_used()?;
    let mut text = String::new();
    for (position, item) in input.try_iter()?.enumerate() {
        if position > 0 {
            text.push_str(&joiner);
        }
        let item = match &attribute {
            Some(attribute) => follow(item, attribute)?,
            None => item,
        };
        match item.as_str() {
            Some(part) => text.push_str(part),
            None => value::write_data(&mut text, &value::to_data(&item).map_err(to_engine)?),
        }
        check_length(text.len(), limits::SIZE, "the text")?;
    }
    Ok(Value::from(text))
}

fn follow(item: Value, path: &str) -> Result<Value, Error> {
    path.split('.').try_fold(item, |at, key| match key.parse::<usize>() {
        Ok(index) => at.get_item(&Value::from(index)),
        Err(_) => at.get_attr(key),
    })
}

/// `x | tojson(indent=2)`: compact unless told otherwise, nothing escaped for HTML (rule 3).
pub(super) fn tojson(input: &Value, indent: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => kwargs.get::<Option<Value>>("indent")?,
    };
    kwargs.assert_all_used()?;
    let data = value::to_data(input).map_err(to_engine)?;
    let width = match indent {
        None => None,
        Some(width) if width.kind() == ValueKind::Bool => width.is_true().then_some(2),
        Some(width) if width.is_none() => None,
        Some(width) => Some(usize::try_from(width)?.min(16)),
    };
    let Some(width) = width else {
        return Ok(Value::from(data.to_string()));
    };
    let indent = " ".repeat(width);
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    serde::Serialize::serialize(&data, &mut serializer)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()))
}

/// `text | fromjson`
pub(super) fn fromjson(input: &Value) -> Result<Value, Error> {
    let Some(text) = input.as_str() else {
        let message = format!("`fromjson` reads a text, not {}", value::describe(input));
        return Err(to_engine(EvalError::new(EvalError::TYPE, message)));
    };
    let data: Data = serde_json::from_str(text).map_err(|error| {
        to_engine(EvalError::new(
            EvalError::FAILED,
            format!("the text is not JSON: {error}"),
        ))
    })?;
    Ok(value::from_data(&data))
}

/// `object | merge(other, …)`: the keys of all objects, the last value of each.
pub(super) fn merge(input: &Value, others: Rest<Value>) -> Result<Value, Error> {
    let mut entries = Vec::new();
    for object in std::iter::once(input).chain(others.iter()) {
        match value::to_data(object).map_err(to_engine)? {
            Data::Map(map) => entries.extend(map.iter().map(|(key, value)| (key.clone(), value.clone()))),
            other => {
                let message = format!(
                    "`merge` takes objects, not {}",
                    value::describe(&value::from_data(&other))
                );
                return Err(to_engine(EvalError::new(EvalError::TYPE, message)));
            }
        }
    }
    Ok(value::from_data(&Data::from(entries.into_iter().collect::<Map>())))
}

/// `text | urlencode`: for a part of a URL; an object or list of pairs gives a query.
pub(super) fn urlencode(input: &Value) -> Result<Value, Error> {
    let mut out = String::new();
    match value::to_data(input).map_err(to_engine)? {
        Data::Map(map) => {
            for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
                if !out.is_empty() {
                    out.push('&');
                }
                encode(&mut out, key);
                out.push('=');
                encode(&mut out, &data_text(value));
            }
        }
        data => encode(&mut out, &data_text(&data)),
    }
    Ok(Value::from(out))
}

fn data_text(data: &Data) -> String {
    let mut text = String::new();
    value::write_data(&mut text, data);
    text
}

fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Refuses arguments with which one of the engine's filters would make much from little, or order what has no order.
pub(super) fn check_arguments(filter: &str, args: &[Value]) -> Result<(), Error> {
    match (filter, args) {
        ("batch" | "slice" | "indent" | "round", [_, rest @ ..]) => rest
            .iter()
            .flat_map(|arg| {
                if arg.is_kwargs() {
                    arguments(arg)
                } else {
                    vec![arg.clone()]
                }
            })
            .filter_map(|arg| arg.as_i64())
            .try_for_each(|count| check_length(count.unsigned_abs() as usize, COUNT, "a width or count")),
        ("replace", [input, from, to, ..]) => {
            let (Some(input), Some(from), Some(to)) = (input.as_str(), from.as_str(), to.as_str()) else {
                return Ok(());
            };
            let grows = to.len().saturating_sub(from.len());
            let length = input
                .len()
                .saturating_add(input.matches(from).count().saturating_mul(grows));
            check_length(length, limits::SIZE, "the text")
        }
        ("format", [input, values @ ..]) => {
            let format = input.as_str().unwrap_or_default();
            let widths = format
                .split(|letter: char| !letter.is_ascii_digit())
                .filter(|digits| !digits.is_empty());
            for width in widths {
                check_length(width.parse().unwrap_or(usize::MAX), COUNT, "a width")?;
            }
            if format.contains('*') {
                for width in values.iter().filter_map(Value::as_i64) {
                    check_length(width.unsigned_abs() as usize, COUNT, "a width")?;
                }
            }
            Ok(())
        }
        ("sort" | "min" | "max", [input]) => {
            let mut kinds = input.try_iter().into_iter().flatten().map(|item| item.kind());
            let Some(first) = kinds.next() else { return Ok(()) };
            match kinds.find(|kind| *kind != first) {
                Some(_) => {
                    let message = format!("`{filter}` cannot order values of different types");
                    Err(to_engine(EvalError::new(EvalError::TYPE, message)))
                }
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn arguments(kwargs: &Value) -> Vec<Value> {
    let keys = kwargs.try_iter().into_iter().flatten();
    keys.filter_map(|key| kwargs.get_item(&key).ok()).collect()
}
