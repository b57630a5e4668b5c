//! `interpret run`: one workflow, once or over many inputs.

mod answer;
mod batch;
mod deliver;
mod interrupt;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::progress::Progress;
use super::{Exit, colored_stderr, complain, input, output, show};
use crate::clock::SystemClock;
use crate::data::{Data, Map};
use crate::diagnostic::{self, Diagnostic, render};
use crate::drive::{Driver, Error, SendError, Session, StartError, new_run_id};
use crate::graph::{Name, Program};
use crate::load::{self, Found};
use crate::permit::Permit;
use crate::provider::{Mocks, Providers};
use crate::run::{Event, Input, Run, Start, Status, Tracer};
use crate::secret::Secrets;
use crate::source::{FileId, Sources};
use crate::store::Memory;
use crate::yaml;
use interrupt::Interrupts;

/// What to run, with what, and what it may reach.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret run order-approval --input '{\"orderId\": \"A-1\", \"amount\": 40}'
  interpret run order-approval --input @order.json --resume manager-approval='{\"approved\": true}'
  interpret run await-payment --input @order.json --event PaymentReceived=@payment.json
  interpret run workflows/etl.yaml --input - --mocks tests/mocks/etl.yaml < day.json
  interpret run link-check --input @links.json '--allow-net=*.example.com'
  interpret run support-triage --mocks tests/mocks/support-triage.yaml --batch tickets.ndjson > answers.ndjson

Exit codes: 0 completed, 1 error, 2 wrong usage, definition or input, 3 suspended, 4 cancelled.")]
pub(super) struct Arguments {
    /// A file, or the id of a workflow in this folder or else in `workflows/`.
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
    /// Tells the run of a named event, which it keeps until a step waits for it; may be repeated, and the order counts.
    #[arg(long, value_name = "NAME=JSON|@FILE")]
    event: Vec<String>,
    /// Answers calls from a file instead of the outside world. What the file of the workflow asks for need not be
    /// granted then, and an environment variable that is not granted reads as `$NAME`.
    #[arg(long, value_name = "FILE")]
    mocks: Option<PathBuf>,
    /// How progress is told on stderr.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with = "batch")]
    events: Option<Events>,
    /// How the result is written on stdout.
    #[arg(long, value_enum, default_value_t = Format::Json, conflicts_with = "batch")]
    format: Format,
    /// Runs the workflow for each line of a file of JSON lines (`-`: standard input); one line each comes out,
    /// in the same order. The exit code is 1 if one of them failed, else 3 if one of them waits.
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
    events: Vec<(Name, Data)>,
    /// The file with mocks, as it was given.
    mocks: Option<String>,
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
    show(&loaded.diagnostics, &loaded.sources);
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
        Some(context) => match input::value(context, "--context").map_err(complain)? {
            context @ Data::Map(_) => context,
            other => {
                return Err(complain(format!("--context must be an object, not {}", other.a_kind())));
            }
        },
        None => Data::from(Map::new()),
    };
    let resume = arguments.resume.iter().map(|answer| answer::parse(answer, &program));
    let resume = resume.collect::<Result<Vec<_>, _>>().map_err(complain)?;
    let events = arguments.event.iter().map(|event| deliver::parse(event, &program));
    let events = events.collect::<Result<Vec<_>, _>>().map_err(complain)?;
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
        events,
        mocks: arguments.mocks.as_ref().map(|path| path.display().to_string()),
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

