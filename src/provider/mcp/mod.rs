//! Tools of MCP servers.
//!
//! A server is opened when it is first needed and kept for the process, so that calls of all runs share one session. One
//! that is gone is opened anew by the next call.

mod answer;
mod child;
mod lines;
mod server;
mod session;
mod web;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;

use super::{Closing, Effect, Performing, Provider, failed, redact};
use crate::config::{Config, McpServer};
use crate::data::{Data, Sealed};
use crate::diagnostic::closest;
use crate::graph::Name;
use crate::permit::Permit;
use crate::run::{Answer, Failure, McpAddress, Outcome, Request};
use crate::secret::Secrets;
use server::Server;

/// The MCP servers of a configuration.
///
/// Its failures: `mcp.unavailable`, `mcp.protocol`, `mcp.tool` and `mcp.timeout`, and those of permissions and secrets.
pub struct Mcp {
    servers: BTreeMap<Name, Arc<Server>>,
    /// Those that workflows know the address of, as far as they were called, by address and headers.
    met: Mutex<HashMap<String, Arc<Server>>>,
    permit: Arc<Permit>,
    secrets: Arc<Secrets>,
}

/// How many servers that only workflows know are kept open.
const MOST_MET: usize = 64;

impl Mcp {
    /// The servers of a configuration, of which none is opened yet, within the bounds of a permit.
    pub fn new(config: &Config, permit: &Arc<Permit>, secrets: &Arc<Secrets>) -> Mcp {
        let server = |(name, config): (&Name, &McpServer)| {
            let server = Server::new(name.clone(), config.clone(), permit.clone(), secrets.clone());
            (name.clone(), Arc::new(server))
        };
        Mcp {
            servers: config.mcp.iter().map(server).collect(),
            met: Mutex::default(),
            permit: permit.clone(),
            secrets: secrets.clone(),
        }
    }

    /// A server by its address: one of the configuration with the same name or address, or else whatever is there.
    fn at(&self, name: &Name, at: &McpAddress) -> Arc<Server> {
        let same = |server: &&Arc<Server>| server.is_at(&at.url);
        if let Some(server) = self.servers.get(name).or_else(|| self.servers.values().find(same)) {
            return server.clone();
        }
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let key = format!("{} {:?}", at.url, at.headers);
        if let Some(server) = met.get(&key) {
            return server.clone();
        }
        if met.len() >= MOST_MET {
            met.clear();
        }
        let config = McpServer::at(Sealed::Plain(Data::Text(at.url.clone())), at.headers.clone());
        let server = Server::new(name.clone(), config, self.permit.clone(), self.secrets.clone());
        met.entry(key).or_insert(Arc::new(server)).clone()
    }

    fn find(&self, name: &Name) -> Result<Arc<Server>, Failure> {
        self.servers.get(name).cloned().ok_or_else(|| {
            let known = self.servers.keys().map(|known| &**known);
            let meant = match closest(name, known) {
                Some(known) => format!("did you mean `{known}`?"),
                None => "add it to `mcp` in interpret.yaml".to_owned(),
            };
            let message = format!("no MCP server `{name}` is configured; {meant}");
            Failure::new("mcp.unavailable", message)
        })
    }
}

impl Provider for Mcp {
    fn perform(&self, effect: Effect) -> Performing {
        let (name, at) = match &*effect.call.request {
            Request::Mcp(request) => (&request.server, &request.at),
            Request::McpTools(request) => (&request.server, &request.at),
            _ => {
                let failure = Failure::new("internal", "this is no call of an MCP server");
                return std::future::ready(failed(failure)).boxed();
            }
        };
        let found = match at {
            Some(at) => Ok(self.at(name, at)),
            None => self.find(name),
        };
        let server = match found {
            Ok(server) => server,
            Err(failure) => return std::future::ready(failed(failure)).boxed(),
        };
        let secrets = self.secrets.clone();
        async move {
            // What opens a server holds secrets too, so whatever comes back is searched for them.
            redact(&secrets, outcome(perform(&server, &effect).await))
        }
        .boxed()
    }

    fn close(&self) -> Closing<'_> {
        let closing = self.servers.values().map(|server| server.close());
        futures_util::future::join_all(closing).map(drop).boxed()
    }
}

async fn perform(server: &Server, effect: &Effect) -> Result<Option<Data>, Failure> {
    match &*effect.call.request {
        Request::Mcp(request) => server.call(request, effect).await,
        _ => server.tools().await.map(Some),
    }
}

fn outcome(result: Result<Option<Data>, Failure>) -> Outcome {
    match result {
        Ok(result) => Outcome::Done(Answer { result, response: None }),
        Err(failure) => failed(failure),
    }
}

impl fmt::Debug for Mcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mcp")
            .field("servers", &self.servers.keys())
            .finish_non_exhaustive()
    }
}
