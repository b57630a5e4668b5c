//! `interpret runs resume`, `suspend` and `cancel`: what makes a run go on, or stop.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::{Done, Exit, find, program, told};
use crate::cli::reach::{self, Reach};
use crate::cli::run::{Events, Format, Interrupts, Prepared, Watch, broken, finish};
use crate::cli::{complain, input, output};
use crate::data::{Data, Map};
use crate::drive::{self, Driver, Error, SendError, Session};
use crate::graph::{Name, parse_duration};
use crate::run::{Input, Labels, Status, Target};
use crate::store::{self, Entry, Request, Store};

/// Which run, with what, and what it may reach.
#[derive(Debug, Args)]
pub(super) struct Resume {
    /// The id of the run.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    run: Option<String>,
    /// All runs whose process has ended, and those whose time has come; it ends when none of them goes on any more.
    #[arg(long)]
    all: bool,
    /// How long calls in flight may take when the program is told to end (with --all). What is not done by then is done
    /// by whoever takes the runs up.
    #[arg(long, value_name = "TIME", default_value = "10s", requires = "all")]
    drain: String,
    /// The answer to what it waits for.
    #[arg(long, value_name = "JSON|@FILE|-", conflicts_with = "all")]
    data: Option<String>,
    /// The step whose wait is answered, where there are several: its id, `approve[2]` or its whole address.
    #[arg(long, requires = "data", conflicts_with = "event")]
    step: Option<String>,
    /// Delivers an event of that name instead.
    #[arg(long, value_name = "NAME", requires = "data")]
    event: Option<String>,
    #[command(flatten)]
    told: Told,
    #[command(flatten)]
    reach: Reach,
}

/// How the command tells of the run.
#[derive(Debug, Args)]
pub(super) struct Told {
    /// How progress is told on stderr.
    #[arg(long, value_enum, value_name = "FORM")]
    pub events: Option<Events>,
    /// How the result is written on stdout.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub format: Format,
}

/// Which run, and why.
#[derive(Debug, Args)]
pub(super) struct Reason {
    /// The id of the run.
    run: String,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    reach: Reach,
}

/// A run that is to be told something.
enum Taken {
    Here(Box<Here>),
    /// Another process drives it.
    Elsewhere(Arc<dyn Store>, Name),
}

/// A run to go on with, and all that is needed for that.
struct Here {
    prepared: Prepared,
    session: Session,
}

async fn take(store: Arc<dyn Store>, url: String, run: &str, reach: &Reach) -> Result<Result<Taken, Exit>, String> {
    let entry = find(&*store, run).await?;
    if crate::store::is_over(entry.head.status) {
        return Err(format!("the run `{run}` is over: {}", entry.head.status.as_str()));
    }
    let prepared = match ready(store.clone(), url, &entry, reach).await? {
        Ok(prepared) => prepared,
        Err(exit) => return Ok(Err(exit)),
    };
    let session = prepared.driver.reopen(prepared.program.clone(), &entry.run).await;
    match session {
        Ok(session) => Ok(Ok(Taken::Here(Box::new(Here { prepared, session })))),
        Err(Error::Store(store::Error::Owned { .. })) => Ok(Ok(Taken::Elsewhere(store, entry.run))),
        Err(error) => Err(told(error)),
    }
}

/// What is needed to go on with a run.
pub(super) async fn ready(
    store: Arc<dyn Store>,
    url: String,
    entry: &Entry,
    reach: &Reach,
) -> Result<Result<Prepared, Exit>, String> {
    let (program, sources) = program(&*store, entry).await?;
    let permit = match reach.permit() {
        Ok(permit) => Arc::new(permit),
        Err(exit) => return Ok(Err(exit)),
    };
    let driver = match reach.driver(permit, Some((&program, &sources)), store, None) {
        Ok(driver) => driver,
        Err(exit) => return Ok(Err(exit)),
    };
    Ok(Ok(Prepared {
        program,
        sources,
        driver,
        context: Data::from(Map::new()),
        env: Data::from(Map::new()),
        resume: Vec::new(),
        events: Vec::new(),
        mocks: reach.mocks_name(),
        store: Some(url),
        definition: None,
        recorded: None,
        user: None,
        conversation: None,
        labels: Labels::new(),
    }))
}

