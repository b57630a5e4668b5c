//! Asks the person at the terminal for a resume payload, one question for each property of its schema.

use std::io::{BufRead, Read, Write};
use std::sync::Arc;

use super::output::tame;
use crate::contract::Schema;
use crate::data::{Data, Map};

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// How deep an example goes into a schema.
const EXAMPLE_DEPTH: usize = 8;

/// Asks until the answers match the schema; `None` when the input ends.
pub(super) fn payload(schema: Option<&Schema>, input: &mut dyn BufRead, output: &mut dyn Write) -> Option<Data> {
    let source = schema.map(Schema::source);
    let Some(properties) = source
        .and_then(|source| source.get("properties"))
        .and_then(Data::as_map)
    else {
        loop {
            let payload = single("payload", source.unwrap_or(&Data::Null), true, input, output)?.unwrap_or_default();
            match check(schema, payload, output) {
                Ok(payload) => return Some(payload),
                Err(_) => continue,
            }
        }
    };
    let mut entries = Map::new();
    let mut wanted: Vec<Arc<str>> = properties.keys().cloned().collect();
    loop {
        for name in &wanted {
            let property = properties.get(name).unwrap_or(&Data::Null);
            let required = is_required(source.unwrap_or(&Data::Null), name);
            entries = match single(name, property, required, input, output)? {
                Some(value) => entries.with(name.clone(), value),
                None => entries
                    .iter()
                    .filter(|(key, _)| *key != name)
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
            };
        }
        let wrong = match check(schema, Data::from(entries.clone()), output) {
            Ok(payload) => return Some(payload),
            Err(wrong) => wrong,
        };
        // What was right is not asked for again, unless it is not clear what is wrong.
        let again: Vec<Arc<str>> = properties
            .keys()
            .filter(|name| wrong.contains(&name.to_string()))
            .cloned()
            .collect();
        wanted = match again.is_empty() {
            true => properties.keys().cloned().collect(),
            false => again,
        };
    }
}

/// A payload as the schema might want it, as JSON in one line.
pub(super) fn example(schema: Option<&Schema>) -> String {
    match schema {
        Some(schema) => sample(schema.source(), EXAMPLE_DEPTH).to_string(),
        None => "{}".to_owned(),
    }
}

fn sample(schema: &Data, depth: usize) -> Data {
    let first = |key: &str| schema.get(key).and_then(|values| values.index(0)).cloned();
    let given = schema.get("default").or(schema.get("const")).cloned();
    if let Some(value) = given.or_else(|| first("examples")).or_else(|| first("enum")) {
        return value;
    }
    match schema.get("type").and_then(Data::as_str) {
        Some("string") => Data::from("..."),
        Some("boolean") => Data::Bool(true),
        Some("number" | "integer") => schema.get("minimum").cloned().unwrap_or(Data::Int(1)),
        Some("array") => Data::from(Vec::<Data>::new()),
        Some("null") => Data::Null,
        _ => {
            let properties = schema.get("properties").and_then(Data::as_map).filter(|_| depth > 0);
            let required = properties
                .into_iter()
                .flat_map(|map| map.iter())
                .filter(|(name, _)| is_required(schema, name));
            let entries = required.map(|(name, property)| (name.clone(), sample(property, depth - 1)));
            Data::from(entries.collect::<Map>())
        }
    }
}

fn is_required(schema: &Data, name: &str) -> bool {
    let required = schema.get("required").and_then(Data::as_list);
    required.is_some_and(|names| names.iter().any(|required| required.as_str() == Some(name)))
}

/// Fills in defaults and checks a payload; says what is wrong and gives the names of the properties that are.
fn check(schema: Option<&Schema>, payload: Data, output: &mut dyn Write) -> Result<Data, Vec<String>> {
    let Some(schema) = schema else { return Ok(payload) };
    let payload = schema.fill_defaults(payload);
    let Err(violations) = schema.validate(&payload) else {
        return Ok(payload);
    };
    let mut wrong = Vec::new();
    for violation in violations {
        say(output, &format!("  {}\n", tame(&violation.to_string())));
        wrong.extend(
            violation
                .pointer
                .split('/')
                .nth(1)
                .map(|name| name.replace("~1", "/").replace("~0", "~")),
        );
    }
    Err(wrong)
}

