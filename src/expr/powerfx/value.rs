//! The values of an evaluation.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::enums::{Enumeration, Raw};
use super::error::Failure;
use super::json::Json;

/// The name of the column of a table that is made of single values.
pub(super) const VALUE: &str = "Value";

/// A value of Power Fx.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Blank,
    Boolean(bool),
    Float(f64),
    Decimal(Decimal),
    Text(Arc<str>),
    /// Ticks of 100 ns since the year 1, local time; [`Value::Date`] is midnight unless something was added to it.
    Date(i64),
    DateTime(i64),
    /// Ticks of 100 ns; may be negative or longer than a day.
    Time(i64),
    Guid(u128),
    /// Alpha, red, green and blue, from the highest byte.
    Color(u32),
    Enum(&'static Enumeration, Raw),
    Untyped(Json),
    Record(Record),
    Table(Table),
    /// An error in a field or in place of a row. As the result of an expression it is an `Err`.
    Error(Failure),
}

/// Fields in the order they were written.
#[derive(Clone, Debug, Default)]
pub(super) struct Record(pub Arc<Vec<(Arc<str>, Value)>>);

/// Rows: records, blanks or errors.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(pub Arc<Vec<Value>>);

impl Record {
    pub fn new(fields: Vec<(Arc<str>, Value)>) -> Record {
        Record(Arc::new(fields))
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(known, _)| &**known == name)
            .map(|(_, value)| value)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, (Arc<str>, Value)> {
        self.0.iter()
    }

    /// With a field set.
    pub fn with(&self, name: &Arc<str>, value: Value) -> Record {
        let mut fields = (*self.0).clone();
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => fields.push((name.clone(), value)),
        }
        Record::new(fields)
    }
}

impl Table {
    pub fn rows(&self) -> &[Value] {
        &self.0
    }

    /// Its rows, one after the other.
    pub fn each(self) -> impl Iterator<Item = Value> {
        (0..self.0.len()).map(move |at| self.0[at].clone())
    }
}

impl Value {
    pub fn text(text: impl Into<Arc<str>>) -> Value {
        Value::Text(text.into())
    }

    pub fn table(rows: Vec<Value>) -> Value {
        Value::Table(Table(Arc::new(rows)))
    }

    pub fn record(fields: Vec<(Arc<str>, Value)>) -> Value {
        Value::Record(Record::new(fields))
    }

    /// A row of a table of single values.
    pub fn row(column: &str, value: Value) -> Value {
        Value::record(vec![(column.into(), value)])
    }

    pub fn is_blank(&self) -> bool {
        match self {
            Value::Blank => true,
            Value::Untyped(json) => matches!(json, Json::Null),
            _ => false,
        }
    }

    /// Blank or the empty text, which `IsBlank` and `Coalesce` take for the same.
    pub fn is_blank_or_empty(&self) -> bool {
        match self {
            Value::Text(text) => text.is_empty(),
            Value::Untyped(Json::Text(text)) => text.is_empty(),
            _ => self.is_blank(),
        }
    }

    /// An error in a field becomes the error of who reads it.
    pub fn read(self) -> Result<Value, Failure> {
        match self {
            Value::Error(failure) => Err(failure),
            value => Ok(value),
        }
    }

    /// What a field holds when an expression had this result.
    pub fn cell(result: Result<Value, Failure>) -> Result<Value, Failure> {
        match result {
            Err(failure) if failure.is_error() => Ok(Value::Error(failure)),
            result => result,
        }
    }

    /// The first field of a row: of a table of one column, its value.
    pub fn first_field(&self) -> Value {
        match self {
            Value::Record(record) => record.0.first().map_or(Value::Blank, |(_, value)| value.clone()),
            other => other.clone(),
        }
    }

    /// As a message calls it.
    pub fn a_kind(&self) -> &'static str {
        match self {
            Value::Blank => "blank",
            Value::Boolean(_) => "a boolean",
            Value::Float(_) | Value::Decimal(_) => "a number",
            Value::Text(_) => "a text",
            Value::Date(_) => "a date",
            Value::DateTime(_) => "a date and time",
            Value::Time(_) => "a time",
            Value::Guid(_) => "a GUID",
            Value::Color(_) => "a color",
            Value::Enum(..) => "a value of an enumeration",
            Value::Untyped(_) => "an untyped value",
            Value::Record(_) => "a record",
            Value::Table(_) => "a table",
            Value::Error(_) => "an error",
        }
    }
}
