//! Blocks beside each other: branches, and the items of a list.

use std::sync::Arc;

use crate::data::{Data, List, Map};
use crate::graph::{ForEach, Fork, Join, Name};
use crate::run::event::{EventKind, Part, ScopeId, Verdict};
use crate::run::state::{Branches, End, Slot, Work};
use crate::run::step::Finding;
use crate::run::turn::Turn;
use crate::run::view::Extra;
use crate::run::{Corrupt, Failure};

pub(super) fn begin(turn: &mut Turn<'_>, scope: ScopeId, fork: &Fork) -> Result<(), Corrupt> {
    let mut chosen = Vec::with_capacity(fork.branches.len());
    for branch in &fork.branches {
        match &branch.condition {
            None => chosen.push(true),
            Some(condition) => match turn.condition(scope, condition, Extra::default()) {
                Ok(holds) => chosen.push(holds),
                Err(failure) => return turn.failed(scope, failure),
            },
        }
    }
    if !chosen.contains(&true) && fork.otherwise.is_some() {
        return turn.open_block(scope, Part::Body(fork.branches.len() as u32));
    }
    turn.emit(EventKind::ForkStarted {
        scope,
        chosen: chosen.into(),
    })
}

pub(super) fn begin_each(turn: &mut Turn<'_>, scope: ScopeId, each: &ForEach) -> Result<(), Corrupt> {
    match turn.value(scope, &each.items, Extra::default()) {
        Ok(items @ Data::List(_)) => turn.emit(EventKind::EachStarted { scope, items }),
        Ok(other) => {
            let message = format!("`items` needs a list, not {}", other.a_kind());
            turn.failed(scope, Failure::new("expression.type", message))
        }
        Err(failure) => turn.failed(scope, failure),
    }
}

pub(super) fn proceed(turn: &mut Turn<'_>, scope: ScopeId, fork: &Fork) -> Result<(), Corrupt> {
    let active = turn.state.active(scope).ok_or(Corrupt)?;
    let Work::Fork(branches) = &active.work else {
        return Err(Corrupt);
    };
    let running = branches.running > 0;
    match conclusion(fork.join, branches) {
        None if branches.over() => match whole(fork, branches) {
            Ok(value) => turn.concluded(scope, Finding::value(value)),
            Err(failure) => turn.failed(scope, failure),
        },
        None => {
            let part = Part::Body(branches.next);
            turn.open_block(scope, part)
        }
        Some((_, End::Failed(failure))) => fail_early(turn, scope, failure, running),
        Some((at, End::Value(result))) => {
            let winner = match fork.branches.get(at as usize).and_then(|branch| branch.key.clone()) {
                Some(key) => Data::Text(key),
                None => Data::Int(at.into()),
            };
            if running {
                let verdict = Verdict::Won { result, winner };
                return turn.unwind(scope, verdict);
            }
            turn.concluded(scope, Finding::Won { result, winner })
        }
        Some((_, End::Cancelled)) => Err(Corrupt),
    }
}

pub(super) fn proceed_each(turn: &mut Turn<'_>, scope: ScopeId) -> Result<(), Corrupt> {
    let active = turn.state.active(scope).ok_or(Corrupt)?;
    let Work::Each { branches, .. } = &active.work else {
        return Err(Corrupt);
    };
    let join = crate::run::apply::join(&turn.program.step(active.node).node.op);
    let running = branches.running > 0;
    match conclusion(join, branches) {
        Some((_, End::Failed(failure))) => fail_early(turn, scope, failure, running),
        Some(_) => Err(Corrupt),
        None if branches.over() => {
            let value = Data::List(Arc::new(
                branches.slots.iter().map(|slot| value(join, slot)).collect::<List>(),
            ));
            turn.concluded(scope, Finding::value(value))
        }
        None => {
            let part = Part::Body(branches.next);
            turn.open_block(scope, part)
        }
    }
}

/// The branch that decides the whole, and how it ended.
fn conclusion(join: Join, branches: &Branches) -> Option<(u32, End)> {
    let at = match join {
        Join::All => branches.failed,
        Join::Settle => None,
        Join::FirstSettled => branches.settled,
        Join::FirstSuccess => branches.succeeded,
    }?;
    match branches.slots.get(at as usize)? {
        Slot::Ended(end) => Some((at, end.clone())),
        Slot::Chosen | Slot::NotChosen | Slot::Running(_) => None,
    }
}

fn fail_early(turn: &mut Turn<'_>, scope: ScopeId, failure: Arc<Failure>, running: bool) -> Result<(), Corrupt> {
    if running {
        let verdict = Verdict::Failed(failure);
        return turn.unwind(scope, verdict);
    }
    let failure = super::own(&failure);
    turn.failed(scope, failure)
}

/// What a fork gives when every branch has ended.
fn whole(fork: &Fork, branches: &Branches) -> Result<Data, Failure> {
    if fork.join == Join::FirstSuccess {
        let mut failures = branches.slots.iter().filter_map(|slot| match slot {
            Slot::Ended(End::Failed(failure)) => Some(failure.clone()),
            _ => None,
        });
        let first = failures.next();
        let failure = Failure::new("race.failed", "every branch of the race failed");
        return Err(match first {
            Some(first) => failure.caused_by(first),
            None => failure,
        });
    }
    let values = branches.slots.iter().map(|slot| value(fork.join, slot));
    if !fork.keyed {
        return Ok(Data::List(Arc::new(values.collect::<List>())));
    }
    let keys = fork
        .branches
        .iter()
        .map(|branch| branch.key.clone().unwrap_or_else(|| Name::from("")));
    Ok(Data::Map(Arc::new(keys.zip(values).collect::<Map>())))
}

fn value(join: Join, slot: &Slot) -> Data {
    let Slot::Ended(end) = slot else { return Data::Null };
    let (status, key, inner) = match end {
        End::Value(value) if join != Join::Settle => return value.clone(),
        End::Value(value) => ("success", "output", value.clone()),
        End::Failed(failure) => ("error", "error", failure.to_data()),
        End::Cancelled => return Data::Null,
    };
    let entries: [(Name, Data); 2] = [("status".into(), Data::from(status)), (key.into(), inner)];
    Data::Map(Arc::new(entries.into_iter().collect::<Map>()))
}