pub(super) async fn resume(store: Arc<dyn Store>, url: String, arguments: Resume) -> Done {
    let Some(run) = &arguments.run else {
        return all(store, &arguments).await;
    };
    let payload = arguments
        .data
        .as_deref()
        .map(|text| input::value(text, "--data"))
        .transpose();
    let payload = match payload {
        Ok(payload) => payload,
        Err(message) => return Ok(complain(message)),
    };
    let step = arguments.step.as_deref().map(Name::from);
    let Here { prepared, mut session } = match take(store, url, run, &arguments.reach).await? {
        Ok(Taken::Here(here)) => *here,
        Ok(Taken::Elsewhere(store, run)) => {
            let request = match (payload, &arguments.event) {
                (Some(data), Some(event)) => Request::Deliver {
                    event: event.as_str().into(),
                    data,
                },
                (Some(payload), None) => Request::Resume { step, payload },
                (None, _) => Request::Continue,
            };
            return ask(&store, &run, request).await;
        }
        Err(exit) => return Ok(exit),
    };
    let mut watch = Watch::new(&prepared.program, arguments.told.events);
    watch.skip(&session).await?;
    let mut interrupts = Interrupts::listen();
    let input = match (payload, &arguments.event) {
        (Some(data), Some(event)) => Some(Input::Deliver {
            event: event.as_str().into(),
            data,
        }),
        (Some(payload), None) => Some(Input::Resume {
            target: step.map(Target::Step),
            payload,
        }),
        (None, _) if session.run().state().suspension().is_some() => Some(Input::Continue),
        (None, _) if session.run().status() == Status::Suspended => Some(Input::Tick),
        (None, _) => None,
    };
    if let Some(input) = input {
        match session.send(input, &mut |events, _| watch.follow(events)).await {
            Ok(()) => {}
            Err(SendError::Rejected(rejection)) => return Ok(complain(format!("--data: {rejection}"))),
            Err(error) => return Err(told(error)),
        }
    }
    Ok(finish(
        &prepared,
        &mut session,
        &mut watch,
        &mut interrupts,
        arguments.told.format,
    )
    .await)
}

/// Drives on everything that can go on.
async fn all(store: Arc<dyn Store>, arguments: &Resume) -> Done {
    let reach = &arguments.reach;
    let patience = match parse_duration(&arguments.drain) {
        Ok(patience) => Duration::from_millis(patience.0),
        Err(error) => return Ok(complain(format!("--drain {}: {error}", arguments.drain))),
    };
    let permit = match reach.permit() {
        Ok(permit) => Arc::new(permit),
        Err(exit) => return Ok(exit),
    };
    let driver = match reach.driver(permit, None, store, None) {
        Ok(driver) => driver,
        Err(exit) => return Ok(exit),
    };
    let mut interrupts = Interrupts::listen();
    let heeding = driver.clone();
    tokio::spawn(async move { heeding.heed().await });
    tokio::select! {
        done = go_on(&driver) => {
            driver.heeded().await;
            reach::close(&driver).await;
            done
        }
        () = interrupts.first() => {
            tokio::select! {
                () = driver.drain(patience) => {}
                () = interrupts.second() => {}
            }
            reach::close(&driver).await;
            // What is left is on disk, and done when the runs are taken up.
            Ok(Exit::Cancelled)
        }
    }
}

async fn go_on(driver: &Driver) -> Done {
    let recovered = driver.recover_all().await.map_err(told)?;
    for run in &recovered.owned {
        output::say(&format!("{run}: another process drives it\n"));
    }
    let mut failed = false;
    for (run, error) in &recovered.set_aside {
        failed = true;
        output::say(&format!("warning: {run} is set aside: {error}\n"));
    }
    let mut handles = recovered.taken;
    for run in driver.wake_due().await.map_err(told)? {
        match run {
            Ok(handle) => handles.push(handle),
            Err((run, error)) => {
                failed = true;
                output::say(&format!("warning: {run} is set aside: {error}\n"));
            }
        }
    }
    for handle in handles {
        let line = match handle.rested().await {
            Ok(status) => crate::data!({ "run": handle.id().clone(), "status": status.as_str() }),
            Err(error) => {
                failed = true;
                crate::data!({ "run": handle.id().clone(), "unfinished": error.to_string() })
            }
        };
        if let Err(exit) = output::result(&format!("{line}\n")) {
            return Ok(exit);
        }
    }
    Ok(if failed { Exit::Error } else { Exit::Success })
}

pub(super) async fn suspend(store: Arc<dyn Store>, url: String, arguments: Reason) -> Done {
    let reason = arguments.reason.as_deref().map(Name::from);
    tell(store, url, &arguments, Request::Suspend { reason }).await
}

pub(super) async fn cancel(store: Arc<dyn Store>, url: String, arguments: Reason) -> Done {
    let reason = arguments.reason.as_deref().map(Name::from);
    tell(store, url, &arguments, Request::Cancel { reason }).await
}

/// Tells a run something, and goes on with it until what follows is done: the calls in flight, or the cleanups.
async fn tell(store: Arc<dyn Store>, url: String, arguments: &Reason, request: Request) -> Done {
    let Here { prepared, mut session } = match take(store, url, &arguments.run, &arguments.reach).await? {
        Ok(Taken::Here(here)) => *here,
        Ok(Taken::Elsewhere(store, run)) => return ask(&store, &run, request).await,
        Err(exit) => return Ok(exit),
    };
    match session.send(request.into(), &mut |_, _| {}).await {
        Ok(()) => {}
        Err(SendError::Rejected(rejection)) => return Ok(complain(rejection)),
        Err(error) => return Err(told(error)),
    }
    let status = match session.to_rest(&mut |_, _| {}).await {
        Ok(status) => status,
        Err(error) => return Ok(broken(&error)),
    };
    reach::close(&prepared.driver).await;
    let told = crate::data!({ "run": session.handle().id().clone(), "status": status.as_str() });
    Ok(super::print(&told))
}

/// Has the process that drives a run do something with it.
async fn ask(store: &Arc<dyn Store>, run: &Name, request: Request) -> Done {
    drive::ask(store, run, request).await.map_err(told)?;
    let entry = find(&**store, run).await?;
    let told = crate::data!({ "run": run.clone(), "status": entry.head.status.as_str() });
    Ok(super::print(&told))
}
