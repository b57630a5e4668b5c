//! What clients send.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};

use super::classes::{start, starts};
use super::reply::Failure;
use crate::data::{Data, Map};
use crate::graph::{Header, Name};
use crate::serve::problem::Problem;
use crate::serve::receive::receive;
use crate::serve::service::Service;

/// A body that has been received: an object of JSON, whatever its content type says.
pub(super) struct Sent(Bytes);

impl FromRequest<Arc<Service>> for Sent {
    type Rejection = Failure;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Sent, Failure> {
        Ok(Sent(receive(request.into_body(), service).await?))
    }
}

impl Sent {
    fn read(&self) -> Result<Data, Problem> {
        match serde_json::from_slice(&self.0) {
            Ok(body @ Data::Map(_)) => Ok(body),
            Ok(other) => Err(malformed(format!("it has to be an object, not {}", other.a_kind()))),
            Err(error) => Err(malformed(format!("it is not JSON: {error}"))),
        }
    }
}

fn malformed(why: String) -> Problem {
    Problem::Malformed(format!("Invalid request body: {why}"))
}

/// What an execution is to begin with.
#[derive(Debug)]
pub(super) struct Run {
    pub input: Data,
    pub handler: Option<Name>,
}

impl Run {
    /// Reads it for a workflow.
    pub fn read(body: &Sent, header: &Header) -> Result<Run, Problem> {
        let body = body.read()?;
        let given = |key: &str| body.get(key).filter(|value| !is_nothing(value));
        if given("context").is_some() {
            return Err(malformed(
                "no context can be restored here; with the `handler_id` of an earlier execution a new one goes on with \
                 what that one remembers"
                    .to_owned(),
            ));
        }
        let handler = match given("handler_id") {
            None => None,
            Some(Data::Text(id)) => Some(id.clone()),
            Some(other) => return Err(malformed(format!("handler_id is {}, not a text", other.a_kind()))),
        };
        let event = match given("start_event").or_else(|| given("kwargs")) {
            Some(event) => object(event, "start_event")?,
            None => Data::from(Map::new()),
        };
        Ok(Run {
            input: input(event, header)?,
            handler,
        })
    }
}

/// Clients send an empty text or object for what they do not have.
fn is_nothing(value: &Data) -> bool {
    match value {
        Data::Null => true,
        Data::Text(text) => text.is_empty(),
        Data::Map(map) => map.is_empty(),
        _ => false,
    }
}

/// An object, or one that is written out in a text.
fn object(value: &Data, what: &str) -> Result<Data, Problem> {
    let read = match value {
        Data::Text(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        value => value.clone(),
    };
    match read {
        Data::Map(_) => Ok(read),
        other => Err(malformed(format!("{what} has to be an object, not {}", other.a_kind()))),
    }
}

/// The input of a workflow: the fields of a start event, be they bare or in an envelope.
fn input(given: Data, header: &Header) -> Result<Data, Problem> {
    let has = |key: &str| given.get(key).is_some();
    let envelope = match has("value") {
        // A field of the start event's own may have that name.
        true => has("type") || has("qualified_name") || has("__is_pydantic"),
        false => has("type") && has("qualified_name"),
    };
    if !envelope {
        return Ok(flat(&given));
    }
    let (name, value) = event(&given)?;
    match starts(header, &name) {
        true => Ok(value),
        false => Err(Problem::Malformed(format!(
            "Invalid event type: {name}. Expected one of {}, StartEvent",
            start(header)
        ))),
    }
}

/// An event, and the step it is for.
#[derive(Debug)]
pub(super) struct Delivery {
    pub event: Name,
    pub value: Data,
    pub step: Option<Name>,
}

impl Delivery {
    pub fn read(body: &Sent) -> Result<Delivery, Problem> {
        let body = body.read()?;
        let sent = body
            .get("event")
            .ok_or_else(|| malformed("the event is missing".to_owned()))?;
        let (event, value) = event(&object(sent, "event")?)?;
        let step = match body.get("step") {
            Some(Data::Text(step)) if !step.is_empty() => Some(step.clone()),
            _ => None,
        };
        Ok(Delivery { event, value, step })
    }
}

/// The class and the fields of an event in an envelope.
fn event(envelope: &Data) -> Result<(Name, Data), Problem> {
    let name = ["type", "qualified_name"]
        .into_iter()
        .find_map(|key| envelope.get(key)?.as_str());
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| {
        Problem::Malformed(
            "Invalid event: it needs its class as `type` and its fields as `value`, as in \
             {\"type\": \"HumanResponseEvent\", \"value\": {}}"
                .to_owned(),
        )
    })?;
    // Classes of clients have the name of their module before their own.
    let name = name.rsplit('.').next().unwrap_or(name);
    match envelope.get("value").or_else(|| envelope.get("data")) {
        Some(value @ Data::Map(_)) => Ok((name.into(), flat(value))),
        None | Some(Data::Null) => Ok((name.into(), Data::from(Map::new()))),
        Some(other) => Err(Problem::Malformed(format!(
            "Invalid event: the value of {name} is {}, not an object",
            other.a_kind()
        ))),
    }
}

