//! What a run may reach, and the driver that lets it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{Exit, colored_stderr, complain, input, output, show};
use crate::clock::{Clock, SystemClock};
use crate::config;
use crate::data::Data;
use crate::diagnostic::{self, Diagnostic, render};
use crate::drive::Driver;
use crate::graph::{Definition, Name, Program};
use crate::load;
use crate::permit::Permit;
use crate::provider::{Cassette, Configured, DeltaSink, Mocks, Providers, Recorder, Replay, Tape};
use crate::run::TraceParent;
use crate::secret::Secrets;
use crate::source::{FileId, Sources};
use crate::store::Store;
use crate::yaml;

/// What a run may reach.
#[derive(Debug, Args)]
pub(super) struct Reach {
    /// Answers calls from a file instead of the outside world. What the file of the workflow asks for need not be
    /// granted then, and an environment variable that is not granted reads as `$NAME`.
    #[arg(long, value_name = "FILE")]
    pub mocks: Option<PathBuf>,
    /// The configuration: which connections to models and which MCP servers there are. By default `interpret.yaml`
    /// beside the workflows, in this folder or in `workflows/`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Keeps every exchange with a model in a file, without secrets. Scripts and mocks are not recorded.
    #[arg(long, value_name = "FILE", conflicts_with = "replay_models")]
    record_models: Option<PathBuf>,
    /// Answers in the place of models from such a file. What was not recorded fails, with what differs.
    #[arg(long, value_name = "FILE")]
    replay_models: Option<PathBuf>,
    /// Lets it reach hosts: all of them, or those listed (`api.example.com,*.example.org`).
    #[arg(long, value_name = "HOST", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    allow_net: Vec<String>,
    /// Lets it start programs: all of them, or those listed.
    #[arg(long, value_name = "PROGRAM", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    allow_exec: Vec<String>,
    /// Lets it read environment variables: all of them, or those listed.
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    allow_env: Vec<String>,
    /// Lets the configuration ask its command for secrets: whichever program that is, or those listed.
    #[arg(long, value_name = "PROGRAM", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    allow_secret_command: Vec<String>,
}

/// A driver, the secrets that its calls use, and what is configured for clients of Dify.
pub(super) struct Reached {
    pub driver: Driver,
    pub secrets: Arc<Secrets>,
    pub dify: config::Dify,
}

impl Reach {
    /// A driver that reaches what is granted, or mocks; `program` is what is run, if it is one, and `deltas` is told the
    /// text of agents while it comes.
    pub fn driver(
        &self,
        permit: Arc<Permit>,
        program: Option<(&Program, &Sources)>,
        store: Arc<dyn Store>,
        deltas: Option<DeltaSink>,
    ) -> Result<Driver, Exit> {
        let beside = program.map(|(program, sources)| {
            let file = sources.file(program.main().header.origin.file);
            PathBuf::from(file.name())
        });
        let program = program.map(|(program, _)| program);
        let reached = self.open(permit, beside.as_slice(), program, store, deltas)?;
        Ok(reached.driver)
    }

    /// The same with its secrets; the configuration may lie beside some files, or in folders.
    pub fn open(
        &self,
        permit: Arc<Permit>,
        beside: &[PathBuf],
        program: Option<&Program>,
        store: Arc<dyn Store>,
        deltas: Option<DeltaSink>,
    ) -> Result<Reached, Exit> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let configured = self.configured(beside)?;
        let secrets = Arc::new(Secrets::configured(permit.clone(), configured.config.secrets.clone()));
        let providers = Providers::new(permit.clone(), secrets.clone(), clock.clone());
        let configured = configured.with_tape(self.tape()?);
        let models = configured.models(&providers);
        let models = match deltas {
            Some(sink) => models.with_deltas(sink),
            None => models,
        };
        let providers = providers.with_models(models);
        let providers = match &self.mocks {
            Some(path) => providers.with_mocks(mocks(path, program)?),
            None => providers.with_mcp(configured.mcp(&permit, &secrets)),
        };
        let programs = |definition: &Definition| match load::reload(definition) {
            Ok((program, _)) => Ok(program),
            Err(error) => Err(error.to_string()),
        };
        let driver = Driver::new(store, Arc::new(providers), clock).with_programs(Arc::new(programs));
        let driver = match self.mocks.is_some() {
            true => driver,
            false => driver.with_permit(permit),
        };
        let driver = observed(driver, &configured)?;
        let dify = configured.config.dify.clone();
        Ok(Reached { driver, secrets, dify })
    }

    /// Tells which environment variables a program asks for and may read.
    pub fn environments(&self, permit: Arc<Permit>) -> Box<dyn Fn(&Program) -> Data + Send + Sync> {
        let mocked = self.mocks.is_some();
        Box::new(move |program| environment(mocked, &permit, program))
    }

    /// The configuration that was asked for, or that lies beside the workflows.
    fn configured(&self, beside: &[PathBuf]) -> Result<Configured, Exit> {
        let configured = match &self.config {
            Some(path) => Configured::of(config::load(path)),
            None => {
                let folder = |path: &PathBuf| match path.is_dir() {
                    true => path.clone(),
                    false => path.parent().unwrap_or(Path::new("")).to_owned(),
                };
                let beside = beside.iter().map(folder);
                let here = [".", "workflows"].map(PathBuf::from);
                Configured::find(&beside.chain(here).collect::<Vec<_>>())
            }
        };
        show(&configured.diagnostics, &configured.sources);
        match configured.has_errors() {
            true => Err(Exit::Usage),
            false => Ok(configured),
        }
    }

    /// What is done with exchanges with models.
    fn tape(&self) -> Result<Option<Tape>, Exit> {
        let tape = match (&self.record_models, &self.replay_models) {
            (None, None) => return Ok(None),
            (Some(path), _) => Recorder::create(path)
                .map(|recorder| Tape::Record(Arc::new(recorder)))
                .map_err(|error| format!("--record-models: {error}")),
            (None, Some(path)) => Cassette::open(path)
                .map(|cassette| Tape::Replay(Arc::new(Replay::new(Arc::new(cassette)))))
                .map_err(|error| format!("--replay-models: {error}")),
        };
        tape.map(Some).map_err(complain)
    }

    /// The environment variables that a program asks for and may read.
    pub fn environment(&self, permit: &Permit, program: &Program) -> Data {
        environment(self.mocks.is_some(), permit, program)
    }

    /// The file with mocks, as it was given.
    pub fn mocks_name(&self) -> Option<String> {
        self.mocks.as_ref().map(|path| path.display().to_string())
    }

    /// What the operator has granted.
    pub fn permit(&self) -> Result<Permit, Exit> {
        let listed = |list: &'_ String| (!list.is_empty()).then(|| list.clone());
        let mut permit = Permit::nothing();
        for hosts in &self.allow_net {
            permit = permit
                .allow_net(listed(hosts).as_deref())
                .map_err(|error| complain(format!("--allow-net: {error}")))?;
        }
        for programs in &self.allow_exec {
            permit = permit.allow_exec(listed(programs).as_deref());
        }
        for names in &self.allow_env {
            permit = permit.allow_env(listed(names).as_deref());
        }
        for programs in &self.allow_secret_command {
            permit = permit.allow_secret_command(listed(programs).as_deref());
        }
        Ok(permit)
    }
}

