//! A block again and again.

use crate::data::Data;
use crate::graph::{Loop, OnLimit};
use crate::run::event::{EventKind, Part, ScopeId};
use crate::run::state::{End, Work};
use crate::run::step::Finding;
use crate::run::turn::Turn;
use crate::run::view::Extra;
use crate::run::{Corrupt, Failure};

pub(super) fn begin(turn: &mut Turn<'_>, scope: ScopeId, repeat: &Loop) -> Result<(), Corrupt> {
    let limit = turn
        .value(scope, &repeat.max_iterations, Extra::default())
        .and_then(|limit| {
            let count = limit
                .as_i64()
                .and_then(|count| u32::try_from(count).ok())
                .filter(|count| *count > 0);
            count.ok_or_else(|| {
                let message = format!(
                    "`maxIterations` needs a whole number from 1 to {}, not {limit}",
                    u32::MAX
                );
                Failure::new("expression.type", message)
            })
        });
    match limit {
        Ok(max_iterations) => turn.emit(EventKind::LoopStarted { scope, max_iterations }),
        Err(failure) => turn.failed(scope, failure),
    }
}

pub(super) fn proceed(turn: &mut Turn<'_>, scope: ScopeId, repeat: &Loop) -> Result<(), Corrupt> {
    let active = turn.state.active(scope).ok_or(Corrupt)?;
    let Work::Loop(iterations) = &active.work else {
        return Err(Corrupt);
    };
    let data: Data = match &iterations.end {
        None => return turn.open_block(scope, Part::Body(0)),
        Some(End::Value(data)) => data.clone(),
        Some(End::Failed(failure)) => {
            let failure = super::own(failure);
            return turn.failed(scope, failure);
        }
        Some(End::Cancelled) => return Err(Corrupt),
    };
    let (begun, max) = (iterations.begun, iterations.max);
    let extra = Extra {
        data: Some(&data),
        index: Some(begun - 1),
        ..Extra::default()
    };
    match turn.condition(scope, &repeat.condition, extra) {
        Err(failure) => turn.failed(scope, failure),
        Ok(holds) if holds == repeat.ends_on => turn.concluded(scope, Finding::value(data)),
        Ok(_) if begun < max => turn.open_block(scope, Part::Body(begun)),
        Ok(_) => match repeat.on_limit {
            OnLimit::Continue => turn.concluded(scope, Finding::value(data)),
            OnLimit::Fail => {
                let message = format!("the loop did not end within {max} iterations");
                turn.failed(scope, Failure::new("loop.limit", message))
            }
        },
    }
}
