//! What somebody says to a workflow, as the input of a run or as the answer to its wait.

use serde_json::Value;

use super::body::Client;
use super::failure::Failure;
use crate::contract::Schema;
use crate::data::{Data, Map};
use crate::graph::{Header, Name};
use crate::run::{PendingWait, Wait};
use crate::serve::problem::Problem;
use crate::store::Said;

/// The input of a run: what was said, in the first shape that the workflow takes. `kept` is the same with the ids under
/// which the conversation has it.
pub(super) fn input(
    said: &Client,
    kept: &[Said],
    structured: Option<serde_json::Map<String, Value>>,
    header: &Header,
) -> Data {
    let whole = || object("messages", messages(kept));
    let structured = structured.map(|structured| {
        let entries = structured
            .into_iter()
            .map(|(key, value)| (Name::from(key), Data::from(value)));
        entries.collect::<Vec<_>>()
    });
    if header.is_dialogue {
        let whole = [("messages".into(), messages(kept))];
        return Data::from(structured.into_iter().flatten().chain(whole).collect::<Map>());
    }
    if let Some(structured) = structured {
        let text = said.text().map_or_else(|| messages(kept), Data::Text);
        let text = [("input".into(), text)];
        return Data::from(text.into_iter().chain(structured).collect::<Map>());
    }
    let Some(text) = said.text() else { return whole() };
    let Some(schema) = &header.input_schema else {
        return Data::Text(text);
    };
    // Whoever sends nothing means no input.
    let read = json(&text).or_else(|| text.is_empty().then(|| Data::from(Map::new())));
    let shapes = [
        read.clone(),
        Some(Data::Text(text.clone())),
        Some(object("input", Data::Text(text.clone()))),
        Some(whole()),
    ];
    // Where none fits, the refusal is about what was meant most likely.
    first_fit(shapes, Some(schema)).unwrap_or_else(|| read.unwrap_or(Data::Text(text)))
}

/// The answer to a wait: what was said, in the first shape that it takes.
pub(super) fn payload(
    said: &Client,
    kept: &[Said],
    wait: &PendingWait,
    schema: Option<&Schema>,
) -> Result<Data, Failure> {
    let data = match &*wait.wait {
        Wait::Resume { data, .. } => data.as_ref(),
        Wait::Event { .. } => None,
    };
    let kind = data.and_then(|data| data.get("type")).and_then(Data::as_str);
    let text = said.text();
    if let Some((approve, reason)) = &said.approval {
        return approval(*approve, reason.clone(), schema);
    }
    let yes = text.as_deref().and_then(agreed);
    let shapes: Vec<Option<Data>> = match kind {
        Some("question" | "input") => vec![Some(object("messages", messages(kept))), text.map(Data::Text)],
        Some("approval") => match yes {
            Some(approve) => return approval(approve, None, schema),
            None => vec![text.as_deref().and_then(json)],
        },
        Some("function") => {
            let read = said.result.clone().or_else(|| {
                let text = text.as_deref()?;
                Some(json(text).unwrap_or_else(|| Data::from(text)))
            });
            vec![read.map(|result| object("result", result))]
        }
        _ => vec![
            said.result.clone(),
            text.as_deref().and_then(json),
            text.clone().map(Data::Text),
            Some(object("messages", messages(kept))),
            yes.map(|approve| object("approved", Data::Bool(approve))),
        ],
    };
    let named = || format!("the step `{}`", wait.step);
    let shapes: Vec<Data> = shapes.into_iter().flatten().collect();
    let Some(most_likely) = shapes.first().cloned() else {
        let what = match kind {
            Some("approval") => "an approval: an `mcp_approval_response`, or the word yes or no",
            _ => "one message",
        };
        return Err(Failure::malformed("input", format!("{} waits for {what}", named())));
    };
    if let Some(payload) = first_fit(shapes.into_iter().map(Some), schema) {
        return Ok(payload);
    }
    let violations = schema.and_then(|schema| schema.validate(&most_likely).err());
    let problem = Problem::Invalid {
        what: "payload",
        violations: violations.unwrap_or_default(),
    };
    let told = problem.told();
    let source = schema.map(|schema| schema.source().to_string()).unwrap_or_default();
    let message = format!("{told}; {} waits for an answer of this schema: {source}", named());
    Err(Failure::from(problem).about("input").saying(message))
}

