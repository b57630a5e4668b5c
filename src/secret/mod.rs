//! Secrets: their values are put into a call at the moment of acting, and taken out of what comes back.
//!
//! A secret is read from the environment variable of its name, if the operator grants that variable. Everywhere else
//! it is a reference ([`Sealed`]), so that no event, log or error can hold it; [`Secrets::redact`] is the second line
//! of defence, for values that the outside world sends back.
#![allow(
    clippy::disallowed_methods,
    reason = "secrets are read from the environment, as far as `permit` grants it"
)]

mod redact;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::data::{Data, Sealed};
use crate::permit::{Denied, Permit};
use redact::Known;

/// Where values of secrets come from.
type Source = Box<dyn Fn(&str) -> Result<Option<Arc<str>>, Denied> + Send + Sync>;

/// Values of secrets by name, and the memory of those that have been used.
pub struct Secrets {
    source: Source,
    used: Mutex<BTreeMap<Arc<str>, Known>>,
}

/// Why there is no value for a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The operator has not granted it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Nobody has set it.
    #[error("the secret `{0}` is not set; set the environment variable of that name")]
    Missing(Arc<str>),
}

impl Error {
    /// The stable code of the failure.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Denied(denied) => denied.code,
            Error::Missing(_) => "secret.missing",
        }
    }
}

impl Secrets {
    /// Secrets from the environment variables that a permit grants.
    pub fn from_environment(permit: Arc<Permit>) -> Secrets {
        Secrets::new(move |name| {
            permit.check_env(name)?;
            Ok(std::env::var(name).ok().map(Arc::from))
        })
    }

    /// Secrets from wherever an embedding program keeps them.
    pub fn new(source: impl Fn(&str) -> Result<Option<Arc<str>>, Denied> + Send + Sync + 'static) -> Secrets {
        Secrets {
            source: Box::new(source),
            used: Mutex::default(),
        }
    }

    /// The value with every secret in it.
    ///
    /// # Errors
    ///
    /// The first secret that has no value, or may not be read.
    pub fn reveal(&self, sealed: &Sealed) -> Result<Data, Error> {
        if let Sealed::Plain(data) = sealed {
            return Ok(data.clone());
        }
        for name in sealed.secrets() {
            let value = (self.source)(&name)?.ok_or_else(|| Error::Missing(name.clone()))?;
            let mut used = self.used();
            if used.get(&name).is_none_or(|known| known.value != value) {
                used.insert(name, Known::new(value));
            }
        }
        let used = self.used();
        sealed
            .reveal(&|name| used.get(name).map(|known| known.value.clone()))
            .map_err(Error::Missing)
    }

    /// The value with every used secret in it replaced by its name: plain, or encoded as in JSON, a URL or base64.
    pub fn redact(&self, data: &Data) -> Data {
        let used = self.used();
        match used.is_empty() {
            true => data.clone(),
            false => redact::data(&used, data),
        }
    }

    /// The same for a text.
    pub fn redact_text(&self, text: &str) -> String {
        redact::text(&self.used(), text).unwrap_or_else(|| text.to_owned())
    }

    /// How much at the end of a text may be the beginning of a used value, the rest of which is still to come.
    pub fn held_back(&self, text: &str) -> usize {
        redact::held_back(&self.used(), text)
    }

    /// A panic while the map is held leaves it whole: entries are put in one by one.
    fn used(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Known>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("used", &self.used().keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;
    use crate::data::Part;

    fn secrets() -> Secrets {
        Secrets::new(|name| match name {
            "KEY" => Ok(Some("p\u{e4}ss \"w\" /+word".into())),
            "FORBIDDEN" => Permit::nothing().check_env(name).map(|()| None),
            _ => Ok(None),
        })
    }

    fn sealed(name: &str) -> Sealed {
        Sealed::Text(vec![Part::Text("Bearer ".into()), Part::Secret(name.into())])
    }

    #[test]
    fn values_appear_only_when_they_are_revealed() {
        let secrets = secrets();
        assert_eq!(
            secrets.reveal(&sealed("KEY")),
            Ok(data!("Bearer p\u{e4}ss \"w\" /+word"))
        );
        assert_eq!(secrets.reveal(&sealed("OTHER")), Err(Error::Missing("OTHER".into())));
        let denied = secrets.reveal(&sealed("FORBIDDEN")).unwrap_err();
        assert_eq!(denied.code(), "permission.env");
        assert!(!format!("{secrets:?}").contains("word"));
    }

    #[test]
    fn used_values_are_taken_out_however_they_are_encoded() {
        let secrets = secrets();
        secrets.reveal(&sealed("KEY")).unwrap();
        let plain = "p\u{e4}ss \"w\" /+word";
        let json = serde_json::to_string(&format!("my {plain} here")).unwrap();
        let texts = [
            format!("key={plain}!"),
            json,
            "p%C3%A4ss%20%22w%22%20%2F%2Bword".to_owned(),
            "p%c3%a4ss+%22w%22+%2f%2bword".to_owned(),
            redact::base64(format!("user:{plain}").as_bytes(), false),
            redact::base64(format!("x{plain}yz").as_bytes(), true),
            redact::base64(plain.as_bytes(), false),
        ];
        for text in texts {
            let redacted = secrets.redact_text(&text);
            assert!(redacted.contains("[secret KEY]"), "{text} -> {redacted}");
        }
        let value = data!({ "echo": [plain, 1], "fine": "text" });
        assert_eq!(
            secrets.redact(&value),
            data!({ "echo": ["[secret KEY]", 1], "fine": "text" })
        );
    }
}
