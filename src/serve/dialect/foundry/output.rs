//! The items of a response, and what a stream tells of them.

use serde_json::{Value, json};

use super::items;
use crate::graph::Name;

/// Items in their order, and events with their numbers.
#[derive(Default)]
pub(super) struct Output {
    items: Vec<Value>,
    told: Vec<Value>,
    number: u64,
}

impl Output {
    /// The items, each as it is now.
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    /// What is to be told since this was last asked.
    pub fn tell(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.told)
    }

    /// Tells something: the entries of an object, behind its type and number.
    pub fn send(&mut self, kind: &str, with: Value) {
        let mut sent = json!({ "type": kind, "sequence_number": self.number });
        self.number += 1;
        if let (Value::Object(sent), Value::Object(with)) = (&mut sent, with) {
            sent.extend(with);
        }
        self.told.push(sent);
    }

    /// An item is there; its place.
    pub fn added(&mut self, item: Value) -> usize {
        let index = self.items.len();
        self.items.push(item.clone());
        self.send(
            "response.output_item.added",
            json!({ "output_index": index, "item": item }),
        );
        index
    }

    /// An item is done, and as it stays.
    pub fn done(&mut self, index: usize, item: Value) {
        if let Some(place) = self.items.get_mut(index) {
            *place = item.clone();
        }
        self.send(
            "response.output_item.done",
            json!({ "output_index": index, "item": item }),
        );
    }

    /// A message, from its beginning to its end.
    pub fn text(&mut self, id: &Name, agent: Option<&Name>, text: &str) {
        let index = self.added(items::message(id, agent, None));
        let mut part = |kind: &str, key: &str, value: Value| {
            let mut with = json!({ "item_id": id, "output_index": index, "content_index": 0 });
            with[key] = value;
            if kind.starts_with("response.output_text") {
                with["logprobs"] = json!([]);
            }
            self.send(kind, with);
        };
        part("response.content_part.added", "part", items::output_text(""));
        part("response.output_text.delta", "delta", json!(text));
        part("response.output_text.done", "text", json!(text));
        part("response.content_part.done", "part", items::output_text(text));
        self.done(index, items::message(id, agent, Some(text)));
    }
}
