//! Items of conversations and responses.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::data::Data;
use crate::graph::{Name, Role};
use crate::store::Said;

/// A message as an item of a conversation.
pub(super) fn item(said: &Said) -> Value {
    let text = said.text();
    let content = match said.role {
        Role::Assistant => output_text(&text),
        Role::User | Role::System => json!({ "type": "input_text", "text": text }),
    };
    let mut item = json!({
        "type": "message",
        "id": said.id,
        "status": "completed",
        "role": said.role.as_str(),
        "content": [content],
    });
    if let (Some(author), Value::Object(item)) = (&said.author, &mut item) {
        item.insert("created_by".to_owned(), created_by(author));
    }
    item
}

/// A message that is said in a response; without text it is only beginning.
pub(super) fn message(id: &str, agent: Option<&Name>, text: Option<&str>) -> Value {
    let mut item = json!({
        "type": "message",
        "id": id,
        "status": if text.is_some() { "completed" } else { "in_progress" },
        "role": "assistant",
        "content": text.map(output_text).into_iter().collect::<Vec<Value>>(),
    });
    if let (Some(agent), Value::Object(item)) = (agent, &mut item) {
        item.insert("created_by".to_owned(), created_by(agent));
    }
    item
}

pub(super) fn output_text(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

fn created_by(agent: &str) -> Value {
    json!({ "agent": { "type": "agent_id", "name": agent } })
}

/// An object for people to read: texts as they are, everything else as JSON; nothing is an empty object.
pub(super) fn metadata(data: &Data) -> Value {
    let Data::Map(map) = data else {
        return json!({});
    };
    let entries = map
        .iter()
        .map(|(key, value)| (key.to_string(), Value::String(value.to_text().to_string())));
    Value::Object(entries.collect::<Map<String, Value>>())
}

/// A list as these clients page through it.
pub(super) fn list(data: Vec<Value>, has_more: bool) -> Value {
    let id = |item: Option<&Value>| item.and_then(|item| item.get("id")).cloned().unwrap_or_default();
    let (first, last) = (id(data.first()), id(data.last()));
    json!({ "object": "list", "data": data, "first_id": first, "last_id": last, "has_more": has_more })
}

/// An id made of a kind and of what distinguishes it: the same whenever it is made, and as long as those of the service.
pub(super) fn id(kind: &str, of: &str) -> String {
    let digest = Sha256::digest(of);
    let digits: String = digest.iter().take(25).map(|byte| format!("{byte:02x}")).collect();
    format!("{kind}_{digits}")
}
