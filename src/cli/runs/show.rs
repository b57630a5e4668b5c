//! `interpret runs show` and `interpret runs state`: a run as it stands.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Done, Exit, Form, One, described, each_event, find, print, program, replay, table, told};
use crate::cli::{input, output, run::report};
use crate::data::{Data, Map};
use crate::graph::Name;
use crate::run::{Run, RunEnd, Tracer, Wait, What};
use crate::store::{Definition, Entry, Store};

/// The largest file that is compared with what is kept.
const LARGEST: usize = 64 * 1024 * 1024;

pub(super) async fn run(store: &Arc<dyn Store>, url: &str, one: &One) -> Done {
    let entry = find(&**store, &one.run).await?;
    let definition = store.definition(&entry.program).await.map_err(told)?;
    let changed = definition.as_deref().map(changed).unwrap_or_default();
    let replayed = replay(store, &entry).await;
    let (waiting, end, unreadable) = match &replayed {
        Ok(run) => (waiting(run), end(run), None),
        Err(error) => (Data::Null, None, Some(error.clone())),
    };
    if one.format == Form::Json {
        let Data::Map(map) = described(&entry) else {
            return Ok(Exit::Error);
        };
        let changed: Data = changed.iter().map(|(path, _)| Data::Text(path.clone())).collect();
        let mut map: Map = map.with("changedFiles".into(), changed).with("waiting".into(), waiting);
        if let Some((key, value)) = end {
            map = map.with(key.into(), value);
        }
        if let Some(spent) = replayed.as_ref().ok().and_then(spent) {
            map = map.with("spent".into(), spent);
        }
        if let Some(error) = unreadable {
            map = map.with("unreadable".into(), Data::from(error));
        }
        return Ok(print(&Data::from(map)));
    }
    let mut rows = lines(&entry);
    if let Some(Data::Map(spent)) = replayed.as_ref().ok().and_then(spent) {
        rows.extend(
            spent
                .iter()
                .map(|(what, value)| vec![what.to_string(), value.to_string()]),
        );
    }
    let mut text = table(&rows);
    if let Some((key, value)) = end {
        text.push_str(&format!("{key}: {}\n", output::tame(&value.to_string())));
    }
    for (path, how) in changed {
        text.push_str(&format!(
            "{path} {how} since the run began; it goes on with what it began with\n"
        ));
    }
    match replayed {
        Err(error) => text.push_str(&format!("it cannot be read: {error}\n")),
        Ok(run) => {
            for wait in run.waits() {
                text.push_str(&format!("{}\n", report::question(&wait)));
                let answer = match &*wait.wait {
                    Wait::Resume { .. } => {
                        crate::cli::ask::example(run.resume_schema(wait.ticket)).replace('\'', "'\\''")
                    }
                    Wait::Event { .. } => "{}".to_owned(),
                };
                let which = match &*wait.wait {
                    Wait::Resume { .. } => format!("--step '{}'", wait.address),
                    Wait::Event { event } => format!("--event {event}"),
                };
                text.push_str(&format!(
                    "  interpret runs resume {} --store '{url}' {which} --data '{answer}'\n",
                    entry.run
                ));
            }
        }
    }
    Ok(output::result(&text).err().unwrap_or(Exit::Success))
}

fn lines(entry: &Entry) -> Vec<Vec<String>> {
    let mut rows = vec![
        vec!["run".to_owned(), output::tame(&entry.run)],
        vec!["workflow".to_owned(), entry.head.workflow.to_string()],
        vec!["status".to_owned(), entry.head.status.as_str().to_owned()],
        vec!["started".to_owned(), entry.started_at.to_rfc3339()],
        vec!["updated".to_owned(), entry.updated_at.to_rfc3339()],
        vec!["events".to_owned(), entry.seq.to_string()],
        vec!["definition".to_owned(), entry.program.to_string()],
    ];
    if let Some(at) = entry.head.wake_at.filter(|at| at.0 > i64::MIN) {
        rows.push(vec!["wakes".to_owned(), at.to_rfc3339()]);
    }
    for (name, value) in [("user", &entry.user), ("conversation", &entry.conversation)] {
        rows.extend(value.as_ref().map(|value| vec![name.to_owned(), output::tame(value)]));
    }
    for (label, value) in &entry.labels {
        rows.push(vec!["label".to_owned(), output::tame(&format!("{label}={value}"))]);
    }
    rows
}

