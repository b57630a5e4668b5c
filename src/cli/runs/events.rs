//! `interpret runs events` and `interpret runs export`: a journal as it is kept.

use std::sync::Arc;

use clap::Args;

use super::{Done, Exit, Form, One, described, each_event, find, told};
use crate::cli::{exported, output};
use crate::load;
use crate::run::Tracer;
use crate::store::Store;

/// Which events of which run, and how.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The id of the run.
    run: String,
    /// The first, by its place in the journal.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many at most.
    #[arg(long)]
    limit: Option<u64>,
    /// How they are written on stdout: as a person reads them, or as they are kept.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

pub(super) async fn run(store: &Arc<dyn Store>, arguments: Arguments) -> Done {
    let entry = find(&**store, &arguments.run).await?;
    let definition = store.definition(&entry.program).await.map_err(told)?;
    let program = definition.and_then(|definition| Some(load::reload(&definition).ok()?.0));
    // Without its program a journal can still be looked at as it is kept.
    let mut tracer = program.filter(|_| arguments.format == Form::Table).map(Tracer::new);
    let from = if tracer.is_some() { 0 } else { arguments.from };
    let end = arguments
        .limit
        .map_or(u64::MAX, |limit| arguments.from.saturating_add(limit));
    let mut exit = Exit::Success;
    each_event(&**store, &entry.run, from, |seq, event| {
        let line = match &mut tracer {
            Some(tracer) => match tracer.follow(event).map_err(told)? {
                Some(told) => {
                    let step = told.step.as_deref().unwrap_or("run");
                    let data = told.data.as_ref().map(|data| format!(" {data}")).unwrap_or_default();
                    output::tame(&format!("{seq:>6} {} {step}: {}{data}", told.at, told.what.words()))
                }
                None => return Ok(true),
            },
            None => exported::event(seq, event)?,
        };
        if seq >= end {
            return Ok(false);
        }
        if seq < arguments.from {
            return Ok(true);
        }
        match output::result(&(line + "\n")) {
            Ok(()) => Ok(true),
            Err(failed) => {
                exit = failed;
                Ok(false)
            }
        }
    })
    .await?;
    Ok(exit)
}

pub(super) async fn export(store: &Arc<dyn Store>, one: &One) -> Done {
    let entry = find(&**store, &one.run).await?;
    let definition = store.definition(&entry.program).await.map_err(told)?;
    let mut lines = vec![described(&entry).to_string()];
    if let Some(definition) = definition {
        lines.push(exported::definition(&definition).to_string());
    }
    if let Err(exit) = output::result(&(lines.join("\n") + "\n")) {
        return Ok(exit);
    }
    let mut exit = Exit::Success;
    each_event(&**store, &entry.run, 0, |seq, event| {
        let written = output::result(&(exported::event(seq, event)? + "\n"));
        Ok(written.map_err(|failed| exit = failed).is_ok())
    })
    .await?;
    Ok(exit)
}
