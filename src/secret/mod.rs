//! Secrets: their values are put into a call at the moment of acting, and taken out of what comes back.
//!
//! A secret is read from the environment variable of its name, from a `.env` file or of a command, as the configuration
//! says, and if the operator grants that name. Everywhere else it is a reference ([`Sealed`]), so that no event, log or
//! error can hold it; [`Secrets::redact`] is the second line of defence, for values that the outside world sends back.
#![allow(
    clippy::disallowed_methods,
    reason = "secrets are read from the environment, a file and a command, as far as `permit` grants it"
)]

mod dotenv;
mod redact;
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::SecretSources;
use crate::data::{Data, Sealed};
use crate::permit::{Denied, Permit};
use redact::Known;

/// What an embedding program answers for a name.
type Given = dyn Fn(&str) -> Result<Option<Arc<str>>, Denied> + Send + Sync;

/// Where values of secrets come from.
enum Source {
    /// From wherever an embedding program keeps them.
    Given(Box<Given>),
    /// From where the configuration says.
    Configured(Box<source::Sources>),
}

/// Values of secrets by name, and the memory of those that have been used.
pub struct Secrets {
    source: Source,
    used: Mutex<BTreeMap<Arc<str>, Known>>,
}

/// Why there is no value for a secret. No message holds a value, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The operator has not granted it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Nobody has set it.
    #[error("the secret `{name}` is not set; set the environment variable of that name{}", or_in(.file.as_deref()))]
    Missing {
        /// Its name.
        name: Arc<str>,
        /// The file where it was looked for besides.
        file: Option<String>,
    },
    /// The file with secrets cannot be read.
    #[error("the file with secrets {path}{} {why}", at_line(*.line))]
    File {
        /// The file.
        path: String,
        /// The line of it, from 1 on.
        line: Option<usize>,
        /// What is wrong.
        why: String,
    },
    /// The command has no value.
    #[error(
        "the secret `{name}` cannot be had of `{command}`: it {why}; run it by hand to see more, or set the environment \
         variable of that name"
    )]
    Command {
        /// Its name.
        name: Arc<str>,
        /// The command, as it was called.
        command: String,
        /// What is wrong.
        why: String,
    },
    /// The command is not asked for names like this.
    #[error("no command is asked for the secret `{0}`, whose name has other characters than letters, digits and `_`")]
    Name(Arc<str>),
}

fn or_in(file: Option<&str>) -> String {
    file.map(|file| format!(", or write it into {file}"))
        .unwrap_or_default()
}

fn at_line(line: Option<usize>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}

impl Error {
    /// The stable code of the failure.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Denied(denied) => denied.code,
            Error::Missing { .. } => "secret.missing",
            Error::File { .. } => "secret.file",
            Error::Command { .. } => "secret.command",
            Error::Name(_) => "secret.name",
        }
    }
}

impl Secrets {
    /// Secrets from the environment variables that a permit grants.
    pub fn from_environment(permit: Arc<Permit>) -> Secrets {
        Secrets::configured(permit, SecretSources::default())
    }

    /// Secrets from the environment, and from where the configuration says besides, as far as a permit grants them.
    pub fn configured(permit: Arc<Permit>, sources: SecretSources) -> Secrets {
        Secrets::of(Source::Configured(Box::new(source::Sources::new(permit, sources))))
    }

    /// Secrets from wherever an embedding program keeps them.
    pub fn new(source: impl Fn(&str) -> Result<Option<Arc<str>>, Denied> + Send + Sync + 'static) -> Secrets {
        Secrets::of(Source::Given(Box::new(source)))
    }

    fn of(source: Source) -> Secrets {
        Secrets {
            source,
            used: Mutex::default(),
        }
    }

    /// The value with every secret in it.
    ///
    /// # Errors
    ///
    /// The first secret that has no value, or may not be read.
    pub async fn reveal(&self, sealed: &Sealed) -> Result<Data, Error> {
        if let Sealed::Plain(data) = sealed {
            return Ok(data.clone());
        }
        for name in sealed.secrets() {
            let value = self.value(&name).await?;
            let mut used = self.used();
            if used.get(&name).is_none_or(|known| known.value != value) {
                used.insert(name, Known::new(value));
            }
        }
        let used = self.used();
        sealed
            .reveal(&|name| used.get(name).map(|known| known.value.clone()))
            .map_err(missing)
    }

    async fn value(&self, name: &Arc<str>) -> Result<Arc<str>, Error> {
        match &self.source {
            Source::Given(source) => source(name)?.ok_or_else(|| missing(name.clone())),
            Source::Configured(sources) => sources.value(name).await,
        }
    }

    /// The value with every used secret in it replaced by its name: plain, or encoded as in JSON, a URL or
    /// base64, and those within one another.
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

    /// Whether any value has been used, so that there is something to look for.
    pub fn any_used(&self) -> bool {
        !self.used().is_empty()
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

fn missing(name: Arc<str>) -> Error {
    Error::Missing { name, file: None }
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
    use base64::Engine;

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

    #[tokio::test]
    async fn values_appear_only_when_they_are_revealed() {
        let secrets = secrets();
        assert_eq!(
            secrets.reveal(&sealed("KEY")).await,
            Ok(data!("Bearer p\u{e4}ss \"w\" /+word"))
        );
        assert_eq!(secrets.reveal(&sealed("OTHER")).await, Err(missing("OTHER".into())));
        let denied = secrets.reveal(&sealed("FORBIDDEN")).await.unwrap_err();
        assert_eq!(denied.code(), "permission.env");
        assert!(!format!("{secrets:?}").contains("word"));
    }

    #[tokio::test]
    async fn used_values_are_taken_out_however_they_are_encoded() {
        let secrets = secrets();
        secrets.reveal(&sealed("KEY")).await.unwrap();
        let plain = "p\u{e4}ss \"w\" /+word";
        let json = serde_json::to_string(&format!("my {plain} here")).unwrap();
        let texts = [
            format!("key={plain}!"),
            json,
            "p%C3%A4ss%20%22w%22%20%2F%2Bword".to_owned(),
            "p%c3%a4ss+%22w%22+%2f%2bword".to_owned(),
            base64::prelude::BASE64_STANDARD.encode(format!("user:{plain}")),
            base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(format!("x{plain}yz")),
            base64::prelude::BASE64_STANDARD.encode(plain),
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
