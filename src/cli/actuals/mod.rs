//! `interpret actuals`: what people said that executions should have come to.

mod report;
mod to_tests;

use clap::{Args, Subcommand};

use super::runs::{Done, moment, told};
use super::{Exit, complain, stored};
use crate::graph::Timestamp;
use crate::store::Store;
use crate::store::actuals::{self, Actual};

/// What is done with them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret actuals report support-triage
  interpret actuals report support-triage --by release --since 30d
  interpret actuals report support-triage --output team --format json
  interpret actuals to-tests support-triage workflows/support-triage.actuals.test.yaml

Clients of Vellum submit actuals to `interpret serve`.

Exit codes: 0 done, 1 error, 2 wrong usage.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Where they are kept: `sqlite:PATH`. By default `interpret/runs.sqlite` in the folder for data of the user.
    #[arg(long, value_name = "URL", global = true)]
    store: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell how often each output was what it should have been, over time.
    Report(report::Arguments),
    /// Write executions as cases of a test file, which expect what they should have come to.
    ToTests(to_tests::Arguments),
}

/// Which actuals.
#[derive(Debug, Args)]
struct Which {
    /// The id of the workflow.
    workflow: String,
    /// About that output only.
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// Said then or later: an instant, or how long ago (`2h`, `30d`).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Said before: an instant, or how long ago.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl Which {
    /// The last word about each output of each execution.
    async fn find(&self, store: &dyn Store) -> Result<Vec<Actual>, String> {
        let at = |text: &Option<String>, option| text.as_deref().map(|text| moment(text, option)).transpose();
        let (since, until) = (at(&self.since, "--since")?, at(&self.until, "--until")?);
        let found = actuals::of_workflow(store, &self.workflow).await.map_err(told)?;
        let mut found = actuals::last(found);
        found.retain(|actual| {
            self.output.as_deref().is_none_or(|output| *actual.output == *output)
                && since.is_none_or(|since: Timestamp| actual.at >= since)
                && until.is_none_or(|until: Timestamp| actual.at < until)
        });
        match found.is_empty() {
            true => Err(format!("nothing was said about executions of `{}`", self.workflow)),
            false => Ok(found),
        }
    }
}

pub(super) fn run(arguments: Arguments) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(format!("cannot start: {error}")),
    };
    let store = match stored::open(arguments.store.as_deref()) {
        Ok((store, _)) => store,
        Err(error) => return complain(error),
    };
    let done: Done = runtime.block_on(async {
        match arguments.command {
            Command::Report(arguments) => report::run(&*store, arguments).await,
            Command::ToTests(arguments) => to_tests::run(&*store, arguments).await,
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
