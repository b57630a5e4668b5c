//! Telemetry: traces and metrics of runs for OpenTelemetry, sent by OTLP over HTTP.
//!
//! Runs are followed where their events are published, so what is told is what is stored. Nothing here can change a run,
//! hold it up or make it fail. Without an endpoint in the environment there is nothing of it at all.
#![allow(
    clippy::disallowed_methods,
    reason = "the usual variables of the environment say where telemetry goes, and a task of its own sends it"
)]

mod calls;
mod export;
mod message;
mod metrics;
mod settings;
mod span;
mod trace;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use calls::Connections;
use export::Gathered;
use settings::Settings;
use trace::Trace;

use crate::clock::Clock;
use crate::config::Config;
use crate::drive::{Following, Observer};
use crate::graph::{Name, Program, Timestamp};

/// Tells a collector of the runs of a driver.
pub struct Telemetry {
    settings: Arc<Settings>,
    connections: Arc<Connections>,
    gathered: Gathered,
}

impl Telemetry {
    /// Telemetry as the environment asks for it, if it does; what connections to models are is in the configuration.
    ///
    /// # Errors
    ///
    /// A variable with a value that has no meaning, and what to write instead.
    pub fn from_environment(config: &Config, clock: Arc<dyn Clock>) -> Result<Option<Telemetry>, String> {
        Telemetry::read(&|name| std::env::var(name).ok(), config, clock)
    }

    /// The same with variables from elsewhere.
    ///
    /// # Errors
    ///
    /// As of [`Telemetry::from_environment`].
    pub fn read(
        environment: &dyn Fn(&str) -> Option<String>,
        config: &Config,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Telemetry>, String> {
        let settings = Settings::read(environment)?.map(Arc::new);
        Ok(settings.map(|settings| Telemetry {
            connections: Arc::new(Connections::of(config)),
            gathered: Gathered::new(settings.clone(), clock),
            settings,
        }))
    }
}

impl Observer for Telemetry {
    fn follow(&self, run: &Name, program: &Arc<Program>) -> Box<dyn Following> {
        Box::new(Trace::new(
            self.settings.clone(),
            self.connections.clone(),
            self.gathered.clone(),
            run.clone(),
            program.clone(),
        ))
    }

    fn flush(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(self.gathered.flush())
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

/// A moment as OTLP has it.
fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.0).unwrap_or(0).saturating_mul(1_000_000)
}
