//! Asks the person at the terminal for a resume payload, one question for each property of its schema.

use std::io::{BufRead, Write};
use std::sync::Arc;

use crate::contract::Schema;
use crate::data::{Data, Map};

/// Asks until the answers match the schema; `None` when the input ends.
pub(super) fn payload(schema: Option<&Schema>, input: &mut dyn BufRead, output: &mut dyn Write) -> Option<Data> {
    loop {
        let payload = match schema.map(Schema::source) {
            Some(schema) if schema.get("properties").is_some() => object(schema, input, output)?,
            other => single("payload", other.unwrap_or(&Data::Null), true, input, output)?.unwrap_or_default(),
        };
        let Some(schema) = schema else { return Some(payload) };
        let payload = schema.fill_defaults(payload);
        match schema.validate(&payload) {
            Ok(()) => return Some(payload),
            Err(violations) => {
                for violation in violations {
                    say(output, &format!("  {violation}\n"));
                }
            }
        }
    }
}

fn object(schema: &Data, input: &mut dyn BufRead, output: &mut dyn Write) -> Option<Data> {
    let required: Vec<&str> = match schema.get("required") {
        Some(Data::List(names)) => names.iter().filter_map(Data::as_str).collect(),
        _ => Vec::new(),
    };
    let mut entries = Vec::new();
    for (name, property) in schema.get("properties")?.as_map()?.iter() {
        if let Some(value) = single(name, property, required.contains(&&**name), input, output)? {
            entries.push((name.clone(), value));
        }
    }
    Some(Data::Map(Arc::new(entries.into_iter().collect::<Map>())))
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
            .map(|choice| choice.as_str().map_or(choice.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join("/"),
        (None, "boolean") => "y/n".to_owned(),
        (None, kind) => kind.to_owned(),
    };
    let label = schema
        .get("title")
        .or_else(|| schema.get("description"))
        .and_then(Data::as_str)
        .unwrap_or(name);
    let optional = if required { "" } else { ", optional" };
    loop {
        say(output, &format!("  {label} ({hint}{optional}): "));
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
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
            (None, _) => json(),
        };
        match value {
            Some(value) => return Some(Some(value)),
            None => say(output, &format!("  `{answer}` is not one of: {hint}\n")),
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
        let (payload, shown) = ask(schema, "maybe\ny\nhigh\nok\nyes\n\nfine\n");
        assert_eq!(payload, Some(data!({ "approved": true, "note": "fine" })));
        assert!(shown.contains("approved (y/n): "), "{shown}");
        assert!(shown.contains("`maybe` is not one of: y/n"), "{shown}");
        assert!(shown.contains("/note: "), "{shown}");
    }

    #[test]
    fn the_end_of_the_input_is_no_answer() {
        assert_eq!(ask(data!({ "type": "integer" }), "").0, None);
    }
}
