//! JSON Schemas inside a workflow: the keywords that editors offer. Others are allowed, since JSON Schema allows them.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use super::value::Text;

/// A JSON Schema: what a value has to look like.
pub(super) struct JsonSchemaOfValue;

impl JsonSchema for JsonSchemaOfValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "schema".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Keywords::json_schema(generator);
        // `true` allows anything, `false` nothing.
        schema.insert("type".to_owned(), json!(["object", "boolean"]));
        schema
    }
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", transform = optional)]
struct Keywords {
    /// The type of the value, or a list of types.
    r#type: Option<Type>,
    /// The name of the value for people.
    title: Option<Text>,
    /// What the value is.
    description: Option<Text>,
    /// The keys of an object, each with its schema.
    properties: Option<BTreeMap<String, JsonSchemaOfValue>>,
    /// The keys that must be there.
    required: Option<Vec<Text>>,
    /// The schema of all other keys, or `false` if there may be none.
    additional_properties: Option<JsonSchemaOfValue>,
    /// The schema of each item of a list.
    items: Option<JsonSchemaOfValue>,
    /// The values that are allowed.
    r#enum: Option<Vec<serde_json::Value>>,
    /// The one value that is allowed.
    r#const: Option<serde_json::Value>,
    /// The value where none is given.
    default: Option<serde_json::Value>,
    /// The form of a text, such as `date-time` or `email`.
    format: Option<Text>,
    /// A regular expression that a text matches.
    pattern: Option<String>,
    /// The least number.
    minimum: Option<f64>,
    /// The greatest number.
    maximum: Option<f64>,
    /// The least length of a text, in characters.
    min_length: Option<u32>,
    /// The greatest length of a text, in characters.
    max_length: Option<u32>,
    /// The least number of items.
    min_items: Option<u32>,
    /// The greatest number of items.
    max_items: Option<u32>,
    /// A schema that is written elsewhere: `#/$defs/order`, or a file beside the workflow.
    #[schemars(rename = "$ref")]
    reference: Option<Text>,
    /// Schemas that `$ref` names.
    #[schemars(rename = "$defs")]
    definitions: Option<BTreeMap<String, JsonSchemaOfValue>>,
}

fn optional(schema: &mut Schema) {
    super::shape::closed(schema);
    schema.remove("additionalProperties");
    schema.remove("patternProperties");
}

/// One of the types, or a list of them.
struct Type;

impl JsonSchema for Type {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Type".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = json!(["string", "number", "integer", "boolean", "object", "array", "null"]);
        json_schema!({
            "anyOf": [{ "enum": names }, { "type": "array", "items": { "enum": names } }],
        })
    }
}
