//! `interpret releases`: the definitions that workflows have had, and the names that people give to them.

use clap::{Args, Subcommand};

use super::runs::{Done, Form, print, table, told};
use super::{Exit, complain, output, stored};
use crate::clock::{Clock, SystemClock};
use crate::data;
use crate::data::Data;
use crate::graph::Name;
use crate::store::Store;
use crate::store::releases::{self, LATEST, Release, Tag};

/// Which releases, and what about them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret releases list order-approval
  interpret releases tag order-approval staging LATEST
  interpret releases tag order-approval production staging
  interpret releases tag order-approval production 3 --store sqlite:runs.sqlite
  interpret releases untag order-approval staging

`interpret serve` makes a release when it begins to serve a definition that is new.

Exit codes: 0 done, 1 error, 2 wrong usage.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Where the releases are kept: `sqlite:PATH`. By default `interpret/runs.sqlite` in the folder for data of the user.
    #[arg(long, value_name = "URL", global = true)]
    store: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List releases, the youngest first, with their tags.
    List(List),
    /// Put a tag at a release, be it new or elsewhere by now.
    Tag(Put),
    /// Remove a tag.
    Untag(Remove),
}

/// Of which workflow.
#[derive(Debug, Args)]
struct List {
    /// The id of the workflow; by default all of them.
    workflow: Option<String>,
    /// How they are written on stdout.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

/// Which tag, and where it is to be.
#[derive(Debug, Args)]
struct Put {
    /// The id of the workflow.
    workflow: String,
    /// The tag, such as `production`.
    tag: String,
    /// The release: its id, its number, or another tag such as `LATEST`.
    release: String,
    /// How it is written on stdout.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

/// Which tag.
#[derive(Debug, Args)]
struct Remove {
    /// The id of the workflow.
    workflow: String,
    /// The tag.
    tag: String,
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
    let done = runtime.block_on(async {
        match arguments.command {
            Command::List(arguments) => list(&*store, arguments).await,
            Command::Tag(arguments) => tag(&*store, arguments).await,
            Command::Untag(arguments) => untag(&*store, &arguments).await,
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

async fn list(store: &dyn Store, arguments: List) -> Done {
    let workflow = arguments.workflow.as_deref();
    let mut all = releases::releases(store, workflow).await.map_err(told)?;
    let tags = releases::tags(store, workflow).await.map_err(told)?;
    if let (Some(workflow), true) = (workflow, all.is_empty()) {
        return Err(format!(
            "`{workflow}` has no release; `interpret serve` makes one when it serves it"
        ));
    }
    let latest: Vec<(Name, u64)> = all
        .iter()
        .rev()
        .map(|release| (release.workflow.clone(), release.number))
        .fold(Vec::new(), |mut latest, (workflow, number)| {
            if !latest.iter().any(|(known, _)| *known == workflow) {
                latest.push((workflow, number));
            }
            latest
        });
    all.sort_by(|one, other| (&one.workflow, other.number).cmp(&(&other.workflow, one.number)));
    let names = |release: &Release| {
        let is_latest = latest.contains(&(release.workflow.clone(), release.number));
        let has = |tag: &&Tag| tag.workflow == release.workflow && tag.release == release.number;
        let tags = tags.iter().filter(has).map(|tag| tag.name.clone());
        is_latest
            .then(|| Name::from(LATEST))
            .into_iter()
            .chain(tags)
            .collect::<Vec<_>>()
    };
    if arguments.format == Form::Json {
        let releases: Data = all.iter().map(|release| described(release, names(release))).collect();
        return Ok(print(&data!({ "releases": releases })));
    }
    let mut rows = vec![["WORKFLOW", "RELEASE", "SINCE", "TAGS"].map(str::to_owned).to_vec()];
    for release in &all {
        rows.push(vec![
            release.workflow.to_string(),
            release.id().to_string(),
            release.since.to_rfc3339(),
            names(release).join(" "),
        ]);
    }
    Ok(output::result(&table(&rows)).err().unwrap_or(Exit::Success))
}

async fn tag(store: &dyn Store, arguments: Put) -> Done {
    let workflow = Name::from(arguments.workflow.as_str());
    let now = SystemClock.now();
    let put = releases::tag(store, &workflow, &arguments.tag, &arguments.release, now).await;
    let (tag, release) = match put {
        Ok(put) => put,
        Err(releases::TagError::Store(error)) => return Err(told(error)),
        Err(error) => {
            return Ok(complain(format!(
                "{error}; `interpret releases list {workflow}` tells which there are"
            )));
        }
    };
    if arguments.format == Form::Json {
        return Ok(print(&described(&release, vec![tag.name])));
    }
    let text = format!("{workflow}: {} is release {}\n", tag.name, release.id());
    Ok(output::result(&text).err().unwrap_or(Exit::Success))
}

async fn untag(store: &dyn Store, arguments: &Remove) -> Done {
    let (workflow, tag) = (&arguments.workflow, &arguments.tag);
    match releases::untag(store, workflow, tag).await.map_err(told)? {
        true => Ok(output::result(&format!("{workflow}: {tag} is removed\n"))
            .err()
            .unwrap_or(Exit::Success)),
        false => Err(format!("`{workflow}` has no tag `{tag}`")),
    }
}

/// A release for programs.
fn described(release: &Release, tags: Vec<Name>) -> Data {
    data!({
        "workflow": release.workflow.clone(),
        "release": release.id(),
        "number": release.number,
        "definition": release.definition.clone(),
        "since": release.since.to_rfc3339(),
        "tags": tags
    })
}
