//! `interpret runs`: the runs that a store keeps; one file per subcommand, or for those that are alike.

mod again;
mod change;
mod events;
mod list;
mod prune;
mod show;

use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};

use super::{Exit, complain, output, stored};
use crate::clock::{Clock, SystemClock};
use crate::data::Data;
use crate::graph::{Name, Program, Timestamp, parse_duration, parse_instant};
use crate::load;
use crate::run::{Event, Run};
use crate::source::Sources;
use crate::store::{Entry, Store};

/// Which runs, and what about them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret run order-approval --store sqlite:runs.sqlite --input @order.json
  interpret runs list --store sqlite:runs.sqlite --status suspended
  interpret runs resume 0193... --store sqlite:runs.sqlite --data '{\"approved\": true}'
  interpret runs resume --all
  interpret runs retry 0193... --allow-net=shop.example.com
  interpret runs replay 0193... --from charge
  interpret runs prune --keep 30d

Exit codes: 0 done, 1 error, 2 wrong usage, 3 the run is suspended, 4 the run was cancelled.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Where the runs are kept: `sqlite:PATH`. By default `interpret/runs.sqlite` in the folder for data of the user.
    #[arg(long, value_name = "URL", global = true)]
    store: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List runs, the youngest first.
    List(list::Arguments),
    /// Tell what a run has come to, what it waits for, and whether its files have changed since.
    Show(One),
    /// Write the journal of a run, one event a line.
    Events(events::Arguments),
    /// Tell where each step of a run stands, and the state of its workflow.
    State(One),
    /// Go on with a run: answer what it waits for, or take it up where its process ended.
    Resume(Box<change::Resume>),
    /// Go on with a run that has failed, from the step that failed.
    Retry(again::Retry),
    /// Begin a run with what happened in another one before a step.
    Replay(again::Replay),
    /// Hold a run: nothing more starts until it is resumed.
    Suspend(change::Reason),
    /// Cancel a run; its cleanups are done.
    Cancel(change::Reason),
    /// Forget runs that are over.
    Prune(prune::Arguments),
    /// Write everything about a run as JSON lines: the run, its definition, its events.
    Export(One),
}

/// A run, and how to tell of it.
#[derive(Debug, Args)]
struct One {
    /// The id of the run.
    run: String,
    /// How it is written on stdout.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(format!("cannot start: {error}")),
    };
    let (store, url) = match stored::open(arguments.store.as_deref()) {
        Ok(opened) => opened,
        Err(error) => return complain(error),
    };
    let done = runtime.block_on(async {
        match arguments.command {
            Command::List(arguments) => list::run(&*store, arguments).await,
            Command::Show(one) => show::run(&store, &url, &one).await,
            Command::State(one) => show::state(&store, &one).await,
            Command::Events(arguments) => events::run(&store, arguments).await,
            Command::Export(one) => events::export(&store, &one).await,
            Command::Resume(resume) => change::resume(store, url, *resume).await,
            Command::Retry(retry) => again::retry(store, url, retry).await,
            Command::Replay(replay) => again::replay(store, url, replay).await,
            Command::Suspend(reason) => change::suspend(store, url, reason).await,
            Command::Cancel(reason) => change::cancel(store, url, reason).await,
            Command::Prune(arguments) => prune::run(&*store, arguments).await,
        }
    });
    match done {
        Ok(exit) => exit,
        Err(error) => {
            complain(error);
            Exit::Error
        }
    }
}

/// What a command comes to, or why it cannot be done.
pub(super) type Done = Result<Exit, String>;

pub(super) fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What is known of a run.
async fn find(store: &dyn Store, run: &str) -> Result<Entry, String> {
    let found = store.entry(&run.into()).await.map_err(told)?;
    found.ok_or_else(|| format!("there is no run `{run}`; `interpret runs list` tells which there are"))
}

/// The program of a run, and its texts for messages.
async fn program(store: &dyn Store, entry: &Entry) -> Result<(Arc<Program>, Sources), String> {
    let definition = store.definition(&entry.program).await.map_err(told)?;
    let definition = definition.ok_or_else(|| format!("the definition {} is not kept", entry.program))?;
    load::reload(&definition).map_err(|error| error.to_string())
}

/// A run as its journal has it, whoever drives it.
async fn replay(store: &Arc<dyn Store>, entry: &Entry) -> Result<Run, String> {
    let mut run = Run::new(program(&**store, entry).await?.0);
    each_event(&**store, &entry.run, 0, |_, event| {
        run.follow(event).map_err(told)?;
        Ok(true)
    })
    .await?;
    Ok(run)
}

/// Goes through a journal as long as it is wanted.
pub(super) async fn each_event(
    store: &dyn Store,
    run: &Name,
    from: u64,
    mut follow: impl FnMut(u64, &Event) -> Result<bool, String>,
) -> Result<(), String> {
    let mut end = from;
    loop {
        let page = store.load(run, end).await.map_err(told)?;
        if page.is_empty() {
            return Ok(());
        }
        for batch in page {
            let batch = batch.from(end);
            for (seq, event) in (batch.first..).zip(batch.events.iter()) {
                if !follow(seq, event)? {
                    return Ok(());
                }
            }
            end = batch.end();
        }
    }
}

/// What is known of a run, for programs.
fn described(entry: &Entry) -> Data {
    let name = |name: &Option<Name>| name.clone().map_or(Data::Null, Data::Text);
    let labels = entry.labels.iter();
    let labels: Data = labels
        .map(|(label, value)| (label.clone(), Data::Text(value.clone())))
        .collect();
    crate::data!({
        "run": entry.run.clone(),
        "workflow": entry.head.workflow.clone(),
        "status": entry.head.status.as_str(),
        "startedAt": entry.started_at.to_rfc3339(),
        "updatedAt": entry.updated_at.to_rfc3339(),
        "wakesAt": entry.head.wake_at.filter(|at| at.0 > i64::MIN).map(|at| at.to_rfc3339()),
        "events": entry.seq as i64,
        "definition": entry.program.clone(),
        "user": name(&entry.user),
        "conversation": name(&entry.conversation),
        "labels": labels
    })
}

/// A moment: an instant, or how long ago it was.
pub(super) fn moment(text: &str, option: &str) -> Result<Timestamp, String> {
    if let Some(instant) = parse_instant(text) {
        return Ok(instant);
    }
    let wrong =
        |_| format!("{option} {text}: write an instant such as 2026-11-21T12:00:00Z, or how long ago: 90m, 30d");
    let ago = i64::try_from(parse_duration(text).map_err(wrong)?.0).unwrap_or(i64::MAX);
    Ok(Timestamp(SystemClock.now().0.saturating_sub(ago)))
}

pub(super) fn print(value: &Data) -> Exit {
    // Numbers in data are finite and keys are texts, so this cannot fail.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    output::result(&(text + "\n")).err().unwrap_or(Exit::Success)
}

/// Columns as wide as their widest cell.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}
