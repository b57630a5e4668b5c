//! What clients send.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::Uri;

use super::fields;
use super::reply::Failure;
use crate::data::{Data, Map};
use crate::graph::Name;
use crate::serve::catalog::Served;
use crate::serve::receive::receive;
use crate::serve::service::Service;

/// The longest name of a user.
const LONGEST_USER: usize = 255;

/// A body that is a JSON object.
pub(super) struct Sent(Arc<Map>);

impl FromRequest<Arc<Service>> for Sent {
    type Rejection = Failure;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Sent, Failure> {
        let bytes = receive(request.into_body(), service).await?;
        let text: &[u8] = if bytes.iter().all(u8::is_ascii_whitespace) {
            b"{}"
        } else {
            &bytes
        };
        let read = serde_json::from_slice(text);
        match read.map_err(|error| Failure::param(format!("Malformed JSON in request body: {error}")))? {
            Data::Map(map) => Ok(Sent(map)),
            other => Err(Failure::param(format!(
                "the request body is {}, not an object",
                other.a_kind()
            ))),
        }
    }
}

/// How the answer to a run comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// In one piece, when it has come to something.
    Blocking,
    /// As it goes on.
    Streaming,
}

impl Sent {
    pub fn get(&self, key: &str) -> Option<&Data> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// For whom something is asked.
    pub fn user(&self) -> Result<Name, Failure> {
        user(self.get("user"))
    }

    pub fn mode(&self) -> Result<Mode, Failure> {
        match self.get("response_mode").map(|mode| mode.as_str()) {
            None | Some(Some("blocking")) => Ok(Mode::Blocking),
            Some(Some("streaming")) => Ok(Mode::Streaming),
            Some(_) => Err(Failure::param("response_mode must be 'blocking' or 'streaming'")),
        }
    }

    /// What stands under a key that has to be an object.
    pub fn object(&self, key: &str) -> Result<Arc<Map>, Failure> {
        match self.get(key) {
            Some(Data::Map(map)) => Ok(map.clone()),
            Some(other) => Err(Failure::param(format!(
                "{key} must be an object, but is {}",
                other.a_kind()
            ))),
            None => Err(Failure::param(format!(
                "Missing required parameter in the JSON body: {key}"
            ))),
        }
    }

    /// The inputs for a workflow. Some clients wrap them once too often.
    pub fn inputs(&self, served: &Served) -> Result<Arc<Map>, Failure> {
        let inputs = self.object("inputs")?;
        let declared = fields::fields(served.program.main().header.input_schema.as_ref());
        let wrapped = match inputs.get("inputs") {
            Some(Data::Map(inner)) if inputs.len() == 1 => Some(inner.clone()),
            _ => None,
        };
        Ok(wrapped
            .filter(|_| !declared.iter().any(|field| &*field.name == "inputs"))
            .unwrap_or(inputs))
    }
}

/// For whom something is asked; everybody says so.
pub(super) fn user(user: Option<&Data>) -> Result<Name, Failure> {
    match user {
        Some(Data::Text(user)) if !user.is_empty() && user.len() <= LONGEST_USER => Ok(user.clone()),
        None => Err(Failure::param("Arg user must be provided.")),
        Some(_) => Err(Failure::param(format!(
            "user must be a text of 1 to {LONGEST_USER} bytes"
        ))),
    }
}

/// What stands behind the `?`.
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    pub fn of(uri: &Uri) -> Result<Asked, Failure> {
        let read = axum::extract::Query::try_from_uri(uri);
        read.map(|axum::extract::Query(pairs)| Asked(pairs))
            .map_err(|error| Failure::param(error.body_text()))
    }

    /// The value of a key; what is empty is not there.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub fn is(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes"))
    }

    /// A number within bounds.
    pub fn number(&self, key: &str, default: usize, most: usize) -> Result<usize, Failure> {
        let Some(text) = self.get(key) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| Failure::param(format!("{key} must be an integer from 1 to {most}")))
    }

    pub fn user(&self) -> Result<Name, Failure> {
        user(self.get("user").map(Data::from).as_ref())
    }
}
