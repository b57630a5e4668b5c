//! From the values of workflows to those of formulas and back.
//!
//! A record is an object, a table a list of objects. A list of single values is a table of one column, `Value`.

use std::sync::Arc;

use rust_decimal::prelude::ToPrimitive;

use super::coerce::guid_text;
use super::datetime::{self, DAY, MILLISECOND};
use super::enums::{Backing, Raw};
use super::error::{Eval, Failure};
use super::eval::Cx;
use super::json::Json;
use super::number;
use super::value::{VALUE, Value};
use crate::data::Data;

/// A value of a workflow as one of a formula.
pub(super) fn from_data(data: &Data, cx: &mut Cx<'_>) -> Eval {
    cx.burn(1)?;
    Ok(match data {
        Data::Null => Value::Blank,
        Data::Bool(value) => Value::Boolean(*value),
        Data::Int(value) => cx.int(*value),
        Data::UInt(value) => match cx.options.number_is_float {
            true => Value::Float(*value as f64),
            false => Value::Decimal((*value).into()),
        },
        Data::Float(value) => match number::parse_decimal(&value.to_string()) {
            Some(decimal) if !cx.options.number_is_float => Value::Decimal(decimal),
            _ => Value::Float(*value),
        },
        Data::Text(text) => Value::Text(text.clone()),
        Data::List(list) => {
            let mut rows = Vec::with_capacity(list.len());
            for item in list.iter() {
                let value = from_data(item, cx)?;
                rows.push(match value {
                    Value::Record(_) | Value::Blank => value,
                    value => Value::row(VALUE, value),
                });
            }
            Value::table(rows)
        }
        Data::Map(map) => {
            let mut fields = Vec::with_capacity(map.len());
            for (name, value) in map.iter() {
                fields.push((name.clone(), from_data(value, cx)?));
            }
            Value::record(fields)
        }
    })
}

/// The result of a formula as a value of a workflow. An error anywhere in it is the error of the whole.
pub(super) fn to_data(value: &Value, cx: &mut Cx<'_>) -> Eval<Data> {
    cx.burn(1)?;
    Ok(match value {
        Value::Blank => Data::Null,
        Value::Boolean(value) => Data::Bool(*value),
        Value::Float(value) => whole(*value).unwrap_or(Data::Float(*value)),
        Value::Decimal(value) => match value.is_integer().then(|| value.to_i64()).flatten() {
            Some(whole) => Data::Int(whole),
            None => Data::Float(number::to_float(*value)),
        },
        Value::Text(text) => Data::Text(text.clone()),
        Value::Date(_) | Value::DateTime(_) | Value::Time(_) => Data::from(iso(value, cx)),
        Value::Guid(value) => Data::from(guid_text(*value)),
        Value::Color(color) => Data::from(color_text(*color)),
        Value::Enum(of, raw) => match (of.backing, raw) {
            (Backing::Number, Raw::Number(value)) => Data::Int(*value),
            (_, Raw::Color(color)) => Data::from(color_text(*color)),
            (_, Raw::Text(text)) => Data::from(text.as_ref()),
            _ => Data::Null,
        },
        Value::Untyped(json) => from_json(json),
        Value::Record(record) => {
            let mut fields: Vec<(Arc<str>, Data)> = Vec::with_capacity(record.0.len());
            for (name, value) in record.iter() {
                fields.push((name.clone(), to_data(value, cx)?));
            }
            fields.into_iter().collect()
        }
        Value::Table(table) => {
            let mut rows = Vec::with_capacity(table.rows().len());
            for row in table.rows() {
                rows.push(to_data(row, cx)?);
            }
            Data::from(rows)
        }
        Value::Error(failure) => return Err(failure.clone()),
    })
}

fn whole(value: f64) -> Option<Data> {
    let fits = value.fract() == 0.0 && value.abs() < (1u64 << 53) as f64;
    fits.then_some(Data::Int(value as i64))
}

/// A date, a time or both as JSON has them; both together in universal time.
pub(super) fn iso(value: &Value, cx: &Cx<'_>) -> String {
    let clock = |ticks: i64| {
        let at = datetime::parts(ticks);
        format!("{:02}:{:02}:{:02}.{:03}", at.hour, at.minute, at.second, at.millisecond)
    };
    let day = |ticks: i64| {
        let at = datetime::parts(ticks);
        format!("{:04}-{:02}-{:02}", at.year, at.month, at.day)
    };
    match value {
        Value::Date(ticks) => day(*ticks),
        Value::DateTime(ticks) => {
            let utc = datetime::to_utc(*ticks, cx.zone());
            format!("{}T{}Z", day(utc), clock(utc))
        }
        Value::Time(ticks) => clock(ticks.rem_euclid(DAY) / MILLISECOND * MILLISECOND),
        _ => String::new(),
    }
}

pub(super) fn color_text(color: u32) -> String {
    let [alpha, red, green, blue] = color.to_be_bytes();
    format!("#{red:02x}{green:02x}{blue:02x}{alpha:02x}")
}

pub(super) fn from_json(json: &Json) -> Data {
    match json {
        Json::Null => Data::Null,
        Json::Boolean(value) => Data::Bool(*value),
        Json::Number(text) => match text.parse::<i64>() {
            Ok(whole) => Data::Int(whole),
            Err(_) => number::parse_float(text).map_or(Data::Null, Data::from),
        },
        Json::Text(text) => Data::Text(text.clone()),
        Json::Array(items) => items.iter().map(from_json).collect(),
        Json::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), from_json(value)))
            .collect(),
    }
}

/// The error that a limit or an uncaught error is to who asked for the value.
pub(super) fn first_message(failure: &Failure) -> String {
    match failure {
        Failure::Limit(message) => (*message).to_owned(),
        Failure::Errors(errors) => {
            let messages: Vec<&str> = errors.iter().map(|fault| &*fault.message).collect();
            messages.join("; ")
        }
    }
}