fn mocks(path: &Path, program: &Program) -> Result<Mocks, Exit> {
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
            None => Progress::for_stderr(&program.main().header.id),
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
                        output::say(&format!("{line}\n"));
                    }
                }
                Some(Events::Text) => {
                    let step = told.step.as_deref().unwrap_or("run");
                    let data = told.data.as_ref().map(|data| format!(" {data}")).unwrap_or_default();
                    let what = told.what.words();
                    let line = output::tame(&format!("{} {step}: {what}{data}", told.at));
                    output::say(&format!("{line}\n"));
                }
                Some(Events::None) => {}
                None => self.progress.follow(&told),
            }
        }
    }

    /// Drives a run until it is over or suspended, and keeps the times on the screen going.
    async fn drive(&mut self, session: &mut Session, interrupts: &mut Interrupts) -> Result<Status, Error> {
        loop {
            let told = interrupts.any();
            let pause = self.progress.pause();
            let tick = async move {
                match pause {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // In this order: that it is being cancelled is said before what comes of it.
                biased;
                () = interrupts.first(), if !told => {
                    self.progress.notice(interrupt::NOTICE);
                    continue;
                }
                status = async { session.to_rest(&mut |events, _| self.follow(events)).await } => return status,
                () = tick => {}
            }
            self.progress.tick();
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
    let mut interrupts = Interrupts::listen();
    let mut observe = |events: &[Event], _: &Run| watch.follow(events);
    let program = prepared.program.clone();
    let mut session = match prepared.driver.open(program, start, &mut observe).await {
        Ok(session) => session,
        Err(error) => return refuse(&error),
    };
    tokio::spawn(interrupts.clone().cancel(session.handle().clone()));
    if let Err(error) = deliver::all(&mut session, &prepared.events, &mut |events, _| watch.follow(events)).await {
        watch.progress.finish(None);
        complain(format!("--event: {error}"));
        return Exit::Error;
    }
    let mut answers = prepared.resume.clone();
    let ended = tokio::select! {
        ended = drive(&mut session, &mut watch, interrupts.clone(), &mut answers) => ended,
        () = interrupts.second() => Err(Exit::Cancelled),
    };
    let status = match ended {
        Ok(status) => status,
        Err(exit) => {
            watch.progress.finish(None);
            return exit;
        }
    };
    watch.progress.finish(Some(status));
    for (step, _) in &answers {
        output::say(&format!(
            "warning: --resume {step}: no step of that name waited for it\n"
        ));
    }
    report::outcome(prepared, &session, status, arguments.format)
}

/// Drives a run, answering what it waits for, until it is over or nobody can answer.
async fn drive(
    session: &mut Session,
    watch: &mut Watch,
    mut interrupts: Interrupts,
    answers: &mut Vec<(Name, Data)>,
) -> Result<Status, Exit> {
    loop {
        match watch.drive(session, &mut interrupts).await {
            Err(error) => return Err(broken(&error)),
            Ok(Status::Suspended) => {}
            Ok(status) => return Ok(status),
        }
        let given = answer::given(session, answers);
        let typed = given.is_none();
        let (target, payload) = match given {
            Some(given) => given,
            None => {
                watch.progress.rest();
                let Some((target, mut payload)) = answer::asked(session) else {
                    return Ok(Status::Suspended);
                };
                let payload = tokio::select! {
                    payload = &mut payload => payload,
                    // Nobody waits any more: its time was up, or it was cancelled.
                    ended = async { session.to_end(&mut |events, _| watch.follow(events)).await } => {
                        return ended.map_err(|error| broken(&error));
                    }
                };
                let Ok(Some(payload)) = payload else {
                    return Ok(Status::Suspended);
                };
                // The tree goes on below the answers.
                output::say("\n");
                (target, payload)
            }
        };
        let resume = Input::Resume {
            target: Some(target),
            payload,
        };
        match session.send(resume, &mut |events, _| watch.follow(events)).await {
            Ok(()) => {}
            Err(SendError::Rejected(rejection)) if typed => drop(complain(rejection)),
            Err(SendError::Rejected(rejection)) => return Err(complain(format!("--resume: {rejection}"))),
            Err(error) => {
                complain(error);
                return Err(Exit::Error);
            }
        }
    }
}

fn refuse(error: &StartError) -> Exit {
    let StartError::NotPermitted(denied) = error else {
        return complain(error);
    };
    let mut message = "the workflow asks for what is not granted (`permissions` in its file)".to_owned();
    for denied in denied {
        message.push_str(&format!("\n  {}: {}", denied.flag, denied.what));
    }
    message.push_str("\nrun it with these flags, or answer its calls with --mocks FILE");
    complain(message)
}

fn broken(error: &Error) -> Exit {
    complain(error);
    Exit::Error
}
