//! Messages of OTLP: built once, and written as protobuf or as JSON.

use serde_json::{Map, Value};

/// A message: its fields with their numbers, and the names that they have in JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Message(Vec<(u32, &'static str, Field)>);

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    Text(String),
    /// Hexadecimal in JSON, as OTLP has it for the ids of traces and spans.
    Id(Vec<u8>),
    Bool(bool),
    /// Of 32 bits or an enumeration.
    Small(u32),
    /// A varint of 64 bits.
    Int(i64),
    /// 64 bits of fixed size.
    Fixed(u64),
    /// 32 bits of fixed size.
    Fixed32(u32),
    Double(f64),
    Message(Message),
    Messages(Vec<Message>),
    Fixeds(Vec<u64>),
    Doubles(Vec<f64>),
}

impl Message {
    /// The same with one more field.
    #[must_use]
    pub fn with(mut self, number: u32, name: &'static str, field: Field) -> Message {
        self.0.push((number, name, field));
        self
    }

    /// As protobuf.
    pub fn proto(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, _, field) in &self.0 {
            let number = *number;
            match field {
                Field::Text(text) => block(&mut out, number, text.as_bytes()),
                Field::Id(id) => block(&mut out, number, id),
                Field::Bool(value) => varint_field(&mut out, number, u64::from(*value)),
                Field::Small(value) => varint_field(&mut out, number, u64::from(*value)),
                Field::Int(value) => varint_field(&mut out, number, value.cast_unsigned()),
                Field::Fixed(value) => fixed(&mut out, number, *value),
                Field::Fixed32(value) => {
                    varint(&mut out, u64::from(number << 3 | 5));
                    out.extend(value.to_le_bytes());
                }
                Field::Double(value) => fixed(&mut out, number, value.to_bits()),
                Field::Message(message) => block(&mut out, number, &message.proto()),
                Field::Messages(messages) => messages
                    .iter()
                    .for_each(|message| block(&mut out, number, &message.proto())),
                Field::Fixeds(values) => {
                    let packed: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                    block(&mut out, number, &packed);
                }
                Field::Doubles(values) => {
                    let packed: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                    block(&mut out, number, &packed);
                }
            }
        }
        out
    }

    /// As JSON, in which integers of 64 bits are texts.
    pub fn json(&self) -> Value {
        let entries = self.0.iter().map(|(_, name, field)| {
            let value = match field {
                Field::Text(text) => Value::from(text.as_str()),
                Field::Id(id) => Value::from(id.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
                Field::Bool(value) => Value::from(*value),
                Field::Small(value) | Field::Fixed32(value) => Value::from(*value),
                Field::Int(value) => Value::from(value.to_string()),
                Field::Fixed(value) => Value::from(value.to_string()),
                Field::Double(value) => Value::from(*value),
                Field::Message(message) => message.json(),
                Field::Messages(messages) => messages.iter().map(Message::json).collect(),
                Field::Fixeds(values) => values.iter().map(u64::to_string).collect(),
                Field::Doubles(values) => values.iter().copied().collect(),
            };
            ((*name).to_owned(), value)
        });
        Value::Object(entries.collect::<Map<_, _>>())
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 127 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

fn varint_field(out: &mut Vec<u8>, number: u32, value: u64) {
    varint(out, u64::from(number << 3));
    varint(out, value);
}

fn fixed(out: &mut Vec<u8>, number: u32, value: u64) {
    varint(out, u64::from(number << 3 | 1));
    out.extend(value.to_le_bytes());
}

fn block(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    varint(out, u64::from(number << 3 | 2));
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Worth {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
    Texts(Vec<String>),
}

impl From<&str> for Worth {
    fn from(text: &str) -> Worth {
        Worth::Text(text.to_owned())
    }
}

impl From<u64> for Worth {
    fn from(number: u64) -> Worth {
        Worth::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl Worth {
    fn message(&self) -> Message {
        let message = Message::default();
        match self {
            Worth::Text(text) => message.with(1, "stringValue", Field::Text(text.clone())),
            Worth::Bool(value) => message.with(2, "boolValue", Field::Bool(*value)),
            Worth::Int(value) => message.with(3, "intValue", Field::Int(*value)),
            Worth::Double(value) => message.with(4, "doubleValue", Field::Double(*value)),
            Worth::Texts(texts) => {
                let values = texts.iter().map(|text| Worth::Text(text.clone()).message());
                let list = Message::default().with(1, "values", Field::Messages(values.collect()));
                message.with(5, "arrayValue", Field::Message(list))
            }
        }
    }
}

/// Attributes, in the order in which they are told.
pub(super) type Attributes = Vec<(&'static str, Worth)>;

/// Attributes as a field.
pub(super) fn attributes<'a>(all: impl IntoIterator<Item = (&'a str, &'a Worth)>) -> Field {
    let entries = all.into_iter().map(|(key, worth)| {
        Message::default()
            .with(1, "key", Field::Text(key.to_owned()))
            .with(2, "value", Field::Message(worth.message()))
    });
    Field::Messages(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_written_in_both_ways() {
        let message = Message::default()
            .with(1, "id", Field::Id(vec![0xab, 1]))
            .with(2, "small", Field::Small(300))
            .with(3, "fixed", Field::Fixed(1))
            .with(20, "minus", Field::Int(-1));
        let expected = [
            &[0x0a, 2, 0xab, 1][..],
            &[0x10, 0xac, 0x02],
            &[0x19, 1, 0, 0, 0, 0, 0, 0, 0],
            &[0xa0, 0x01, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
        ];
        assert_eq!(message.proto(), expected.concat());
        let json = serde_json::json!({ "id": "ab01", "small": 300, "fixed": "1", "minus": "-1" });
        assert_eq!(message.json(), json);
    }
}