/// What its turns of models took, if there were any.
fn spent(run: &Run) -> Option<Data> {
    let spent = run.spent();
    (!spent.is_nothing()).then(|| spent.to_data())
}

fn waiting(run: &Run) -> Data {
    run.waits().map(|wait| report::described(&wait)).collect()
}

fn end(run: &Run) -> Option<(&'static str, Data)> {
    Some(match run.state().end()? {
        RunEnd::Completed(result) => ("result", result.clone()),
        RunEnd::Failed(failure) => ("error", failure.to_data()),
        RunEnd::Cancelled(reason) => ("cancelled", reason.as_deref().into()),
    })
}

/// The files of a definition that are no longer what they were.
fn changed(definition: &Definition) -> Vec<(Name, &'static str)> {
    let files = definition.files.iter().chain(&definition.schemas);
    let changed = |(path, text): &(Name, Arc<str>)| match input::file(path.as_ref().as_ref(), "", LARGEST) {
        Ok(now) if *now == **text => None,
        Ok(_) => Some((path.clone(), "has changed")),
        Err(_) => Some((path.clone(), "cannot be found or read")),
    };
    files.filter_map(changed).collect()
}

/// Where each step stands.
pub(super) async fn state(store: &Arc<dyn Store>, one: &One) -> Done {
    let entry = find(&**store, &one.run).await?;
    let mut tracer = Tracer::new(program(&**store, &entry).await?.0);
    let mut steps: Vec<(String, &'static str, u32, Data)> = Vec::new();
    each_event(&**store, &entry.run, 0, |_, event| {
        let told = tracer.follow(event).map_err(told)?;
        let Some(told) = told else { return Ok(true) };
        let Some(step) = told.step.as_ref().map(ToString::to_string) else {
            return Ok(true);
        };
        if told.is_turn() {
            return Ok(true);
        }
        let status = match told.what {
            What::StepStarted | What::CallStarted | What::CallRepeated | What::AttemptFailed => "running",
            What::WaitStarted | What::SleepStarted => "waiting",
            What::WaitResumed | What::WaitExpired => "running",
            What::StepCompleted => "success",
            What::StepSkipped => "skipped",
            What::StepFailed => "error",
            What::StepCancelled => "cancelled",
            What::RunRetried => {
                let again: HashSet<String> = tracer.in_progress().collect();
                for (step, status, ..) in &mut steps {
                    if again.contains(step) {
                        *status = "running";
                    }
                }
                "running"
            }
            _ => return Ok(true),
        };
        let data = match told.what {
            What::StepCompleted | What::StepFailed => told.data.clone().unwrap_or_default(),
            _ => Data::Null,
        };
        let attempt = told.attempt.unwrap_or(1);
        match steps.iter_mut().find(|(known, ..)| *known == step) {
            Some(known) => *known = (step, status, attempt, data),
            None => steps.push((step, status, attempt, data)),
        }
        Ok(true)
    })
    .await?;
    let run = replay(store, &entry).await?;
    let workflow = run.workflow_state().cloned().unwrap_or_default();
    if one.format == Form::Json {
        let each = |(step, status, attempt, data): &(String, &'static str, u32, Data)| crate::data!({ "step": step.as_str(), "status": *status, "attempt": *attempt as i64, "data": data.clone() });
        let steps: Data = steps.iter().map(each).collect();
        let status = entry.head.status.as_str();
        return Ok(print(
            &crate::data!({ "run": entry.run, "status": status, "state": workflow, "steps": steps }),
        ));
    }
    let mut rows = vec![["STEP", "STATUS", "ATTEMPT", "DATA"].map(str::to_owned).to_vec()];
    for (step, status, attempt, data) in steps {
        let data = if data.is_null() {
            String::new()
        } else {
            output::tame(&report::shortened(&data.to_string()))
        };
        rows.push(vec![step, status.to_owned(), attempt.to_string(), data]);
    }
    let text = format!("state: {}\n{}", output::tame(&workflow.to_string()), table(&rows));
    Ok(output::result(&text).err().unwrap_or(Exit::Success))
}
