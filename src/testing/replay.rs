//! A recorded run with another definition: where it would go another way.
//!
//! The new run is told what the outside world told the old one, at the same moments, and their traces are compared line
//! by line. Times in them are not: a step that only sleeps longer goes the same way, unless something else happens
//! meanwhile.

use std::sync::Arc;

use super::facts::{Fact, Facts, facts};
use crate::graph::{Program, Timestamp};
use crate::run::{Corrupt, Event, Input, Rejection, Run, Start, Target, TraceEvent, Tracer, What};
use crate::source::Span;

/// What a recorded run would do with another definition.
#[derive(Clone, Debug)]
pub enum Replayed {
    /// The same; that many lines of the trace were compared.
    Same(usize),
    /// It would not begin.
    Refused(String),
    /// It would go another way.
    Parted(Box<Parted>),
}

/// Where two runs part.
#[derive(Clone, Debug)]
pub struct Parted {
    /// How many lines of the trace are the same.
    pub after: usize,
    /// What was recorded; nothing if the new run goes on behind its end.
    pub recorded: Option<TraceEvent>,
    /// What happens now; nothing if the new run does not go on.
    pub now: Option<TraceEvent>,
    /// The step where they part as it stands in the recorded definition.
    pub before: Option<Span>,
    /// The same in the new one.
    pub place: Option<Span>,
}

struct Replay {
    run: Run,
    now: Timestamp,
    tracer: Tracer,
    events: Vec<Event>,
    /// How many of the events have been told.
    told: usize,
    lines: Vec<TraceEvent>,
}

/// Replays the events of a run of `old` with `new`.
///
/// # Errors
///
/// [`Corrupt`] if the events are not those of a run of the old program.
pub fn replay(old: &Arc<Program>, events: &[Event], new: &Arc<Program>) -> Result<Replayed, Corrupt> {
    let recorded = facts(old, events)?;
    let mut replay = Replay {
        run: Run::new(new.clone()),
        now: recorded.at,
        tracer: Tracer::new(new.clone()),
        events: Vec::new(),
        told: 0,
        lines: Vec::new(),
    };
    if let Err(rejection) = replay.tell(start(&recorded))? {
        return Ok(Replayed::Refused(rejection.to_string()));
    }
    let mut tracer = Tracer::new(old.clone());
    let mut witness = Run::new(old.clone());
    let mut compared = 0;
    for (index, event) in events.iter().enumerate() {
        if let Some(fact) = recorded.facts.get(&index) {
            replay.pass(event.at, witness.wake_at())?;
            replay.now = replay.now.max(event.at);
            replay.fact(fact)?;
        }
        witness.follow(event)?;
        let Some(line) = tracer.follow(event)?.filter(is_told) else {
            continue;
        };
        let mut now = replay.line(compared)?;
        // What is due goes on; nothing else does before the next thing from outside.
        while now.is_none() && replay.wake(event.at)? {
            now = replay.line(compared)?;
        }
        match now {
            Some(now) if same(&line, &now) => compared += 1,
            now => return Ok(parted(old, new, compared, Some(line), now)),
        }
    }
    // What the new run does behind the end of the record, as far as nothing from outside is needed. Of a record that
    // breaks off nobody knows how long the run would have waited.
    let over = recorded.end.is_some();
    while replay.line(compared)?.is_none()
        && replay.run.wake_at().is_some_and(|due| over || due.0 == i64::MIN)
        && replay.wake(replay.now)?
    {}
    Ok(match replay.line(compared)? {
        Some(now) => parted(old, new, compared, None, Some(now)),
        None => Replayed::Same(compared),
    })
}

fn start(recorded: &Facts) -> Input {
    let started = &recorded.started;
    let mut start = Start::new(started.run.clone(), started.input.clone());
    start.context = started.context.clone();
    start.env = started.env.clone();
    start.user = started.user.clone();
    start.conversation = started.conversation.clone();
    start.labels = started.labels.clone();
    Input::Start(start)
}

/// That a call was repeated is about who drove the run.
fn is_told(line: &TraceEvent) -> bool {
    line.what != What::CallRepeated
}

