//! Keys, each for one workflow: who has one may begin its runs, and look at them.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::kept;
use super::reply::{Code, Failure, keyless};
use crate::graph::Name;
use crate::serve::caller::{Caller, Scope};
use crate::serve::catalog::Served;
use crate::serve::guard::{Token, Tokens, digest, read_digest};
use crate::serve::service::Service;

/// What a key has at least, in characters; Dify's have 28.
const SHORTEST: usize = 24;
/// What stands before the id of a workflow, where that is a key.
const PREFIX: &str = "app-";

/// What the holder of a key may do, within the one workflow.
const HOLDER: Caller = Caller {
    scope: Scope::Run,
    user: None,
};

/// Which key is for which workflow; only digests of keys are kept.
#[derive(Debug, Default)]
pub struct Keys(Tokens);

/// Why something is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a digest.
    #[error("this is no digest of a key: `sha256:` and 64 hexadecimal digits")]
    NoDigest,
    /// It is too short, or has characters that no header holds.
    #[error("the key of `{0}` needs {SHORTEST} visible ASCII characters or more")]
    Guessable(Name),
    /// It is for another workflow as well.
    #[error("`{0}` and `{1}` have the same key, but a key is for one workflow")]
    Twice(Name, Name),
}

impl Keys {
    /// Adds a key for a workflow.
    ///
    /// # Errors
    ///
    /// When it could be guessed, or is for another workflow.
    pub fn add(&mut self, workflow: &Name, key: &str) -> Result<(), KeyError> {
        match key.len() >= SHORTEST && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => self.keep(workflow, digest(key)),
            false => Err(KeyError::Guessable(workflow.clone())),
        }
    }

    /// Adds a key for a workflow of which only the digest is known, as `interpret token` tells it.
    ///
    /// # Errors
    ///
    /// When it is no digest, or that of another workflow's key.
    pub fn add_digest(&mut self, workflow: &Name, written: &str) -> Result<(), KeyError> {
        self.keep(workflow, read_digest(written).ok_or(KeyError::NoDigest)?)
    }

    /// The workflows that there are keys for.
    pub fn workflows(&self) -> impl Iterator<Item = &Name> {
        self.0.0.iter().map(|token| &token.name)
    }

    fn keep(&mut self, workflow: &Name, digest: [u8; 32]) -> Result<(), KeyError> {
        match self.0.find(&digest) {
            Some(known) if known.name == *workflow => Ok(()),
            Some(known) => Err(KeyError::Twice(known.name.clone(), workflow.clone())),
            None => {
                self.0.0.push(Token {
                    name: workflow.clone(),
                    digest,
                    caller: HOLDER,
                });
                Ok(())
            }
        }
    }

    fn find(&self, key: &str) -> Option<&Name> {
        self.0.find(&digest(key)).map(|token| &token.name)
    }

    fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }
}

/// Who asks with a key that is configured, on the routes of this protocol; nobody else needs to be asked then.
pub(in crate::serve) fn caller(service: &Service, headers: &HeaderMap) -> Option<Caller> {
    let key = bearer(headers).ok()?;
    kept(service).keys.find(key).map(|_| HOLDER)
}

/// The workflow that a request is about, by its key.
#[derive(Debug)]
pub(super) struct App {
    /// Its id.
    pub workflow: Name,
    /// The workflow in its highest version.
    pub served: Arc<Served>,
    /// Who asks.
    pub caller: Caller,
}

impl FromRequestParts<Arc<Service>> for App {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<App, Failure> {
        let caller = parts.extensions.get().cloned().unwrap_or(Caller::LOCAL);
        let key = bearer(&parts.headers)?;
        let workflow = workflow(service, &caller, key)?;
        let served = service.catalog().get(&workflow, None).cloned();
        let Some(served) = served else {
            return Err(Failure::new(Code::Forbidden, "The app's API service has been disabled"));
        };
        // Where nobody is asked who they are, a key is still for what it is for.
        let caller = if caller == Caller::LOCAL { HOLDER } else { caller };
        Ok(App {
            workflow,
            served,
            caller,
        })
    }
}

/// The workflow that a key is for.
fn workflow(service: &Service, caller: &Caller, key: &str) -> Result<Name, Failure> {
    let invalid = |why: &str| {
        Err(Failure::new(
            Code::Unauthorized,
            format!("Access token is invalid{why}"),
        ))
    };
    let keys = &kept(service).keys;
    if let Some(workflow) = keys.find(key) {
        return Ok(workflow.clone());
    }
    if !keys.is_empty() {
        return invalid("");
    }
    let catalog = service.catalog();
    if *caller == Caller::LOCAL
        && let Some(id) = key.strip_prefix(PREFIX)
        && let Some(served) = catalog.get(id, None)
    {
        return Ok(served.program.main().header.id.clone());
    }
    let mut all = catalog.iter();
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(only.program.main().header.id.clone()),
        _ => invalid(": several workflows are served, and `dify.keys` in interpret.yaml says which key is for which"),
    }
}

/// The key that was sent.
fn bearer(headers: &HeaderMap) -> Result<&str, Failure> {
    let unauthorized = |message: &str| Failure::new(Code::Unauthorized, message);
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(sent), None) = (sent.next(), sent.next()) else {
        return Err(unauthorized(keyless()));
    };
    let sent = sent.to_str().ok().and_then(|text| text.trim().split_once(' '));
    let (scheme, key) = sent.ok_or_else(|| unauthorized(keyless()))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthorized("Authorization scheme must be 'Bearer'"));
    }
    match key.trim() {
        "" => Err(unauthorized(keyless())),
        key => Ok(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_for_one_workflow_and_cannot_be_guessed() {
        let mut keys = Keys::default();
        let (greet, order): (Name, Name) = ("greet".into(), "order".into());
        keys.add(&greet, "app-0123456789abcdefghijklmn").unwrap();
        keys.add(&greet, "app-0123456789abcdefghijklmn").unwrap();
        let twice = keys.add(&order, "app-0123456789abcdefghijklmn");
        assert_eq!(twice, Err(KeyError::Twice(greet.clone(), order.clone())));
        assert_eq!(keys.add(&order, "app-short"), Err(KeyError::Guessable(order.clone())));
        assert_eq!(
            keys.add(&order, "app-0123456789 abcdefghijklmn"),
            Err(KeyError::Guessable(order.clone()))
        );
        assert_eq!(keys.add_digest(&order, "sha256:12"), Err(KeyError::NoDigest));
        assert_eq!(keys.find("app-0123456789abcdefghijklmn"), Some(&greet));
        assert_eq!(keys.find("app-0123456789abcdefghijklm"), None);
    }
}
