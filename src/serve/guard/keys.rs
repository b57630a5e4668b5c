//! The public keys of whoever issues tokens (RFC 7517), fetched when they are needed and kept when they cannot be.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Url;
use reqwest::redirect::Policy;
use tokio::sync::watch;

use super::host::is_loopback;
use super::token::Digest;
use crate::serve::caller::Caller;

/// How often keys are fetched at most because of keys that are not known.
const PAUSE: Duration = Duration::from_secs(60);
/// After this long keys are fetched again, so that one that was withdrawn is not trusted for ever.
const STALE: Duration = Duration::from_secs(3600);
/// How long fetching may take, and how large a set of keys may be.
const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST: usize = 256 * 1024;
/// RSA keys with fewer bytes can be broken.
const SHORTEST_RSA: usize = 2048 / 8;
/// How many tokens are remembered as right, so that their signatures are not checked for every request.
const REMEMBERED: usize = 4096;

/// Where keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Web(Url),
    File(PathBuf),
}

impl Source {
    /// An address that nobody on the way can answer for, so HTTPS except on this machine.
    pub fn web(text: &str) -> Result<Source, String> {
        let url = Url::parse(text).map_err(|error| format!("this is no URL: {error}"))?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        match url.scheme() {
            "https" => Ok(Source::Web(url)),
            "http" if is_loopback(host) => Ok(Source::Web(url)),
            _ => Err("keys come over https, since whoever can change them on the way can make tokens".to_owned()),
        }
    }

    async fn fetch(&self) -> Result<Vec<u8>, String> {
        match self {
            Source::Web(url) => fetch(url).await,
            Source::File(path) => std::fs::read(path).map_err(|error| error.to_string()),
        }
    }
}

