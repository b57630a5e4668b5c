//! Workflows over HTTP.
//!
//! A [`Server`] serves workflows that were loaded, with a [`Driver`] that runs them. [`Server::router`] gives routes to
//! mount into an application of one's own; [`Server::listen`] serves them by themselves, with all that a server on its
//! own needs: limits, graceful ends, metrics. What can be done with workflows and executions is in [`Service`], which
//! knows no protocol; each protocol is a folder in `dialect`.
#![allow(clippy::disallowed_methods, reason = "a server has tasks, sockets and a clock")]

mod caller;
mod catalog;
mod dialect;
mod files;
mod finish;
mod forget;
mod guard;
mod listen;
mod metrics;
mod openapi;
mod operations;
mod outline;
mod problem;
mod receive;
mod refusal;
mod release;
mod service;
mod success;
mod trace;
mod trigger;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use caller::{Caller, Scope};
pub use catalog::{Catalog, Served};
pub use dialect::dify::{Dify, KeyError as DifyKeyError, Keys as DifyKeys, Statuses as DifyStatuses};
pub use guard::{Access, AccessError, Auth, new_token};
pub use problem::Problem;
pub use service::{Begin, Look, Service};
pub use trigger::STARTED_BY;

use crate::data::Data;
use crate::drive::{Driver, Live};
use crate::graph::Program;
use crate::load::Loaded;
use crate::permit::Permit;
use crate::secret::Secrets;
use crate::store;
use guard::{Guard, Guarding, Keyed, Signed};
use metrics::Metrics;

/// How often what is served is kept again.
const KEEP: Duration = Duration::from_secs(3600);
/// How soon after one another it is looked for executions to forget.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// What a server may be told besides its workflows.
pub struct Settings {
    /// The environment variables that a program may read.
    pub environment: Box<dyn Fn(&Program) -> Data + Send + Sync>,
    /// Where the text of agents comes from while it comes: give its [`Live::sink`] to the models.
    pub live: Live,
    /// For how long executions are kept that are over; for ever by default.
    pub keep: Option<Duration>,
    /// The secrets that deliveries of webhooks are signed with.
    pub secrets: Arc<Secrets>,
    /// How many executions may go on at once; more are refused until some are over or wait.
    pub most_running: usize,
    /// The largest body of a request, in bytes.
    pub largest_body: usize,
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// How many headers a request may have; beyond 100 it is not even parsed.
    pub most_headers: usize,
    /// How large the head of a request may be, in bytes.
    pub largest_head: usize,
    /// How long the head of a request may take to arrive, and how long a connection may wait for its next request.
    pub head_time: Duration,
    /// How many connections may be open at once.
    pub most_connections: usize,
    /// How many wrong tokens an address may send in a minute before it is told to wait.
    pub most_failures: u32,
    /// How long calls in flight and open requests may take when the server ends.
    pub drain: Duration,
    /// What Dify's protocol needs to know besides.
    pub dify: Dify,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            environment: Box::new(catalog::nothing),
            live: Live::default(),
            keep: None,
            secrets: Arc::new(Secrets::from_environment(Arc::new(Permit::nothing()))),
            most_running: 100_000,
            largest_body: 4 * 1024 * 1024,
            body_time: Duration::from_secs(30),
            most_headers: 64,
            largest_head: 32 * 1024,
            head_time: Duration::from_secs(10),
            most_connections: 16_384,
            most_failures: 20,
            drain: Duration::from_secs(10),
            dify: Dify::default(),
        }
    }
}

/// Serves workflows. Cloning it is a reference count.
#[derive(Clone)]
pub struct Server {
    service: Arc<Service>,
    limits: Limits,
    metrics: Arc<Metrics>,
    /// Whether the server is about to end.
    stopping: watch::Sender<bool>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    most_headers: usize,
    largest_head: usize,
    head_time: Duration,
    most_connections: usize,
    most_failures: u32,
    drain: Duration,
    keep: Option<Duration>,
}

impl Limits {
    fn of(settings: &Settings) -> Limits {
        Limits {
            most_headers: settings.most_headers,
            largest_head: settings.largest_head,
            head_time: settings.head_time,
            most_connections: settings.most_connections,
            most_failures: settings.most_failures,
            drain: settings.drain,
            keep: settings.keep,
        }
    }
}

impl Server {
    /// A server that runs workflows with a driver; it serves none yet, see [`Service::serve`].
    pub fn new(driver: Driver, settings: Settings) -> Server {
        let stopping = watch::Sender::new(false);
        let limits = Limits::of(&settings);
        Server {
            service: Arc::new(Service::new(driver, settings, stopping.subscribe())),
            limits,
            metrics: Arc::new(Metrics::new()),
            stopping,
        }
    }

