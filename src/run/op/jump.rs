//! On to another node of the same block.

use crate::graph::{Aim, Jump};
use crate::run::event::{EventKind, ScopeId, StepEnd};
use crate::run::fault::{Fault, planted};
use crate::run::turn::Turn;
use crate::run::view::Extra;
use crate::run::{Corrupt, Failure};

pub(super) fn begin(turn: &mut Turn<'_>, scope: ScopeId, jump: &Jump) -> Result<(), Corrupt> {
    let chosen = choose(turn, scope, jump).and_then(|arm| {
        let aim = jump.aim(arm);
        aim.map_or(Ok(()), |aim| check(turn, scope, jump, aim))?;
        let received = turn.entry(scope)?.data.clone();
        Ok((aim.map(|_| arm), turn.state_updates(scope, &received)?))
    });
    let (arm, state) = match chosen {
        Ok(chosen) => chosen,
        Err(failure) => return turn.failed(scope, failure),
    };
    let node = turn.state.active(scope).ok_or(Corrupt)?.node;
    turn.emit(EventKind::StepEnded {
        scope,
        node,
        end: StepEnd::Success {
            data: None,
            state,
            error: None,
            arm,
        },
    })
}

/// The first arm whose condition holds; behind them stands what happens when none does.
fn choose(turn: &Turn<'_>, scope: ScopeId, jump: &Jump) -> Result<u32, Failure> {
    for (at, (condition, _)) in jump.arms.iter().enumerate() {
        if turn.condition(scope, condition, Extra::default())? {
            return Ok(at as u32);
        }
    }
    Ok(jump.arms.len() as u32)
}

/// What goes backwards again and again is a loop.
fn check(turn: &Turn<'_>, scope: ScopeId, jump: &Jump, aim: Aim) -> Result<(), Failure> {
    let Aim::Node(to) = aim else { return Ok(()) };
    let entry = turn.entry(scope)?;
    let from = entry.active.as_ref().ok_or(Corrupt)?.node;
    if turn.program.is_backwards(from, to) && entry.visit >= jump.limit && !planted(Fault::EndlessJumps) {
        let limit = jump.limit;
        let message = format!("the steps did not get past this one within {limit} jumps backwards");
        return Err(Failure::new("loop.limit", message));
    }
    Ok(())
}