/// One value; the inner `None` is an optional one that was left out, the outer one the end of the input.
fn single(
    name: &str,
    schema: &Data,
    required: bool,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Option<Option<Data>> {
    let choices = schema.get("enum").and_then(Data::as_list);
    let kind = schema.get("type").and_then(Data::as_str).unwrap_or("JSON");
    let hint = match (choices, kind) {
        (Some(choices), _) => choices
            .iter()
            .map(|choice| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join("/"),
        (None, "boolean") => "y/n".to_owned(),
        (None, "string") => "text".to_owned(),
        (None, "object" | "array") => format!("JSON {kind}"),
        (None, kind) => kind.to_owned(),
    };
    let default = schema.get("default").map(|value| format!(", default {value}"));
    let label = schema
        .get("title")
        .or_else(|| schema.get("description"))
        .and_then(Data::as_str)
        .unwrap_or(name);
    let optional = match (default, required) {
        (Some(default), _) => default,
        (None, true) => String::new(),
        (None, false) => ", optional".to_owned(),
    };
    loop {
        say(output, &format!("  {} ({hint}{optional}): ", tame(label)));
        let mut line = Vec::new();
        if input.take(LONGEST).read_until(b'\n', &mut line).ok()? == 0 {
            say(output, "\n");
            return None;
        }
        let line = String::from_utf8_lossy(&line);
        let answer = line.trim();
        if answer.is_empty() && (!required || schema.get("default").is_some()) {
            return Some(None);
        }
        let json = || serde_json::from_str::<Data>(answer).ok();
        let value = match (choices, kind) {
            (Some(choices), _) => choices
                .iter()
                .find(|choice| choice.as_str() == Some(answer) || choice.to_string() == answer)
                .cloned(),
            (None, "string") => Some(Data::from(answer)),
            (None, "boolean") => match answer.to_lowercase().as_str() {
                "y" | "yes" | "true" => Some(Data::Bool(true)),
                "n" | "no" | "false" => Some(Data::Bool(false)),
                _ => None,
            },
            (None, "number" | "integer") => json().filter(|value| value.as_f64().is_some()),
            (None, "array") => json().filter(|value| value.as_list().is_some()),
            (None, "object") => json().filter(|value| value.as_map().is_some()),
            (None, _) => json(),
        };
        match (value, choices) {
            (Some(value), _) => return Some(Some(value)),
            (None, Some(_)) => say(output, &format!("  `{}` is not one of {hint}\n", tame(answer))),
            (None, None) => say(output, &format!("  `{}` is no {hint}\n", tame(answer))),
        }
    }
}

fn say(output: &mut dyn Write, text: &str) {
    // Where nothing can be shown the answers still count.
    let _ = output.write_all(text.as_bytes());
    let _ = output.flush();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    fn ask(schema: Data, answers: &str) -> (Option<Data>, String) {
        let schema = Schema::new(&schema).unwrap();
        let mut shown = Vec::new();
        let payload = payload(Some(&schema), &mut answers.as_bytes(), &mut shown);
        (payload, String::from_utf8(shown).unwrap())
    }

    #[test]
    fn each_property_is_asked_for_until_the_payload_fits() {
        let schema = data!({
            "type": "object",
            "required": ["approved"],
            "properties": {
                "approved": { "type": "boolean" },
                "level": { "enum": ["low", "high"] },
                "note": { "type": "string", "minLength": 3 }
            }
        });
        let (payload, shown) = ask(schema, "maybe\ny\nhigh\nok\nfine\n");
        assert_eq!(
            payload,
            Some(data!({ "approved": true, "level": "high", "note": "fine" }))
        );
        assert!(shown.contains("approved (y/n): "), "{shown}");
        assert!(shown.contains("`maybe` is no y/n"), "{shown}");
        assert!(shown.contains("/note: "), "{shown}");
        assert_eq!(shown.matches("note (text, optional): ").count(), 2, "{shown}");
        assert_eq!(shown.matches("approved (y/n): ").count(), 2, "{shown}");
    }

    #[test]
    fn an_example_has_what_is_required() {
        let schema = data!({
            "type": "object",
            "required": ["approved", "action", "level"],
            "properties": {
                "approved": { "type": "boolean" },
                "action": { "enum": ["approve", "reject"] },
                "level": { "type": "integer", "minimum": 3 },
                "note": { "type": "string" }
            }
        });
        let schema = Schema::new(&schema).unwrap();
        assert_eq!(
            example(Some(&schema)),
            r#"{"approved":true,"action":"approve","level":3}"#
        );
        assert_eq!(example(None), "{}");
    }

    #[test]
    fn the_end_of_the_input_is_no_answer() {
        assert_eq!(ask(data!({ "type": "integer" }), "").0, None);
    }
}
