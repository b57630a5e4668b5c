//! `Data` as the engine's values and back: lists, maps and texts are shared, not converted.

use std::fmt::{self, Display, Write};
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectExt, ObjectRepr, Value, ValueKind};

use super::limits;
use crate::data::{Data, List, Map};
use crate::expr::EvalError;

/// The engine's value of a datum; constant time.
pub(super) fn from_data(data: &Data) -> Value {
    match data {
        Data::Null => Value::from(()),
        Data::Bool(value) => Value::from(*value),
        Data::Int(value) => Value::from(*value),
        Data::UInt(value) => Value::from(*value),
        Data::Float(value) => Value::from(*value),
        Data::Text(text) => Value::from(text.clone()),
        Data::List(list) => Value::from_dyn_object(list.clone()),
        Data::Map(map) => Value::from_dyn_object(map.clone()),
    }
}

/// The datum of an engine's value: constant time for what came from data, linear and bounded for what the engine built.
///
/// # Errors
/// `expression.undefined` for what is or contains undefined, `expression.limit` for what is too large or too deep,
/// `expression.failed` for what is no data, such as a macro.
pub(super) fn to_data(value: &Value) -> Result<Data, EvalError> {
    let mut room = limits::SIZE;
    let data = convert(value, &mut room, 0)?;
    check_size(&data)?;
    Ok(data)
}

/// Refuses data larger or deeper than an evaluation may make.
pub(in crate::expr) fn check_size(data: &Data) -> Result<(), EvalError> {
    if data.size() > limits::SIZE {
        return Err(EvalError::new(
            EvalError::LIMIT,
            format!("the value is larger than {} bytes", limits::SIZE),
        ));
    }
    if data.depth() > limits::DEPTH {
        return Err(EvalError::new(
            EvalError::LIMIT,
            format!("the value nests deeper than {} levels", limits::DEPTH),
        ));
    }
    Ok(())
}

fn convert(value: &Value, room: &mut usize, depth: usize) -> Result<Data, EvalError> {
    let data = match value.kind() {
        ValueKind::Undefined => return Err(EvalError::new(EvalError::UNDEFINED, "the value is undefined")),
        ValueKind::None => Data::Null,
        ValueKind::Bool => Data::Bool(value.is_true()),
        ValueKind::Number => number(value)?,
        ValueKind::String => Data::Text(value.to_str().unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => match value.downcast_object::<List>() {
            Some(list) => Data::List(list),
            None => return list(value, room, depth),
        },
        ValueKind::Map => match value.downcast_object::<Map>() {
            Some(map) => Data::Map(map),
            None => return map(value, room, depth),
        },
        _ => {
            let message = format!("{} is no value that can be passed on", describe(value));
            return Err(EvalError::new(EvalError::FAILED, message));
        }
    };
    spend(room, data.size())?;
    Ok(data)
}

fn number(value: &Value) -> Result<Data, EvalError> {
    if value.is_integer() {
        if let Ok(value) = i64::try_from(value.clone()) {
            return Ok(Data::Int(value));
        }
        return match u64::try_from(value.clone()) {
            Ok(value) => Ok(Data::from(value)),
            Err(_) => Err(EvalError::new(
                EvalError::LIMIT,
                "the whole number does not fit into 64 bits",
            )),
        };
    }
    match f64::try_from(value.clone()) {
        Ok(value) if value.is_finite() => Ok(Data::Float(value)),
        _ => Err(EvalError::new(EvalError::FAILED, "the result is not a finite number")),
    }
}

fn list(value: &Value, room: &mut usize, depth: usize) -> Result<Data, EvalError> {
    let mut items = Vec::new();
    for item in nested(value, room, depth)? {
        items.push(convert(&item, room, depth + 1)?);
    }
    Ok(Data::from(List::from(items)))
}

fn map(value: &Value, room: &mut usize, depth: usize) -> Result<Data, EvalError> {
    let mut entries = Vec::new();
    for key in nested(value, room, depth)? {
        let item = value.get_item(&key).map_err(EvalError::from_engine)?;
        let name: Arc<str> = match key.to_str() {
            Some(name) => name,
            None => text(&key)?.into(),
        };
        spend(room, name.len())?;
        entries.push((name, convert(&item, room, depth + 1)?));
    }
    Ok(entries.into_iter().collect())
}

fn nested(value: &Value, room: &mut usize, depth: usize) -> Result<minijinja::value::ValueIter, EvalError> {
    if depth >= limits::DEPTH {
        return Err(EvalError::new(
            EvalError::LIMIT,
            format!("the value nests deeper than {} levels", limits::DEPTH),
        ));
    }
    spend(room, Data::Null.size())?;
    value.try_iter().map_err(EvalError::from_engine)
}

fn spend(room: &mut usize, size: usize) -> Result<(), EvalError> {
    match room.checked_sub(size) {
        Some(rest) => {
            *room = rest;
            Ok(())
        }
        None => Err(EvalError::new(
            EvalError::LIMIT,
            format!("the value is larger than {} bytes", limits::SIZE),
        )),
    }
}

/// The text of a value in a template (rule 3).
pub(super) fn text(value: &Value) -> Result<String, EvalError> {
    let mut out = String::new();
    match value.as_str() {
        Some(text) => out.push_str(text),
        None => write_data(&mut out, &to_data(value)?),
    }
    Ok(out)
}

/// Writes a datum as templates do (rule 3): null as nothing, whole numbers without `.0`, lists and objects as JSON.
pub(super) fn write_data(out: &mut String, data: &Data) {
    let _ = match data {
        Data::Null => Ok(()),
        Data::Text(text) => out.write_str(text),
        Data::Bool(value) => write!(out, "{value}"),
        Data::Int(value) => write!(out, "{value}"),
        Data::UInt(value) => write!(out, "{value}"),
        Data::Float(value) => write!(out, "{value}"),
        Data::List(_) | Data::Map(_) => write!(out, "{data}"),
    };
}

/// What a value is, for messages.
pub(super) fn describe(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "undefined",
        ValueKind::None => "null",
        ValueKind::Bool => "a boolean",
        ValueKind::Number => "a number",
        ValueKind::String => "a text",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "an object",
        _ => "this",
    }
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get(key.as_usize()?).map(from_data)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.len())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Data::List(self.clone()).fmt(f)
    }
}

impl Object for Map {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get(key.as_str()?).map(from_data)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.get(key).map(from_data)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.mapped_key_value_enumerator(|map| {
            Box::new(map.iter().map(|(key, value)| (Value::from(key), from_data(value))))
        })
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.len())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Data::Map(self.clone()).fmt(f)
    }
}