async fn fetch(url: &Url) -> Result<Vec<u8>, String> {
    // It may have been installed by the embedding program, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let failed = |error: reqwest::Error| error.without_url().to_string();
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .timeout(PATIENCE)
        .user_agent(concat!("interpret/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(failed)?;
    let mut response = client.get(url.clone()).send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(format!("the answer was {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(format!("the answer has more than {} KiB", LARGEST / 1024));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A key, with all that a token signed with it has to keep to.
#[derive(Debug)]
pub(super) struct Key {
    pub id: Option<String>,
    pub key: DecodingKey,
    /// It allows only algorithms for keys of this type, so no public key passes for a shared secret.
    pub validation: Validation,
}

impl Key {
    pub fn allows(&self, algorithm: Algorithm) -> bool {
        self.validation.algorithms.contains(&algorithm)
    }

    /// A key of a set; nothing if signatures are not checked with it, or should not be.
    fn read(value: serde_json::Value, rules: &Validation) -> Option<Key> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let signs = jwk
            .common
            .public_key_use
            .as_ref()
            .is_none_or(|of| *of == PublicKeyUse::Signature);
        let verifies = jwk.common.key_operations.as_ref();
        let verifies = verifies.is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        if !signs || !verifies {
            return None;
        }
        let mut algorithms = algorithms(&jwk.algorithm)?.to_vec();
        if let Some(only) = jwk.common.key_algorithm {
            let only = Algorithm::try_from(only).ok()?;
            algorithms.retain(|algorithm| *algorithm == only);
        }
        if algorithms.is_empty() {
            return None;
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        let validation = Validation {
            algorithms,
            ..rules.clone()
        };
        Some(Key {
            id: jwk.common.key_id,
            key,
            validation,
        })
    }
}

/// The algorithms for keys of a type. A shared secret has no place among public keys.
fn algorithms(key: &AlgorithmParameters) -> Option<&'static [Algorithm]> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match key {
        AlgorithmParameters::RSA(key) => {
            let modulus = URL_SAFE_NO_PAD.decode(key.n.trim_end_matches('=')).ok()?;
            let length = modulus.iter().skip_while(|byte| **byte == 0).count();
            (length >= SHORTEST_RSA).then_some(&[RS256, RS384, RS512, PS256, PS384, PS512])
        }
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => Some(&[ES256]),
            EllipticCurve::P384 => Some(&[ES384]),
            _ => None,
        },
        AlgorithmParameters::OctetKeyPair(key) => (key.curve == EllipticCurve::Ed25519).then_some(&[EdDSA]),
        _ => None,
    }
}

/// A set of keys, and the tokens that were found right with them.
#[derive(Debug, Default)]
pub(super) struct Set {
    pub keys: Vec<Key>,
    read_at: Option<Instant>,
    right: Mutex<HashMap<Digest, (Caller, u64)>>,
}

impl Set {
    /// Reads a set of keys. Those that are of no use here are passed over, as RFC 7517 has it.
    pub fn read(json: &[u8], rules: &Validation) -> Result<Set, String> {
        #[derive(serde::Deserialize)]
        struct Written {
            keys: Vec<serde_json::Value>,
        }
        let written: Written =
            serde_json::from_slice(json).map_err(|error| format!("it is no set of JSON Web Keys: {error}"))?;
        let keys = written.keys.into_iter().filter_map(|value| Key::read(value, rules));
        let keys: Vec<Key> = keys.collect();
        match keys.is_empty() {
            true => {
                Err("it has no key for checking signatures: RSA from 2048 bits, P-256, P-384 or Ed25519".to_owned())
            }
            false => Ok(Set {
                keys,
                read_at: Some(Instant::now()),
                right: Mutex::default(),
            }),
        }
    }

    /// Whose token that is, if it was found right before and still is at `now`, in seconds since 1970.
    pub fn known(&self, digest: &Digest, now: u64) -> Option<Caller> {
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        let (caller, until) = right.get(digest)?;
        (now < *until).then(|| caller.clone())
    }

    /// Remembers that a token is right until a time.
    pub fn remember(&self, digest: Digest, caller: Caller, until: u64) {
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.len() >= REMEMBERED {
            right.clear();
        }
        right.insert(digest, (caller, until));
    }
}

/// The keys as they are known now.
#[derive(Debug)]
pub(super) struct Keys {
    source: Source,
    rules: Validation,
    current: RwLock<Arc<Set>>,
    fetching: Mutex<Fetching>,
}

#[derive(Debug, Default)]
struct Fetching {
    /// Before that, nothing is fetched.
    not_before: Option<Instant>,
    /// Its sender is dropped when what is being fetched is there, or will not come.
    done: Option<watch::Receiver<()>>,
}

impl Keys {
    pub fn new(source: Source, rules: Validation) -> Keys {
        Keys {
            source,
            rules,
            current: RwLock::default(),
            fetching: Mutex::default(),
        }
    }

    /// The keys that are known; those that are old are fetched again meanwhile.
    pub fn current(self: &Arc<Self>) -> Arc<Set> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        if current.read_at.is_some_and(|at| at.elapsed() > STALE) {
            self.fetch(true);
        }
        current
    }

    /// Fetches keys for the first time, without anybody waiting for it.
    pub fn begin(self: &Arc<Self>) {
        self.fetch(false);
    }

    /// Comes back when there may be new keys: at once if they were fetched a short while ago. Requests for which the
    /// keys are known wait for nothing.
    pub async fn renew(self: &Arc<Self>) {
        if let Some(mut done) = self.fetch(true) {
            // It never changes; the end of its sender is waited for.
            let _ = done.changed().await;
        }
    }

    /// Begins to fetch the keys in a task of its own, which goes on when the client that is the reason for it has left.
    fn fetch(self: &Arc<Self>, counts: bool) -> Option<watch::Receiver<()>> {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on = |done: &watch::Receiver<()>| done.has_changed().is_ok();
        if let Some(done) = fetching.done.clone().filter(goes_on) {
            return Some(done);
        }
        let now = Instant::now();
        if fetching.not_before.is_some_and(|time| now < time) {
            return None;
        }
        if counts {
            fetching.not_before = Some(now + PAUSE);
        }
        let (sender, done) = watch::channel(());
        fetching.done = Some(done.clone());
        let keys = self.clone();
        tokio::spawn(async move {
            match keys.source.fetch().await.and_then(|json| Set::read(&json, &keys.rules)) {
                Ok(set) => *keys.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set),
                Err(error) => tracing::warn!(%error, "the keys for tokens could not be fetched; those known are kept"),
            }
            drop(sender);
        });
        Some(done)
    }
}
