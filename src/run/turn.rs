//! Deciding: one input, and all that follows from it.

use std::sync::Arc;

use super::event::*;
use super::fault::{Fault, planted};
use super::state::{State, Timer, Work};
use super::view::{Extra, View};
use super::{Failure, Input, Start};
use crate::contract::{Schema, Violation};
use crate::data::{Data, Map};
use crate::expr::{Build, EvalError, Expression};
use crate::graph::{Millis, Name, Op, Program, Timestamp, Timing, parse_duration, parse_instant};
use crate::run::Corrupt;

/// Why a run does not take an input.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// It has begun already.
    #[error("the run has begun already")]
    AlreadyStarted,
    /// It has not begun, or is over.
    #[error("the run is not in progress")]
    NotInProgress,
    /// The input, context or state breaks its schema, one violation each.
    #[error("the {what} does not match its schema: {}", list(.violations))]
    Invalid {
        /// `input`, `context`, `state`, `payload`, `event`.
        what: &'static str,
        /// What is wrong, and where.
        violations: Vec<Violation>,
    },
    /// The declared state or the time limit cannot be evaluated.
    #[error("{0}")]
    Unstartable(Arc<Failure>),
    /// Nothing waits for a payload.
    #[error("nothing waits for a payload")]
    NothingWaits,
    /// No wait goes by that name; these do.
    #[error("no step `{target}` waits for a payload; waiting: {}", .waiting.join(", "))]
    NoSuchWait {
        /// What was asked for.
        target: String,
        /// The addresses of those that wait.
        waiting: Vec<String>,
    },
    /// Several waits are meant.
    #[error("several steps wait; name one of {}", .waiting.join(", "))]
    Ambiguous {
        /// The addresses of those that are meant.
        waiting: Vec<String>,
    },
    /// It is suspended from outside already.
    #[error("the run is suspended already")]
    AlreadySuspended,
    /// It is not suspended from outside.
    #[error("the run is not suspended")]
    NotSuspended,
    /// It has not failed.
    #[error("the run has not failed")]
    NotFailed,
    /// None of its steps failed, but the run as a whole, as by its time limit.
    #[error("no step failed, but the run as a whole: there is nothing to begin again with")]
    FailedAsAWhole,
    /// The journal is damaged.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

fn list(violations: &[Violation]) -> String {
    violations
        .iter()
        .map(|violation| violation.to_string())
        .collect::<Vec<_>>()
        .join("; ")
}

/// How many events one input may lead to before the caller gets its turn again.
///
/// Few, so that the caller soon gets to store and publish them.
const EVENTS_PER_TURN: usize = 512;

/// One input being handled.
pub(super) struct Turn<'a> {
    pub program: &'a Program,
    pub state: &'a mut State,
    pub now: Timestamp,
    events: &'a mut Vec<Event>,
    /// How long `events` may become.
    until: usize,
}