fn approval(approve: bool, reason: Option<Name>, schema: Option<&Schema>) -> Result<Data, Failure> {
    let approved = || ("approved".into(), Data::Bool(approve));
    let with = |key: &str| {
        let reason = reason.clone().map(|reason| (key.into(), Data::Text(reason)));
        Data::from([approved()].into_iter().chain(reason).collect::<Map>())
    };
    // The two ways in which a reason is called; and a wait may take none.
    let shapes = [with("message"), with("reason"), object("approved", Data::Bool(approve))];
    let fallback = shapes[0].clone();
    Ok(first_fit(shapes.map(Some), schema).unwrap_or(fallback))
}

/// The first that a schema takes; without one, simply the first.
fn first_fit(shapes: impl IntoIterator<Item = Option<Data>>, schema: Option<&Schema>) -> Option<Data> {
    let mut shapes = shapes.into_iter().flatten();
    shapes.find(|shape| schema.is_none_or(|schema| schema.validate(shape).is_ok()))
}

/// What stands in a text as JSON.
fn json(text: &str) -> Option<Data> {
    serde_json::from_str(text).ok()
}

/// Whether a word says yes or no.
fn agreed(text: &str) -> Option<bool> {
    let word = text.trim().trim_end_matches(['.', '!']).to_lowercase();
    match &*word {
        "yes" | "y" | "true" | "ok" | "approve" | "approved" => Some(true),
        "no" | "n" | "false" | "reject" | "rejected" | "deny" | "denied" => Some(false),
        _ => None,
    }
}

fn messages(kept: &[Said]) -> Data {
    let message = |said: &Said| {
        let entries: [(Name, Data); 3] = [
            ("id".into(), Data::Text(said.id.clone())),
            ("role".into(), Data::from(said.role.as_str())),
            ("text".into(), Data::Text(said.text())),
        ];
        Data::from(entries.into_iter().collect::<Map>())
    };
    kept.iter().map(message).collect()
}

