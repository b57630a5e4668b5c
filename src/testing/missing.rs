//! The mock that a case lacks, as the text to add.

use std::sync::Arc;

use crate::data::{Data, Map};
use crate::expr::{Build, Root, Segment};
use crate::graph::{Name, Op, Program, Step};
use crate::run::{PendingCall, Request};
use crate::source::Span;

/// A call without a mock.
#[derive(Clone, Debug)]
pub struct Missing {
    /// The id of the step that calls.
    pub step: Name,
    /// Its address.
    pub address: String,
    /// Where it stands in the workflow.
    pub origin: Option<Span>,
    /// What is called, in a few words.
    pub what: String,
    /// The lines to add to the case.
    pub yaml: String,
}

/// How deep a made-up value nests.
const DEPTH: usize = 8;

pub(super) fn of(program: &Program, call: &PendingCall) -> Missing {
    let step = program
        .steps
        .iter()
        .find(|step| matches!(step.node.op, Op::Call(_) | Op::Agent(_)) && program.caller(step) == &*call.step);
    let schema = match (&*call.request, step.map(|step| &step.node.op)) {
        (Request::Model(asked), _) if asked.schema.is_some() => asked.schema.clone(),
        (_, Some(Op::Call(target))) => target.result_schema.as_ref().map(|schema| schema.source().clone()),
        _ => None,
    };
    let output = match (schema, &*call.request) {
        (Some(schema), _) => sample(&schema, &schema, 0),
        (None, _) if step.is_some_and(|step| !parts_of_result(step).is_empty()) => {
            let parts = step.map(parts_of_result).unwrap_or_default();
            parts.into_iter().map(|part| (part, Data::from("text"))).collect()
        }
        (None, Request::Model(_)) => Data::from("what the agent says"),
        (None, Request::Exec(_)) => Data::from("what the program prints"),
        (None, _) => Data::from(Map::new()),
    };
    Missing {
        step: call.step.clone(),
        address: call.address().to_owned(),
        origin: step.map(|step| step.node.origin),
        what: what(&call.request),
        yaml: format!("mocks:\n  {}: {{ output: {} }}\n", key(&call.step), flow(&output)),
    }
}

/// The lines that answer a wait.
pub(super) fn answer(step: &Name, schema: Option<&Data>) -> String {
    let payload = schema.map_or_else(|| Data::from(Map::new()), |schema| sample(schema, schema, 0));
    format!("resume:\n  {}: {{ payload: {} }}\n", key(step), flow(&payload))
}

/// The properties of the result that the step's own `output` reads.
fn parts_of_result(step: &Step) -> Vec<Name> {
    let output = step.node.keys.as_ref().and_then(|keys| keys.output.as_ref());
    let mut parts = Vec::new();
    for reference in output.map(Build::references).unwrap_or_default() {
        if let (Root::Result, Some(Segment::Key(key))) = (&reference.root, reference.path.first())
            && !parts.contains(key)
        {
            parts.push(key.clone());
        }
    }
    parts
}

fn what(request: &Request) -> String {
    let told = request.to_data();
    let part = |key: &str| told.get(key).map(Data::to_text).unwrap_or_default();
    match request {
        Request::Http(http) => format!("{} {}", http.method, part("url")),
        Request::Exec(exec) => format!("the program `{}`", exec.program),
        Request::Mcp(mcp) => format!("the tool `{}` of the MCP server `{}`", mcp.tool, mcp.server),
        Request::Function(function) => format!("the function `{}`", function.name),
        Request::McpTools(asked) => format!("the tools of the MCP server `{}`", asked.server),
        Request::Model(asked) => format!("the agent `{}`", asked.agent),
        Request::Recall(asked) => format!("the conversation `{}`", asked.conversation),
        Request::Remember(asked) => format!("the conversation `{}`", asked.conversation),
        Request::Conversation(_) => "a conversation".to_owned(),
    }
}

