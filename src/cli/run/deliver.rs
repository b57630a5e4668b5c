//! `--event`: named events from outside, for steps with `waitFor`.

use crate::cli::{input, output};
use crate::data::Data;
use crate::diagnostic::closest;
use crate::drive::{SendError, Session};
use crate::graph::{Name, Op, Program};
use crate::run::{Event, Input, Run};

/// An event as it is given on the command line, checked as the run would check it.
pub(super) fn parse(argument: &str, program: &Program) -> Result<(Name, Data), String> {
    let Some((event, data)) = argument.split_once('=') else {
        return Err(format!(
            "--event {argument}: write NAME=JSON, for example --event Paid='{{\"cents\": 990}}'"
        ));
    };
    let awaited = || {
        program.steps.iter().filter_map(|step| match &step.node.op {
            Op::WaitFor(wait) => Some(&*wait.event),
            _ => None,
        })
    };
    if !awaited().any(|name| name == event) {
        let meant = closest(event, awaited()).map(|name| format!("; did you mean `{name}`?"));
        return Err(format!(
            "--event {event}: no step waits for an event of that name{}",
            meant.unwrap_or_default()
        ));
    }
    let data = input::value(data, &format!("--event {event}"))?;
    let declared = program.main().header.events.get(event);
    if let Some(schema) = declared.and_then(|declared| declared.schema.as_ref()) {
        let filled = schema.fill_defaults(data.clone());
        schema.validate(&filled).map_err(|violations| {
            let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
            format!(
                "--event {event}: the event does not match its schema: {}",
                violations.join("; ")
            )
        })?;
    }
    Ok((event.into(), data))
}

/// Tells a run that has just begun of the events, in their order. It keeps those that nobody waits for yet (rule 34).
pub(super) async fn all(
    session: &mut Session,
    events: &[(Name, Data)],
    observe: &mut impl FnMut(&[Event], &Run),
) -> Result<(), SendError> {
    for (event, data) in events {
        if session.run().state().end().is_some() {
            output::say(&format!("warning: --event {event}: the run was over before\n"));
            continue;
        }
        let input = Input::Deliver {
            event: event.clone(),
            data: data.clone(),
        };
        session.send(input, observe).await?;
    }
    Ok(())
}
