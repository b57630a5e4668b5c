//! A real run as a case of a test file.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::facts::{Asked, Fact, Facts, facts};
use super::play::{Ending, Played};
use crate::data::Data;
use crate::graph::{Millis, Name, Program, Timestamp};
use crate::run::{Corrupt, Event, Failure, Outcome, RunEnd};

/// A recorded run as a test file with one case of that name, in which its calls are mocked and its waits answered as
/// they were. Values that `again` has another way, which is the same case played, depend on the run itself, such as
/// its id: about those nothing is expected.
///
/// # Errors
///
/// [`Corrupt`] if the events are not those of a run of this program.
pub fn record(program: &Arc<Program>, events: &[Event], name: &str, again: Option<&Played>) -> Result<String, Corrupt> {
    let recorded = facts(program, events)?;
    let case = case(&recorded, events, name, ended(&recorded, again));
    file(&program.main().header.id, vec![case])
}

/// A run of which somebody has said what it should have come to.
#[derive(Debug)]
pub struct Judged {
    /// The name of the case.
    pub name: String,
    /// Its program.
    pub program: Arc<Program>,
    /// Its events.
    pub events: Vec<Event>,
    /// What it should have come to, of which only what is there is expected.
    pub desired: Data,
}

/// Runs of a workflow as a test file: what happened to each is mocked and answered as in [`record`], and what somebody
/// wants of it is expected.
///
/// # Errors
///
/// [`Corrupt`] if events are not those of a run of their program.
pub fn record_judged(workflow: &str, runs: &[Judged]) -> Result<String, Corrupt> {
    let case = |run: &Judged| {
        let recorded = facts(&run.program, &run.events)?;
        let desired = run.desired.to_json();
        let expect = json!({ "status": "completed", "result": expected(&desired, &desired) });
        Ok(case(&recorded, &run.events, &run.name, expect))
    };
    file(workflow, runs.iter().map(case).collect::<Result<_, _>>()?)
}

fn file(workflow: &str, cases: Vec<Value>) -> Result<String, Corrupt> {
    let mut file = Map::new();
    file.insert("kind".to_owned(), "WorkflowTest".into());
    file.insert("workflow".to_owned(), workflow.into());
    file.insert("cases".to_owned(), Value::Array(cases));
    serde_yaml::to_string(&Value::Object(file)).map_err(|_| Corrupt)
}

fn case(recorded: &Facts, events: &[Event], name: &str, expect: Value) -> Value {
    let since = |at: Timestamp| Value::from(written(at.since(recorded.at)));
    let mut case = Map::new();
    let mut set = |key: &str, value: Value| drop(case.insert(key.to_owned(), value));
    set("name", name.into());
    set("input", recorded.started.input.to_json());
    for (key, value) in [("context", &recorded.started.context), ("env", &recorded.started.env)] {
        if value.as_map().is_some_and(|map| map.iter().next().is_some()) {
            set(key, value.to_json());
        }
    }
    set("now", recorded.at.to_rfc3339().into());
    // A call that was dropped has to take longer than the run had patience.
    let unanswered = |_: &Asked<Outcome>| json!({ "after": "365d" });
    let mocks = by_step(&recorded.calls, unanswered, |asked, at, outcome| {
        let mut mock = answer(outcome);
        let after = at.since(asked.at);
        if after != Millis(0) {
            mock.insert("after".to_owned(), written(after).into());
        }
        Value::Object(mock)
    });
    if !mocks.is_empty() {
        set("mocks", Value::Object(mocks));
    }
    let resume = by_step(
        &recorded.waits,
        |_| Value::Null,
        |asked, at, payload| json!({ "payload": payload.to_json(), "after": written(at.since(asked.at)) }),
    );
    if !resume.is_empty() {
        set("resume", Value::Object(resume));
    }
    let mut acts: Vec<(usize, &Fact)> = recorded.facts.iter().map(|(at, fact)| (*at, fact)).collect();
    acts.sort_by_key(|(at, _)| *at);
    let mut delivered = Vec::new();
    let mut held: Option<(Timestamp, Option<Name>)> = None;
    let reason = |reason: &Option<Name>, mut entries: Value| {
        if let Some(reason) = reason {
            entries["reason"] = Value::from(&**reason);
        }
        entries
    };
    for (index, fact) in acts {
        let at = events[index].at;
        match fact {
            Fact::Deliver { event, data } => {
                delivered.push(json!({ "event": &**event, "data": data.to_json(), "at": since(at) }));
            }
            Fact::Suspend { reason } => held = Some((at, reason.clone())),
            Fact::Continue => {
                if let Some((from, why)) = held.take() {
                    let entries = json!({ "at": since(from), "for": written(at.since(from)) });
                    set("suspend", reason(&why, entries));
                }
            }
            Fact::Cancel { reason: why } => set("cancel", reason(why, json!({ "at": since(at) }))),
            Fact::Answer { .. } | Fact::Resume { .. } => {}
        }
    }
    if let Some((from, why)) = held {
        set("suspend", reason(&why, json!({ "at": since(from) })));
    }
    if !delivered.is_empty() {
        set("events", Value::Array(delivered));
    }
    set("expect", expect);
    Value::Object(case)
}

