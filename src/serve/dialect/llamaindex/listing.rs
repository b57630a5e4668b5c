//! Which handlers there are.

use std::collections::HashSet;

use super::handler::{Handler, id, status};
use crate::graph::Name;
use crate::serve::caller::Caller;
use crate::serve::problem::Problem;
use crate::serve::service::Service;
use crate::store::{Entry, Filter};

/// How many handlers are told: the youngest.
const MOST: usize = 1000;
/// Among how many executions they are looked for.
const LOOKED_AT: usize = 10_000;
const PAGE: usize = 500;

/// What is asked for; what is empty does not matter.
#[derive(Debug, Default)]
pub(super) struct Asked {
    statuses: Vec<String>,
    workflows: Vec<String>,
}

impl Asked {
    /// Reads a query: each key may be repeated. Clients send an empty value for what they do not ask for.
    pub fn read(query: Vec<(String, String)>) -> Asked {
        let mut asked = Asked::default();
        for (key, value) in query {
            match key.as_str() {
                _ if value.is_empty() => {}
                "status" => asked.statuses.push(value),
                "workflow_name" => asked.workflows.push(value),
                _ => {}
            }
        }
        asked
    }

    fn wants(&self, entry: &Entry) -> bool {
        let among = |wanted: &[String], found: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == found);
        among(&self.statuses, status(entry.head.status)) && among(&self.workflows, &entry.head.workflow)
    }
}

/// The handlers that are asked for, in the order in which they began.
pub(super) async fn handlers(service: &Service, caller: &Caller, asked: &Asked) -> Result<Vec<Handler>, Problem> {
    let mut seen: HashSet<Name> = HashSet::new();
    let mut found: Vec<Entry> = Vec::new();
    let mut filter = Filter {
        limit: Some(PAGE),
        ..Filter::default()
    };
    for _ in 0..LOOKED_AT / PAGE {
        let page = service.list(caller, filter.clone()).await?;
        let Some(last) = page.last() else { break };
        filter.after = Some((last.started_at, last.run.clone()));
        let whole = page.len() == PAGE;
        // The newest execution of a handler comes first, and is all that is told of it.
        let newest = page.into_iter().filter(|entry| seen.insert(id(entry).clone()));
        found.extend(newest.filter(|entry| asked.wants(entry)));
        if !whole || found.len() >= MOST {
            break;
        }
    }
    found.truncate(MOST);
    let mut handlers = Vec::with_capacity(found.len());
    for entry in found.iter().rev() {
        handlers.push(Handler::of(service, entry).await);
    }
    Ok(handlers)
}
