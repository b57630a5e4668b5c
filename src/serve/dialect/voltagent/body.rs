//! What clients send.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::reply::Failure;
use crate::data::{Data, Map};
use crate::drive;
use crate::graph::Name;
use crate::run::Labels;
use crate::serve::problem::Problem;
use crate::serve::receive::receive;
use crate::serve::service::{Begin, Service};

/// What an execution begins with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Execute {
    /// The input, checked against the workflow's `inputSchema`.
    #[serde(default)]
    pub input: Option<Data>,
    /// What else is known.
    #[serde(default)]
    pub options: Option<Options>,
}

/// What else is known of an execution that begins.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Options {
    /// For whom it runs.
    pub user_id: Option<Name>,
    /// The conversation it belongs to.
    pub conversation_id: Option<Name>,
    /// The id it is to have; a new one by default.
    #[schemars(length(min = 1, max = 200), regex(pattern = "^[A-Za-z0-9_.:-]+$"))]
    pub execution_id: Option<Name>,
    /// The version of the workflow; the highest by default.
    pub version: Option<Name>,
    /// What expressions see as `context`.
    #[schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>")]
    pub context: Option<Data>,
    /// The state it begins with.
    #[schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>")]
    pub workflow_state: Option<Data>,
    /// Marks for listings: texts, numbers and booleans.
    #[schemars(with = "Option<std::collections::BTreeMap<String, Mark>>")]
    pub metadata: Option<Data>,
}

/// What an execution is marked with.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it only describes what is read as data")]
enum Mark {
    Text(String),
    Number(f64),
    Truth(bool),
}

/// Why an execution is suspended or cancelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(in crate::serve) struct Reason {
    /// The reason, for people.
    #[serde(default)]
    pub reason: Option<Name>,
}

/// The answer to what an execution waits for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Resume {
    /// The answer, checked against the step's `resumeSchema`.
    #[serde(default, deserialize_with = "present")]
    pub resume_data: Option<Data>,
    /// Which step is answered.
    #[serde(default)]
    pub options: Option<ResumeOptions>,
}

/// Which step is answered.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct ResumeOptions {
    /// Its id, `id[2]` in a loop, or its whole address; may be left out when only one step waits.
    pub step_id: Option<Name>,
}

/// An event for an execution that waits for it, or will.
#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::serve) struct Deliver {
    /// The name of the event.
    pub event: Name,
    /// Its data.
    #[serde(default)]
    pub data: Data,
}

/// From where an execution is repeated.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Replay {
    /// The step, by its id or address.
    pub step_id: Name,
    /// The answer to what the execution waits for then.
    #[serde(default, deserialize_with = "present")]
    pub resume_data: Option<Data>,
    /// The data that the step begins on, in place of what it was; `input` and the outputs of steps stay what they were.
    #[serde(default, deserialize_with = "present")]
    pub input_data: Option<Data>,
    /// The state of the workflow, in place of what it was then.
    #[serde(default)]
    #[schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>")]
    pub workflow_state_override: Option<Data>,
}

impl Replay {
    /// What of which execution is repeated, and the answer to what it waits for then.
    pub fn of(self, execution: Name) -> Result<(drive::Replay, Option<Data>), Problem> {
        let replay = drive::Replay {
            of: execution,
            step: self.step_id,
            data: self.input_data,
            state: object(self.workflow_state_override, "workflowStateOverride")?,
        };
        Ok((replay, self.resume_data))
    }
}

/// A body that has been received.
pub(super) struct Sent(Bytes);

impl Sent {
    /// Reads it; an empty one stands for an empty object.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let text: &[u8] = match self.0.iter().all(u8::is_ascii_whitespace) {
            true => b"{}",
            false => &self.0,
        };
        // A list would be read as the fields in their order.
        if text.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(Problem::Malformed(
                "Invalid request body: it has to be a JSON object".to_owned(),
            ));
        }
        serde_json::from_slice(text).map_err(|error| match error.is_data() {
            true => Problem::Malformed(format!("Invalid request body: {error}")),
            false => Problem::Malformed(format!("Malformed JSON in request body: {error}")),
        })
    }
}

impl FromRequest<Arc<Service>> for Sent {
    type Rejection = Failure;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Sent, Failure> {
        Ok(Sent(receive(request.into_body(), service).await?))
    }
}

/// The key with which the same request is done once.
pub(super) struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IdempotencyKey, Failure> {
        let Some(key) = parts.headers.get("idempotency-key") else {
            return Ok(IdempotencyKey(None));
        };
        match key.to_str() {
            Ok(key) if !key.is_empty() && key.len() <= 255 => Ok(IdempotencyKey(Some(key.to_owned()))),
            _ => Err(Failure(Problem::Malformed(
                "Idempotency-Key has from 1 to 255 ASCII characters".to_owned(),
            ))),
        }
    }
}

/// A value that is there, null included.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Data>, D::Error> {
    Data::deserialize(deserializer).map(Some)
}

impl Execute {
    /// The same as a beginning.
    pub fn begin(self, workflow: &str, idempotency: Option<String>) -> Result<Begin, Problem> {
        let options = self.options.unwrap_or_default();
        let mut begin = Begin::new(workflow, self.input.unwrap_or_else(|| Data::from(Map::new())));
        begin.version = options.version;
        begin.execution = options.execution_id;
        begin.user = options.user_id;
        begin.conversation = options.conversation_id;
        begin.context = object(options.context, "options.context")?.unwrap_or_else(|| Data::from(Map::new()));
        begin.state = object(options.workflow_state, "options.workflowState")?;
        begin.labels = labels(options.metadata)?;
        begin.idempotency = idempotency;
        Ok(begin)
    }
}

fn object(value: Option<Data>, key: &str) -> Result<Option<Data>, Problem> {
    match value {
        None | Some(Data::Null) => Ok(None),
        Some(Data::Map(map)) => Ok(Some(Data::Map(map))),
        Some(other) => Err(Problem::Malformed(format!(
            "Invalid request body: {key} is {}, not an object",
            other.a_kind()
        ))),
    }
}

fn labels(metadata: Option<Data>) -> Result<Labels, Problem> {
    let Some(Data::Map(map)) = object(metadata, "options.metadata")? else {
        return Ok(Labels::new());
    };
    let each = map.iter().map(|(key, value)| match value {
        Data::Map(_) | Data::List(_) | Data::Null => Err(Problem::Malformed(format!(
            "Invalid request body: options.metadata.{key} is {}; write a text, a number or a boolean",
            value.a_kind()
        ))),
        _ if key.starts_with("interpret.") => Err(Problem::Malformed(format!(
            "Invalid request body: options.metadata.{key}: names that begin with `interpret.` are taken"
        ))),
        value => Ok((key.clone(), value.to_text())),
    });
    each.collect()
}
