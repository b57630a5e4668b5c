//! What the outside world did in a run that was recorded: all that its events do not follow from.

use std::collections::HashMap;
use std::sync::Arc;

use crate::data::Data;
use crate::graph::{Name, Op, Program, Timestamp};
use crate::run::{
    Corrupt, Event, EventKind, Outcome, Request, Run, RunEnd, ScopeId, Started, Ticket, Verdict, WaitEnd,
};

/// A recorded run, taken apart.
pub(super) struct Facts {
    /// How it began.
    pub started: Arc<Started>,
    /// When it began.
    pub at: Timestamp,
    /// What came from outside, by the place of its event.
    pub facts: HashMap<usize, Fact>,
    /// The calls, in the order in which they went out.
    pub calls: Vec<Asked<Outcome>>,
    /// The waits for a person, in the order in which they began.
    pub waits: Vec<Asked<Data>>,
    /// How it ended, if it did.
    pub end: Option<RunEnd>,
    /// The run as the last event left it.
    pub run: Run,
}

/// Something that came from outside.
#[derive(Clone, Debug)]
pub(super) enum Fact {
    /// An answer to the call with this effect, which is address and attempt.
    Answer { effect: String, outcome: Outcome },
    /// A payload for the wait at this address.
    Resume { address: String, payload: Data },
    /// A named event.
    Deliver { event: Name, data: Data },
    /// The run was held.
    Suspend { reason: Option<Name> },
    /// It went on.
    Continue,
    /// It was cancelled.
    Cancel { reason: Option<Name> },
}

/// A call or a wait.
pub(super) struct Asked<T> {
    pub step: Name,
    pub address: String,
    pub at: Timestamp,
    /// The answer, and when it came.
    pub answer: Option<(Timestamp, T)>,
}

/// Takes the events of a run apart.
pub(super) fn facts(program: &Arc<Program>, events: &[Event]) -> Result<Facts, Corrupt> {
    let Some((at, EventKind::RunStarted(started))) = events.first().map(|first| (first.at, &first.kind)) else {
        return Err(Corrupt);
    };
    let mut facts = Facts {
        started: started.clone(),
        at,
        facts: HashMap::new(),
        calls: Vec::new(),
        waits: Vec::new(),
        end: None,
        run: Run::new(program.clone()),
    };
    let mut calls: HashMap<Ticket, usize> = HashMap::new();
    let mut waits: HashMap<Ticket, usize> = HashMap::new();
    let mut cancels = false;
    for (index, event) in events.iter().enumerate() {
        let fact = match &event.kind {
            EventKind::CallEnded { ticket, outcome } => {
                let call = facts.run.pending_call(*ticket).ok_or(Corrupt)?;
                if let Some(call) = calls.get(ticket) {
                    facts.calls[*call].answer = Some((event.at, outcome.clone()));
                }
                Some(Fact::Answer {
                    effect: call.effect,
                    outcome: outcome.clone(),
                })
            }
            EventKind::WaitEnded {
                ticket,
                end: WaitEnd::Resumed(payload),
            } => {
                let wait = facts.run.waits().find(|wait| wait.ticket == *ticket).ok_or(Corrupt)?;
                if let Some(wait) = waits.get(ticket) {
                    facts.waits[*wait].answer = Some((event.at, payload.clone()));
                }
                Some(Fact::Resume {
                    address: wait.address,
                    payload: payload.clone(),
                })
            }
            EventKind::EventReceived { event, data } => Some(Fact::Deliver {
                event: event.clone(),
                data: data.clone(),
            }),
            EventKind::Suspended { reason } => Some(Fact::Suspend { reason: reason.clone() }),
            EventKind::Continued => Some(Fact::Continue),
            // That of a step `cancel` follows from the step.
            EventKind::Unwinding {
                scope: ScopeId(0),
                verdict: Verdict::Cancelled(reason),
                ..
            } if !cancels => Some(Fact::Cancel { reason: reason.clone() }),
            EventKind::RunEnded { end } => {
                facts.end = Some(end.clone());
                None
            }
            _ => None,
        };
        facts.facts.extend(fact.map(|fact| (index, fact)));
        facts.run.follow(event)?;
        match &event.kind {
            EventKind::CallStarted { ticket, .. } => {
                let call = facts.run.pending_call(*ticket).ok_or(Corrupt)?;
                // Those of the conversation and of servers need no mock.
                if !call.request.is_own() && !matches!(*call.request, Request::McpTools(_)) {
                    calls.insert(*ticket, facts.calls.len());
                    facts.calls.push(Asked {
                        address: call.address().to_owned(),
                        step: call.step,
                        at: event.at,
                        answer: None,
                    });
                }
            }
            EventKind::WaitStarted { ticket, wait, .. } if matches!(**wait, crate::run::Wait::Resume { .. }) => {
                let wait = facts.run.waits().find(|wait| wait.ticket == *ticket).ok_or(Corrupt)?;
                waits.insert(*ticket, facts.waits.len());
                facts.waits.push(Asked {
                    step: wait.step,
                    address: wait.address,
                    at: event.at,
                    answer: None,
                });
            }
            _ => {}
        }
        cancels = match &event.kind {
            EventKind::StepStarted { node, .. } => matches!(program.step(*node).node.op, Op::Cancel { .. }),
            _ => false,
        };
    }
    Ok(facts)
}
