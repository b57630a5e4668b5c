//! What starts a workflow by itself (rule 39); the server acts on it.

use super::{Name, Schedule};
use crate::expr::Build;
use crate::source::Span;

/// A schedule or a webhook, with what its runs begin with.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// What it is.
    pub source: TriggerSource,
    /// The input of the run.
    pub input: Option<Build>,
    /// The id of the run; a used one starts nothing.
    pub run_id: Option<Build>,
    /// Where it was written.
    pub origin: Span,
}

/// What a trigger listens to.
#[derive(Clone, Debug)]
pub enum TriggerSource {
    /// The clock.
    Cron(Box<Cron>),
    /// Requests.
    Webhook(Webhook),
}

/// Starts at certain times.
#[derive(Clone, Debug)]
pub struct Cron {
    /// When.
    pub schedule: Schedule,
    /// What happens when a run of before is not over.
    pub overlap: Overlap,
    /// What happens about times that were missed.
    pub catch_up: CatchUp,
}

/// What happens at a time at which a run of the same trigger is not over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Nothing: this time is passed over.
    #[default]
    Skip,
    /// The new run begins when that one is over.
    Queue,
    /// The new run begins beside it.
    Allow,
}

/// What happens about times that were missed, because no server was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// Nothing.
    None,
    /// One run for the last of them.
    #[default]
    Last,
    /// One run for each, one after the other.
    All,
}

/// Starts when a request comes in.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The path of its address.
    pub path: Name,
    /// The methods it answers.
    pub methods: Vec<Method>,
    /// The secret that deliveries are signed with.
    pub secret: Option<Build>,
    /// How they are signed.
    pub signature: Signature,
    /// What the sender is told.
    pub respond: Respond,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// The form of a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signature {
    /// That of Standard Webhooks: over id, time and body.
    #[default]
    Standard,
    /// That of GitHub: over the body.
    Github,
}

/// What the sender of a webhook is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Respond {
    /// As soon as the run is stored, its id.
    #[default]
    Accepted,
    /// When it is over or waits, what it has come to.
    Result,
}