impl<'a> Turn<'a> {
    pub fn new(program: &'a Program, state: &'a mut State, now: Timestamp, events: &'a mut Vec<Event>) -> Turn<'a> {
        let until = events.len() + EVENTS_PER_TURN;
        Turn {
            program,
            state,
            now,
            events,
            until,
        }
    }

    pub fn handle(mut self, input: Input) -> Result<(), Rejection> {
        if !matches!(input, Input::Start(_) | Input::Retry)
            && (self.state.started.is_none() || self.state.end.is_some())
        {
            return Err(Rejection::NotInProgress);
        }
        match input {
            Input::Start(start) => self.start(start)?,
            Input::Tick => {}
            Input::Recover => self.recover()?,
            Input::Done { ticket, outcome } => {
                let calling = self
                    .state
                    .tickets
                    .get(&ticket)
                    .and_then(|scope| self.state.active(*scope));
                if calling.is_some_and(|active| matches!(active.work, Work::Call { .. })) {
                    self.emit(EventKind::CallEnded { ticket, outcome })?;
                }
            }
            Input::Resume { target, payload } => self.resume(target, payload)?,
            Input::Deliver { event, data } => self.deliver(event, data)?,
            Input::Retry => self.retry()?,
            Input::Replay { of, since, instead } => {
                let instead = instead.map(|instead| self.replacement(*instead)).transpose()?;
                self.emit(EventKind::RunReplayed { of, since, instead })?;
                self.recover()?;
            }
            Input::Suspend { reason } => {
                if self.state.suspension.is_some() {
                    return Err(Rejection::AlreadySuspended);
                }
                self.emit(EventKind::Suspended { reason })?;
            }
            Input::Continue => {
                if self.state.suspension.is_none() {
                    return Err(Rejection::NotSuspended);
                }
                self.emit(EventKind::Continued)?;
            }
            Input::Cancel { reason } => {
                if self.state.suspension.is_some() {
                    self.emit(EventKind::Continued)?;
                }
                self.cancel_run(reason)?;
            }
        }
        self.drain()?;
        Ok(())
    }

    /// Makes something happen.
    pub fn emit(&mut self, kind: EventKind) -> Result<(), Corrupt> {
        let event = Event { at: self.now, kind };
        self.state.apply(self.program, &event)?;
        if planted(Fault::ChangeBesideApply) && matches!(event.kind, EventKind::CallStarted { .. }) {
            self.state.next_ticket += 1;
        }
        self.events.push(event);
        Ok(())
    }

    /// Cancels what is inside a step whose attempt is decided.
    pub fn unwind(&mut self, scope: ScopeId, verdict: Verdict) -> Result<(), Corrupt> {
        self.emit(EventKind::Unwinding {
            scope,
            verdict,
            around: None,
        })
    }

    /// Decides until nothing is left to decide, or the turn has become long.
    fn drain(&mut self) -> Result<(), Corrupt> {
        while self.state.end.is_none() && self.events.len() < self.until {
            if let Some(scope) = self.state.ready.last() {
                let scope = *scope;
                self.decide(scope)?;
                continue;
            }
            if self.state.suspension.is_some() {
                return Ok(());
            }
            // After a suspend, what was held back and what became due meanwhile take their turns in the order of time.
            let due = self
                .state
                .timers
                .first()
                .copied()
                .filter(|(when, _, _)| *when <= self.now);
            match (self.state.backlog().copied(), due) {
                (Some((since, scope)), Some((when, _, _))) if since <= when => self.decide(scope)?,
                (Some((_, scope)), None) => self.decide(scope)?,
                (_, Some((_, scope, timer))) => self.expire(scope, timer)?,
                (None, None) => return Ok(()),
            }
        }
        Ok(())
    }

    /// A timer is due.
    fn expire(&mut self, scope: ScopeId, timer: Timer) -> Result<(), Corrupt> {
        let active = self.state.active(scope).ok_or(Corrupt)?;
        let timed_out = |what: &str| {
            let step = &self.program.step(active.node).node.id;
            Failure::new("timeout", format!("{what} `{step}` took too long")).at(step, active.attempt)
        };
        match (timer, &active.work) {
            (Timer::Wake, Work::Sleep { .. }) => self.emit(EventKind::SleepEnded { scope }),
            (Timer::Wake, Work::Backoff { .. }) => self.start_attempt(scope),
            (Timer::Wake, Work::Wait { ticket, .. }) => {
                let ticket = *ticket;
                self.emit(EventKind::WaitEnded {
                    ticket,
                    end: WaitEnd::TimedOut,
                })
            }
            (Timer::Deadline, _) => {
                let failure = match scope {
                    ScopeId(0) => timed_out("the workflow"),
                    _ => timed_out("step"),
                };
                self.unwind(scope, Verdict::Failed(Arc::new(failure)))
            }
            (Timer::Cleanup, Work::Cleanup { verdict, .. }) => {
                let verdict = match verdict {
                    Verdict::Mapped { .. } => Verdict::Failed(Arc::new(timed_out("the cleanup of step"))),
                    other => other.clone(),
                };
                self.unwind(scope, verdict)
            }
            _ => Err(Corrupt),
        }
    }

    fn start(&mut self, start: Start) -> Result<(), Rejection> {
        if self.state.started.is_some() {
            return Err(Rejection::AlreadyStarted);
        }
        let header = &self.program.main().header;
        let input = enter(&header.input_schema, start.input, "input")?;
        let context = enter(&header.context_schema, start.context, "context")?;
        // The declared state is evaluated before there is a run, so only these names exist.
        let names = |root: &crate::expr::Root| match root {
            crate::expr::Root::Input => Some(input.clone()),
            crate::expr::Root::Context => Some(context.clone()),
            crate::expr::Root::Env => Some(start.env.clone()),
            crate::expr::Root::Now => Some(Data::from(self.now.to_rfc3339())),
            _ => None,
        };
        let unstartable = |error: EvalError| Rejection::Unstartable(Arc::new(error.into()));
        let mut state = match &header.state {
            Some(state) => state.eval(&names).map_err(unstartable)?,
            None => Data::Map(Arc::new(Map::new())),
        };
        if let Some(Data::Map(given)) = &start.state {
            let given: Vec<_> = given.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            state = super::apply::replace_keys(&state, &given);
        }
        let state = enter(&header.state_schema, state, "state")?;
        let deadline = match &header.timeout {
            Some(timing) => Some(moment(timing, &names, self.now).map_err(|f| Rejection::Unstartable(Arc::new(f)))?),
            None => None,
        };
        self.emit(EventKind::RunStarted(Arc::new(Started {
            run: start.run,
            program: self.program.hash.clone(),
            input,
            context,
            state,
            deadline,
            env: start.env,
            user: start.user,
            conversation: start.conversation,
            labels: start.labels,
            trace: start.trace,
        })))?;
        Ok(())
    }

    /// Notes that the calls in flight are made once more.
    fn recover(&mut self) -> Result<(), Corrupt> {
        let in_flight = self.state.tickets.iter().filter(|(_, scope)| {
            let active = self.state.active(**scope);
            active.is_some_and(|active| matches!(active.work, Work::Call { .. }))
        });
        let tickets: Vec<Ticket> = in_flight.map(|(ticket, _)| *ticket).collect();
        let mut tickets = tickets.into_iter();
        tickets.try_for_each(|ticket| self.emit(EventKind::CallRepeated { ticket }))
    }

    /// Checks what is to be in place of what was there.
    fn replacement(&self, instead: Instead) -> Result<Box<Instead>, Rejection> {
        let scope = self.state.scope(instead.scope).ok_or(Corrupt)?;
        let instance = self.state.instances.get(scope.instance).ok_or(Corrupt)?;
        let header = &self.program.workflow(instance.workflow).header;
        let state = instead.state.map(|state| enter(&header.state_schema, state, "state"));
        Ok(Box::new(Instead {
            state: state.transpose()?,
            ..instead
        }))
    }

    fn retry(&mut self) -> Result<(), Rejection> {
        if !matches!(self.state.end, Some(RunEnd::Failed(_))) {
            return Err(Rejection::NotFailed);
        }
        let (scope, node) = self.state.retry_point().ok_or(Rejection::FailedAsAWhole)?;
        self.emit(EventKind::RunRetried { scope, node })?;
        Ok(self.recover()?)
    }

    fn deliver(&mut self, event: Name, data: Data) -> Result<(), Rejection> {
        let declared = self.program.main().header.events.get(&event);
        let data = enter(&declared.and_then(|declared| declared.schema.clone()), data, "event")?;
        self.emit(EventKind::EventReceived {
            event: event.clone(),
            data: data.clone(),
        })?;
        let waiting: Vec<(Ticket, ScopeId)> = self.state.tickets.iter().map(|(at, scope)| (*at, *scope)).collect();
        for (ticket, scope) in waiting {
            match self.wants(scope, &event, &data) {
                Ok(false) => {}
                Ok(true) => {
                    self.emit(EventKind::WaitEnded {
                        ticket,
                        end: WaitEnd::Received(data),
                    })?;
                    break;
                }
                Err(failure) => self.unwind(scope, Verdict::Failed(Arc::new(failure)))?,
            }
        }
        Ok(())
    }

    /// Whether the step in a scope waits for this very event.
    pub fn wants(&self, scope: ScopeId, event: &Name, data: &Data) -> Result<bool, Failure> {
        let Some(active) = self.state.active(scope) else {
            return Ok(false);
        };
        let Op::WaitFor(wait) = &self.program.step(active.node).node.op else {
            return Ok(false);
        };
        if wait.event != *event {
            return Ok(false);
        }
        // A child may declare the event otherwise than the workflow it came to.
        let Ok(data) = enter(&wait.schema, data.clone(), "event") else {
            return Ok(false);
        };
        let Some(filter) = &wait.filter else { return Ok(true) };
        let extra = Extra {
            event: Some(&data),
            ..Extra::default()
        };
        self.condition(scope, filter, extra)
    }

    /// Cancels the run unless it is ending already.
    pub fn cancel_run(&mut self, reason: Option<Name>) -> Result<(), Corrupt> {
        let root = self.state.active(ScopeId(0)).ok_or(Corrupt)?;
        if matches!(root.work, Work::Unwinding { .. }) {
            return Ok(());
        }
        self.unwind(ScopeId(0), Verdict::Cancelled(reason))
    }

    // Evaluation: always on the state as it is, with the names of a scope.

    pub fn view<'v>(&'v self, scope: ScopeId, extra: Extra<'v>) -> Result<View<'v>, Failure> {
        let entry = self
            .state
            .scope(scope)
            .ok_or_else(|| Failure::new("internal", Corrupt.to_string()))?;
        Ok(View {
            program: self.program,
            state: self.state,
            scope: entry,
            instance: entry.instance,
            extra,
        })
    }

    pub fn value(&self, scope: ScopeId, build: &Build, extra: Extra<'_>) -> Result<Data, Failure> {
        Ok(build.eval(&self.view(scope, extra)?)?)
    }

    pub fn condition(&self, scope: ScopeId, condition: &Expression, extra: Extra<'_>) -> Result<bool, Failure> {
        Ok(condition.eval_bool(&self.view(scope, extra)?)?)
    }

    /// A `when`: absent means yes.
    pub fn holds(&self, scope: ScopeId, when: &Option<Arc<Expression>>) -> Result<bool, Failure> {
        match when {
            Some(when) => self.condition(scope, when, Extra::default()),
            None => Ok(true),
        }
    }

    /// A text, where something else becomes text as in a template; null is none.
    pub fn text(&self, scope: ScopeId, build: &Option<Build>) -> Result<Option<Name>, Failure> {
        let Some(build) = build else { return Ok(None) };
        let value = self.value(scope, build, Extra::default())?;
        Ok((!value.is_null()).then(|| value.to_text()))
    }

    pub fn moment(&self, scope: ScopeId, timing: &Timing) -> Result<Timestamp, Failure> {
        match timing {
            Timing::For(duration) => Ok(self.now.after(*duration)),
            Timing::At(instant) => Ok(*instant),
            Timing::Computed(_) => moment(timing, &self.view(scope, Extra::default())?, self.now),
        }
    }
}

/// When something is over that begins now.
pub(super) fn moment(timing: &Timing, names: &dyn crate::expr::Names, now: Timestamp) -> Result<Timestamp, Failure> {
    let build = match timing {
        Timing::For(duration) => return Ok(now.after(*duration)),
        Timing::At(instant) => return Ok(*instant),
        Timing::Computed(build) => build,
    };
    match build.eval(names)? {
        Data::Int(0) => Ok(now),
        Data::Text(text) => match parse_instant(&text) {
            Some(instant) => Ok(instant),
            None => match parse_duration(&text) {
                Ok(Millis(duration)) => Ok(now.after(Millis(duration))),
                Err(error) => Err(Failure::new("expression.type", error.to_string())),
            },
        },
        other => Err(Failure::new(
            "expression.type",
            format!(
                "a duration such as `30s` or an RFC 3339 instant is needed, not {}: {other}",
                other.a_kind()
            ),
        )),
    }
}

/// Data that comes in: defaults filled in, then checked (rule 20).
pub(super) fn enter(schema: &Option<Schema>, data: Data, what: &'static str) -> Result<Data, Rejection> {
    let Some(schema) = schema else { return Ok(data) };
    let data = schema.fill_defaults(data);
    match schema.validate(&data) {
        Ok(()) => Ok(data),
        Err(violations) => Err(Rejection::Invalid { what, violations }),
    }
}
