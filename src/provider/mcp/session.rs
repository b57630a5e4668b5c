//! A session with a server, and the process behind it, if there is one.

use std::time::Duration;

use rmcp::model::{ClientCapabilities, Implementation, InitializeRequestParams};
use rmcp::service::{ClientInitializeError, RunningService};
use rmcp::transport::IntoTransport;
use rmcp::{Peer, RoleClient, serve_client};

use super::child::Child;

/// How long a server may take to hear that a session has ended.
const GRACE: Duration = Duration::from_secs(2);

/// What this client says of itself: it takes no questions.
type Client = rmcp::model::ClientConfig;

pub(super) struct Session {
    // Closed first: a server that is spoken to no more may end by itself.
    service: RunningService<RoleClient, Client>,
    child: Option<Child>,
}

impl Session {
    /// Greets whoever is at the other end.
    pub async fn open<T, E, A>(
        transport: T,
        child: Option<Child>,
    ) -> Result<Session, (ClientInitializeError, Option<Child>)>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let told = Implementation::new("interpret", env!("CARGO_PKG_VERSION"));
        let client = InitializeRequestParams::new(ClientCapabilities::default(), told);
        match serve_client(client, transport).await {
            Ok(service) => Ok(Session { service, child }),
            Err(error) => Err((error, child)),
        }
    }

    pub fn peer(&self) -> &Peer<RoleClient> {
        self.service.peer()
    }

    pub fn is_open(&self) -> bool {
        !self.service.is_closed() && !self.service.peer().is_transport_closed()
    }

    /// Ends it, which takes no longer than a moment.
    pub async fn close(mut self) {
        // What is left of it ends when it is dropped.
        let _ = self.service.close_with_timeout(GRACE).await;
    }

    /// How its process came to an end, for people.
    pub async fn end(&self) -> Option<super::child::End> {
        match &self.child {
            Some(child) => Some(child.end().await),
            None => None,
        }
    }
}
