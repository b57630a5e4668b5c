//! `interpret run`: one workflow, once or over many inputs.

mod answer;
mod batch;
mod deliver;
mod interrupt;
mod record;
pub(super) mod report;

use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::progress::Progress;
use super::reach::{self, Reach};
use super::{Exit, complain, input, output, show, stored};
use crate::data::{Data, Map};
use crate::drive::{Driver, Error, SendError, Session, StartError, new_run_id};
use crate::graph::{Name, Program};
use crate::load::{self, Found};
use crate::run::{Event, Input, Labels, Run, Start, Status, Tracer};
use crate::source::Sources;
use crate::store;
pub(super) use interrupt::Interrupts;

/// What to run, with what, and what it may reach.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret run order-approval --input '{\"orderId\": \"A-1\", \"amount\": 40}'
  interpret run order-approval --input @order.json --resume manager-approval='{\"approved\": true}'
  interpret run await-payment --input @order.json --event PaymentReceived=@payment.json
  interpret run workflows/etl.yaml --input - --mocks tests/mocks/etl.yaml < day.json
  interpret run link-check --input @links.json '--allow-net=*.example.com'
  interpret run order-approval --input @order.json --record workflows/big-order.test.yaml
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
    /// Writes the run into a file: NAME.test.yaml is a test with its calls mocked and its waits answered as they were,
    /// NAME.ndjson is what `interpret replay` takes.
    #[arg(long, value_name = "FILE", value_parser = record::checked, conflicts_with = "batch")]
    record: Option<std::path::PathBuf>,
    #[command(flatten)]
    reach: Reach,
    /// Where the run is kept: `sqlite:PATH` or `memory`. What is in a file outlives this process; `interpret runs` lists
    /// it and goes on with it.
    #[arg(long, value_name = "URL", default_value = "memory")]
    store: String,
    /// For whom it runs.
    #[arg(long)]
    user: Option<String>,
    /// The conversation it belongs to: its agents know what was said there, in runs before as well if the store outlives
    /// them.
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Marks the run, for listings; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Events {
    /// One JSON object a line.
    Ndjson,
    /// One line of text an event.
    Text,
    /// Nothing.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Json,
    Yaml,
}

/// A workflow that is ready to run.
pub(super) struct Prepared {
    pub program: Arc<Program>,
    pub sources: Sources,
    pub driver: Driver,
    pub context: Data,
    pub env: Data,
    pub resume: Vec<(Name, Data)>,
    pub events: Vec<(Name, Data)>,
    /// The file with mocks, as it was given.
    pub mocks: Option<String>,
    /// The store's URL, if it outlives this process.
    pub store: Option<String>,
    /// What that store has to keep before there is a run.
    pub definition: Option<store::Definition>,
    /// What stands before the events of a journal that is to be written.
    pub recorded: Option<store::Definition>,
    pub user: Option<Name>,
    pub conversation: Option<Name>,
    pub labels: Labels,
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
        Some(file) => runtime.block_on(async {
            match prepared.keep().await {
                Ok(()) => {
                    let exit = batch::run(&prepared, file, arguments.concurrency.into()).await;
                    reach::close(&prepared.driver).await;
                    exit
                }
                Err(exit) => exit,
            }
        }),
        None => runtime.block_on(single(&prepared, &arguments)),
    }
}

