//! Who may ask, as the operator says.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::{HeaderMap, header};
use tower_http::cors::CorsLayer;

use super::host::Origin;
use super::jwt::Jwt;
use super::token::{self, Tokens};
use super::{cors, file, host};
use crate::diagnostic::Diagnostic;
use crate::serve::caller::Caller;
use crate::serve::dialect::IDENTITY;
use crate::serve::problem::Problem;
use crate::source::FileId;

/// Who may ask, and from where. By default anybody on this machine may, but no page of somebody else.
#[derive(Debug, Default)]
pub struct Access {
    pub(super) hosts: Vec<String>,
    pub(super) origins: Vec<Origin>,
    pub(super) auth: Option<Auth>,
}

/// What an operator has written about access that cannot be meant.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum AccessError {
    /// Not the name of a host.
    #[error("{0} is no name of a host; write it without scheme and port, for example workflows.example.com")]
    Host(String),
    /// Not an origin.
    #[error("{0} is no origin: {1}")]
    Origin(String, String),
}

impl Access {
    /// Whether anybody may ask for anything.
    pub fn is_open(&self) -> bool {
        self.auth.is_none()
    }

    /// Adds a name by which a server on loopback is reached, as through a proxy.
    ///
    /// # Errors
    ///
    /// When it is no name.
    pub fn with_host(mut self, name: &str) -> Result<Access, AccessError> {
        self.hosts.push(host::name(name)?);
        Ok(self)
    }

    /// Lets pages of another origin use the server.
    ///
    /// # Errors
    ///
    /// When it is no origin, or all of them.
    pub fn with_origin(mut self, origin: &str) -> Result<Access, AccessError> {
        self.origins.push(Origin::parse(origin)?);
        Ok(self)
    }

    /// Lets only those ask who say who they are.
    pub fn with_auth(mut self, auth: Auth) -> Access {
        self.auth = Some(auth);
        self
    }

    /// What browsers are told about pages of other origins.
    pub(in crate::serve) fn cors(&self) -> Option<CorsLayer> {
        cors::layer(&self.origins)
    }
}

/// Who may ask, by tokens. Cloning it is a reference count: when one is replaced, all its clones are.
#[derive(Clone, Debug)]
pub struct Auth {
    rules: Arc<RwLock<Arc<Rules>>>,
}

#[derive(Debug)]
struct Rules {
    tokens: Tokens,
    jwt: Option<Jwt>,
}

impl Auth {
    /// Reads a file that says who may ask: `text`, which is `file`; paths in it begin at `folder`, and variables are
    /// looked up with `environment`. It is nothing if there is an error among the findings.
    pub fn read(
        file: FileId,
        text: &str,
        folder: &Path,
        environment: impl Fn(&str) -> Option<String>,
    ) -> (Option<Auth>, Vec<Diagnostic>) {
        file::read(file, text, folder, &environment)
    }

    pub(super) fn new(tokens: Tokens, jwt: Option<Jwt>) -> Auth {
        Auth {
            rules: Arc::new(RwLock::new(Arc::new(Rules { tokens, jwt }))),
        }
    }

    /// From the next request on, those may ask whom another one lets in.
    ///
    /// Needs to be called within a tokio runtime.
    pub fn replace(&self, with: &Auth) {
        let rules = with.rules();
        rules.begin();
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// Fetches what it takes to tell who asks, without anybody waiting for it.
    pub(super) fn begin(&self) {
        self.rules().begin();
    }

    /// Who has sent these headers.
    pub(super) async fn caller(&self, path: &str, headers: &HeaderMap) -> Result<Caller, Problem> {
        let token = match identity(path, headers) {
            Some(token) => token,
            None => sent(headers)?,
        };
        let digest = token::digest(token);
        let rules = self.rules();
        if let Some(token) = rules.tokens.find(&digest) {
            return Ok(token.caller.clone());
        }
        match &rules.jwt {
            Some(jwt) => jwt.caller(token, digest).await,
            None => Err(Problem::BadToken("the token is not known".to_owned())),
        }
    }

    fn rules(&self) -> Arc<Rules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Rules {
    fn begin(&self) {
        if let Some(jwt) = &self.jwt {
            jwt.begin();
        }
    }
}

/// The token of a client of Azure's that asks for it as on a machine with a managed identity.
fn identity<'h>(path: &str, headers: &'h HeaderMap) -> Option<&'h str> {
    let asks = path.ends_with("/msi/token") && !headers.contains_key(header::AUTHORIZATION);
    headers.get(IDENTITY).filter(|_| asks)?.to_str().ok()
}

/// Headers in which clients of other services send their key, which is a token here.
const KEYS: [&str; 2] = ["x-api-key", "x_api_key"];

/// The token that was sent, in whichever header.
fn sent(headers: &HeaderMap) -> Result<&str, Problem> {
    let key = KEYS.iter().find_map(|name| headers.get(*name));
    match key.filter(|_| !headers.contains_key(header::AUTHORIZATION)) {
        Some(key) => key
            .to_str()
            .map_err(|_| Problem::BadToken("the token is not known".to_owned())),
        None => bearer(headers),
    }
}

/// The token that was sent as such. Scheme names have no case (RFC 9110).
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || Problem::Unauthorized("say who you are: send `Authorization: Bearer` and a token".to_owned());
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(sent), None) = (sent.next(), sent.next()) else {
        return Err(missing());
    };
    let (scheme, token) = sent
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(missing)?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true => Ok(token.trim()),
        false => Err(missing()),
    }
}

/// A new token, and how its digest is written into a file: 256 random bits, behind a word by which tokens are found
/// where they should not be.
///
/// # Errors
///
/// When the system gives no random numbers.
pub fn new_token() -> Result<(String, String), String> {
    use base64::Engine;
    let mut random = [0; 32];
    let source = rustls::crypto::ring::default_provider().secure_random;
    let none = |_| "the system gives no random numbers".to_owned();
    source.fill(&mut random).map_err(none)?;
    let token = format!(
        "interpret_{}",
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random)
    );
    let hash = token::written(&token::digest(&token));
    Ok((token, hash))
}
