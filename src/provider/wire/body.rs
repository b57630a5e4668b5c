//! What the bodies of all protocols have in common.

use serde_json::{Map, Value, json};

use super::schema::{self, Dialect, Enforced};
use crate::data::Data;
use crate::graph::{Name, Parameters};
use crate::run::{ModelRequest, Reply, ToolCall};

/// How the shape of an answer is asked for.
#[derive(Debug)]
pub(super) struct Shape<'r> {
    schema: Option<&'r Data>,
    enforced: Option<Enforced>,
    /// Whether the author writes those fields of the request that would enforce it.
    replaced: bool,
}

impl<'r> Shape<'r> {
    pub fn of(request: &'r ModelRequest, dialect: Dialect, fields: &[&str]) -> Shape<'r> {
        let schema = request.schema.as_ref();
        Shape {
            schema,
            enforced: schema.and_then(|schema| schema::enforced(&schema.to_json(), dialect)),
            replaced: fields.iter().any(|field| request.parameters.extra.contains(field)),
        }
    }

    /// The instructions, with the schema where the provider is not told all of it otherwise.
    pub fn instructions(&self, request: &ModelRequest) -> Option<String> {
        let is_said = !self.replaced && self.enforced.as_ref().is_some_and(|enforced| enforced.whole);
        let schema = self.schema.filter(|_| !is_said);
        let schema = schema.map(|schema| format!("Answer with nothing but JSON of this JSON Schema:\n{schema}"));
        let own = request.instructions.as_deref().map(str::to_owned);
        match (own, schema) {
            (Some(own), Some(schema)) => Some(format!("{own}\n\n{schema}")),
            (own, schema) => own.or(schema),
        }
    }

    /// The schema to enforce.
    pub fn enforced(&self) -> Option<&Value> {
        self.enforced.as_ref().map(|enforced| &enforced.schema)
    }

    /// The format of OpenAI: strict where the schema fits, as a hint where it is at least that of an object.
    pub fn format(&self) -> Option<Value> {
        if let Some(enforced) = self.enforced() {
            return Some(json!({ "name": "answer", "schema": enforced, "strict": true }));
        }
        let schema = self.schema?.to_json();
        let is_object = schema["type"] == "object";
        is_object.then(|| json!({ "name": "answer", "schema": schema, "strict": false }))
    }
}

/// A field, if it has a value.
pub(super) fn entry(key: &str, value: Option<impl Into<Value>>) -> Option<(String, Value)> {
    Some((key.to_owned(), value?.into()))
}

/// A list of texts, if there are any.
pub(super) fn texts(key: &str, texts: &[Name]) -> Option<(String, Value)> {
    let list = texts.iter().map(|text| Value::from(&**text)).collect();
    (!texts.is_empty()).then(|| (key.to_owned(), list))
}

/// The body with the fields that the author adds; one with null is left out.
pub(super) fn finish(mut body: Map<String, Value>, parameters: &Parameters) -> Value {
    for (key, value) in parameters.extra.iter() {
        match value {
            Data::Null => drop(body.shift_remove(&**key)),
            value => drop(body.insert(key.to_string(), value.to_json())),
        }
    }
    Value::Object(body)
}

/// A reply of which only the text and the calls are known.
pub(super) fn reply(text: String, calls: Vec<ToolCall>) -> Reply {
    let silent = text.is_empty() && !calls.is_empty();
    Reply {
        calls,
        ..Reply::of((!silent).then(|| Data::from(text)))
    }
}
