//! Somebody who issues signed tokens, and serves the keys for checking them.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};

use super::keys;
use crate::drive::witness::{Witness, response};

pub const ISSUER: &str = "https://login.test/";
pub const AUDIENCE: &str = "workflows";

/// A private key with its name.
pub struct Signer {
    pub kid: &'static str,
    pub algorithm: Algorithm,
    pub key: EncodingKey,
}

fn der(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap()
}

impl Signer {
    pub fn rsa(kid: &'static str, key: &str, algorithm: Algorithm) -> Signer {
        let key = EncodingKey::from_rsa_der(&der(key));
        Signer { kid, algorithm, key }
    }

    /// The one whose key is served as `one`.
    pub fn one() -> Signer {
        Signer::rsa("one", keys::RSA, Algorithm::RS256)
    }

    pub fn p256() -> Signer {
        let key = EncodingKey::from_ec_der(&der(keys::P256));
        Signer {
            kid: "curve",
            algorithm: Algorithm::ES256,
            key,
        }
    }

    pub fn ed25519() -> Signer {
        let key = EncodingKey::from_ed_der(&der(keys::ED25519));
        Signer {
            kid: "edwards",
            algorithm: Algorithm::EdDSA,
            key,
        }
    }

    /// The public key, as it is served.
    pub fn public(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.to_owned());
        encode(&header, claims, &self.key).unwrap()
    }
}

/// Claims that are as they should be, for Ada, who may run.
pub fn claims() -> Value {
    let now = get_current_timestamp();
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "scope": "openid read run",
        "iat": now, "nbf": now, "exp": now + 600
    })
}

/// The same with one claim changed, or taken away by null.
pub fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

/// A server with public keys.
pub struct Issuer {
    witness: Witness,
    answer: Arc<Mutex<String>>,
}

impl Issuer {
    pub fn new(public: &[Value]) -> Issuer {
        let answer = Arc::new(Mutex::new(String::new()));
        let answers = answer.clone();
        let witness = Witness::new(move |_, _| Some(answers.lock().unwrap().clone().into_bytes()));
        let issuer = Issuer { witness, answer };
        issuer.serve(public);
        issuer
    }

    /// Serves these keys from now on.
    pub fn serve(&self, public: &[Value]) {
        let set = json!({ "keys": public }).to_string();
        self.answer(&response("200 OK", "content-type: application/json\r\n", &set));
    }

    /// Answers like that from now on.
    pub fn answer(&self, response: &str) {
        *self.answer.lock().unwrap() = response.to_owned();
    }

    /// How often the keys were asked for.
    pub fn asked(&self) -> usize {
        self.witness.seen().requests.len()
    }

    /// Waits until the keys were asked for so often.
    pub fn wait(&self, times: usize) {
        self.witness.wait(|seen| seen.requests.len() >= times);
    }

    /// The file that trusts it, with lines more under `jwt`.
    pub fn access(&self, more: &str) -> String {
        let url = self.witness.url();
        format!("jwt:\n  jwks: {url}\n  issuer: {ISSUER}\n  audience: {AUDIENCE}\n{more}")
    }
}
