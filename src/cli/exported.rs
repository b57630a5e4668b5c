//! A run as a text: its definition, and its events, each a line of JSON. `runs export` writes it, `replay` reads it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::graph::Name;
use crate::run::Event;
use crate::store::Definition;

/// The line of a definition.
pub(super) fn definition(definition: &Definition) -> Value {
    let files = |files: &[(Name, Arc<str>)]| {
        let files = files
            .iter()
            .map(|(path, text)| (path.to_string(), Value::from(&**text)));
        Value::Object(files.collect())
    };
    json!({
        "definition": &*definition.hash,
        "workflow": &*definition.workflow,
        "version": definition.version.as_deref(),
        "files": files(&definition.files),
        "schemas": files(&definition.schemas),
    })
}

/// The line of an event.
pub(super) fn event(seq: u64, event: &Event) -> Result<String, String> {
    let event = serde_json::to_value(event).map_err(|error| error.to_string())?;
    let mut line = serde_json::Map::new();
    line.insert("seq".to_owned(), seq.into());
    if let Value::Object(entries) = event {
        line.extend(entries);
    }
    serde_json::to_string(&line).map_err(|error| error.to_string())
}

/// A whole run.
pub(super) fn text(of: &Definition, events: &[Event]) -> Result<String, String> {
    let mut lines = vec![definition(of).to_string()];
    for (seq, one) in events.iter().enumerate() {
        lines.push(event(seq as u64, one)?);
    }
    Ok(lines.join("\n") + "\n")
}

/// Reads a run.
pub(super) fn read(text: &str) -> Result<(Definition, Vec<Event>), String> {
    let mut found = None;
    let mut events = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |error: &dyn std::fmt::Display| format!("line {}: {error}", number + 1);
        let value: Value = serde_json::from_str(line).map_err(|error| wrong(&error))?;
        if value.get("seq").is_some() {
            events.push(serde_json::from_value(value).map_err(|error| wrong(&error))?);
        } else if value.get("files").is_some() {
            found = Some(parse(&value).ok_or_else(|| wrong(&"this is not a definition"))?);
        }
    }
    match found {
        Some(definition) if !events.is_empty() => Ok((definition, events)),
        _ => Err("there are no recorded run and its definition in it".to_owned()),
    }
}

fn parse(value: &Value) -> Option<Definition> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(Name::from);
    let files = |key: &str| -> Option<Vec<(Name, Arc<str>)>> {
        let files = value.get(key)?.as_object()?.iter();
        files
            .map(|(path, text)| Some((Name::from(&**path), Arc::from(text.as_str()?))))
            .collect()
    };
    Some(Definition {
        hash: text("definition")?,
        workflow: text("workflow")?,
        version: text("version"),
        files: files("files")?,
        schemas: files("schemas")?,
    })
}