fn prepare(arguments: &Arguments) -> Result<Prepared, Exit> {
    let found = load::find(&arguments.workflow).map_err(complain)?;
    let loaded = &found.loaded;
    show(&loaded.diagnostics, &loaded.sources);
    let program = program(&found)?;
    let permit = Arc::new(arguments.reach.permit()?);
    let env = arguments.reach.environment(&permit, &program);
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
    let labels = stored::labels(&arguments.label).map_err(complain)?;
    let store = store::open(&arguments.store).map_err(complain)?;
    let definition = store.is_durable().then(|| loaded.definition(&program));
    let recorded = arguments.record.is_some().then(|| loaded.definition(&program));
    let driver = arguments
        .reach
        .driver(permit, Some((&program, &loaded.sources)), store, None)?;
    Ok(Prepared {
        program,
        sources: found.loaded.sources,
        driver,
        context,
        env,
        resume,
        events,
        mocks: arguments.reach.mocks_name(),
        store: (arguments.store != "memory").then(|| arguments.store.clone()),
        definition,
        recorded,
        user: arguments.user.as_deref().map(Name::from),
        conversation: arguments.conversation.as_deref().map(Name::from),
        labels,
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

impl Prepared {
    fn start(&self, id: Option<&str>, input: Data) -> Start {
        let mut start = Start::new(id.map_or_else(new_run_id, Name::from), input);
        start.context = self.context.clone();
        start.env = self.env.clone();
        start.user = self.user.clone();
        start.conversation = self.conversation.clone();
        start.labels = self.labels.clone();
        start.trace = reach::parent();
        start
    }

    /// Keeps the definition that runs are going to be pinned to.
    async fn keep(&self) -> Result<(), Exit> {
        let Some(definition) = &self.definition else {
            return Ok(());
        };
        let kept = self.driver.store().keep(Arc::new(definition.clone())).await;
        kept.map_err(|error| {
            complain(error);
            Exit::Error
        })
    }
}

/// What is done with the events of a run: progress, or the events themselves.
pub(super) struct Watch {
    tracer: Tracer,
    events: Option<Events>,
    progress: Progress,
    /// All events so far, if they are to be kept.
    recorded: Option<Vec<Event>>,
}

impl Watch {
    pub fn new(program: &Arc<Program>, events: Option<Events>) -> Watch {
        let progress = match events {
            None => Progress::for_stderr(&program.main().header.id),
            Some(_) => Progress::Silent,
        };
        Watch {
            tracer: Tracer::new(program.clone()),
            events,
            progress,
            recorded: None,
        }
    }

    /// Passes over what a run has been through before it was taken up.
    pub async fn skip(&mut self, session: &Session) -> Result<(), String> {
        let mut events = session.handle().events(0);
        let seen = session.handle().seq();
        let mut at = 0;
        while at < seen
            && let Some(batch) = events.next().await
        {
            let batch = batch.map_err(|error| error.to_string())?;
            for event in batch.events.iter() {
                self.tracer.follow(event).map_err(|error| error.to_string())?;
            }
            at = batch.end();
        }
        Ok(())
    }

    pub fn follow(&mut self, events: &[Event]) {
        if let Some(recorded) = &mut self.recorded {
            recorded.extend_from_slice(events);
        }
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
    if let Err(exit) = prepared.keep().await {
        return exit;
    }
    let start = prepared.start(arguments.id.as_deref(), input);
    let mut watch = Watch::new(&prepared.program, arguments.events);
    watch.recorded = arguments.record.as_ref().map(|_| Vec::new());
    let mut interrupts = Interrupts::listen();
    let mut observe = |events: &[Event], _: &Run| watch.follow(events);
    let program = prepared.program.clone();
    let mut session = match prepared.driver.open(program, start, &mut observe).await {
        Ok(session) => session,
        Err(error) => return refuse(&error),
    };
    let exit = finish(prepared, &mut session, &mut watch, &mut interrupts, arguments.format).await;
    match (&arguments.record, &watch.recorded) {
        (Some(file), Some(events)) => match record::write(prepared, file, events) {
            Ok(()) => exit,
            Err(failed) => failed,
        },
        _ => exit,
    }
}

/// Drives a run until it is over or nobody can answer what it waits for, and tells what has come of it.
pub(super) async fn finish(
    prepared: &Prepared,
    session: &mut Session,
    watch: &mut Watch,
    interrupts: &mut Interrupts,
    format: Format,
) -> Exit {
    tokio::spawn(interrupts.clone().cancel(session.handle().clone()));
    let driver = prepared.driver.clone();
    tokio::spawn(async move { driver.heed().await });
    if let Err(error) = deliver::all(session, &prepared.events, &mut |events, _| watch.follow(events)).await {
        watch.progress.finish(None);
        complain(format!("--event: {error}"));
        return Exit::Error;
    }
    let mut answers = prepared.resume.clone();
    let ended = tokio::select! {
        ended = drive(session, watch, interrupts.clone(), &mut answers) => ended,
        () = interrupts.second() => Err(Exit::Cancelled),
    };
    let status = match ended {
        Ok(status) => status,
        Err(exit) => {
            watch.progress.finish(None);
            return exit;
        }
    };
    prepared.driver.heeded().await;
    watch.progress.finish(Some(status));
    for (step, _) in &answers {
        output::say(&format!(
            "warning: --resume {step}: no step of that name waited for it\n"
        ));
    }
    let exit = report::outcome(prepared, session, status, format);
    reach::close(&prepared.driver).await;
    exit
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

pub(super) fn broken(error: &Error) -> Exit {
    complain(error);
    Exit::Error
}
