//! Test files as a JSON Schema describes them to editors. The reader itself does not use these types; a test compares
//! their keys with those it knows.
#![allow(dead_code, reason = "these types are descriptions")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Tests of a workflow: each case is a run under virtual time that reaches nothing but what the case says.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WorkflowTest {
    /// `WorkflowTest`.
    kind: Kind,
    /// The id of the workflow, which lies beside this file.
    workflow: String,
    /// Its version; the highest by default.
    version: Option<String>,
    /// For people.
    description: Option<String>,
    /// Answers to calls in all cases; those of a case go before them.
    mocks: Option<Mocks>,
    /// The cases.
    cases: Vec<Case>,
}

#[derive(Serialize, JsonSchema)]
enum Kind {
    WorkflowTest,
}

/// One run of the workflow, and what is expected of it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    /// The name, unique in its file.
    name: String,
    /// For people.
    description: Option<String>,
    /// The input of the run.
    input: Option<Value>,
    /// What expressions see as `context`.
    context: Option<Map<String, Value>>,
    /// The environment variables; there are no others.
    env: Option<BTreeMap<String, String>>,
    /// When the run begins; by default 2026-01-01T00:00:00Z.
    now: Option<String>,
    /// Answers to calls.
    mocks: Option<Mocks>,
    /// Answers to waits for a person, by step; a list for one wait after the other, null where nobody answers.
    resume: Option<BTreeMap<String, OneOrMore<Option<Payload>>>>,
    /// Named events from outside.
    events: Option<OneOrMore<Event>>,
    /// Holds the run from outside.
    suspend: Option<Suspend>,
    /// Cancels the run from outside.
    cancel: Option<Cancel>,
    /// What is expected; without it and without a snapshot, that the run completes.
    expect: Option<Expect>,
    /// What a snapshot is kept of.
    snapshot: Option<Snapshot>,
}

/// Answers by the id or address of a step, or a pattern of either in which `*` stands for any characters.
type Mocks = BTreeMap<String, OneOrMore<Answer>>;

/// A duration, such as `2h`; 0 needs no unit.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Duration {
    Text(String),
    Zero(#[schemars(range(max = 0))] u8),
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

/// An answer to a call. Of a list, the first whose `when` holds is given; else those without one, one after the other,
/// the last again and again.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Answer {
    /// What comes back.
    output: Option<Value>,
    /// What expressions see as `response`, of an HTTP call.
    response: Option<Value>,
    /// The tools that the model of an agent calls, one after the other: `[{ search: { words: tea } }]`.
    #[schemars(length(min = 1))]
    calls: Option<Vec<BTreeMap<String, Value>>>,
    /// The tokens that a turn of the model takes.
    usage: Option<Usage>,
    /// What the call fails with.
    error: Option<Failure>,
    /// How long it takes, such as `2s`.
    after: Option<Duration>,
    /// A condition on `request` and `attempt`, such as `=request.body.amount > 100`.
    when: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Usage {
    /// Tokens of the request.
    input_tokens: Option<u64>,
    /// Tokens of the answer.
    output_tokens: Option<u64>,
    /// Tokens of the request that came from a cache.
    cached_tokens: Option<u64>,
    /// What the turn costs.
    cost: Option<f64>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Failure {
    /// The code, such as `http.network`.
    code: String,
    /// What people read.
    message: Option<String>,
    /// What programs read.
    data: Option<Value>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Payload {
    /// The answer.
    payload: Value,
    /// How long after the wait began.
    after: Option<Duration>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Event {
    /// Its name.
    event: String,
    /// Its data.
    data: Option<Value>,
    /// How long after the start; at once by default.
    at: Option<Duration>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Suspend {
    /// How long after the start; at once by default.
    at: Option<Duration>,
    /// For how long; for good by default.
    #[serde(rename = "for")]
    length: Option<Duration>,
    /// Why.
    reason: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Cancel {
    /// How long after the start; at once by default.
    at: Option<Duration>,
    /// Why.
    reason: Option<String>,
}

/// What is expected of the run. Values are compared in part: a mapping asks only about its keys, and a text that begins
/// with `=` is a condition on `value`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expect {
    /// How it ends. By default `error` beside `error`, `suspended` beside `waiting`, else `completed`.
    status: Option<Status>,
    /// Its result.
    result: Option<Value>,
    /// Its error.
    error: Option<ExpectedError>,
    /// What steps do.
    steps: Option<Steps>,
    /// All steps that wait at the end.
    waiting: Option<OneOrMore<String>>,
    /// How long it takes, in virtual time.
    took: Option<Duration>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    Completed,
    Error,
    Cancelled,
    Suspended,
    Rejected,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExpectedError {
    /// The code.
    code: Option<String>,
    /// What people read.
    message: Option<String>,
    /// The step it arose in.
    step: Option<String>,
    /// What programs read.
    data: Option<Value>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Steps {
    /// Steps that run, in this order.
    ran: Option<OneOrMore<String>>,
    /// Steps that do not run.
    skipped: Option<OneOrMore<String>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Snapshot {
    /// Of every event, one line each.
    Trace,
    /// Of the result, or the error.
    Result,
}

/// The JSON Schema of test files.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<WorkflowTest>().to_value();
    finish(&mut schema);
    schema
}

/// Keys that begin with `x-` are free for notes wherever keys are fixed, and a key that may be left out may not be null.
fn finish(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("additionalProperties") == Some(&Value::Bool(false)) {
                map.insert("patternProperties".to_owned(), json!({ "^x-": true }));
                let properties = map.get_mut("properties").and_then(Value::as_object_mut);
                properties.into_iter().flat_map(Map::values_mut).for_each(without_null);
            }
            map.values_mut().for_each(finish);
        }
        Value::Array(items) => items.iter_mut().for_each(finish),
        _ => {}
    }
}

fn without_null(property: &mut Value) {
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            property["type"] = only.clone();
        }
    }
    if let Some(Value::Array(any)) = property.get_mut("anyOf") {
        any.retain(|one| *one != json!({ "type": "null" }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Mocks;
    use crate::testing::keys;

    #[test]
    fn the_schema_has_the_keys_of_the_reader() {
        let schema = schema();
        let keys_at = |pointer: &str| -> Vec<String> {
            let properties = schema.pointer(pointer).unwrap().get("properties").unwrap();
            properties.as_object().unwrap().keys().cloned().collect()
        };
        for (pointer, known) in [
            ("", keys::FILE),
            ("/definitions/Case", keys::CASE),
            ("/definitions/Payload", keys::PAYLOAD),
            ("/definitions/Event", keys::EVENT),
            ("/definitions/Suspend", keys::SUSPEND),
            ("/definitions/Cancel", keys::CANCEL),
            ("/definitions/Expect", keys::EXPECT),
            ("/definitions/ExpectedError", keys::ERROR),
            ("/definitions/Steps", keys::STEPS),
            ("/definitions/Answer", Mocks::KEYS),
            ("/definitions/Failure", Mocks::ERROR_KEYS),
        ] {
            assert_eq!(keys_at(pointer), known, "{pointer}");
        }
    }
}
