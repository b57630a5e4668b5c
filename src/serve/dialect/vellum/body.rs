//! What clients send.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::reply::Failure;
use super::variable::{Given, Kind};
use crate::data::{Data, Map};
use crate::graph::{Name, Timestamp};
use crate::run::Labels;
use crate::serve::problem::Problem;
use crate::serve::receive::receive;
use crate::serve::service::Service;

/// The label with the caller's own id of an execution.
pub(super) const EXTERNAL_ID: &str = "interpret.external_id";
/// The label with the whole of what the caller sent as metadata.
pub(super) const METADATA: &str = "interpret.metadata";
/// The label with the release that was asked for.
pub(super) const RELEASE_TAG: &str = "interpret.release_tag";

/// What an execution begins with.
#[derive(Debug, Deserialize)]
pub(super) struct Execute {
    pub inputs: Option<Vec<Input>>,
    pub workflow_deployment_id: Option<Name>,
    pub workflow_deployment_name: Option<Name>,
    #[serde(flatten)]
    pub about: About,
    /// Whether events are about the workflow (`WORKFLOW`) or about its steps too (`NODE`).
    #[serde(default)]
    pub event_types: Option<Vec<String>>,
    pub expand_meta: Option<ExpandMeta>,
}

/// What is known of an execution besides its inputs.
#[derive(Debug, Deserialize)]
pub(super) struct About {
    pub release_tag: Option<Name>,
    pub external_id: Option<Name>,
    pub metadata: Option<Data>,
    pub previous_execution_id: Option<Name>,
}

/// What is to be told of turns of models.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct ExpandMeta {
    pub usage: Option<bool>,
    pub cost: Option<bool>,
    pub model_name: Option<bool>,
}

/// An input.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    name: Name,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    value: Data,
}

/// The same for the newer events.
#[derive(Debug, Deserialize)]
pub(super) struct ExecuteStream {
    pub inputs: Option<Data>,
    pub trigger: Option<Data>,
    #[serde(flatten)]
    pub about: About,
}

/// What people say about an execution.
#[derive(Debug, Deserialize)]
pub(super) struct Actuals {
    pub actuals: Vec<Said>,
    pub execution_id: Option<Name>,
    pub external_id: Option<Name>,
}

/// What is said about one output.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    pub output_id: Option<Name>,
    pub output_key: Option<Name>,
    /// As older documents call it.
    output_name: Option<Name>,
    pub output_type: Option<String>,
    #[serde(default, deserialize_with = "present")]
    desired_output_value: Option<Data>,
    /// As older documents call it.
    #[serde(default, deserialize_with = "present")]
    value: Option<Data>,
    pub quality: Option<f64>,
    pub metadata: Option<Data>,
    /// In seconds since 1970.
    pub timestamp: Option<f64>,
    /// Older documents say it of each.
    pub execution_id: Option<Name>,
}

/// Where a tag is to be.
#[derive(Debug, Deserialize)]
pub(super) struct MoveTag {
    pub history_item_id: Option<Name>,
}

/// A body that has been received.
pub(super) struct Sent(Bytes);

impl Sent {
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        // A list would be read as the fields in their order.
        if self.0.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(Problem::Malformed("the body has to be a JSON object".to_owned()));
        }
        serde_json::from_slice(&self.0).map_err(|error| Problem::Malformed(format!("the body cannot be read: {error}")))
    }
}

impl FromRequest<Arc<Service>> for Sent {
    type Rejection = Failure;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Sent, Failure> {
        Ok(Sent(receive(request.into_body(), service).await?))
    }
}

/// A value that is there, null included.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Data>, D::Error> {
    Data::deserialize(deserializer).map(Some)
}

impl Execute {
    /// The workflow that is meant.
    pub fn deployment(&self) -> Result<Name, Problem> {
        let named = self
            .workflow_deployment_id
            .as_ref()
            .or(self.workflow_deployment_name.as_ref());
        named.cloned().ok_or_else(|| {
            Problem::Malformed("name the workflow: workflow_deployment_name or workflow_deployment_id".to_owned())
        })
    }

    /// The inputs, of which there has to be a list.
    pub fn given(&mut self) -> Result<Vec<Given>, Problem> {
        let inputs = self.inputs.take();
        let inputs = inputs.ok_or_else(|| Problem::Malformed("`inputs` is missing: a list".to_owned()))?;
        inputs.into_iter().map(Input::given).collect()
    }

