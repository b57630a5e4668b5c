//! What derived schemas still lack.

use schemars::Schema;
use serde_json::{Map, Value, json};

/// A mapping that takes its own keys, notes under `x-`, and no others. What may be left out may not be null instead.
pub(super) fn closed(schema: &mut Schema) {
    let schema = schema.ensure_object();
    let required = schema.get("required").cloned().unwrap_or_else(|| json!([]));
    let is_required = |key: &str| required.as_array().is_some_and(|keys| keys.contains(&json!(key)));
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (key, property) in properties {
            if !is_required(key) {
                without_null(property);
            }
        }
    }
    schema.insert("patternProperties".to_owned(), json!({ "^x-": true }));
    schema.insert("additionalProperties".to_owned(), json!(false));
}

/// A mapping, or nothing where every key may be left out.
pub(super) fn or_null(schema: &mut Schema) {
    schema
        .ensure_object()
        .insert("type".to_owned(), json!(["object", "null"]));
}

/// Takes out the null that the derived schema of an `Option` allows.
fn without_null(property: &mut Value) {
    let Some(property) = property.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|name| name != "null");
        if let [name] = &types[..] {
            let name = name.clone();
            property.insert("type".to_owned(), name);
        }
    }
    if let Some(Value::Array(values)) = property.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(mut alternatives)) = property.remove("anyOf") {
        alternatives.retain(|schema| *schema != json!({ "type": "null" }));
        match alternatives.pop() {
            Some(Value::Object(only)) if alternatives.is_empty() => property.extend(only),
            _ => debug_assert!(false, "an `Option` has one alternative to null"),
        }
    }
}

/// Exactly one of these keys.
///
/// One that is missing is said once, for all, and what is too much is said at each key behind the first, in the order of
/// the keys here; a `oneOf` would say that several schemas match.
pub(super) fn exactly_one(schema: &mut Schema, keys: &[&str]) {
    let missing = format!("one of these keys is needed: {}", keys.join(", "));
    let present: Vec<Value> = keys
        .iter()
        .map(|key| json!({ "required": [key], "errorMessage": missing }))
        .collect();
    let alone = keys
        .iter()
        .enumerate()
        .filter(|(at, _)| at + 1 < keys.len())
        .map(|(at, key)| {
            let others = format!("^({})$", keys[at + 1..].join("|"));
            let message = format!("only one of these can be there, and there is `{key}` already");
            json!({
                "if": { "properties": { *key: false } },
                "else": { "patternProperties": { others: false }, "errorMessage": message },
            })
        });
    let schema = schema.ensure_object();
    schema.insert("allOf".to_owned(), alone.collect());
    schema.insert("anyOf".to_owned(), present.into());
}

/// Lets all other definitions refer to the properties of one that they repeat, because it was flattened into them.
pub(super) fn share(definitions: &mut Map<String, Value>, name: &str) {
    let shared = definitions[name]["properties"].clone();
    for (_, definition) in definitions.iter_mut().filter(|(other, _)| *other != name) {
        let Some(properties) = definition.get_mut("properties").and_then(Value::as_object_mut) else {
            continue;
        };
        for (key, property) in properties {
            if shared.get(key) == Some(property) {
                *property = json!({ "$ref": format!("#/definitions/{name}/properties/{key}") });
            }
        }
    }
}

/// Joins the lines of texts, and gives editors those with Markdown in them as Markdown.
pub(super) fn markdown(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(markdown),
        Value::Object(map) => {
            let plain: Map<String, Value> = std::mem::take(map);
            for (key, mut value) in plain {
                let beside = match key.as_str() {
                    "description" if value.is_string() => Some("markdownDescription"),
                    "enumDescriptions" => Some("markdownEnumDescriptions"),
                    _ => None,
                };
                match beside {
                    None => markdown(&mut value),
                    Some(_) => join(&mut value),
                }
                let beside = beside.filter(|_| value.to_string().contains('`'));
                if let Some(name) = beside {
                    map.insert(name.to_owned(), value.clone());
                }
                map.insert(key, value);
            }
        }
        _ => {}
    }
}

fn join(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(join),
        Value::String(text) => {
            let paragraphs: Vec<String> = text.split("\n\n").map(|text| text.replace('\n', " ")).collect();
            *text = paragraphs.join("\n\n");
        }
        _ => {}
    }
}
