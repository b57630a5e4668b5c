//! Sending an event to an execution: the answer to a step that asks, or an event that a step waits for.

use super::body::Delivery;
use super::classes::{Base, Classes, asks};
use super::reply::Failure;
use super::wiring::owner;
use crate::contract::Schema;
use crate::data::Data;
use crate::graph::{Name, NodeId, Op, Program};
use crate::run::{PendingWait, Run, Wait};
use crate::serve::caller::Caller;
use crate::serve::problem::Problem;
use crate::serve::service::{Look, Service};

/// What becomes of an event.
enum Use {
    /// It answers the wait at this address.
    Answer(Name, Data),
    /// It is delivered by its name.
    Deliver,
}

/// Sends an event to an execution; when this returns, it is stored.
pub(super) async fn send(service: &Service, caller: &Caller, run: &Name, sent: Delivery) -> Result<(), Failure> {
    let Look { run: stands, .. } = service.look(caller, None, run).await?;
    let told = match choose(&stands, &sent)? {
        Use::Answer(step, payload) => service.resume(caller, None, run, Some(step), Some(payload)).await,
        Use::Deliver => service.deliver(caller, None, run, sent.event, sent.value).await,
    };
    told.map(drop).map_err(Failure::from)
}

fn choose(run: &Run, sent: &Delivery) -> Result<Use, Failure> {
    let program = run.program();
    let classes = Classes::of(program);
    if !classes.takes(&sent.event) {
        let expected = classes.listed();
        let why = format!("Invalid event type: {}. Expected one of {expected}", sent.event);
        return Err(Problem::Malformed(why).into());
    }
    let answered = |wait: &PendingWait| {
        let asks = run.waiting(wait.ticket).map(|node| asks(&program.step(node).node.op));
        matches!(&*wait.wait, Wait::Resume { .. }) && asks.is_some_and(|(_, response)| *response == *sent.event)
    };
    let meant = |wait: &PendingWait| {
        let step = sent.step.as_deref();
        step.is_none_or(|step| *wait.step == *step || wait.address == step)
    };
    let waits: Vec<PendingWait> = run.waits().filter(|wait| answered(wait) && meant(wait)).collect();
    if let (Some(step), true) = (&sent.step, waits.is_empty()) {
        known(program, step, &sent.event)?;
    }
    match waits.as_slice() {
        [wait] => {
            let schema = run.resume_schema(wait.ticket);
            Ok(Use::Answer(wait.address.as_str().into(), payload(&sent.value, schema)))
        }
        [] if is_delivered(program, &classes, &sent.event) => Ok(Use::Deliver),
        [] => Err(Problem::Conflict(format!("no step waits for {} at the moment", sent.event)).into()),
        several => {
            let steps: Vec<&str> = several.iter().map(|wait| wait.address.as_str()).collect();
            let why = format!(
                "several steps wait for {}; say which as `step`: {}",
                sent.event,
                steps.join(", ")
            );
            Err(Problem::Conflict(why).into())
        }
    }
}

/// Refuses a step that is none of the workflow's, or takes no such event.
fn known(program: &Program, step: &str, event: &str) -> Result<(), Failure> {
    // An address names the step last, behind the items and steps around it.
    let id = step.rsplit('/').next().unwrap_or(step);
    let id = id.split(['[', '@']).next().unwrap_or(id);
    let mut of = program.steps.iter().enumerate().filter(|(index, _)| {
        let owner = owner(program, NodeId(*index as u32));
        owner.is_some_and(|owner| *program.step(owner).node.id == *id)
    });
    let mut exists = false;
    let takes = of.any(|(_, step)| {
        exists = true;
        match &step.node.op {
            Op::WaitFor(wait) => *wait.event == *event,
            op @ (Op::Suspend(_) | Op::Approve(_)) => asks(op).1 == event,
            _ => false,
        }
    });
    match (takes, exists) {
        (true, _) => Ok(()),
        (false, true) => Err(Failure::Unsendable(format!(
            "Step {step} does not accept event of type {event}"
        ))),
        (false, false) => Err(Failure::Unsendable(format!("Step {step} does not exist"))),
    }
}

/// Whether an event is kept until a step waits for it. An answer that nobody has asked for is not: it would be lost.
fn is_delivered(program: &Program, classes: &Classes, event: &str) -> bool {
    let waited = program
        .steps
        .iter()
        .any(|step| matches!(&step.node.op, Op::WaitFor(wait) if *wait.event == *event));
    waited
        || classes
            .get(event)
            .is_none_or(|class| class.base != Some(Base::Response))
}

/// What the fields of an answer come to: clients wrap what is no object into the field that is usual for it.
fn payload(value: &Data, schema: Option<&Schema>) -> Data {
    let Some(schema) = schema else { return value.clone() };
    let fits = |value: &Data| schema.validate(&schema.fill_defaults(value.clone())).is_ok();
    match value.get("response") {
        Some(inner) if !fits(value) && fits(inner) => inner.clone(),
        _ => value.clone(),
    }
}
