//! One configured server: opened when it is needed, asked, and opened again when it is gone.

use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceError;
use rmcp::model::{CallToolRequestParams, CallToolResponse, RequestMetaObject};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::answer;
use super::session::Session;
use super::{child, web};
use crate::config::{McpServer, McpWay};
use crate::data::Data;
use crate::graph::Name;
use crate::permit::Permit;
use crate::provider::Effect;
use crate::run::{Failure, McpRequest};
use crate::secret::Secrets;

/// Where a call carries its idempotency key.
const KEY: &str = "interpret/idempotencyKey";

pub(super) struct Server {
    name: Name,
    config: McpServer,
    permit: Arc<Permit>,
    secrets: Arc<Secrets>,
    /// Held while it is opened, so that whoever comes meanwhile waits for that and opens no other.
    session: Mutex<Option<Arc<Session>>>,
}

impl Server {
    pub fn new(name: Name, config: McpServer, permit: Arc<Permit>, secrets: Arc<Secrets>) -> Server {
        Server {
            name,
            config,
            permit,
            secrets,
            session: Mutex::default(),
        }
    }

    /// Whether this is its address, as far as that is no secret.
    pub fn is_at(&self, url: &str) -> bool {
        let McpWay::Http { url: own, .. } = &self.config.way else {
            return false;
        };
        let own = own.plain().and_then(Data::as_str);
        own.is_some_and(|own| own.trim_end_matches('/') == url.trim_end_matches('/'))
    }

    /// Calls a tool. Who drops this has the server told that nobody waits for the answer any more.
    pub async fn call(&self, request: &McpRequest, effect: &Effect) -> Result<Option<Data>, Failure> {
        let session = self.session().await?;
        let arguments = match self.secrets.reveal(&request.arguments).await? {
            Data::Null => None,
            arguments => match serde_json::to_value(&arguments) {
                Ok(Value::Object(arguments)) => Some(arguments),
                _ => {
                    let message = format!("`arguments` needs an object, not {}", arguments.a_kind());
                    return Err(Failure::new("expression.type", message));
                }
            },
        };
        let mut meta = RequestMetaObject::new();
        meta.0.0.insert(KEY.to_owned(), Value::from(effect.key()));
        if let Some(trace) = effect.trace {
            meta.0
                .0
                .insert("traceparent".to_owned(), Value::from(trace.to_string()));
        }
        let mut params = CallToolRequestParams::new(request.tool.to_string());
        params.arguments = arguments;
        params.meta = Some(meta);
        match session.peer().call_tool_once(params).await {
            Ok(CallToolResponse::Complete(result)) => answer::result(&request.tool, result),
            Ok(_) => {
                let what = format!("wants more for `{}` than a call can give", request.tool);
                Err(answer::protocol(&self.name, &what))
            }
            Err(error) => Err(self.failure(&session, error).await),
        }
    }

    /// What tools it has, as the model of an agent is told of them.
    pub async fn tools(&self) -> Result<Data, Failure> {
        let session = self.session().await?;
        match timeout(self.patience(), session.peer().list_all_tools()).await {
            Ok(Ok(tools)) => Ok(answer::tools(tools)),
            Ok(Err(error)) => Err(self.failure(&session, error).await),
            Err(_) => Err(self.too_slow("tell of its tools")),
        }
    }

    async fn session(&self) -> Result<Arc<Session>, Failure> {
        let mut kept = self.session.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| session.is_open()) {
            return Ok(session.clone());
        }
        // What is left of the last one ends before the next begins.
        *kept = None;
        let opening = async {
            match &self.config.way {
                McpWay::Process {
                    program,
                    arguments,
                    env,
                    folder,
                } => {
                    let command = child::command(program, folder, arguments, env, &self.permit, &self.secrets);
                    child::open(&self.name, program, command.await?).await
                }
                McpWay::Http { url, headers } => web::open(&self.name, url, headers, &self.permit, &self.secrets).await,
            }
        };
        let opened = timeout(self.patience(), opening).await;
        let session = Arc::new(opened.map_err(|_| self.too_slow("open"))??);
        *kept = Some(session.clone());
        Ok(session)
    }

    /// Ends the session, if there is one and nobody uses it any more: a server at an address is told, and one that is a
    /// process ends.
    pub async fn close(&self) {
        let kept = self.session.lock().await.take();
        if let Some(session) = kept.and_then(Arc::into_inner) {
            session.close().await;
        }
    }

    /// What became of a call that was not answered. A session that failed it is not used again.
    async fn failure(&self, session: &Arc<Session>, error: ServiceError) -> Failure {
        if !answer::is_answer(&error) {
            let mut kept = self.session.lock().await;
            if kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, session)) {
                *kept = None;
            }
        }
        let end = match error {
            ServiceError::TransportClosed | ServiceError::TransportSend(_) => session.end().await,
            _ => None,
        };
        answer::failure(&self.name, error, end)
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(self.config.timeout.0)
    }

    fn too_slow(&self, what: &str) -> Failure {
        let message = format!(
            "the MCP server `{}` took longer than {} ms to {what}; its `timeout` in interpret.yaml says how long it may",
            self.name, self.config.timeout.0
        );
        Failure::new("mcp.timeout", message)
    }
}
