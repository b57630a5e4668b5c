//! The life of a step: start, attempts, mapping, handlers, cleanup, end.

use std::sync::Arc;

use super::apply::replace_keys;
use super::event::*;
use super::fault::{Fault, planted};
use super::state::{End, Work};
use super::turn::Turn;
use super::view::{Extra, View};
use super::{Corrupt, Failure, op};
use crate::contract::Schema;
use crate::data::Data;
use crate::graph::{Keys, Name, NodeId, Retry, Timestamp, WorkflowId};

/// What the operation of a step has come to.
pub(super) enum Finding {
    /// A result; absent when there is none.
    Done(Answer),
    /// The payload a wait was resumed with.
    Resumed(Data),
    /// A race has a winner.
    Won { result: Data, winner: Data },
}

impl Finding {
    pub fn value(result: Data) -> Finding {
        Finding::Done(Answer {
            result: Some(result),
            response: None,
        })
    }

    pub fn nothing() -> Finding {
        Finding::Done(Answer::default())
    }
}

type Decided = Result<(), Corrupt>;

impl<'a> Turn<'a> {
    /// Decides what a scope does next; always leads to at least one event.
    pub(super) fn decide(&mut self, scope: ScopeId) -> Decided {
        let entry = self.state.scope(scope).ok_or(Corrupt)?;
        let Some(active) = &entry.active else {
            let node = entry.next.ok_or(Corrupt)?;
            return self.start_step(scope, node);
        };
        match &active.work {
            Work::Begin => self.begin(scope),
            Work::Recover(handler) => {
                let part = Part::Handler(*handler);
                self.open_block(scope, part)
            }
            Work::Finishing { .. } => self.open_block(scope, Part::Cleanup),
            Work::Unwinding { verdict, open: 0 } => {
                let verdict = verdict.clone();
                self.settle(scope, verdict)
            }
            Work::CleanupEnded { verdict, end } => {
                let verdict = match (verdict, end) {
                    // An error in the cleanup replaces only a success (rule 29).
                    (Verdict::Mapped { .. }, End::Failed(failure)) => Verdict::Failed(failure.clone()),
                    (verdict, _) => verdict.clone(),
                };
                self.end(scope, verdict)
            }
            Work::BlockEnded {
                part: Part::Handler(_),
                end,
            } => match end {
                End::Value(value) => {
                    let value = value.clone();
                    self.handled(scope, value)
                }
                End::Failed(failure) => {
                    let failure = match &active.failure {
                        Some(handled) => Arc::new(Failure::clone(failure).handling(handled)),
                        None => failure.clone(),
                    };
                    self.finish(scope, Verdict::Failed(failure))
                }
                End::Cancelled => Err(Corrupt),
            },
            _ => op::proceed(self, scope),
        }
    }

    fn start_step(&mut self, scope: ScopeId, node: NodeId) -> Decided {
        let program = self.program;
        let Some(keys) = program.step(node).node.keys.as_deref() else {
            self.emit(EventKind::StepStarted {
                scope,
                node,
                deadline: None,
            })?;
            return self.begin(scope);
        };
        let condition = match &keys.condition {
            Some(condition) => self.condition(scope, condition, Extra::default()),
            None => Ok(true),
        };
        if condition == Ok(false) {
            return self.emit(EventKind::StepSkipped { scope, node });
        }
        let deadline = self.deadline(scope, keys);
        self.emit(EventKind::StepStarted {
            scope,
            node,
            deadline: deadline.as_ref().ok().copied().flatten(),
        })?;
        match (condition, deadline) {
            (Ok(_), Ok(_)) => self.begin(scope),
            (Err(failure), _) | (_, Err(failure)) => self.failed(scope, failure),
        }
    }

    pub(super) fn start_attempt(&mut self, scope: ScopeId) -> Decided {
        let keys = self.keys(scope)?;
        let deadline = keys.map_or(Ok(None), |keys| self.deadline(scope, keys));
        self.emit(EventKind::AttemptStarted {
            scope,
            deadline: deadline.as_ref().ok().copied().flatten(),
        })?;
        match deadline {
            Ok(_) => self.begin(scope),
            Err(failure) => self.failed(scope, failure),
        }
    }