    /// Whether events of steps are asked for.
    pub fn wants_nodes(&self) -> Result<bool, Problem> {
        let mut nodes = false;
        for kind in self.event_types.iter().flatten() {
            match kind.as_str() {
                "WORKFLOW" => {}
                "NODE" => nodes = true,
                other => {
                    return Err(Problem::Malformed(format!(
                        "event_types has `{other}`; write WORKFLOW or NODE"
                    )));
                }
            }
        }
        Ok(nodes)
    }
}

impl Input {
    fn given(self) -> Result<Given, Problem> {
        let kind = self.kind.as_deref().map(|name| {
            Kind::named(name).ok_or_else(|| {
                let input = &self.name;
                Problem::Malformed(format!("the input `{input}` has the type `{name}`, which there is not"))
            })
        });
        Ok(Given {
            kind: kind.transpose()?,
            name: self.name,
            value: self.value,
        })
    }
}

impl ExecuteStream {
    /// The inputs, which have names and no types here.
    pub fn given(&self) -> Result<Vec<Given>, Problem> {
        let map = match &self.inputs {
            None | Some(Data::Null) => return Ok(Vec::new()),
            Some(Data::Map(map)) => map,
            Some(other) => {
                let kind = other.a_kind();
                return Err(Problem::Malformed(format!("`inputs` is {kind}, not an object")));
            }
        };
        let given = map.iter().map(|(name, value)| Given {
            name: name.clone(),
            kind: Some(Kind::Json),
            value: value.clone(),
        });
        Ok(given.collect())
    }
}

impl About {
    /// What the execution is marked with.
    pub fn labels(&self) -> Result<Labels, Problem> {
        let mut labels = Labels::new();
        let metadata = match &self.metadata {
            None | Some(Data::Null) => None,
            Some(Data::Map(map)) => Some(map),
            Some(other) => {
                let kind = other.a_kind();
                return Err(Problem::Malformed(format!("`metadata` is {kind}, not an object")));
            }
        };
        if let Some(map) = metadata {
            for (key, value) in map.iter() {
                if key.starts_with("interpret.") {
                    return Err(Problem::Malformed(format!(
                        "metadata has `{key}`: names that begin with `interpret.` are taken"
                    )));
                }
                labels.insert(key.clone(), value.to_text());
            }
            // Labels are texts; this is what they were.
            labels.insert(METADATA.into(), Data::from(Map::clone(map)).to_string().into());
        }
        if let Some(id) = &self.external_id {
            labels.insert(EXTERNAL_ID.into(), id.clone());
        }
        if let Some(tag) = &self.release_tag {
            labels.insert(RELEASE_TAG.into(), tag.clone());
        }
        Ok(labels)
    }
}

impl Said {
    /// The output that is meant.
    pub fn output(&self) -> Result<Name, Problem> {
        let named = [&self.output_key, &self.output_id, &self.output_name];
        let named = named.into_iter().flatten().next().cloned();
        named.ok_or_else(|| Problem::Malformed("name the output of each actual: output_key".to_owned()))
    }

    /// What it should have been; a client that has nothing to say may send null.
    pub fn desired(&self) -> Option<Data> {
        let desired = self.desired_output_value.as_ref().or(self.value.as_ref());
        desired.filter(|value| !value.is_null()).cloned()
    }

    /// How good it was.
    pub fn quality(&self) -> Result<Option<f64>, Problem> {
        match self.quality {
            Some(quality) if !(0.0..=1.0).contains(&quality) => {
                Err(Problem::Malformed(format!("`quality` is {quality}, not from 0 to 1")))
            }
            quality => Ok(quality),
        }
    }

    /// When it was said.
    pub fn at(&self, now: Timestamp) -> Result<Timestamp, Problem> {
        match self.timestamp {
            None => Ok(now),
            // Up to the year 9999.
            Some(seconds) if (0.0..253_402_300_800.0).contains(&seconds) => Ok(Timestamp((seconds * 1000.0) as i64)),
            Some(seconds) => Err(Problem::Malformed(format!(
                "`timestamp` is {seconds}, not a number of seconds since 1970"
            ))),
        }
    }
}

/// With the same key, the same request is done once.
pub(super) fn idempotency(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= 255 => Ok(Some(key.to_owned())),
        _ => Err(Problem::Malformed(
            "Idempotency-Key has from 1 to 255 ASCII characters".to_owned(),
        )),
    }
}
