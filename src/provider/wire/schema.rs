//! What of a JSON Schema a provider can enforce.
//!
//! Providers enforce a part of JSON Schema while the model writes. Every answer is checked against the whole schema in
//! any case, so what is sent may say less than the schema does, but must never forbid what it allows for want of a
//! better word: a property that may be absent is not made one that has to be there.

use serde_json::{Map, Value, json};

/// What is asked of a provider.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Enforced {
    /// The schema to enforce.
    pub schema: Value,
    /// Whether it says all that the schema says.
    pub whole: bool,
}

/// What the provider knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Every property of an object has to be there.
    AllRequired,
    /// Properties may be absent.
    Optional,
}

/// Words that say nothing about values.
const SILENT: [&str; 6] = ["$schema", "$id", "$comment", "title", "examples", "default"];
/// Words that not every provider knows, and without which the schema allows more.
const LOOSE: [&str; 15] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "propertyNames",
];
/// How deep objects may be nested; what is deeper than that is not enforced.
const DEEPEST: usize = 5;

/// What can be enforced of a schema; nothing if it is not that of an object, or has words that providers do not know.
pub(super) fn enforced(schema: &Value, dialect: Dialect) -> Option<Enforced> {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return None;
    }
    let mut narrowing = Narrowing { dialect, whole: true };
    let schema = narrowing.schema(schema, 0)?;
    Some(Enforced {
        schema,
        whole: narrowing.whole,
    })
}

struct Narrowing {
    dialect: Dialect,
    whole: bool,
}

impl Narrowing {
    fn schema(&mut self, schema: &Value, depth: usize) -> Option<Value> {
        let object = schema.as_object().filter(|_| depth <= DEEPEST)?;
        let mut kept = Map::new();
        for (word, value) in object {
            match word.as_str() {
                "type" | "enum" | "const" | "description" => {
                    kept.insert(word.clone(), value.clone());
                }
                "properties" => {
                    let properties = value.as_object()?.iter();
                    let narrowed = properties.map(|(name, value)| Some((name.clone(), self.schema(value, depth + 1)?)));
                    kept.insert(word.clone(), Value::Object(narrowed.collect::<Option<_>>()?));
                }
                "items" => {
                    kept.insert(word.clone(), self.schema(value, depth + 1)?);
                }
                "anyOf" | "oneOf" => {
                    // That exactly one of them holds is checked here.
                    self.whole &= word == "anyOf";
                    let branches = value.as_array()?.iter();
                    let narrowed = branches.map(|branch| self.schema(branch, depth + 1));
                    if kept
                        .insert("anyOf".into(), Value::Array(narrowed.collect::<Option<_>>()?))
                        .is_some()
                    {
                        return None;
                    }
                }
                "required" => {
                    kept.insert(word.clone(), value.clone());
                }
                // A closed object is what is enforced anyway; one that is open on purpose cannot be.
                "additionalProperties" if *value == json!(false) => {}
                word if SILENT.contains(&word) => {}
                word if LOOSE.contains(&word) => self.whole = false,
                _ => return None,
            }
        }
        if is_object(&kept) {
            self.close(&mut kept)?;
        }
        Some(Value::Object(kept))
    }

    /// Closes an object, where that takes nothing away that is named.
    fn close(&self, object: &mut Map<String, Value>) -> Option<()> {
        let properties = object.get("properties").and_then(Value::as_object)?;
        let required = object.get("required").and_then(Value::as_array);
        let is_required = |name: &String| required.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)));
        // What is required and not described has no place in a closed object.
        let described = |one: &Value| one.as_str().is_some_and(|name| properties.contains_key(name));
        if !required.is_none_or(|all| all.iter().all(described)) {
            return None;
        }
        if self.dialect == Dialect::AllRequired && !properties.keys().all(is_required) {
            return None;
        }
        object.insert("additionalProperties".into(), json!(false));
        Some(())
    }
}

fn is_object(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|one| one == "object"),
        Some(one) => one == "object",
        None => schema.contains_key("properties"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_objects_with_required_properties_are_enforced() {
        let schema = json!({
            "type": "object",
            "title": "T",
            "required": ["topic", "notes"],
            "properties": {
                "topic": { "enum": ["a", "b"] },
                "notes": { "type": "array", "minItems": 1, "items": { "type": "string" } },
            },
        });
        let enforced = enforced(&schema, Dialect::AllRequired).unwrap();
        assert!(!enforced.whole, "minItems is not said");
        assert_eq!(
            enforced.schema,
            json!({
                "type": "object",
                "required": ["topic", "notes"],
                "properties": {
                    "topic": { "enum": ["a", "b"] },
                    "notes": { "type": "array", "items": { "type": "string" } },
                },
                "additionalProperties": false,
            })
        );
    }

    #[test]
    fn a_property_that_may_be_absent_is_not_forced() {
        let schema = json!({ "type": "object", "properties": { "title": { "type": "string" } } });
        assert_eq!(enforced(&schema, Dialect::AllRequired), None);
        assert!(enforced(&schema, Dialect::Optional).is_some_and(|found| found.whole));
    }

    #[test]
    fn what_providers_do_not_know_is_not_sent() {
        for schema in [
            json!({ "type": "string" }),
            json!(true),
            json!({ "type": "object" }),
            json!({ "type": "object", "properties": {}, "additionalProperties": { "type": "string" } }),
            json!({ "type": "object", "properties": { "a": true } }),
            json!({ "type": "object", "properties": { "a": { "$ref": "#" } } }),
            json!({ "type": "object", "properties": {}, "required": ["a"] }),
            json!({ "type": "object", "properties": {}, "not": {} }),
        ] {
            assert_eq!(enforced(&schema, Dialect::Optional), None, "{schema}");
        }
    }
}
