//! Operations that steer: an event, an error, an end.

use std::sync::Arc;

use crate::contract::Schema;
use crate::data::Data;
use crate::expr::{Build, Expression};
use crate::graph::{Fail, Name};
use crate::run::event::{EventKind, ScopeId, StepEnd, Verdict};
use crate::run::state::Work;
use crate::run::step::{Finding, check};
use crate::run::turn::Turn;
use crate::run::view::Extra;
use crate::run::{Corrupt, Failure};

pub(super) fn emit(
    turn: &mut Turn<'_>,
    scope: ScopeId,
    when: &Option<Arc<Expression>>,
    event: &Name,
    data: &Build,
    schema: &Option<Schema>,
) -> Result<(), Corrupt> {
    match emitted(turn, scope, when, data, schema) {
        Ok(None) => turn.concluded(scope, Finding::nothing()),
        Ok(Some(data)) => {
            let event = event.clone();
            turn.emit(EventKind::Emitted { scope, event, data })?;
            turn.concluded(scope, Finding::nothing())
        }
        Err(failure) => turn.failed(scope, failure),
    }
}

fn emitted(
    turn: &Turn<'_>,
    scope: ScopeId,
    when: &Option<Arc<Expression>>,
    data: &Build,
    schema: &Option<Schema>,
) -> Result<Option<Data>, Failure> {
    if !turn.holds(scope, when)? {
        return Ok(None);
    }
    let data = turn.value(scope, data, Extra::default())?;
    if let Some(schema) = schema {
        check(schema, &data, "schema.event", "the data of this event")?;
    }
    Ok(Some(data))
}

pub(super) fn fail(turn: &mut Turn<'_>, scope: ScopeId, fail: &Fail) -> Result<(), Corrupt> {
    match raise(turn, scope, fail) {
        Ok(()) => turn.concluded(scope, Finding::nothing()),
        Err(failure) => turn.failed(scope, failure),
    }
}

fn raise(turn: &Turn<'_>, scope: ScopeId, fail: &Fail) -> Result<(), Failure> {
    match fail {
        Fail::New {
            when,
            code,
            message,
            data,
        } => {
            if !turn.holds(scope, when)? {
                return Ok(());
            }
            let message = turn.text(scope, message)?.unwrap_or_else(|| code.clone());
            let data = match data {
                Some(data) => turn.value(scope, data, Extra::default())?,
                None => Data::Null,
            };
            Err(Failure::new(code.clone(), message).with_data(data))
        }
        Fail::Again(error) => {
            let error = error.eval(&turn.view(scope, Extra::default())?)?;
            Err(Failure::from_data(&error).unwrap_or_else(|| {
                let message = format!("`fail` needs an error such as `=error`, not {}", error.a_kind());
                Failure::new("expression.type", message)
            }))
        }
    }
}

pub(super) fn end(
    turn: &mut Turn<'_>,
    scope: ScopeId,
    when: &Option<Arc<Expression>>,
    output: &Option<Build>,
) -> Result<(), Corrupt> {
    let evaluated = turn.holds(scope, when).and_then(|holds| match (holds, output) {
        (false, _) => Ok(None),
        (true, Some(output)) => turn.value(scope, output, Extra::default()).map(Some),
        (true, None) => Ok(Some(Data::Null)),
    });
    let ending = evaluated.and_then(|output| match output {
        Some(output) => turn.state_updates(scope, &output).map(|state| Some((output, state))),
        None => Ok(None),
    });
    let (output, state) = match ending {
        Ok(Some(ending)) => ending,
        Ok(None) => return turn.concluded(scope, Finding::nothing()),
        Err(failure) => return turn.failed(scope, failure),
    };
    let entry = turn.entry(scope)?;
    let around = entry.parent;
    let caller = turn.state.instances.get(entry.instance).ok_or(Corrupt)?.caller;
    let node = turn.state.active(scope).ok_or(Corrupt)?.node;
    turn.emit(EventKind::StepEnded {
        scope,
        node,
        end: StepEnd::Success {
            data: None,
            state,
            error: None,
            arm: None,
        },
    })?;
    let calling = turn.state.active(caller).ok_or(Corrupt)?;
    if matches!(calling.work, Work::Unwinding { .. }) {
        return Ok(());
    }
    turn.emit(EventKind::Unwinding {
        scope: caller,
        verdict: Verdict::Ended(output),
        around: around.filter(|around| *around != caller),
    })
}

pub(super) fn cancel(
    turn: &mut Turn<'_>,
    scope: ScopeId,
    when: &Option<Arc<Expression>>,
    reason: &Option<Build>,
) -> Result<(), Corrupt> {
    let evaluated = turn.holds(scope, when).and_then(|holds| match holds {
        true => turn.text(scope, reason).map(Some),
        false => Ok(None),
    });
    match evaluated {
        Ok(Some(reason)) => turn.cancel_run(reason),
        Ok(None) => turn.concluded(scope, Finding::nothing()),
        Err(failure) => turn.failed(scope, failure),
    }
}