fn same(old: &TraceEvent, new: &TraceEvent) -> bool {
    let data = |line: &TraceEvent| line.data.clone().filter(|_| line.what != What::SleepStarted);
    old.step == new.step
        && old.what == new.what
        && old.attempt == new.attempt
        && data(old) == data(new)
        && old.ignored == new.ignored
}

impl Replay {
    fn tell(&mut self, input: Input) -> Result<Result<(), Rejection>, Corrupt> {
        match self.run.handle(self.now, input, &mut self.events) {
            Err(Rejection::Corrupt(corrupt)) => Err(corrupt),
            told => Ok(told),
        }
    }

    /// The n-th line of the trace, if the run has come that far.
    fn line(&mut self, at: usize) -> Result<Option<TraceEvent>, Corrupt> {
        while self.told < self.events.len() {
            let line = self.tracer.follow(&self.events[self.told])?;
            self.told += 1;
            self.lines.extend(line.filter(is_told));
        }
        Ok(self.lines.get(at).cloned())
    }

    /// Lets time pass until the next thing that is due; false if nothing is.
    fn wake(&mut self, at: Timestamp) -> Result<bool, Corrupt> {
        let Some(due) = self.run.wake_at() else {
            return Ok(false);
        };
        self.now = self.now.max(due).max(at);
        // It is in progress, so it takes the time.
        let _ = self.tell(Input::Tick)?;
        Ok(true)
    }

    /// What is due before something comes from outside, unless the recorded run had it due as well and had not come to
    /// it: a real clock is a little late.
    fn pass(&mut self, until: Timestamp, recorded: Option<Timestamp>) -> Result<(), Corrupt> {
        while let Some(due) = self.run.wake_at().filter(|due| *due < until) {
            if due.0 > i64::MIN && recorded.is_some_and(|recorded| recorded <= due) {
                return Ok(());
            }
            self.wake(Timestamp(i64::MIN))?;
        }
        Ok(())
    }

    /// Tells the run what came from outside; what it does not take shows in the trace.
    fn fact(&mut self, fact: &Fact) -> Result<(), Corrupt> {
        let input = match fact.clone() {
            Fact::Answer { effect, outcome } => {
                let call = self.run.calls().find(|call| call.effect == effect);
                let Some(call) = call else { return Ok(()) };
                Input::Done {
                    ticket: call.ticket,
                    outcome,
                }
            }
            Fact::Resume { address, payload } => Input::Resume {
                target: Some(Target::Step(address.into())),
                payload,
            },
            Fact::Deliver { event, data } => Input::Deliver { event, data },
            Fact::Suspend { reason } => Input::Suspend { reason },
            Fact::Continue => Input::Continue,
            Fact::Cancel { reason } => Input::Cancel { reason },
        };
        let _ = self.tell(input)?;
        Ok(())
    }
}

fn parted(
    old: &Program,
    new: &Program,
    after: usize,
    recorded: Option<TraceEvent>,
    now: Option<TraceEvent>,
) -> Replayed {
    let step = |line: &Option<TraceEvent>| line.as_ref().and_then(|line| line.step.clone());
    let (was, is) = (step(&recorded), step(&now));
    let first = is.clone().or(was.clone());
    let second = was.or(is);
    Replayed::Parted(Box::new(Parted {
        after,
        before: second.as_deref().and_then(|step| place(old, step)),
        place: first
            .as_deref()
            .and_then(|step| place(new, step))
            .or_else(|| second.as_deref().and_then(|step| place(new, step))),
        recorded,
        now,
    }))
}

/// Where the step of an address stands.
fn place(program: &Program, address: &str) -> Option<Span> {
    let plain = |segment: &str| segment.split(['+', '@', '[']).next().unwrap_or_default().to_owned();
    let last = address.rsplit(':').next()?;
    let mut segments: Vec<String> = last.split('/').map(plain).collect();
    while !segments.is_empty() {
        let tail = segments.join("/");
        if let Some(step) = program.steps.iter().find(|step| *step.node.id == *tail) {
            return Some(step.node.origin);
        }
        segments.remove(0);
    }
    None
}
