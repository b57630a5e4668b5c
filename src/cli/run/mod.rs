//! `interpret run`: one workflow, once or over many inputs.

mod batch;
mod report;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::progress::Progress;
use super::{Exit, ask, colored_stderr, complain, input};
use crate::clock::SystemClock;
use crate::contract::Schema;
use crate::data::{Data, Map};
use crate::diagnostic::render;
use crate::drive::{Driver, Error, SendError, Session, StartError, new_run_id};
use crate::graph::{Name, Op, Program};
use crate::load::{self, Found};
use crate::permit::Permit;
use crate::provider::{Mocks, Providers};
use crate::run::{Event, Input, PendingWait, Run, Start, Status, Target, Tracer, Wait};
use crate::secret::Secrets;
use crate::source::{FileId, Sources};
use crate::store::Memory;
use crate::yaml;

/// What to run, with what, and what it may reach.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret run order-approval --input '{\"orderId\": \"A-1\", \"amount\": 40}'
  interpret run order-approval --input @order.json --resume manager-approval='{\"approved\": true}'
  interpret run workflows/etl.yaml --input - --mocks workflows/mocks/etl.yaml < day.json
  interpret run scrape --input @urls.json --allow-net=example.com
  interpret run triage --batch tickets.ndjson > answers.ndjson