/// The driver, followed by telemetry if the environment asks for that.
#[cfg(feature = "otel")]
fn observed(driver: Driver, configured: &Configured) -> Result<Driver, Exit> {
    let telemetry = crate::telemetry::Telemetry::from_environment(&configured.config, driver.clock().clone());
    Ok(match telemetry.map_err(complain)? {
        Some(telemetry) => driver.with_observer(Arc::new(telemetry)),
        None => driver,
    })
}

/// The driver, which this build lets nobody follow.
#[cfg(not(feature = "otel"))]
fn observed(driver: Driver, _: &Configured) -> Result<Driver, Exit> {
    Ok(driver)
}

/// What is to be done before the program ends. That telemetry cannot be told fails nothing.
pub(super) async fn close(driver: &Driver) {
    if let Err(why) = driver.close().await {
        output::say(&format!("warning: telemetry cannot be sent: {why}\n"));
    }
}

/// What the program belongs to in the trace of whoever started it.
pub(super) fn parent() -> Option<TraceParent> {
    std::env::var("TRACEPARENT").ok()?.parse().ok()
}

/// With mocks, a variable that is not granted reads as `$NAME`.
fn environment(mocked: bool, permit: &Permit, program: &Program) -> Data {
    let mut env = Vec::new();
    for asked in program.workflows.iter().map(|workflow| &workflow.header.permissions) {
        let granted = permit.environment(asked, |name| std::env::var(name).ok());
        if mocked {
            let placeholder = |name: &Name| (name.clone(), Data::from(format!("${name}")));
            env.extend(asked.env.iter().map(placeholder));
        }
        if let Data::Map(granted) = granted {
            env.extend(granted.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    env.into_iter().collect()
}

fn mocks(path: &Path, program: Option<&Program>) -> Result<Mocks, Exit> {
    let name = path.display().to_string();
    let limits = yaml::Limits::default();
    let text = input::file(path, "--mocks", limits.bytes).map_err(complain)?;
    let mut sources = Sources::new();
    let file: FileId = sources.add(name.as_str(), text.as_str());
    let (documents, diagnostics) = yaml::parse(file, &text, &limits);
    show(&diagnostics, &sources);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(Exit::Usage);
    }
    let root = documents.first().map(|document| &document.root);
    let mocks = Mocks::from_data(&root.map_or(Data::Null, |root| root.data())).map_err(|errors| {
        for error in &errors {
            let place = root.map(|root| root.locate(&error.pointer));
            let message = &error.message;
            output::say(&render::text::failure(
                "mocks",
                message,
                place,
                &[],
                &sources,
                colored_stderr(),
            ));
        }
        Exit::Usage
    })?;
    let Some(program) = program else { return Ok(mocks) };
    for unmatched in mocks.unmatched(program.steps.iter().map(|step| &*step.node.id)) {
        let meant = diagnostic::closest(&unmatched, program.step_ids())
            .map(|step| format!("; did you mean `{step}`?"))
            .unwrap_or_default();
        output::say(&format!(
            "warning: {name}: `{unmatched}` is no step of this workflow{meant}\n"
        ));
    }
    Ok(mocks)
}
