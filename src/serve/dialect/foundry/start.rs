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
