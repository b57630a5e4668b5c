//! `interpret runs list`.

use clap::{Args, ValueEnum};

use super::{Done, Exit, Form, described, find, moment, print, table, told};
use crate::cli::{output, stored};
use crate::data::Data;
use crate::graph::Name;
use crate::run::Status;
use crate::store::{Filter, Store};

/// Which runs, how many, and how.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Of that workflow.
    #[arg(long, value_name = "ID")]
    workflow: Option<String>,
    /// With that status.
    #[arg(long, value_enum)]
    status: Option<Wanted>,
    /// For that user.
    #[arg(long)]
    user: Option<String>,
    /// Marked so; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
    /// Begun then or later: an instant, or how long ago (`2h`, `30d`).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Begun before: an instant, or how long ago.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The next page: what comes behind that run.
    #[arg(long, value_name = "RUN")]
    after: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// How they are written on stdout.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wanted {
    Running,
    Suspended,
    Completed,
    Error,
    Cancelled,
}

impl From<Wanted> for Status {
    fn from(wanted: Wanted) -> Status {
        match wanted {
            Wanted::Running => Status::Running,
            Wanted::Suspended => Status::Suspended,
            Wanted::Completed => Status::Completed,
            Wanted::Error => Status::Error,
            Wanted::Cancelled => Status::Cancelled,
        }
    }
}

pub(super) async fn run(store: &dyn Store, arguments: Arguments) -> Done {
    let at = |text: &Option<String>, option| text.as_deref().map(|text| moment(text, option)).transpose();
    let limit = arguments.limit as usize;
    let mut filter = Filter {
        workflow: arguments.workflow.as_deref().map(Name::from),
        status: arguments.status.map(Status::from),
        user: arguments.user.as_deref().map(Name::from),
        conversation: None,
        labels: stored::labels(&arguments.label)?,
        since: at(&arguments.since, "--since")?,
        until: at(&arguments.until, "--until")?,
        after: None,
        // One more tells whether there is a next page.
        limit: Some(limit + 1),
    };
    if let Some(after) = &arguments.after {
        let entry = find(store, after).await?;
        filter.after = Some((entry.started_at, entry.run));
    }
    let mut entries = store.list(filter).await.map_err(told)?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|entry| entry.run.clone());
    if arguments.format == Form::Json {
        let runs: Data = entries.iter().map(described).collect();
        let next = next.map_or(Data::Null, Data::Text);
        return Ok(print(&crate::data!({ "runs": runs, "next": next })));
    }
    let mut rows = vec![
        ["RUN", "WORKFLOW", "STATUS", "STARTED", "UPDATED", "USER", "LABELS"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for entry in &entries {
        let labels = entry.labels.iter().map(|(label, value)| format!("{label}={value}"));
        rows.push(vec![
            output::tame(&entry.run),
            entry.head.workflow.to_string(),
            entry.head.status.as_str().to_owned(),
            entry.started_at.to_rfc3339(),
            entry.updated_at.to_rfc3339(),
            entry.user.as_deref().map(output::tame).unwrap_or_default(),
            output::tame(&labels.collect::<Vec<_>>().join(" ")),
        ]);
    }
    let written = output::result(&table(&rows));
    if let Some(next) = next {
        output::say(&format!("there are more: --after {next}\n"));
    }
    Ok(written.err().unwrap_or(Exit::Success))
}