Exit codes: 0 completed, 1 error, 2 wrong usage, definition or input, 3 suspended, 4 cancelled.")]
pub(super) struct Arguments {
    /// A file, or the id of a workflow in this folder or in `workflows/`.
    #[arg(value_name = "FILE|ID")]
    workflow: String,
    /// The input: JSON, `@FILE` with JSON, or `-` for standard input.
    #[arg(long, value_name = "JSON|@FILE|-", conflicts_with = "batch")]
    input: Option<String>,
    /// What expressions see as `context`.
    #[arg(long, value_name = "JSON|@FILE")]
    context: Option<String>,
    /// The id of the run; by default a new one.
    #[arg(long, conflicts_with = "batch")]
    id: Option<String>,
    /// Answers the wait of a step, when it comes; may be repeated.
    #[arg(long, value_name = "STEP=JSON|@FILE")]
    resume: Vec<String>,
    /// Answers calls from a file instead of the outside world. What the file of the workflow asks for need not be
    /// granted then, and an environment variable that is not granted reads as `$NAME`.
    #[arg(long, value_name = "FILE")]
    mocks: Option<PathBuf>,
    /// How progress is told on stderr.
    #[arg(long, value_enum, value_name = "FORM")]
    events: Option<Events>,
    /// How the result is written on stdout.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Runs the workflow for each line of a file of JSON lines (`-`: standard input); one line each comes out.
    #[arg(long, value_name = "FILE.ndjson")]
    batch: Option<String>,
    /// How many runs of a batch go on at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..), requires = "batch")]
    concurrency: u16,
    /// Lets it reach hosts: all of them, or those listed (`api.example.com,*.example.org`).
    #[arg(long, value_name = "HOST", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    allow_net: Vec<String>,
    /// Lets it start programs: all of them, or those listed.
    #[arg(long, value_name = "PROGRAM", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    allow_exec: Vec<String>,
    /// Lets it read environment variables: all of them, or those listed.
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    allow_env: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Events {
    /// One JSON object a line.
    Ndjson,
    /// One line of text an event.
    Text,
    /// Nothing.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

/// A workflow that is ready to run.
struct Prepared {
    program: Arc<Program>,
    sources: Sources,
    driver: Driver,
    context: Data,
    env: Data,
    resume: Vec<(Name, Data)>,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    let prepared = match prepare(&arguments) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    // One thread: a run is one task, and what it waits for costs no thread.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(format!("cannot start: {error}")),
    };
    match &arguments.batch {
        Some(file) => runtime.block_on(batch::run(&prepared, file, arguments.concurrency.into())),
        None => runtime.block_on(single(&prepared, &arguments)),
    }
}

fn prepare(arguments: &Arguments) -> Result<Prepared, Exit> {
    let found = load::find(&arguments.workflow).map_err(complain)?;
    let loaded = &found.loaded;
    eprint!(
        "{}",
        render::text::render(&loaded.diagnostics, &loaded.sources, colored_stderr())
    );
    let program = program(&found)?;
    let permit = Arc::new(permit(arguments)?);
    let asked = program.workflows.iter().map(|workflow| &workflow.header.permissions);
    let mocked = arguments.mocks.is_some();
    let mut env = Vec::new();
    for asked in asked {
        let granted = permit.environment(asked, |name| std::env::var(name).ok());
        if mocked {
            let placeholder = |name: &Name| (name.clone(), Data::from(format!("${name}")));
            env.extend(asked.env.iter().map(placeholder));
        }
        if let Data::Map(granted) = granted {
            env.extend(granted.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    let context = match &arguments.context {
        Some(context) => input::value(context, "--context").map_err(complain)?,
        None => Data::from(Map::new()),
    };
    let resume = arguments.resume.iter().map(|answer| resume(answer));
    let resume = resume.collect::<Result<Vec<_>, _>>().map_err(complain)?;
    let clock = Arc::new(SystemClock);
    let secrets = Arc::new(Secrets::from_environment(permit.clone()));
    let mut providers = Providers::new(permit.clone(), secrets, clock.clone());
    if let Some(path) = &arguments.mocks {
        providers = providers.with_mocks(mocks(path, &program)?);
    }
    let mut driver = Driver::new(Arc::new(Memory::default()), Arc::new(providers), clock);
    if !mocked {
        driver = driver.with_permit(permit);
    }
    Ok(Prepared {
        program,
        sources: found.loaded.sources,
        driver,
        context,
        env: env.into_iter().collect(),
        resume,
    })
}

fn program(found: &Found) -> Result<Arc<Program>, Exit> {
    let Some(id) = &found.id else { return Err(Exit::Usage) };
    let linked = found.loaded.program(id, None);
    linked.map(Arc::new).map_err(|error| match error {
        // The findings have been shown.
        load::ProgramError::Broken(_) => Exit::Usage,
        other => complain(other),
    })
}

fn permit(arguments: &Arguments) -> Result<Permit, Exit> {
    let listed = |list: &'_ String| (!list.is_empty()).then(|| list.clone());
    let mut permit = Permit::nothing();
    for hosts in &arguments.allow_net {
        permit = permit
            .allow_net(listed(hosts).as_deref())
            .map_err(|error| complain(format!("--allow-net: {error}")))?;
    }
    for programs in &arguments.allow_exec {
        permit = permit.allow_exec(listed(programs).as_deref());
    }
    for names in &arguments.allow_env {
        permit = permit.allow_env(listed(names).as_deref());
    }
    Ok(permit)
}

fn resume(answer: &str) -> Result<(Name, Data), String> {
    let Some((step, payload)) = answer.split_once('=') else {
        return Err(format!(
            "--resume {answer}: write STEP=JSON, for example --resume approve='{{\"approved\": true}}'"
        ));
    };
    Ok((step.into(), input::value(payload, &format!("--resume {step}"))?))
}

fn mocks(path: &std::path::Path, program: &Program) -> Result<Mocks, Exit> {
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|error| complain(format!("--mocks: cannot read {name}: {error}")))?;
    let mut sources = Sources::new();
    let file: FileId = sources.add(name.as_str(), text.as_str());
    let (documents, diagnostics) = yaml::parse(file, &text, &yaml::Limits::default());
    eprint!("{}", render::text::render(&diagnostics, &sources, colored_stderr()));
    if diagnostics.iter().any(|diagnostic| diagnostic.is_error()) {
        return Err(Exit::Usage);
    }
    let root = documents.first().map(|document| &document.root);
    let data = root.map_or(Data::Null, |root| root.data());
    let mocks = Mocks::from_data(&data).map_err(|errors| {
        for error in &errors {
            let place = root.map(|root| sources.file(file).line_column(root.locate(&error.pointer).start));
            let line = place.map_or(1, |place| place.line);
            complain(format!("{name}:{line}: {error}"));
        }
        Exit::Usage
    })?;
    for unmatched in mocks.unmatched(program.steps.iter().map(|step| &*step.node.id)) {
        anstream::eprintln!("warning: {name}: `{unmatched}` is no step of this workflow");
    }
    Ok(mocks)
}

impl Prepared {
    fn start(&self, id: Option<&str>, input: Data) -> Start {
        let mut start = Start::new(id.map_or_else(new_run_id, Name::from), input);
        start.context = self.context.clone();
        start.env = self.env.clone();
        start
    }
}

/// What is done with the events of a run: progress, or the events themselves.
struct Watch {
    tracer: Tracer,
    events: Option<Events>,
    progress: Progress,
}

impl Watch {
    fn new(program: &Arc<Program>, events: Option<Events>) -> Watch {
        let progress = match events {
            None => Progress::for_stderr(),
            Some(_) => Progress::Silent,
        };
        Watch {
            tracer: Tracer::new(program.clone()),
            events,
            progress,
        }
    }

    fn follow(&mut self, events: &[Event]) {
        if self.events == Some(Events::None) {
            return;
        }
        for event in events {
            // A journal this process has just written is whole.
            let Ok(Some(told)) = self.tracer.follow(event) else {
                continue;
            };
            match self.events {
                Some(Events::Ndjson) => {
                    if let Ok(line) = serde_json::to_string(&told) {
                        eprintln!("{line}");
                    }
                }
                Some(Events::Text) => {
                    let step = told.step.as_deref().unwrap_or("run");
                    let data = told.data.as_ref().map(|data| format!(" {data}")).unwrap_or_default();
                    eprintln!("{} {step}: {}{data}", told.at, told.what.words());
                }
                Some(Events::None) => {}
                None => self.progress.follow(&told),
            }
        }
    }
}

async fn single(prepared: &Prepared, arguments: &Arguments) -> Exit {
    let input = match &arguments.input {
        Some(text) => match input::value(text, "--input") {
            Ok(input) => input,
            Err(message) => return complain(message),
        },
        None => Data::from(Map::new()),
    };
    let start = prepared.start(arguments.id.as_deref(), input);
    let mut watch = Watch::new(&prepared.program, arguments.events);
    let mut observe = |events: &[Event], _: &Run| watch.follow(events);
    let mut session = match prepared
        .driver
        .open(prepared.program.clone(), start, &mut observe)
        .await
    {
        Ok(session) => session,
        Err(error) => return refuse(&error, arguments),
    };
    cancel_on_interrupt(&session);
    let mut answers = prepared.resume.clone();
    let status = loop {
        let rest = session.to_rest(&mut |events, _| watch.follow(events)).await;
        match rest {
            Err(error) => return broken(&error),
            Ok(Status::Suspended) => {}
            Ok(status) => break status,
        }
        watch.progress.finish();
        let Some((target, payload)) = answer(&session, &mut answers) else {
            break Status::Suspended;
        };
        let resume = Input::Resume {
            target: Some(target),
            payload,
        };
        match session.send(resume, &mut |events, _| watch.follow(events)).await {
            Ok(()) => {}
            Err(SendError::Rejected(rejection)) => return complain(format!("--resume: {rejection}")),
            Err(error) => return complain(error),
        }
    };
    watch.progress.finish();
    report::outcome(prepared, &session, status, arguments.format)
}

/// The first interrupt cancels the run, so that its cleanups are done; the second ends the program.
fn cancel_on_interrupt(session: &Session) {
    let handle = session.handle().clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        anstream::eprintln!("cancelling; interrupt again to end at once");
        let cancel = Input::Cancel {
            reason: Some("interrupted".into()),
        };
        // A run that is over needs no cancelling.
        let _ = handle.send(cancel).await;
        if tokio::signal::ctrl_c().await.is_ok() {
            #[allow(
                clippy::disallowed_methods,
                reason = "the second interrupt ends the program, whatever it is doing"
            )]
            std::process::exit(Exit::Cancelled as i32);
        }
    });
}

