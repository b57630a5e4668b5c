//! What goes wrong in a run, as a value.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::{Data, Map};
use crate::expr::EvalError;
use crate::graph::Name;

/// An error of a run: `{ code, message, step, attempt, data, cause }` to the author.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The stable code: one of those in the documentation, or what `fail` was given.
    pub code: Name,
    /// What people read.
    pub message: Name,
    /// The step it arose in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Name>,
    /// The attempt it arose in, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What programs read.
    #[serde(default, skip_serializing_if = "Data::is_null")]
    pub data: Data,
    /// How long the other side asked to wait before a repetition, in milliseconds (`Retry-After`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The error that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Arc<Failure>>,
    /// The part of an expression that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Box<Excerpt>>,
}

/// A part of an expression or template, for whoever shows an error to its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The expression or template as it was written.
    pub text: Name,
    /// The bytes in it.
    pub range: std::ops::Range<usize>,
}

/// Longer expressions are not kept with an error.
const LONGEST_EXCERPT: usize = 4096;

impl Failure {
    /// A failure with a code and a message.
    pub fn new(code: impl Into<Name>, message: impl Into<Name>) -> Failure {
        Failure {
            code: code.into(),
            message: message.into(),
            step: None,
            attempt: None,
            data: Data::Null,
            retry_after: None,
            cause: None,
            excerpt: None,
        }
    }

    /// The same with data for programs.
    pub fn with_data(mut self, data: Data) -> Failure {
        self.data = data;
        self
    }

    /// The same with the error that led to it.
    pub fn caused_by(mut self, cause: Arc<Failure>) -> Failure {
        self.cause = Some(cause);
        self
    }

    /// The same, arisen while another error was being handled, which is the last of its causes then. An error that is
    /// raised again stays what it was.
    pub fn handling(mut self, handled: &Arc<Failure>) -> Failure {
        if self.to_data() == handled.to_data() {
            return Failure::clone(handled);
        }
        self.cause = Some(match self.cause.take() {
            Some(cause) => Arc::new(Failure::clone(&cause).handling(handled)),
            None => handled.clone(),
        });
        self
    }

    /// The same with its place, unless it has one already.
    pub fn at(mut self, step: &Name, attempt: u32) -> Failure {
        if self.step.is_none() {
            self.step = Some(step.clone());
            self.attempt = Some(attempt);
        }
        self
    }

    /// As authors see it in `error`.
    pub fn to_data(&self) -> Data {
        let mut entries: Vec<(Name, Data)> = vec![
            ("code".into(), Data::Text(self.code.clone())),
            ("message".into(), Data::Text(self.message.clone())),
            ("step".into(), self.step.clone().map_or(Data::Null, Data::Text)),
            (
                "attempt".into(),
                self.attempt.map_or(Data::Null, |attempt| Data::Int(attempt.into())),
            ),
            ("data".into(), self.data.clone()),
        ];
        entries.push((
            "cause".into(),
            self.cause.as_ref().map_or(Data::Null, |cause| cause.to_data()),
        ));
        Data::Map(Arc::new(entries.into_iter().collect::<Map>()))
    }

    /// The failure behind a value that [`Failure::to_data`] made, for `fail: =error`; `None` if it has no code.
    pub fn from_data(data: &Data) -> Option<Failure> {
        let text = |key: &str| match data.get(key) {
            Some(Data::Text(text)) => Some(text.clone()),
            _ => None,
        };
        Some(Failure {
            code: text("code")?,
            message: text("message").unwrap_or_else(|| "".into()),
            step: text("step"),
            attempt: data
                .get("attempt")
                .and_then(Data::as_i64)
                .and_then(|attempt| u32::try_from(attempt).ok()),
            data: data.get("data").cloned().unwrap_or(Data::Null),
            retry_after: None,
            cause: data.get("cause").and_then(Failure::from_data).map(Arc::new),
            excerpt: None,
        })
    }
}

impl From<EvalError> for Failure {
    fn from(error: EvalError) -> Failure {
        let excerpt = match (error.text, error.range) {
            (Some(text), Some(range)) if text.len() <= LONGEST_EXCERPT => Some(Box::new(Excerpt { text, range })),
            _ => None,
        };
        Failure {
            excerpt,
            ..Failure::new(error.code, error.message)
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