/// What a run came to, as it is expected of the case.
fn ended(recorded: &Facts, again: Option<&Played>) -> Value {
    match &recorded.end {
        Some(RunEnd::Completed(result)) => {
            let played = match again.map(|again| &again.ending) {
                Some(Ending::Over(RunEnd::Completed(played))) => played,
                _ => result,
            };
            json!({ "status": "completed", "result": expected(&result.to_json(), &played.to_json()) })
        }
        Some(RunEnd::Failed(failure)) => {
            let mut error = json!({ "code": &*failure.code });
            if let Some(step) = &failure.step {
                error["step"] = Value::from(&**step);
            }
            json!({ "error": error })
        }
        Some(RunEnd::Cancelled(_)) => json!({ "status": "cancelled" }),
        None => {
            let waiting: Vec<String> = recorded.run.waits().map(|wait| wait.address).collect();
            match waiting.is_empty() {
                true => json!({ "status": "suspended" }),
                false => json!({ "waiting": waiting }),
            }
        }
    }
}

/// The answers to calls or waits: one, or a list of them in their order.
fn by_step<T>(
    asked: &[Asked<T>],
    unanswered: impl Fn(&Asked<T>) -> Value,
    answered: impl Fn(&Asked<T>, Timestamp, &T) -> Value,
) -> Map<String, Value> {
    let mut steps: Map<String, Value> = Map::new();
    for one in asked {
        // A unit without an id of its own is known by that of its step.
        let last = one.address.rsplit(['/', ':']).next().unwrap_or_default();
        let key = if *last == *one.step { &*one.address } else { &*one.step };
        let value = match &one.answer {
            Some((at, answer)) => answered(one, *at, answer),
            None => unanswered(one),
        };
        let list = steps.entry(key.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(value);
        }
    }
    for value in steps.values_mut() {
        if let Value::Array(list) = value
            && list.len() == 1
        {
            *value = list.remove(0);
        }
    }
    steps
}

fn answer(outcome: &Outcome) -> Map<String, Value> {
    let mut mock = Map::new();
    match outcome {
        Outcome::Done(answer) => {
            if let Some(result) = &answer.result {
                mock.insert("output".to_owned(), result.to_json());
            }
            if let Some(response) = &answer.response {
                mock.insert("response".to_owned(), response.to_json());
            }
        }
        Outcome::Said(reply) => {
            if let Some(content) = &reply.content {
                mock.insert("output".to_owned(), content.to_json());
            }
            if !reply.calls.is_empty() {
                let calls = reply.calls.iter().map(|call| call.to_data().to_json()).collect();
                mock.insert("calls".to_owned(), Value::Array(calls));
            }
            if let Some(usage) = &reply.usage {
                let mut told = json!({ "inputTokens": usage.input_tokens, "outputTokens": usage.output_tokens });
                if let Some(cached) = usage.cached_tokens {
                    told["cachedTokens"] = cached.into();
                }
                if let Some(cost) = reply.cost {
                    told["cost"] = cost.into();
                }
                mock.insert("usage".to_owned(), told);
            }
        }
        Outcome::Failed(failure) => drop(mock.insert("error".to_owned(), error(failure))),
    }
    mock
}

fn error(failure: &Failure) -> Value {
    let mut error = json!({ "code": &*failure.code, "message": &*failure.message });
    if failure.data != Data::Null {
        error["data"] = failure.data.to_json();
    }
    error
}

/// What is expected of a value that is another when it is played.
fn expected(value: &Value, played: &Value) -> Value {
    match (value, played) {
        (Value::Object(value), Value::Object(played)) => {
            let entry = |(key, value): (&String, &Value)| {
                let played = played.get(key).unwrap_or(&Value::Null);
                (key.clone(), expected(value, played))
            };
            Value::Object(value.iter().map(entry).collect())
        }
        (Value::Array(value), Value::Array(played)) if value.len() == played.len() => {
            let items = value.iter().zip(played);
            Value::Array(items.map(|(value, played)| expected(value, played)).collect())
        }
        (value, played) if value != played => "=value is defined".into(),
        // What begins with `=` would be a condition.
        (Value::String(text), _) if text.starts_with('=') => format!("={text}").into(),
        (value, _) => value.clone(),
    }
}

fn written(length: Millis) -> String {
    match length {
        Millis(0) => "0s".to_owned(),
        length => super::trace::duration(length),
    }
}
