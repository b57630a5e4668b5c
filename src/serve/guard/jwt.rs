//! Tokens that somebody else issues and signs (JSON Web Tokens, RFC 7519), by the practices of RFC 8725.

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header, get_current_timestamp};
use serde_json::{Map, Value};

use super::keys::{Keys, Source};
use super::token::Digest;
use crate::serve::caller::{Caller, Scope};
use crate::serve::problem::Problem;

/// How much clocks may differ, in seconds.
const LEEWAY: u64 = 30;
/// The longest token, in bytes.
const LONGEST: usize = 16 * 1024;

/// What is known of the tokens of an issuer.
#[derive(Debug)]
pub(super) struct Jwt {
    keys: Arc<Keys>,
    /// The claim with the user.
    user: String,
    scopes: Scopes,
}

/// How claims tell what a caller may do.
#[derive(Debug)]
pub(super) struct Scopes {
    /// The claim with the words, a list or a text with blanks.
    pub claim: String,
    /// The word for each scope, from the least to the most.
    pub words: [String; 3],
}

/// What every token has to keep to: it is for us, from whom we know, and for a time.
pub(super) fn rules(issuer: &str, audience: &[&str]) -> Validation {
    let mut rules = Validation::default();
    rules.algorithms.clear();
    rules.leeway = LEEWAY;
    rules.validate_nbf = true;
    rules.set_issuer(&[issuer]);
    rules.set_audience(audience);
    rules.set_required_spec_claims(&["exp", "iss", "aud"]);
    rules
}

impl Jwt {
    pub fn new(source: Source, rules: Validation, user: String, scopes: Scopes) -> Jwt {
        Jwt {
            keys: Arc::new(Keys::new(source, rules)),
            user,
            scopes,
        }
    }

    /// Fetches the keys, without anybody waiting for it.
    pub fn begin(&self) {
        self.keys.begin();
    }

    /// Whose token that is.
    pub async fn caller(&self, token: &str, digest: Digest) -> Result<Caller, Problem> {
        let bad = |why: &str| Problem::BadToken(why.to_owned());
        let mut set = self.keys.current();
        let now = get_current_timestamp();
        if let Some(caller) = set.known(&digest, now) {
            return Ok(caller);
        }
        if token.len() > LONGEST {
            return Err(bad("the token is too long"));
        }
        // `none` and what is not known are no algorithms here.
        let header = decode_header(token).map_err(|_| bad("the token is not known"))?;
        if header.crit.is_some() {
            return Err(bad("the token needs what is not understood here"));
        }
        let id = header.kid.as_deref();
        let named = |key: &&super::keys::Key| id.is_none() || key.id.as_deref() == id;
        if !set.keys.iter().any(|key| named(&key)) {
            self.keys.renew().await;
            set = self.keys.current();
        }
        let mut keys = set.keys.iter().filter(named).peekable();
        if keys.peek().is_none() {
            return Err(bad("the key that the token is signed with is not known"));
        }
        let mut fitting = keys.filter(|key| key.allows(header.alg));
        let key = match (fitting.next(), fitting.next()) {
            (Some(key), None) => key,
            (None, _) => return Err(bad("the token is signed in a way that its key is not for")),
            (Some(_), Some(_)) => return Err(bad("the token does not tell which key it is signed with")),
        };
        let decoded = decode::<Map<String, Value>>(token, &key.key, &key.validation);
        let claims = decoded.map_err(|error| bad(why(error.kind())))?.claims;
        let caller = self.read(&claims)?;
        let expires = claims.get("exp").and_then(Value::as_f64).unwrap_or_default();
        set.remember(digest, caller.clone(), (expires as u64).saturating_add(LEEWAY));
        Ok(caller)
    }

    /// What claims say of a caller.
    fn read(&self, claims: &Map<String, Value>) -> Result<Caller, Problem> {
        // Without a user the caller would see the executions of all.
        let user = claim(claims, &self.user).and_then(Value::as_str);
        let Some(user) = user.filter(|user| !user.is_empty()) else {
            return Err(Problem::BadToken(format!(
                "the token has no claim `{}` with a user",
                self.user
            )));
        };
        let granted: Vec<&str> = match claim(claims, &self.scopes.claim) {
            Some(Value::String(words)) => words.split_ascii_whitespace().collect(),
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mut scopes = Scope::ALL.into_iter().zip(&self.scopes.words).rev();
        let scope = scopes.find(|(_, word)| granted.contains(&word.as_str()));
        let Some((scope, _)) = scope else {
            let [read, run, admin] = &self.scopes.words;
            let claim = &self.scopes.claim;
            return Err(Problem::Forbidden(format!(
                "the claim `{claim}` of the token has none of `{read}`, `{run}` and `{admin}`"
            )));
        };
        Ok(Caller {
            scope,
            user: Some(user.into()),
        })
    }
}

/// A claim by its name, or by the names of objects around it: `realm_access.roles`.
fn claim<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    claims.get(name).or_else(|| {
        let mut names = name.split('.');
        let first = claims.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    })
}

fn why(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidIssuer => "the token is from another issuer",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks one of the claims `exp`, `iss` and `aud`",
        ErrorKind::InvalidSignature => "the signature of the token is wrong",
        _ => "the token is not valid",
    }
}
