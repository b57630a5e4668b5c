//! One file per operation: how it begins, and how it goes on when something it waited for has come.

mod agent;
mod approve;
mod call;
mod choose;
mod control;
mod converse;
pub(super) mod enter;
mod evaluate;
mod fork;
mod jump;
mod repeat;
mod wait;

use std::sync::Arc;

use super::event::{Part, ScopeId};
use super::state::{End, Work};
use super::step::Finding;
use super::turn::Turn;
use super::{Corrupt, Failure};
use crate::graph::Op;

/// Begins the operation of the step a scope is at.
pub(super) fn begin(turn: &mut Turn<'_>, scope: ScopeId) -> Result<(), Corrupt> {
    let node = turn.state.active(scope).ok_or(Corrupt)?.node;
    match &turn.program.step(node).node.op {
        Op::Set(value) => evaluate::set(turn, scope, value),
        Op::Assign(entries) => evaluate::assign(turn, scope, entries),
        Op::Guard(rules) => evaluate::guard(turn, scope, rules),
        Op::Call(call) => call::begin(turn, scope, call),
        Op::Suspend(suspend) => wait::suspend(turn, scope, suspend),
        Op::WaitFor(wait) => wait::wait_for(turn, scope, wait),
        Op::Sleep(sleep) => wait::sleep(turn, scope, sleep),
        Op::Emit {
            when,
            event,
            data,
            schema,
        } => control::emit(turn, scope, when, event, data, schema),
        Op::Fail(fail) => control::fail(turn, scope, fail),
        Op::End { when, output } => control::end(turn, scope, when, output),
        Op::Cancel { when, reason } => control::cancel(turn, scope, when, reason),
        Op::Choose { arms, otherwise } => choose::begin(turn, scope, arms, *otherwise),
        Op::Jump(jump) => jump::begin(turn, scope, jump),
        Op::Fork(fork) => fork::begin(turn, scope, fork),
        Op::ForEach(each) => fork::begin_each(turn, scope, each),
        Op::Loop(repeat) => repeat::begin(turn, scope, repeat),
        Op::Block(_) => turn.open_block(scope, Part::Body(0)),
        Op::Enter(enter) => enter::begin(turn, scope, enter),
        Op::Agent(ask) => agent::begin(turn, scope, ask),
        Op::Approve(approve) => approve::begin(turn, scope, approve),
    }
}

/// Goes on with the operation of the step a scope is at.
pub(super) fn proceed(turn: &mut Turn<'_>, scope: ScopeId) -> Result<(), Corrupt> {
    let active = turn.state.active(scope).ok_or(Corrupt)?;
    let op = &turn.program.step(active.node).node.op;
    match (&active.work, op) {
        (Work::Called(outcome), Op::Call(call)) => {
            let outcome = outcome.clone();
            call::answered(turn, scope, call, outcome)
        }
        (Work::Called(outcome), Op::Agent(ask)) => {
            let outcome = outcome.clone();
            agent::answered(turn, scope, ask, outcome)
        }
        (Work::Tools(_), Op::Agent(ask)) => agent::proceed(turn, scope, ask),
        (Work::Waited(end), Op::Approve(approve)) => {
            let end = end.clone();
            approve::answered(turn, scope, approve, end)
        }
        (Work::Waited(end), Op::Suspend(suspend)) => {
            let end = end.clone();
            wait::resumed(turn, scope, suspend, end)
        }
        (Work::Waited(end), Op::WaitFor(wait)) => {
            let end = end.clone();
            wait::received(turn, scope, wait, end)
        }
        (Work::Slept, _) => turn.concluded(scope, Finding::nothing()),
        (Work::Fork(_), Op::Fork(fork)) => fork::proceed(turn, scope, fork),
        (Work::Each { .. }, Op::ForEach(_)) => fork::proceed_each(turn, scope),
        (Work::Loop(_), Op::Loop(repeat)) => repeat::proceed(turn, scope, repeat),
        (Work::BlockEnded { end, .. }, op) => match end {
            End::Value(value) => {
                let value = value.clone();
                match op {
                    Op::Enter(_) => enter::mapped(turn, scope, value),
                    _ => turn.concluded(scope, Finding::value(value)),
                }
            }
            End::Failed(failure) => {
                let failure = failure.clone();
                match op {
                    Op::Enter(_) => enter::failed(turn, scope, failure),
                    _ => turn.failed(scope, Failure::clone(&failure)),
                }
            }
            End::Cancelled => Err(Corrupt),
        },
        _ => Err(Corrupt),
    }
}

/// A failure that several scopes share, as one of its own.
fn own(failure: &Arc<Failure>) -> Failure {
    Failure::clone(failure)
}