/// The fields of an event. Clients write those that its class does not declare into one of their own.
fn flat(value: &Data) -> Data {
    const UNDECLARED: &str = "_data";
    match (value, value.get(UNDECLARED)) {
        (Data::Map(declared), Some(Data::Map(more))) => {
            let declared = declared.iter().filter(|(key, _)| ***key != *UNDECLARED);
            let all = more.iter().chain(declared);
            all.map(|(key, value)| (key.clone(), value.clone())).collect()
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    fn header() -> Header {
        super::super::tests::header("events: { Order: { role: start }, Done: { role: stop } }\n")
    }

    fn read(body: Data) -> Result<Run, Problem> {
        Run::read(&Sent(body.to_string().into()), &header())
    }

    #[test]
    fn a_start_event_is_bare_or_in_an_envelope_or_written_out() {
        let input = |start: Data| read(data!({ "start_event": start })).unwrap().input;
        let order = data!({ "id": "A-1" });
        assert_eq!(input(order.clone()), order);
        assert_eq!(input(data!(order.to_string())), order);
        for class in ["Order", "StartEvent"] {
            let envelope = data!({ "value": order.clone(), "type": class, "qualified_name": null });
            assert_eq!(input(envelope), order);
            let old =
                data!({ "__is_pydantic": true, "value": order.clone(), "qualified_name": format!("shop.{class}") });
            assert_eq!(input(old), order);
        }
        let legacy = data!({ "data": order.clone(), "type": "Order", "qualified_name": null });
        assert_eq!(input(legacy), order);
        // A field of that name is a field.
        let bare = data!({ "value": 3, "unit": "kg" });
        assert_eq!(input(bare.clone()), bare);
        // What a class of the client does not declare.
        let untyped = data!({ "_data": { "id": "A-1" } });
        assert_eq!(input(untyped.clone()), order);
        let typed = data!({ "note": "soon", "_data": { "id": "A-1" } });
        let envelope = data!({ "value": typed, "type": "StartEvent", "qualified_name": null });
        assert_eq!(input(envelope), data!({ "id": "A-1", "note": "soon" }));
        for nothing in [data!(null), data!(""), data!({}), data!({ "_data": {} })] {
            assert_eq!(input(nothing), data!({}));
        }
        let kwargs = read(data!({ "kwargs": { "id": "A-1" } })).unwrap();
        assert_eq!(kwargs.input, order);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for body in [
            data!([]),
            data!({ "start_event": [1] }),
            data!({ "start_event": "no JSON" }),
            data!({ "start_event": { "value": {}, "type": "Done", "qualified_name": null } }),
            data!({ "start_event": { "value": 1, "type": "Order", "qualified_name": null } }),
            data!({ "handler_id": 1 }),
            data!({ "context": { "state": {} } }),
        ] {
            assert!(matches!(read(body.clone()), Err(Problem::Malformed(_))), "{body}");
        }
        let empty = Run::read(&Sent(Bytes::new()), &header());
        assert!(matches!(empty, Err(Problem::Malformed(_))));
    }

    #[test]
    fn an_event_names_its_class() {
        let read = |body: Data| Delivery::read(&Sent(body.to_string().into()));
        let sent = read(data!({ "event": { "type": "Answer", "value": { "text": "yes" } }, "step": "ask" })).unwrap();
        assert_eq!((&*sent.event, sent.step.as_deref()), ("Answer", Some("ask")));
        assert_eq!(sent.value, data!({ "text": "yes" }));
        let old = data!({ "__is_pydantic": true, "value": { "text": "yes" }, "qualified_name": "__main__.Answer" });
        let written = read(data!({ "event": old.to_string() })).unwrap();
        assert_eq!((&*written.event, written.value), ("Answer", data!({ "text": "yes" })));
        for body in [
            data!({}),
            data!({ "event": { "response": "x" } }),
            data!({ "event": 1 }),
        ] {
            assert!(read(body.clone()).is_err(), "{body}");
        }
    }
}
