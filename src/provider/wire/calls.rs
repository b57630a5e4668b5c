//! Calls of tools, put together from the fragments in which they come.

use serde_json::Value;

use super::malformed;
use crate::data::{Data, Map};
use crate::run::{Failure, ToolCall};

/// Calls of one answer, in the order of their first fragments.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Partial>);

#[derive(Debug, Default)]
struct Partial {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

/// A part of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fragment<'a> {
    /// Which of the calls is meant; some servers leave it out, some say 0 of all.
    pub index: Option<u64>,
    pub id: Option<&'a str>,
    pub name: Option<&'a str>,
    /// More of the arguments: text, or with some servers the object itself.
    pub arguments: Option<&'a Value>,
}

impl Calls {
    pub fn add(&mut self, fragment: Fragment<'_>) {
        let id = fragment.id.filter(|id| !id.is_empty());
        let is_meant = |call: &Partial| {
            let same = id.is_none_or(|id| call.id.is_empty() || call.id == id);
            match fragment.index {
                Some(index) => call.index == Some(index) && same,
                // Without index and id it is more of the last one.
                None => same && (id.is_none() || call.id == id.unwrap_or_default()),
            }
        };
        let at = self.0.iter().rposition(is_meant).unwrap_or_else(|| {
            self.0.push(Partial {
                index: fragment.index,
                ..Partial::default()
            });
            self.0.len() - 1
        });
        let call = &mut self.0[at];
        if let Some(id) = id {
            id.clone_into(&mut call.id);
        }
        if let Some(name) = fragment.name.filter(|name| !name.is_empty()) {
            name.clone_into(&mut call.name);
        }
        match fragment.arguments {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => call.arguments.push_str(text),
            Some(other) => call.arguments.push_str(&other.to_string()),
        }
    }

    pub fn finish(self) -> Result<Vec<ToolCall>, Failure> {
        let calls = self.0.into_iter().enumerate().map(|(at, call)| {
            if call.name.is_empty() {
                return Err(malformed("it calls a tool and does not say which"));
            }
            let id = match call.id.is_empty() {
                true => format!("call-{at}").into(),
                false => call.id.into(),
            };
            Ok(ToolCall {
                id,
                name: call.name.into(),
                arguments: arguments(&call.arguments),
            })
        });
        calls.collect()
    }
}

/// Arguments as they were written: an object, or the text that is none.
pub(super) fn arguments(text: &str) -> Data {
    match serde_json::from_str(text) {
        Ok(Data::Map(map)) => Data::Map(map),
        _ if text.trim().is_empty() => Data::from(Map::new()),
        _ => Data::from(text),
    }
}

/// The arguments of an earlier call for the provider, which takes objects alone.
pub(super) fn as_object(arguments: &Data) -> Value {
    match arguments {
        Data::Map(_) => arguments.to_json(),
        other => serde_json::json!({ "malformed": other.to_text().as_ref() }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::data;

    fn calls(fragments: &[(Option<u64>, &str, &str, Value)]) -> Vec<(String, String, Data)> {
        let mut calls = Calls::default();
        for (index, id, name, arguments) in fragments {
            calls.add(Fragment {
                index: *index,
                id: Some(id),
                name: Some(name),
                arguments: Some(arguments),
            });
        }
        let calls = calls.finish().unwrap().into_iter();
        calls
            .map(|call| (call.id.to_string(), call.name.to_string(), call.arguments))
            .collect()
    }

    #[test]
    fn fragments_of_parallel_calls_are_told_apart() {
        let expected = [
            ("a".to_owned(), "look".to_owned(), data!({ "n": 1 })),
            ("b".to_owned(), "find".to_owned(), data!({ "n": 2 })),
        ];
        let interleaved = calls(&[
            (Some(0), "a", "look", json!("")),
            (Some(1), "b", "find", json!("{\"n\"")),
            (Some(0), "", "", json!("{\"n\":1")),
            (Some(1), "", "", json!(":2}")),
            (Some(0), "", "", json!("}")),
        ]);
        assert_eq!(interleaved, expected);
        let same_index = calls(&[
            (Some(0), "a", "look", json!("{\"n\":1}")),
            (Some(0), "b", "find", json!("{\"n\":")),
            (Some(0), "", "", json!("2}")),
        ]);
        assert_eq!(same_index, expected);
        let no_index = calls(&[
            (None, "a", "look", json!({ "n": 1 })),
            (None, "b", "find", json!("{\"n\":")),
            (None, "", "", json!("2}")),
        ]);
        assert_eq!(no_index, expected);
    }

    #[test]
    fn what_is_no_object_stays_a_text_and_nothing_is_an_empty_object() {
        assert_eq!(arguments(" "), data!({}));
        assert_eq!(arguments("{\"a\":"), data!("{\"a\":"));
        assert_eq!(arguments("[1]"), data!("[1]"));
        assert_eq!(as_object(&data!("{\"a\":")), json!({ "malformed": "{\"a\":" }));
    }

    #[test]
    fn a_call_without_a_name_is_malformed_and_one_without_an_id_gets_one() {
        let mut nameless = Calls::default();
        nameless.add(Fragment::default());
        assert_eq!(&*nameless.finish().unwrap_err().code, "agent.decode");
        assert_eq!(calls(&[(Some(0), "", "look", json!("{}"))])[0].0, "call-0");
    }
}