    /// What can be done with workflows and executions.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Serves what was loaded from now on; a shorthand for [`Service::serve`].
    ///
    /// # Errors
    ///
    /// When the store does not keep the definitions.
    pub async fn serve(&self, loaded: &Loaded) -> Result<Vec<String>, store::Error> {
        self.service.serve(loaded).await
    }

    /// The routes of all protocols, to be mounted into an application. Who may ask is up to that application; a
    /// [`Caller`] among the extensions of a request tells who it is, without one it is somebody on this machine.
    pub fn router(&self) -> Router {
        dialect::mount(self.service.clone()).layer(trace::Traced)
    }

    /// The webhooks of what is served at the moment, at whatever paths, and what clients of Foundry's projects ask for behind
    /// any prefix, to be the fallback of an application. Webhooks with a
    /// secret are open to everybody who can sign; for others the same holds as for [`Server::router`].
    pub fn webhooks(&self) -> Router {
        trigger::webhooks(self.service.clone(), self.metrics.clone()).layer(trace::Traced)
    }

    /// Acts on the schedules of what is served, until [`Server::stop`]; [`Server::listen`] does so by itself.
    pub async fn tick(&self) {
        trigger::run_schedules(self.service.clone(), self.metrics.clone()).await;
    }

    /// Serves by itself, until [`Server::stop`]: the protocols, and the routes of operations; who may ask is up to
    /// `access`. Executions that were going on when the store was last used go on, and those that wait are woken.
    ///
    /// # Errors
    ///
    /// When it would listen beyond this machine without asking who is there, or cannot listen, or the store does not
    /// tell what was going on.
    pub async fn listen(&self, listener: TcpListener, access: Access) -> Result<(), ListenError> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() && access.is_open() {
            return Err(ListenError::Open(address));
        }
        let recovered = self.service.driver().recover_all().await?;
        for (execution, error) in &recovered.set_aside {
            tracing::warn!(%execution, %error, "an execution is set aside");
        }
        let tending = tokio::spawn(tend(self.service.clone(), self.limits.keep));
        let ticking = tokio::spawn(trigger::run_schedules(self.service.clone(), self.metrics.clone()));
        let cors = access.cors();
        let service = self.service.clone();
        let signed = Signed(Box::new(move |path| service.is_signed(path)));
        let service = self.service.clone();
        let keyed = Keyed(Box::new(move |route, headers| {
            dialect::caller(&service, route, headers)
        }));
        let guard = Guard::new(access, address, self.limits, self.metrics.clone(), signed, keyed);
        let guard = Arc::new(guard);
        let mut router = self
            .router()
            .merge(operations::router(
                self.service.clone(),
                self.metrics.clone(),
                self.stopping.subscribe(),
            ))
            .fallback_service(self.webhooks())
            .layer(Guarding(guard.clone()));
        if let Some(cors) = cors {
            // Browsers ask beforehand without a token, and are told why something was refused as well.
            let preflight = axum::middleware::from_fn_with_state(guard, guard::preflight);
            router = router.layer(cors).layer(preflight);
        }
        let accepting = listen::listen(listener, router, self.limits, self.stopping.subscribe());
        let driver = self.service.driver().clone();
        let mut stopping = self.stopping.subscribe();
        let patience = self.limits.drain;
        let draining = async move {
            listen::stopped(&mut stopping).await;
            driver.drain(patience).await;
        };
        let (accepted, ()) = tokio::join!(accepting, draining);
        accepted?;
        tending.abort();
        ticking.abort();
        Ok(())
    }

    /// Makes [`Server::listen`] come to an end: nothing more is accepted, calls in flight may end, and what is still to
    /// be done is on disk.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }
}

/// Why a server does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Everybody could reach it, and nobody would be asked who they are.
    #[error("{0} can be reached from other machines, and nobody would be asked who they are")]
    Open(std::net::SocketAddr),
    /// The socket cannot be used.
    #[error("the socket cannot be used: {0}")]
    Socket(#[from] std::io::Error),
    /// The store does not tell what was going on.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What has to be done all the time.
async fn tend(service: Arc<Service>, keep: Option<Duration>) {
    let driver = service.driver();
    let keeping = async {
        loop {
            tokio::time::sleep(KEEP).await;
            if let Err(error) = service.keep().await {
                tracing::warn!(%error, "the definitions could not be kept again");
            }
        }
    };
    let forgetting = async {
        let Some(keep) = keep else { return };
        loop {
            match service.expire(keep).await {
                Ok(0) => {}
                Ok(executions) => tracing::info!(executions, "what has been over for long is forgotten"),
                Err(error) => tracing::warn!(%error, "what has been over for long could not be forgotten"),
            }
            tokio::time::sleep((keep / 10).clamp(SHORTEST_PAUSE, KEEP)).await;
        }
    };
    let report = |execution: &crate::graph::Name, error: &crate::drive::Error| {
        tracing::warn!(%execution, %error, "an execution is set aside");
    };
    tokio::join!(driver.tend(report), driver.heed(), keeping, forgetting);
}
