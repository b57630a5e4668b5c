//! Texts read as values of a type.

use std::sync::Arc;

use super::{failed, is_blank};
use crate::data::{Data, Map};
use crate::expr::EvalError;

/// What a text is read as.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueType {
    /// A number.
    Number,
    /// A text.
    String,
    /// True or false.
    Boolean,
    /// A moment, as RFC 3339 text.
    DateTime,
    /// A JSON object, with the types of its fields as far as they are told.
    Record(Vec<(Arc<str>, ValueType)>),
    /// A JSON list, with the types of the fields of its rows as far as they are told.
    Table(Vec<(Arc<str>, ValueType)>),
    /// Whatever it is.
    Any,
}

impl ValueType {
    /// The type of a name; the case does not matter.
    pub fn parse(name: &str) -> Option<ValueType> {
        Some(match &*name.to_ascii_lowercase() {
            "number" | "decimal" | "float" | "integer" | "int" => ValueType::Number,
            "string" | "text" => ValueType::String,
            "boolean" | "bool" => ValueType::Boolean,
            "datetime" | "date" | "time" => ValueType::DateTime,
            "record" | "object" => ValueType::Record(Vec::new()),
            "table" | "list" | "array" => ValueType::Table(Vec::new()),
            "any" | "untyped" | "untypedobject" => ValueType::Any,
            _ => return None,
        })
    }

    /// The names of types, as they are written.
    pub const NAMES: [&'static str; 7] = ["Number", "String", "Boolean", "DateTime", "Record", "Table", "Any"];

    fn name(&self) -> &'static str {
        match self {
            ValueType::Number => "a number",
            ValueType::String => "a text",
            ValueType::Boolean => "true or false",
            ValueType::DateTime => "a date",
            ValueType::Record(_) => "a record",
            ValueType::Table(_) => "a table",
            ValueType::Any => "a value",
        }
    }

    /// The value as one of this type.
    pub(super) fn read(&self, value: &Data) -> Result<Data, EvalError> {
        if is_blank(value) {
            return Ok(match self {
                ValueType::String => Data::from(""),
                _ => Data::Null,
            });
        }
        let read = match (self, value) {
            (ValueType::String, value) => Some(Data::Text(super::shown(value))),
            (ValueType::Number, Data::Text(text)) => number(text),
            (ValueType::Number, value) => value.as_f64().map(|_| value.clone()),
            (ValueType::Boolean, Data::Text(text)) => boolean(text).map(Data::Bool),
            (ValueType::Boolean, value) => value.as_bool().map(Data::Bool),
            (ValueType::DateTime, Data::Text(text)) => instant(text.trim()).map(Data::from),
            (ValueType::DateTime, _) => None,
            (ValueType::Record(fields), value) => structure(value)
                .filter(|value| value.as_map().is_some())
                .map_or(Ok(None), |value| fields_of(fields, &value).map(Some))?,
            (ValueType::Table(fields), value) => match structure(value) {
                Some(Data::List(rows)) => {
                    let rows = rows
                        .iter()
                        .map(|row| fields_of(fields, row))
                        .collect::<Result<Vec<_>, _>>()?;
                    Some(Data::from(rows))
                }
                // One record is a table of one row.
                Some(row @ Data::Map(_)) => Some(Data::from(vec![fields_of(fields, &row)?])),
                _ => None,
            },
            (ValueType::Any, value) => Some(structure(value).unwrap_or_else(|| value.clone())),
        };
        read.ok_or_else(|| {
            let text: String = value.to_text().chars().take(80).collect();
            failed(format!("`{text}` cannot be read as {}", self.name()))
        })
    }
}

/// The fields of a record, each as a value of its type.
fn fields_of(fields: &[(Arc<str>, ValueType)], value: &Data) -> Result<Data, EvalError> {
    let Some(map) = value.as_map() else {
        return Ok(value.clone());
    };
    let mut entries: Vec<(Arc<str>, Data)> = map.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    for (name, ty) in fields {
        let read = ty.read(map.get(name).unwrap_or(&Data::Null)).map_err(|mut error| {
            error.message = format!("in `{name}`: {}", error.message);
            error
        })?;
        match entries.iter_mut().find(|(key, _)| key == name) {
            Some((_, value)) => *value = read,
            None => entries.push((name.clone(), read)),
        }
    }
    Ok(Data::from(entries.into_iter().collect::<Map>()))
}

/// A value that has parts: one that is text is read as JSON, with the fence of Markdown around it or without.
fn structure(value: &Data) -> Option<Data> {
    match value {
        Data::Text(text) => serde_json::from_str(unfenced(text)).ok(),
        Data::Map(_) | Data::List(_) => Some(value.clone()),
        _ => None,
    }
}

/// A text without the fence of Markdown around it.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix("```").and_then(|text| text.strip_suffix("```"));
    match inside {
        Some(inside) => inside.split_once('\n').map_or(inside, |(_, inside)| inside),
        None => text,
    }
}

/// A number in a text.
pub(super) fn number(text: &str) -> Option<Data> {
    let text = text.trim();
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Data::Int(whole));
    }
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let number: f64 = text
        .replace(',', "")
        .parse()
        .ok()
        .filter(|number: &f64| digits && number.is_finite())?;
    Some(Data::from(number))
}

/// True or false in a text.
pub(super) fn boolean(text: &str) -> Option<bool> {
    let text = text.trim();
    [("true", true), ("false", false)]
        .into_iter()
        .find_map(|(word, value)| text.eq_ignore_ascii_case(word).then_some(value))
}

/// A date or a moment in a text, as RFC 3339 has it; without a zone it is that of UTC.
pub(super) fn instant(text: &str) -> Option<String> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(moment.to_string());
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        return Some(match text.contains(['T', ':']) {
            true => moment(text)?,
            false => day.to_string(),
        });
    }
    if let Some(moment) = moment(text) {
        return Some(moment);
    }
    let formats = ["%m/%d/%Y", "%d %B %Y", "%B %d, %Y", "%B %d %Y", "%d %b %Y", "%b %d, %Y"];
    formats
        .iter()
        .find_map(|format| jiff::civil::Date::strptime(format, text).ok())
        .map(|day| day.to_string())
}

fn moment(text: &str) -> Option<String> {
    let at = text.parse::<jiff::civil::DateTime>().ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().to_string())
}
