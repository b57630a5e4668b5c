//! What starts workflows by itself: schedules and webhooks.
//!
//! A trigger is known by its workflow and by what it listens to, so it stays the same when others come and go; a
//! schedule that is changed is a new one, which begins now. Of several versions of a workflow the highest is started.

mod cron;
mod describe;
mod signature;
mod webhook;

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub(super) use cron::run as run_schedules;
pub(super) use describe::describe;
pub(super) use webhook::router as webhooks;

use super::catalog::Catalog;
use super::service::Service;
use crate::data::Data;
use crate::expr::{Build, EvalError, Names, Root};
use crate::graph::{Header, Name, Timestamp, Trigger, TriggerSource};
use crate::load::Loaded;

/// The label that tells which trigger has started an execution.
pub const STARTED_BY: &str = "interpret.trigger";

/// Paths of the server itself, which no webhook can have.
const TAKEN: [&str; 16] = [
    "/workflows",
    "/voltagent",
    "/foundry",
    "/openai",
    "/agents",
    "/msi/token",
    "/llamaindex",
    "/handlers",
    "/results",
    "/events",
    "/health",
    "/ready",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/executions",
];

/// A trigger that is served.
#[derive(Debug)]
pub(super) struct Armed {
    /// What it is known by, in the store and in labels.
    pub key: Name,
    /// The workflow it starts.
    pub workflow: Name,
    pub trigger: Trigger,
    /// The environment variables that the workflow may read.
    pub env: Data,
    /// The file and line it stands in, for the log.
    pub place: String,
}

impl Armed {
    /// The triggers of a workflow.
    pub fn all(loaded: &Loaded, header: &Header, env: &Data) -> Vec<Arc<Armed>> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let arm = |trigger: &Trigger| {
            let what = match &trigger.source {
                TriggerSource::Cron(cron) => {
                    let (text, zone) = (cron.schedule.text(), cron.schedule.zone());
                    format!("cron-{}", &hash(&[text, zone])[..12])
                }
                TriggerSource::Webhook(webhook) => format!("webhook-{}", &hash(&[&webhook.path])[..12]),
            };
            // Two schedules may be alike.
            let alike = seen.entry(what.clone()).or_default();
            *alike += 1;
            let key = match *alike {
                1 => format!("{}/{what}", header.id),
                number => format!("{}/{what}-{number}", header.id),
            };
            let file = loaded.sources.file(trigger.origin.file);
            Arc::new(Armed {
                key: key.into(),
                workflow: header.id.clone(),
                trigger: trigger.clone(),
                env: env.clone(),
                place: format!("{}:{}", file.name(), file.line_column(trigger.origin.start).line),
            })
        };
        header.triggers.iter().map(arm).collect()
    }

    /// The path of a webhook.
    fn path(&self) -> Option<&str> {
        match &self.trigger.source {
            TriggerSource::Webhook(webhook) => Some(&webhook.path),
            TriggerSource::Cron(_) => None,
        }
    }

    /// What the definition makes of a tick or delivery; absent is `None`.
    fn eval(&self, build: Option<&Build>, trigger: &Data, now: Timestamp) -> Result<Option<Data>, EvalError> {
        build.map(|build| build.eval(&self.names(trigger, now))).transpose()
    }

    fn names<'a>(&'a self, trigger: &'a Data, now: Timestamp) -> impl Names + 'a {
        move |root: &Root| match root {
            Root::Trigger => Some(trigger.clone()),
            Root::Env => Some(self.env.clone()),
            Root::Now => Some(Data::from(now.to_rfc3339())),
            _ => None,
        }
    }
}

/// What is wrong with the triggers of a workflow among the others that are served.
pub(super) fn conflicts<'a>(armed: impl Iterator<Item = &'a Arc<Armed>>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut paths: HashMap<&str, &Armed> = HashMap::new();
    for armed in armed {
        let TriggerSource::Webhook(webhook) = &armed.trigger.source else {
            continue;
        };
        let path = &*webhook.path;
        if is_taken(path) {
            wrong.push(format!(
                "{}: the webhook {path} is not served: the path is one of the server's own",
                armed.place
            ));
        } else if let Some(first) = paths.insert(path, armed) {
            wrong.push(format!(
                "{}: the webhook {path} is served in {} already",
                armed.place, first.place
            ));
            paths.insert(path, first);
        }
    }
    wrong
}

/// Whether a path is one of the server's own, or lies below one.
fn is_taken(path: &str) -> bool {
    let below = |taken: &str| {
        path.strip_prefix(taken)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    path == "/" || TAKEN.iter().any(|taken| below(taken))
}

/// How a trigger has been acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acted {
    /// An execution has begun.
    Started,
    /// It had been acted on before.
    Known,
    /// Passed over, as the definition says.
    Skipped,
    /// Nothing can begin: the definition, the input or the sender is wrong.
    Refused,
}

impl Acted {
    pub fn as_str(self) -> &'static str {
        match self {
            Acted::Started => "started",
            Acted::Known => "known",
            Acted::Skipped => "skipped",
            Acted::Refused => "refused",
        }
    }
}

impl Catalog {
    /// The webhooks; of those with the same path, the first counts.
    fn webhooks(&self) -> impl Iterator<Item = &Arc<Armed>> {
        let is_served = |armed: &&Arc<Armed>| armed.path().is_some_and(|path| !is_taken(path));
        self.triggers().filter(is_served)
    }
}

impl Service {
    /// How many schedules and webhooks are served.
    pub fn triggers(&self) -> (usize, usize) {
        let catalog = self.catalog();
        let all = catalog.triggers();
        let crons = all.filter(|armed| matches!(armed.trigger.source, TriggerSource::Cron(_)));
        let crons = crons.count();
        (crons, catalog.triggers().count() - crons)
    }

    /// When a schedule comes next, and the workflow it starts.
    pub fn next_tick(&self) -> Option<(Timestamp, Name)> {
        let now = self.driver().clock().now();
        let catalog = self.catalog();
        let next = |armed: &Arc<Armed>| match &armed.trigger.source {
            TriggerSource::Cron(cron) => Some((cron.schedule.after(now)?, armed.workflow.clone())),
            TriggerSource::Webhook(_) => None,
        };
        catalog.triggers().filter_map(next).min()
    }

    /// Whether requests to a path prove by a signature who sends them: whoever asks callers for tokens lets these through.
    pub fn is_signed(&self, path: &str) -> bool {
        self.webhook(path).is_some_and(|armed| match &armed.trigger.source {
            TriggerSource::Webhook(webhook) => webhook.secret.is_some(),
            TriggerSource::Cron(_) => false,
        })
    }

    /// The webhook with a path.
    fn webhook(&self, path: &str) -> Option<Arc<Armed>> {
        let catalog = self.catalog();
        let mut webhooks = catalog.webhooks();
        webhooks.find(|armed| armed.path() == Some(path)).cloned()
    }
}

fn hash(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
