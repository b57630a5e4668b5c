//! Operations that wait: for a person, an event, a moment.

use std::sync::Arc;

use crate::data::Data;
use crate::graph::{OnTimeout, Sleep, Suspend, Timestamp, WaitFor, parse_instant};
use crate::run::event::{EventKind, ScopeId, Ticket, Wait, WaitEnd};
use crate::run::step::{Finding, check};
use crate::run::turn::Turn;
use crate::run::view::Extra;
use crate::run::{Corrupt, Failure};

pub(super) fn suspend(turn: &mut Turn<'_>, scope: ScopeId, suspend: &Suspend) -> Result<(), Corrupt> {
    match prepare(turn, scope, suspend) {
        Ok(None) => turn.concluded(scope, Finding::nothing()),
        Ok(Some((wait, deadline))) => turn.emit(EventKind::WaitStarted {
            scope,
            ticket: Ticket(turn.state.next_ticket),
            wait: Arc::new(wait),
            deadline,
        }),
        Err(failure) => turn.failed(scope, failure),
    }
}

fn prepare(turn: &Turn<'_>, scope: ScopeId, suspend: &Suspend) -> Result<Option<(Wait, Option<Timestamp>)>, Failure> {
    if !turn.holds(scope, &suspend.when)? {
        return Ok(None);
    }
    let reason = turn.text(scope, &suspend.reason)?;
    let data = match &suspend.data {
        Some(data) => Some(turn.value(scope, data, Extra::default())?),
        None => None,
    };
    if let Some(schema) = &suspend.data_schema {
        check(
            schema,
            data.as_ref().unwrap_or(&Data::Null),
            "schema.suspend",
            "the data of this wait",
        )?;
    }
    let deadline = suspend
        .timeout
        .as_ref()
        .map(|timing| turn.moment(scope, timing))
        .transpose()?;
    Ok(Some((Wait::Resume { reason, data }, deadline)))
}

pub(super) fn resumed(turn: &mut Turn<'_>, scope: ScopeId, suspend: &Suspend, end: WaitEnd) -> Result<(), Corrupt> {
    match (end, suspend.on_timeout) {
        (WaitEnd::Resumed(payload), _) => turn.concluded(scope, Finding::Resumed(payload)),
        (WaitEnd::TimedOut, OnTimeout::Continue) => turn.concluded(scope, Finding::nothing()),
        (WaitEnd::TimedOut, OnTimeout::Fail) => {
            turn.failed(scope, Failure::new("suspend.timeout", "nobody answered in time"))
        }
        (WaitEnd::Received(_), _) => Err(Corrupt),
    }
}

pub(super) fn wait_for(turn: &mut Turn<'_>, scope: ScopeId, wait: &WaitFor) -> Result<(), Corrupt> {
    let deadline = match wait
        .timeout
        .as_ref()
        .map(|timing| turn.moment(scope, timing))
        .transpose()
    {
        Ok(deadline) => deadline,
        Err(failure) => return turn.failed(scope, failure),
    };
    let ticket = Ticket(turn.state.next_ticket);
    turn.emit(EventKind::WaitStarted {
        scope,
        ticket,
        wait: Arc::new(Wait::Event {
            event: wait.event.clone(),
        }),
        deadline,
    })?;
    // An event that came early may be what is waited for.
    let kept: Vec<Data> = turn
        .state
        .inbox
        .iter()
        .filter(|(name, _)| *name == wait.event)
        .map(|(_, data)| data.clone())
        .collect();
    for data in kept {
        match turn.wants(scope, &wait.event, &data) {
            Ok(false) => {}
            Ok(true) => {
                let end = WaitEnd::Received(data);
                return turn.emit(EventKind::WaitEnded { ticket, end });
            }
            Err(failure) => {
                return turn.unwind(scope, crate::run::Verdict::Failed(Arc::new(failure)));
            }
        }
    }
    Ok(())
}

pub(super) fn received(turn: &mut Turn<'_>, scope: ScopeId, wait: &WaitFor, end: WaitEnd) -> Result<(), Corrupt> {
    match end {
        WaitEnd::Received(data) => {
            let data = match &wait.schema {
                Some(schema) => schema.fill_defaults(data),
                None => data,
            };
            turn.concluded(scope, Finding::value(data))
        }
        WaitEnd::TimedOut => turn.failed(scope, Failure::new("event.timeout", "the event did not come in time")),
        WaitEnd::Resumed(_) => Err(Corrupt),
    }
}

pub(super) fn sleep(turn: &mut Turn<'_>, scope: ScopeId, sleep: &Sleep) -> Result<(), Corrupt> {
    let until = match sleep {
        Sleep::For(timing) => turn.moment(scope, timing),
        Sleep::Until(instant) => turn.value(scope, instant, Extra::default()).and_then(|instant| {
            instant.as_str().and_then(parse_instant).ok_or_else(|| {
                let message = format!("`until` needs an RFC 3339 instant such as 2026-12-01T09:00:00Z, not {instant}");
                Failure::new("expression.type", message)
            })
        }),
    };
    match until {
        Ok(until) if until <= turn.now => turn.concluded(scope, Finding::nothing()),
        Ok(until) => turn.emit(EventKind::SleepStarted { scope, until }),
        Err(failure) => turn.failed(scope, failure),
    }
}
