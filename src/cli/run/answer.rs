//! What a waiting run is told: an answer of `--resume`, else what the person at the terminal says.

use std::io::IsTerminal;

use tokio::sync::oneshot;

use super::report;
use crate::cli::{ask, input, output};
use crate::data::Data;
use crate::diagnostic::closest;
use crate::drive::Session;
use crate::graph::{Name, Program};
use crate::run::{PendingWait, Target, Wait};

/// An answer as it is given on the command line.
pub(super) fn parse(answer: &str, program: &Program) -> Result<(Name, Data), String> {
    let Some((target, payload)) = answer.split_once('=') else {
        return Err(format!(
            "--resume {answer}: write STEP=JSON, for example --resume approve='{{\"approved\": true}}'"
        ));
    };
    let step = step_of(target);
    if !program.step_ids().any(|id| id == step) {
        let meant = closest(step, program.step_ids()).map(|id| format!("; did you mean `{id}`?"));
        return Err(format!(
            "--resume {target}: there is no step `{step}`{}",
            meant.unwrap_or_default()
        ));
    }
    Ok((target.into(), input::value(payload, &format!("--resume {target}"))?))
}

/// The first answer of `--resume` that is meant for a wait; it is used up.
pub(super) fn given(session: &Session, answers: &mut Vec<(Name, Data)>) -> Option<(Target, Data)> {
    let waits: Vec<PendingWait> = session.run().waits().collect();
    for wait in &waits {
        let meant = |(step, _): &(Name, Data)| **step == *wait.address || *step == wait.step;
        if let Some(at) = answers.iter().position(meant) {
            return Some((Target::Ticket(wait.ticket), answers.remove(at).1));
        }
    }
    // A name such as `approve[2]` is for the run to find.
    let meant = |(step, _): &(Name, Data)| waits.iter().any(|wait| step_of(step) == &*wait.step);
    let (step, payload) = answers.remove(answers.iter().position(meant)?);
    Some((Target::Step(step), payload))
}

/// The id of the step that a name such as `approve[2]` or an address means.
pub(super) fn step_of(target: &str) -> &str {
    // The question whether a tool may be called belongs to the step before it.
    let mut backwards = target.rsplit(['/', ':']);
    let last = backwards
        .find(|segment| !segment.starts_with("approve."))
        .unwrap_or(target);
    last.split(['+', '@', '[']).next().unwrap_or(last)
}

/// Asks the person at the terminal, if there is one, for the payload of a wait. The question is put in a thread of its
/// own: time goes on for the run, and an interrupt is heard.
pub(super) fn asked(session: &Session) -> Option<(Target, oneshot::Receiver<Option<Data>>)> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return None;
    }
    let mut waits = session.run().waits();
    let wait = waits.find(|wait| matches!(&*wait.wait, Wait::Resume { .. }))?;
    output::say(&format!("\n{}\n", report::question(&wait)));
    let schema = session.run().resume_schema(wait.ticket).cloned();
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let payload = ask::payload(
            schema.as_ref(),
            &mut std::io::stdin().lock(),
            // Not locked: what happens meanwhile has to be told.
            &mut std::io::stderr(),
        );
        // The run may have gone on without it.
        let _ = sender.send(payload);
    });
    Some((Target::Ticket(wait.ticket), receiver))
}