fn object(key: &str, value: Data) -> Data {
    Data::from([(Name::from(key), value)].into_iter().collect::<Map>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::data;
    use crate::graph::Timestamp;
    use crate::run::Ticket;
    use crate::source::{Sources, Span};

    fn header(schema: Option<Data>) -> Header {
        let origin = Span::new(Sources::new().add("test", ""), 0, 0);
        Header {
            input_schema: schema.map(|schema| Schema::new(&schema).unwrap()),
            ..Header::new("test", origin)
        }
    }

    fn client(input: Value) -> (Client, Vec<Said>) {
        let said = Client::read(&input).unwrap();
        let kept = said.messages.iter().enumerate();
        let kept = kept.map(|(n, message)| Said::of(message.clone(), format!("m{n}").into(), Timestamp(0)));
        let kept = kept.collect();
        (said, kept)
    }

    fn input_of(text: Value, schema: Option<Data>) -> Data {
        let (said, kept) = client(text);
        input(&said, &kept, None, &header(schema))
    }

    /// What a wait is answered with, or why not.
    fn answer(sent: Value, data: Option<Data>, schema: Option<Data>) -> Result<Data, ()> {
        let (said, kept) = client(sent);
        let wait = PendingWait {
            ticket: Ticket(1),
            wait: std::sync::Arc::new(Wait::Resume { reason: None, data }),
            step: "ask".into(),
            address: "ask".to_owned(),
            attempt: 1,
            since: Timestamp(0),
            deadline: None,
        };
        let schema = schema.map(|schema| Schema::new(&schema).unwrap());
        payload(&said, &kept, &wait, schema.as_ref()).map_err(drop)
    }

    #[test]
    fn an_input_has_the_first_shape_that_the_workflow_takes() {
        let object = || data!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "number" } } });
        let wrapped = data!({ "type": "object", "required": ["input"] });
        assert_eq!(input_of(json!("{\"n\": 1}"), None), data!("{\"n\": 1}"));
        assert_eq!(input_of(json!("{\"n\": 1}"), Some(object())), data!({ "n": 1 }));
        assert_eq!(input_of(json!("3"), Some(data!({ "type": "string" }))), data!("3"));
        assert_eq!(input_of(json!("hi"), Some(wrapped)), data!({ "input": "hi" }));
        assert_eq!(input_of(json!(""), None), data!(""));
        assert_eq!(input_of(json!(null), Some(data!({ "type": "object" }))), data!({}));
        // What is refused is what was meant.
        assert_eq!(input_of(json!("{\"n\": \"x\"}"), Some(object())), data!({ "n": "x" }));
        assert_eq!(input_of(json!("x"), Some(object())), data!("x"));
        let two = json!([{ "role": "user", "content": "a" }, { "role": "user", "content": [{ "type": "input_text", "text": "b" }] }]);
        let messages = data!({ "messages": [
            { "id": "m0", "role": "user", "text": "a" },
            { "id": "m1", "role": "user", "text": "b" },
        ] });
        assert_eq!(input_of(two, None), messages);
        let (said, kept) = client(json!("hi"));
        let structured = || json!({ "style": "short" }).as_object().cloned();
        let given = input(&said, &kept, structured(), &header(None));
        assert_eq!(given, data!({ "input": "hi", "style": "short" }));
        let dialogue = Header {
            is_dialogue: true,
            ..header(None)
        };
        let messages = data!([{ "id": "m0", "role": "user", "text": "hi" }]);
        assert_eq!(
            input(&said, &kept, None, &dialogue),
            data!({ "messages": messages.clone() })
        );
        let given = input(&said, &kept, structured(), &dialogue);
        assert_eq!(given, data!({ "style": "short", "messages": messages }));
    }

    #[test]
    fn an_answer_has_the_first_shape_that_the_wait_takes() {
        let approval = || data!({ "type": "object", "required": ["approved"], "properties": { "approved": { "type": "boolean" } }, "additionalProperties": false });
        assert_eq!(answer(json!("{\"a\": 1}"), None, None), Ok(data!({ "a": 1 })));
        assert_eq!(answer(json!("fine"), None, None), Ok(data!("fine")));
        assert_eq!(
            answer(json!("12"), None, Some(data!({ "type": "string" }))),
            Ok(data!("12"))
        );
        assert_eq!(
            answer(json!("Yes."), None, Some(approval())),
            Ok(data!({ "approved": true }))
        );
        assert_eq!(answer(json!("perhaps"), None, Some(approval())), Err(()));
        // What Foundry's workflows wait for.
        let of = |kind: &str| Some(data!({ "type": kind, "action": "a" }));
        let said = data!({ "messages": [{ "id": "m0", "role": "user", "text": "12" }] });
        assert_eq!(answer(json!("12"), of("question"), None), Ok(said.clone()));
        assert_eq!(answer(json!("12"), of("input"), None), Ok(said));
        assert_eq!(
            answer(json!("no"), of("approval"), None),
            Ok(data!({ "approved": false }))
        );
        let sent = json!([{ "type": "mcp_approval_response", "approval_request_id": "x", "approve": false, "reason": "late" }]);
        let refused = data!({ "approved": false, "message": "late" });
        assert_eq!(answer(sent.clone(), of("approval"), None), Ok(refused));
        // The approval of a tool of an agent calls it `reason`, or takes none.
        let reason = data!({ "type": "object", "required": ["approved"], "properties": { "approved": {}, "reason": {} }, "additionalProperties": false });
        let refused = data!({ "approved": false, "reason": "late" });
        assert_eq!(answer(sent.clone(), None, Some(reason)), Ok(refused));
        assert_eq!(answer(sent, None, Some(approval())), Ok(data!({ "approved": false })));
        assert_eq!(answer(json!("perhaps"), of("approval"), None), Err(()));
        let sent = json!([{ "type": "function_call_output", "call_id": "c", "output": "{\"n\": 1}" }]);
        assert_eq!(answer(sent, of("function"), None), Ok(data!({ "result": { "n": 1 } })));
        assert_eq!(
            answer(json!("done"), of("function"), None),
            Ok(data!({ "result": "done" }))
        );
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for wrong in [
            json!(3),
            json!({}),
            json!([{ "type": "computer_call_output" }]),
            json!([{ "role": "user" }]),
            json!([{ "role": "king", "content": "x" }]),
            json!([{ "role": "user", "content": [{ "type": "input_image", "image_url": "x" }] }]),
            json!(["x"]),
        ] {
            assert!(Client::read(&wrong).is_err(), "{wrong}");
        }
    }
}
