//! `interpret runs retry` and `interpret runs replay`: steps that are done once more.

use std::sync::Arc;

use clap::Args;

use super::change::{Told, ready};
use super::{Done, find, told};
use crate::cli::run::{Interrupts, Watch, finish};
use crate::cli::{complain, reach::Reach};
use crate::drive::{self, new_run_id};
use crate::graph::Name;
use crate::run::{Input, Status};
use crate::store::Store;

/// Which run, and what it may reach.
#[derive(Debug, Args)]
pub(super) struct Retry {
    /// The id of the run.
    run: String,
    #[command(flatten)]
    told: Told,
    #[command(flatten)]
    reach: Reach,
}

/// Which run, from which step on, and what the new one may reach.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The id of the run.
    run: String,
    /// The first step that is done again: its id, or its whole address such as `load[2]/put`. What happened before it
    /// began for the first time is kept.
    #[arg(long, value_name = "STEP")]
    from: String,
    /// The id of the new run; by default a new one.
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    told: Told,
    #[command(flatten)]
    reach: Reach,
}

pub(super) async fn retry(store: Arc<dyn Store>, url: String, arguments: Retry) -> Done {
    let run = &arguments.run;
    let entry = find(&*store, run).await?;
    if entry.head.status != Status::Error {
        return Err(format!(
            "the run `{run}` has not failed: {}",
            entry.head.status.as_str()
        ));
    }
    let prepared = match ready(store, url, &entry, &arguments.reach).await? {
        Ok(prepared) => prepared,
        Err(exit) => return Ok(exit),
    };
    let session = prepared.driver.reopen(prepared.program.clone(), &entry.run).await;
    let mut session = session.map_err(told)?;
    let mut watch = Watch::new(&prepared.program, arguments.told.events);
    watch.skip(&session).await?;
    let mut interrupts = Interrupts::listen();
    let retried = session.send(Input::Retry, &mut |events, _| watch.follow(events)).await;
    retried.map_err(told)?;
    Ok(finish(
        &prepared,
        &mut session,
        &mut watch,
        &mut interrupts,
        arguments.told.format,
    )
    .await)
}

pub(super) async fn replay(store: Arc<dyn Store>, url: String, arguments: Replay) -> Done {
    let entry = find(&*store, &arguments.run).await?;
    let prepared = match ready(store, url, &entry, &arguments.reach).await? {
        Ok(prepared) => prepared,
        Err(exit) => return Ok(exit),
    };
    let mut watch = Watch::new(&prepared.program, arguments.told.events);
    let mut interrupts = Interrupts::listen();
    let id = arguments.id.as_deref().map_or_else(new_run_id, Name::from);
    let (program, step) = (prepared.program.clone(), arguments.from.as_str().into());
    let replay = drive::Replay::new(entry.run.clone(), step);
    let mut observe = |events: &[_], _: &_| watch.follow(events);
    let begun = prepared.driver.replay(program, &replay, id, &mut observe).await;
    let mut session = match begun {
        Ok(session) => session,
        Err(error) => return Ok(complain(error)),
    };
    Ok(finish(
        &prepared,
        &mut session,
        &mut watch,
        &mut interrupts,
        arguments.told.format,
    )
    .await)
}