/// A value that a schema describes, plain rather than complete.
fn sample(schema: &Data, root: &Data, depth: usize) -> Data {
    let first = |key: &str| schema.get(key).and_then(|list| list.index(0)).cloned();
    if let Some(value) = schema
        .get("const")
        .cloned()
        .or(first("examples"))
        .or(schema.get("default").cloned())
    {
        return value;
    }
    if let Some(value) = first("enum") {
        return value;
    }
    if depth > DEPTH {
        return Data::Null;
    }
    if let Some(target) = schema.get("$ref").and_then(Data::as_str)
        && let Some(found) = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer))
    {
        return sample(found, root, depth + 1);
    }
    if let Some(one) = ["oneOf", "anyOf", "allOf"].into_iter().find_map(first) {
        return sample(&one, root, depth + 1);
    }
    let kind = match schema.get("type") {
        Some(Data::List(kinds)) => kinds.first().and_then(Data::as_str),
        kind => kind.and_then(Data::as_str),
    };
    let least = || schema.get("minimum").cloned();
    match kind {
        Some("string") => Data::from("text"),
        Some("integer") => least().unwrap_or(Data::Int(1)),
        Some("number") => least().unwrap_or(Data::Float(1.5)),
        Some("boolean") => Data::Bool(true),
        Some("array") => {
            let item = schema.get("items").map(|items| sample(items, root, depth + 1));
            item.into_iter().collect()
        }
        Some("null") => Data::Null,
        _ => object(schema, root, depth),
    }
}

/// The required properties; all if none is.
fn object(schema: &Data, root: &Data, depth: usize) -> Data {
    let properties = schema.get("properties").and_then(Data::as_map);
    let mut names: Vec<Name> = schema
        .get("required")
        .and_then(Data::as_list)
        .into_iter()
        .flat_map(|names| names.iter())
        .filter_map(|name| Some(Name::from(name.as_str()?)))
        .collect();
    if names.is_empty() {
        names = properties.into_iter().flat_map(|map| map.keys().cloned()).collect();
    }
    let value = |name: &Name| match properties.and_then(|properties| properties.get(name)) {
        Some(schema) => sample(schema, root, depth + 1),
        None => Data::from("text"),
    };
    let entries = names.into_iter().map(|name| {
        let value = value(&name);
        (name, value)
    });
    Data::Map(Arc::new(entries.collect::<Map>()))
}

/// A value in YAML's flow style, as people write it: `{ id: 1, tags: [a] }`.
fn flow(value: &Data) -> String {
    match value {
        Data::Map(map) if map.is_empty() => "{}".to_owned(),
        Data::Map(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(name, value)| format!("{}: {}", key(name), flow(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Data::List(list) => {
            let items: Vec<String> = list.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Data::Text(text) if is_plain(text) => text.to_string(),
        other => other.to_string(),
    }
}

/// A key, in quotes where it needs some. JSON's quotes are YAML's.
fn key(name: &Name) -> String {
    match is_plain(name) {
        true => name.to_string(),
        false => Data::Text(name.clone()).to_string(),
    }
}

/// Whether YAML reads a text as itself, without quotes. A few more quotes than needed do no harm.
fn is_plain(text: &str) -> bool {
    let words = ["true", "false", "null", "yes", "no", "on", "off"];
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_ ".contains(letter))
        && !text.ends_with(' ')
        && !words.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    #[test]
    fn samples_fit_their_schemas() {
        let schema = data!({
            "type": "object",
            "required": ["topic", "urgency", "tags", "who"],
            "properties": {
                "topic": { "enum": ["billing", "other"] },
                "urgency": { "type": "integer", "minimum": 2 },
                "tags": { "type": "array", "items": { "type": "string" } },
                "who": { "$ref": "#/$defs/who" },
                "note": { "type": "string" },
            },
            "$defs": { "who": { "type": "object", "properties": { "name": { "default": "on" } } } },
        });
        let value = sample(&schema, &schema, 0);
        assert_eq!(
            flow(&value),
            r#"{ topic: billing, urgency: 2, tags: [text], who: { name: "on" } }"#
        );
        assert!(crate::contract::Schema::new(&schema).unwrap().validate(&value).is_ok());
        let endless = data!({ "$ref": "#" });
        assert_eq!(sample(&endless, &endless, 0), Data::Null);
    }
}