/// The next answer to a wait: one of `--resume`, else what the person at the terminal says.
fn answer(session: &Session, answers: &mut Vec<(Name, Data)>) -> Option<(Target, Data)> {
    let waits: Vec<PendingWait> = session.run().waits().collect();
    for wait in &waits {
        let meant = |(step, _): &(Name, Data)| **step == *wait.address || *step == wait.step;
        if let Some(at) = answers.iter().position(meant) {
            return Some((Target::Ticket(wait.ticket), answers.remove(at).1));
        }
    }
    // A name such as `approve[2]` is for the run to find.
    if let Some((step, payload)) = answers.pop() {
        return Some((Target::Step(step), payload));
    }
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return None;
    }
    let wait = waits.iter().find(|wait| matches!(&*wait.wait, Wait::Resume { .. }))?;
    anstream::eprintln!("{}", report::wait(wait));
    let payload = ask::payload(
        resume_schema(session.run().program(), &wait.step),
        &mut std::io::stdin().lock(),
        &mut std::io::stderr().lock(),
    )?;
    Some((Target::Ticket(wait.ticket), payload))
}

/// What the payload for a step must match.
fn resume_schema<'p>(program: &'p Program, step: &str) -> Option<&'p Schema> {
    program.steps.iter().find_map(|candidate| match &candidate.node.op {
        Op::Suspend(suspend) if candidate.node.id.split('/').next() == Some(step) => suspend.resume_schema.as_ref(),
        _ => None,
    })
}

fn refuse(error: &StartError, arguments: &Arguments) -> Exit {
    let exit = complain(error);
    if matches!(error, StartError::NotPermitted(_)) {
        anstream::eprintln!(
            "the file of `{}` asks for this under `permissions`; grant it with the flag named above, or answer its \
             calls with --mocks",
            arguments.workflow
        );
    }
    exit
}

fn broken(error: &Error) -> Exit {
    complain(error);
    Exit::Error
}
