//! How a value of one type becomes one of another where that is asked for.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::datetime::{self, DAY};
use super::enums::{Backing, Raw};
use super::error::{Eval, Failure};
use super::eval::Cx;
use super::json::Json;
use super::number;
use super::types::Type;
use super::value::{Record, Table, Value};
use super::{dateparse, format, numparse};

/// A number of either kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Float(f64),
    Decimal(Decimal),
}

impl Number {
    pub fn float(self) -> f64 {
        match self {
            Number::Float(value) => value,
            Number::Decimal(value) => number::to_float(value),
        }
    }

    pub fn value(self) -> Value {
        match self {
            Number::Float(value) => Value::Float(value),
            Number::Decimal(value) => Value::Decimal(value),
        }
    }

    pub fn is_zero(self) -> bool {
        match self {
            Number::Float(value) => value == 0.0,
            Number::Decimal(value) => value.is_zero(),
        }
    }
}

pub(super) fn mismatch(value: &Value, wanted: &str) -> Failure {
    Failure::invalid(format!("{} cannot be used as {wanted}", value.a_kind()))
}

impl Cx<'_> {
    /// The number of a whole number, of the kind that formulas compute with.
    pub fn int(&self, value: i64) -> Value {
        match self.options.number_is_float {
            true => Value::Float(value as f64),
            false => Value::Decimal(value.into()),
        }
    }

    /// Zero of the kind that formulas compute with.
    pub fn zero(&self) -> Number {
        match self.options.number_is_float {
            true => Number::Float(0.0),
            false => Number::Decimal(Decimal::ZERO),
        }
    }

    /// A value as a number of the kind it has; what has none becomes the kind that formulas compute with.
    pub fn number(&mut self, value: &Value) -> Eval<Number> {
        let float = |value: f64| match self.options.number_is_float {
            true => Ok(Number::Float(value)),
            false => number::to_decimal(value).map(Number::Decimal),
        };
        match value {
            Value::Float(value) => Ok(Number::Float(*value)),
            Value::Decimal(value) => Ok(Number::Decimal(*value)),
            Value::Blank => Ok(self.zero()),
            Value::Boolean(value) => float(f64::from(u8::from(*value))),
            Value::Text(text) if text.is_empty() => Ok(self.zero()),
            Value::Text(text) => self.parse_number(text),
            Value::Date(ticks) | Value::DateTime(ticks) => float(datetime::to_serial(*ticks)),
            Value::Time(ticks) => float(*ticks as f64 / DAY as f64),
            Value::Enum(_, Raw::Number(value)) => float(*value as f64),
            Value::Untyped(json) => match json {
                Json::Null => Ok(self.zero()),
                Json::Boolean(value) => float(f64::from(u8::from(*value))),
                Json::Number(text) | Json::Text(text) => {
                    let text = text.clone();
                    self.json_number(&text)
                }
                _ => Err(mismatch(value, "a number")),
            },
            _ => Err(mismatch(value, "a number")),
        }
    }

    fn parse_number(&self, text: &str) -> Eval<Number> {
        numparse::parse(text, self.locale, self.options.number_is_float)
            .map_err(|()| Failure::invalid(format!("`{text}` is not a number")))?
            .ok_or_else(|| Failure::invalid("an empty text is not a number"))
    }

    /// A number as JSON writes it.
    pub fn json_number(&self, text: &str) -> Eval<Number> {
        let invalid = || Failure::invalid(format!("`{text}` is not a number"));
        match self.options.number_is_float {
            true => number::parse_float(text.trim()).map(Number::Float).ok_or_else(invalid),
            false => number::parse_decimal(text.trim())
                .map(Number::Decimal)
                .ok_or_else(invalid),
        }
    }

    /// A value as a float.
    pub fn float(&mut self, value: &Value) -> Eval<f64> {
        match value {
            Value::Float(value) => Ok(*value),
            Value::Decimal(value) => Ok(number::to_float(*value)),
            Value::Blank => Ok(0.0),
            Value::Text(text) => match numparse::parse(text, self.locale, true) {
                Ok(value) => Ok(value.map_or(0.0, Number::float)),
                Err(()) => Err(Failure::invalid(format!("`{text}` is not a number"))),
            },
            Value::Untyped(Json::Number(text) | Json::Text(text)) => {
                number::parse_float(text.trim()).ok_or_else(|| Failure::invalid(format!("`{text}` is not a number")))
            }
            Value::Date(ticks) | Value::DateTime(ticks) => Ok(datetime::to_serial(*ticks)),
            Value::Time(ticks) => Ok(*ticks as f64 / DAY as f64),
            _ => self.number(value).map(Number::float),
        }
    }

    pub fn decimal(&mut self, value: &Value) -> Eval<Decimal> {
        match value {
            Value::Text(text) => match numparse::parse(text, self.locale, false) {
                Ok(Some(Number::Decimal(value))) => Ok(value),
                Ok(_) => Ok(Decimal::ZERO),
                Err(()) => Err(Failure::invalid(format!("`{text}` is not a number"))),
            },
            Value::Untyped(Json::Number(text) | Json::Text(text)) => {
                number::parse_decimal(text.trim()).ok_or_else(|| Failure::invalid(format!("`{text}` is not a number")))
            }
            _ => match self.number(value)? {
                Number::Decimal(value) => Ok(value),
                Number::Float(value) => number::to_decimal(value),
            },
        }
    }

    pub fn boolean(&mut self, value: &Value) -> Eval<bool> {
        let parse = |text: &str| match text {
            _ if text.eq_ignore_ascii_case("true") => Ok(true),
            _ if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(Failure::invalid(format!("`{text}` is not a boolean"))),
        };
        match value {
            Value::Boolean(value) => Ok(*value),
            Value::Blank | Value::Untyped(Json::Null) => Ok(false),
            Value::Float(value) => Ok(*value != 0.0),
            Value::Decimal(value) => Ok(!value.is_zero()),
            Value::Text(text) if text.is_empty() => Ok(false),
            Value::Text(text) | Value::Untyped(Json::Text(text)) => parse(text),
            Value::Untyped(Json::Boolean(value)) => Ok(*value),
            Value::Untyped(Json::Number(text)) => Ok(number::parse_float(text) != Some(0.0)),
            _ => Err(mismatch(value, "a boolean")),
        }
    }

    pub fn string(&mut self, value: &Value) -> Eval<Arc<str>> {
        Ok(match value {
            Value::Text(text) => text.clone(),
            Value::Blank | Value::Untyped(Json::Null) => "".into(),
            Value::Boolean(value) => if *value { "true" } else { "false" }.into(),
            Value::Float(_) | Value::Decimal(_) => format::plain(value, self.locale).into(),
            Value::Date(_) | Value::DateTime(_) | Value::Time(_) => format::temporal(value, self.locale).into(),
            Value::Guid(value) => guid_text(*value).into(),
            Value::Enum(of, raw) => match (of.backing, raw) {
                (Backing::Text, Raw::Text(text)) => text.as_ref().into(),
                _ => of.name_of(raw).unwrap_or("").into(),
            },
            Value::Untyped(Json::Text(text) | Json::Number(text)) => text.clone(),
            Value::Untyped(Json::Boolean(value)) => if *value { "true" } else { "false" }.into(),
            Value::Color(_) | Value::Untyped(_) | Value::Record(_) | Value::Table(_) | Value::Error(_) => {
                return Err(mismatch(value, "a text"));
            }
        })
    }

    /// The ticks of a date, a time or both, of a number or text that stands for one.
    pub fn ticks(&mut self, value: &Value) -> Eval<i64> {
        match value {
            Value::Date(ticks) | Value::DateTime(ticks) => Ok(*ticks),
            Value::Time(ticks) => Ok(datetime::EPOCH + ticks),
            Value::Blank | Value::Untyped(Json::Null) => Ok(datetime::EPOCH),
            Value::Float(_) | Value::Decimal(_) | Value::Boolean(_) => datetime::from_serial(self.float(value)?),
            Value::Text(text) => Ok(dateparse::date_time(text, self)?.unwrap_or(datetime::EPOCH)),
            Value::Untyped(Json::Text(text)) => dateparse::json(text, self).ok_or_else(|| mismatch(value, "a date")),
            _ => Err(mismatch(value, "a date")),
        }
    }

    /// The ticks of a time of the day.
    pub fn time(&mut self, value: &Value) -> Eval<i64> {
        match value {
            Value::Time(ticks) => Ok(*ticks),
            Value::Date(ticks) | Value::DateTime(ticks) => Ok(ticks.rem_euclid(DAY)),
            Value::Blank | Value::Untyped(Json::Null) => Ok(0),
            Value::Float(_) | Value::Decimal(_) | Value::Boolean(_) => datetime::from_days(self.float(value)?),
            Value::Text(text) => Ok(dateparse::time(text, self)?.unwrap_or(0)),
            Value::Untyped(Json::Text(text)) => dateparse::json_time(text).ok_or_else(|| mismatch(value, "a time")),
            _ => Err(mismatch(value, "a time")),
        }
    }

    /// A value as one of a type; blanks stay.
    pub fn coerce(&mut self, value: Value, to: &Type) -> Eval {
        if value.is_blank() && !matches!((&value, to), (Value::Untyped(_), Type::Untyped)) {
            return Ok(Value::Blank);
        }
        Ok(match (to, value) {
            (Type::Float | Type::Decimal, Value::Text(text)) if text.is_empty() => Value::Blank,
            (Type::Any | Type::Blank, value) => value,
            (Type::Boolean, value) => Value::Boolean(self.boolean(&value)?),
            (Type::Float, value) => Value::Float(self.float(&value)?),
            (Type::Decimal, value) => Value::Decimal(self.decimal(&value)?),
            (Type::Text, value) => Value::Text(self.string(&value)?),
            (Type::Date, value @ Value::Date(_)) => value,
            (Type::Date, value) => {
                let ticks = self.ticks(&value)?;
                Value::Date(ticks - ticks.rem_euclid(DAY))
            }
            (Type::DateTime, value) => Value::DateTime(self.ticks(&value)?),
            (Type::Time, value) => Value::Time(self.time(&value)?),
            (Type::Guid, Value::Text(text)) => {
                Value::Guid(parse_guid(&text).ok_or_else(|| Failure::invalid(format!("`{text}` is not a GUID")))?)
            }
            (Type::Guid, Value::Untyped(Json::Text(text))) => {
                Value::Guid(parse_guid(&text).ok_or_else(|| Failure::invalid(format!("`{text}` is not a GUID")))?)
            }
            (Type::Color, Value::Untyped(Json::Text(text))) => {
                let color = super::functions::color::parse(&text);
                Value::Color(color.ok_or_else(|| Failure::invalid(format!("`{text}` is not a color")))?)
            }
            (Type::Color, Value::Enum(_, Raw::Color(color))) => Value::Color(color),
            (Type::Enum(of), Value::Text(text)) if of.backing == Backing::Text => {
                Value::Enum(of, Raw::Text(text.to_string().into()))
            }
            (Type::Record(columns), Value::Record(record)) => Value::Record(self.coerce_record(record, columns)?),
            (Type::Table(columns), Value::Table(table)) => {
                let mut rows = Vec::with_capacity(table.rows().len());
                for row in table.rows() {
                    self.burn(1)?;
                    rows.push(match row {
                        Value::Record(record) => Value::Record(self.coerce_record(record.clone(), columns)?),
                        other => other.clone(),
                    });
                }
                Value::Table(Table(Arc::new(rows)))
            }
            (_, value) => value,
        })
    }

    fn coerce_record(&mut self, record: Record, columns: &super::types::Columns) -> Eval<Record> {
        let mut fields = Vec::with_capacity(columns.0.len());
        for (name, of) in columns.iter() {
            let value = record.get(name).cloned().unwrap_or(Value::Blank);
            let value = match value {
                Value::Error(failure) => Err(failure),
                value => self.coerce(value, of),
            };
            fields.push((name.clone(), Value::cell(value)?));
        }
        Ok(Record::new(fields))
    }
}

/// A GUID of 32 digits, with or without dashes and braces.
pub(super) fn parse_guid(text: &str) -> Option<u128> {
    let text = text.trim();
    let inner = match text.strip_prefix(['{', '(']) {
        Some(rest) => rest.strip_suffix(['}', ')'])?,
        None => text,
    };
    let groups: Vec<usize> = inner.split('-').map(str::len).collect();
    let digits = inner.replace('-', "");
    let shape = groups == [32] || groups == [8, 4, 4, 4, 12];
    let hex = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    u128::from_str_radix(&digits, 16).ok().filter(|_| shape && hex)
}

pub(super) fn guid_text(value: u128) -> String {
    let hex = format!("{value:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