    fn deadline(&self, scope: ScopeId, keys: &Keys) -> Result<Option<Timestamp>, Failure> {
        let own = keys.timeout.as_ref().map(|timing| self.moment(scope, timing));
        let own = own.transpose()?;
        // The limit of an agent holds for each attempt, as `timeout` does.
        let agents = keys.limit.map(|limit| self.now.after(limit));
        Ok(own.into_iter().chain(agents).min())
    }

    /// Begins an attempt: the check of what the step received, then its operation.
    fn begin(&mut self, scope: ScopeId) -> Decided {
        if let Some(schema) = self.keys(scope)?.and_then(|keys| keys.input_schema.as_ref()) {
            let data = &self.state.scope(scope).ok_or(Corrupt)?.data;
            if let Err(failure) = check(schema, data, "schema.input", "the data this step received") {
                return self.failed(scope, failure);
            }
        }
        op::begin(self, scope)
    }

    /// The common keys of the step a scope is at.
    pub(super) fn keys(&self, scope: ScopeId) -> Result<Option<&'a Keys>, Corrupt> {
        let node = self.state.active(scope).ok_or(Corrupt)?.node;
        Ok(self.program.step(node).node.keys.as_deref())
    }

    /// An attempt has come to something.
    pub(super) fn concluded(&mut self, scope: ScopeId, finding: Finding) -> Decided {
        match self.map(scope, &finding) {
            Ok(verdict) => self.finish(scope, verdict),
            Err(failure) => self.failed(scope, failure),
        }
    }

    /// `output`, `outputSchema`, `into` (rule 10).
    fn map(&self, scope: ScopeId, finding: &Finding) -> Result<Verdict, Failure> {
        let mut extra = Extra::default();
        let raw = match finding {
            Finding::Done(answer) => {
                extra.response = answer.response.as_ref();
                answer.result.as_ref()
            }
            Finding::Resumed(payload) => {
                extra.resume = Some(payload);
                Some(payload)
            }
            Finding::Won { result, winner } => {
                extra.winner = Some(winner);
                Some(result)
            }
        };
        extra.result = raw;
        let keys = self.keys(scope)?;
        let mapped = match keys.and_then(|keys| keys.output.as_ref()) {
            Some(output) => Some(self.value(scope, output, extra)?),
            None => raw.cloned(),
        };
        self.place(scope, mapped)
    }

    /// A handler's value is the step's output (rule 27).
    fn handled(&mut self, scope: ScopeId, value: Data) -> Decided {
        match self.place(scope, Some(value)) {
            Ok(verdict) => self.finish(scope, verdict),
            Err(failure) => {
                let failure = self.behind_a_handler(scope, failure)?;
                self.finish(scope, Verdict::Failed(failure))
            }
        }
    }

    /// A failure of a step that no handler is left for; a handled one is its cause.
    fn behind_a_handler(&self, scope: ScopeId, failure: Failure) -> Result<Arc<Failure>, Corrupt> {
        let active = self.state.active(scope).ok_or(Corrupt)?;
        let failure = failure.at(&self.program.step(active.node).node.id, active.attempt);
        Ok(Arc::new(match &active.failure {
            Some(handled) => failure.handling(handled),
            None => failure,
        }))
    }

    fn place(&self, scope: ScopeId, output: Option<Data>) -> Result<Verdict, Failure> {
        let received = &self.entry(scope)?.data;
        let keys = self.keys(scope)?;
        if let Some(schema) = keys.and_then(|keys| keys.output_schema.as_ref()) {
            check(
                schema,
                output.as_ref().unwrap_or(received),
                "schema.output",
                "the output of this step",
            )?;
        }
        let seen = output.clone().unwrap_or_else(|| received.clone());
        let data = match (output, keys.and_then(|keys| keys.into.as_ref())) {
            (Some(output), Some(key)) => Some(with_key(received, key, output)?),
            (output, _) => output,
        };
        Ok(Verdict::Mapped { data, output: seen })
    }

    /// An attempt has failed: again, or a handler, or the end of the step.
    pub(super) fn failed(&mut self, scope: ScopeId, failure: Failure) -> Decided {
        let active = self.state.active(scope).ok_or(Corrupt)?;
        let step = self.program.step(active.node);
        let failure = Arc::new(failure.at(&step.node.id, active.attempt));
        let Some(keys) = step.node.keys.as_deref() else {
            return self.finish(scope, Verdict::Failed(failure));
        };
        if let Some(retry) = &keys.retry
            && active.attempt < retry.attempts + u32::from(planted(Fault::OneAttemptMore))
            && is_repeated(retry, &failure)
        {
            let wait = backoff(retry, active.attempt, &failure, self.seed(scope));
            let then = Recovery::Retry(self.now.after(wait));
            return self.emit(EventKind::AttemptFailed { scope, failure, then });
        }
        let seen = if keys.catch.is_empty() {
            Data::Null
        } else {
            failure.to_data()
        };
        let mut handlers: Vec<_> = keys.catch.iter().enumerate().collect();
        if planted(Fault::WrongHandler) {
            handlers.reverse();
        }
        for (at, handler) in handlers {
            if handler
                .on
                .as_ref()
                .is_some_and(|codes| !codes.iter().any(|code| code.matches(&failure.code)))
            {
                continue;
            }
            let extra = Extra {
                error: Some(&seen),
                ..Extra::default()
            };
            match handler
                .when
                .as_ref()
                .map_or(Ok(true), |when| self.condition(scope, when, extra))
            {
                Ok(false) => {}
                Ok(true) => {
                    let then = Recovery::Handle(at as u32);
                    return self.emit(EventKind::AttemptFailed { scope, failure, then });
                }
                Err(broken) => {
                    let broken = broken.at(&step.node.id, active.attempt).caused_by(failure);
                    return self.finish(scope, Verdict::Failed(Arc::new(broken)));
                }
            }
        }
        self.finish(scope, Verdict::Failed(failure))
    }

    /// Everything inside is gone: what was decided comes of it.
    fn settle(&mut self, scope: ScopeId, verdict: Verdict) -> Decided {
        let cleaned = self.state.active(scope).ok_or(Corrupt)?.cleaned;
        match verdict {
            // The time limit of a cleanup comes here a second time, with the step decided.
            verdict if cleaned => self.end(scope, verdict),
            Verdict::Won { result, winner } => self.concluded(scope, Finding::Won { result, winner }),
            Verdict::Ended(output) => op::enter::ended(self, scope, output),
            Verdict::Failed(failure) => self.failed(scope, Failure::clone(&failure)),
            verdict @ (Verdict::Mapped { .. } | Verdict::EndedInside | Verdict::Cancelled(_)) => {
                self.finish(scope, verdict)
            }
        }
    }

    /// What comes of the step is decided; its cleanup is all that is left.
    pub(super) fn finish(&mut self, scope: ScopeId, verdict: Verdict) -> Decided {
        let active = self.state.active(scope).ok_or(Corrupt)?;
        let skipped = planted(Fault::NoCleanup) && matches!(verdict, Verdict::Cancelled(_));
        let has_cleanup = !skipped && self.keys(scope)?.is_some_and(|keys| keys.cleanup.is_some());
        if has_cleanup && !active.cleaned {
            return self.emit(EventKind::Finishing { scope, verdict });
        }
        self.end(scope, verdict)
    }

    fn end(&mut self, scope: ScopeId, verdict: Verdict) -> Decided {
        let active = self.state.active(scope).ok_or(Corrupt)?;
        let node = active.node;
        let dealt_with = active.failure.clone();
        if node == self.program.root() {
            return self.end_run(verdict);
        }
        let keys = self.keys(scope)?;
        let is_tap = keys.is_some_and(|keys| keys.tap);
        let end = match verdict {
            Verdict::Mapped { data, output } => match self.state_updates(scope, &output) {
                Ok(state) => StepEnd::Success {
                    data: data.filter(|_| !is_tap),
                    state,
                    error: dealt_with,
                    arm: None,
                },
                // With a cleanup or a handler behind it the step is too far gone for another one.
                Err(failure) if keys.is_some_and(|keys| keys.cleanup.is_none()) && dealt_with.is_none() => {
                    return self.failed(scope, failure);
                }
                Err(failure) => {
                    let failure = self.behind_a_handler(scope, failure)?;
                    return self.end(scope, Verdict::Failed(failure));
                }
            },
            Verdict::EndedInside => StepEnd::Success {
                data: None,
                state: Vec::new(),
                error: dealt_with,
                arm: None,
            },
            Verdict::Failed(failure) if is_tap => StepEnd::Success {
                data: None,
                state: Vec::new(),
                error: Some(failure),
                arm: None,
            },
            Verdict::Failed(failure) => StepEnd::Failed(failure),
            Verdict::Cancelled(_) => StepEnd::Cancelled,
            Verdict::Won { .. } | Verdict::Ended(_) => return Err(Corrupt),
        };
        self.emit(EventKind::StepEnded { scope, node, end })
    }

    /// `setState`, on the newest state (rule 19).
    pub(super) fn state_updates(&self, scope: ScopeId, output: &Data) -> Result<Vec<(Name, Data)>, Failure> {
        let Some(keys) = self.keys(scope)? else {
            return Ok(Vec::new());
        };
        let mut updates = Vec::with_capacity(keys.set_state.len());
        for (key, value) in &keys.set_state {
            let extra = Extra {
                output: Some(output),
                ..Extra::default()
            };
            updates.push((key.clone(), self.value(scope, value, extra)?));
        }
        let instance = self.state.instances.get(self.entry(scope)?.instance).ok_or(Corrupt)?;
        let schema = &self.program.workflow(instance.workflow).header.state_schema;
        if let (Some(schema), false) = (schema, updates.is_empty()) {
            let state = replace_keys(&instance.state, &updates);
            check(schema, &state, "schema.state", "the state behind this step")?;
        }
        Ok(updates)
    }

    fn end_run(&mut self, verdict: Verdict) -> Decided {
        let end = match verdict {
            Verdict::Mapped { output, .. } => RunEnd::Completed(output),
            Verdict::Failed(failure) => RunEnd::Failed(failure),
            Verdict::Cancelled(reason) => RunEnd::Cancelled(reason),
            Verdict::Won { .. } | Verdict::Ended(_) | Verdict::EndedInside => return Err(Corrupt),
        };
        self.emit(EventKind::RunEnded { end })
    }

    /// Opens a block inside the step a scope is at.
    pub(super) fn open_block(&mut self, scope: ScopeId, part: Part) -> Decided {
        let child = ScopeId(self.state.scopes.vacant());
        let deadline = match part {
            Part::Cleanup => {
                let instance = self.state.instances.get(self.entry(scope)?.instance).ok_or(Corrupt)?;
                let limits = &self.program.workflow(instance.workflow).header.limits;
                Some(self.now.after(limits.cleanup))
            }
            Part::Body(_) | Part::Handler(_) | Part::Tool(_) => None,
        };
        self.emit(EventKind::BlockStarted {
            scope,
            child,
            part,
            deadline,
        })
    }

    /// A number that is the same whenever this attempt of this run is repeated.
    fn seed(&self, scope: ScopeId) -> u64 {
        let run = self.state.started.as_ref().map_or("", |started| &*started.run);
        let address = self.state.address(self.program, scope);
        // FNV-1a.
        let bytes = run.bytes().chain([0]).chain(address.bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    pub(super) fn entry(&self, scope: ScopeId) -> Result<&super::state::Scope, Corrupt> {
        self.state.scope(scope).ok_or(Corrupt)
    }
}

/// Checks a value against a schema; a mismatch is an error with that code.
pub(super) fn check(schema: &Schema, data: &Data, code: &'static str, what: &str) -> Result<(), Failure> {
    schema.validate(data).map_err(|violations| {
        let found: Vec<String> = violations.iter().map(|violation| violation.to_string()).collect();
        Failure::new(code, format!("{what} does not match its schema: {}", found.join("; ")))
    })
}

fn with_key(data: &Data, key: &Name, value: Data) -> Result<Data, Failure> {
    match data {
        Data::Map(map) => Ok(Data::Map(Arc::new(map.with(key.clone(), value)))),
        other => Err(Failure::new(
            "expression.type",
            format!("`into: {key}` needs `data` to be an object, not {}", other.a_kind()),
        )),
    }
}

/// Whether a failure is worth another attempt (rule 25).
pub(super) fn is_repeated(retry: &Retry, failure: &Failure) -> bool {
    let code = &*failure.code;
    if code.starts_with("expression.") || code.starts_with("permission.") || code == "schema.input" {
        return false;
    }
    match &retry.on {
        Some(codes) => codes.iter().any(|pattern| pattern.matches(code)),
        None => match code {
            "timeout" | "http.network" | "exec.exit" => true,
            "http.status" => is_passing(failure),
            // Only the answer of an agent is checked with a code that is repeated by default.
            "schema.output" => failure.data.get("agent").is_some(),
            // A refusal stays one.
            "agent.status" => !matches!(status(failure), Some(400..=499)) || is_passing(failure),
            _ => code.starts_with("mcp.") || code.starts_with("agent."),
        },
    }
}

/// Whether a server that answered with an error may do better later.
fn is_passing(failure: &Failure) -> bool {
    matches!(status(failure), Some(408 | 425 | 429 | 500..=599))
}

fn status(failure: &Failure) -> Option<i64> {
    failure.data.get("status").and_then(Data::as_i64)
}

/// The wait behind attempt `attempt` (rule 25).
fn backoff(retry: &Retry, attempt: u32, failure: &Failure, seed: u64) -> crate::graph::Millis {
    let limit = retry.max_delay.map_or(f64::INFINITY, |limit| limit.0 as f64);
    let exponent = i32::try_from(attempt - 1).unwrap_or(i32::MAX);
    let wait = (retry.delay.0 as f64 * retry.backoff.powi(exponent)).min(limit);
    let mixed = (seed ^ u64::from(attempt)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let share = (mixed >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0;
    let varied = wait * (1.0 + retry.jitter * share);
    let asked = failure.retry_after.map_or(0.0, |asked| asked as f64);
    // The cast saturates, and the limit holds for everything.
    crate::graph::Millis(varied.max(asked).min(limit).max(0.0).round() as u64)
}

impl From<Corrupt> for Failure {
    fn from(corrupt: Corrupt) -> Failure {
        Failure::new("internal", corrupt.to_string())
    }
}

/// The names a workflow's own `output` sees: those of the child, on the last `data` of its steps.
pub(super) fn inside<'v>(turn: &'v Turn<'_>, scope: ScopeId, data: &'v Data) -> Result<View<'v>, Failure> {
    let entered = turn
        .state
        .active(scope)
        .and_then(|active| active.entered)
        .ok_or(Corrupt)?;
    let mut view = turn.view(
        scope,
        Extra {
            data: Some(data),
            ..Extra::default()
        },
    )?;
    view.instance = entered;
    Ok(view)
}

/// The workflow a step has entered.
pub(super) fn entered(turn: &Turn<'_>, scope: ScopeId) -> Result<WorkflowId, Corrupt> {
    let entered = turn
        .state
        .active(scope)
        .and_then(|active| active.entered)
        .ok_or(Corrupt)?;
    Ok(turn.state.instances.get(entered).ok_or(Corrupt)?.workflow)
}
