//! The oracle: what a workflow does, told from its definition and the table of outcomes.
//!
//! It is a direct evaluator. Each rule is a few lines of straight `async` code that awaits virtual time, and a sequence
//! is a `for` loop. There are no events, no journal, no frames and no replay, hence nothing that could be wrong in the
//! same way as in the interpreter. [`predict`] polls the run from its root at every instant at which something is due.

mod agent;
mod block;
mod clock;
mod step;
mod unit;
mod value;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use serde_json::Value as Json;

use self::clock::{Clock, Scope, Stop, Work};
use self::value::{Env, Unclear};
use super::flow::Flow;
use super::world::{Failure, World};

#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    Clear(Fate),
    /// The rules do not decide, for this reason: most often two independent things are due in the same millisecond.
    Ambiguous(&'static str),
}

/// What becomes of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Fate {
    pub status: RunStatus,
    /// Of a completed run.
    pub result: Option<Json>,
    /// Of a run that ended with an error.
    pub error_code: Option<String>,
    /// When the run ended; of a suspended one, when a step last started or ended.
    pub ended_at: u64,
    /// Of every step's visit that started, by address.
    pub steps: BTreeMap<String, StepFate>,
    /// Of every call that started, by effect id.
    pub effects: BTreeMap<String, EffectFate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    Completed,
    Error,
    Cancelled,
    /// Stuck on waits nobody answers.
    Suspended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepFate {
    pub status: StepStatus,
    pub started_at: u64,
    /// `None` while it runs or waits.
    pub ended_at: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepStatus {
    Success,
    Skipped,
    Error,
    Cancelled,
    /// Its own unit is a wait nobody answers.
    Waiting,
    /// A block around such a wait.
    Running,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectFate {
    pub started_at: u64,
    pub ended_at: u64,
    pub how: EffectEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectEnd {
    /// It ended by itself, well or badly.
    Done,
    Cancelled,
}

/// Predicts what the run of a main workflow does.
pub fn predict(flow: &Flow, world: &World) -> Prediction {
    let root = Rc::new(Scope::default());
    let main = Rc::new(Run::new(&root));
    let oracle = Oracle {
        world,
        children: &flow.children,
        clock: Clock::new(world.suspend),
        main: main.clone(),
        steps: RefCell::default(),
        effects: RefCell::default(),
        mail: RefCell::default(),
        talks: RefCell::default(),
    };
    let clock = &oracle.clock;
    let mut work = oracle.run(flow, main, String::new(), flow.input.clone(), root);
    let mut context = Context::from_waker(Waker::noop());
    let ended = loop {
        clock.begin_round();
        let poll = work.as_mut().poll(&mut context);
        if let Some(reason) = clock.unclear() {
            return Prediction::Ambiguous(reason);
        }
        match poll {
            Poll::Ready(ended) => break Some(ended),
            Poll::Pending if clock.needs_another_round() => continue,
            Poll::Pending => {}
        }
        for at in oracle.outside_times() {
            clock.outside(at);
        }
        if !clock.advance() {
            break None;
        }
        oracle.act_from_outside();
    };
    drop(work);
    let ended_at = if ended.is_some() {
        clock.now()
    } else {
        oracle.last_change()
    };
    let (status, result, error_code) = match ended {
        Some(Ok(value)) => (RunStatus::Completed, Some(value), None),
        Some(Err(Stop::Error(error))) => (RunStatus::Error, None, Some(error.code)),
        Some(Err(Stop::Cancelled | Stop::Ended)) => (RunStatus::Cancelled, None, None),
        None => (RunStatus::Suspended, None, None),
    };
    let (steps, effects) = (oracle.steps.into_inner(), oracle.effects.into_inner());
    Prediction::Clear(Fate {
        status,
        result,
        error_code,
        ended_at,
        steps,
        effects,
    })
}

/// The run of the main workflow or of a child.
struct Run {
    scope: Rc<Scope>,
    /// The attempt it belongs to.
    caller: Rc<Scope>,
    /// The state's `n`.
    count: Cell<i64>,
    /// The value of the `end` that took effect.
    end: RefCell<Option<Json>>,
}

impl Run {
    fn new(outer: &Rc<Scope>) -> Run {
        Run {
            scope: Scope::inside(outer),
            caller: outer.clone(),
            count: Cell::new(0),
            end: RefCell::default(),
        }
    }
}

/// The events of the main run: those nobody has taken and the waits nobody has served.
#[derive(Default)]
struct Mail {
    kept: Vec<(String, Json)>,
    /// In the order in which they began to wait.
    waits: Vec<Rc<MailWait>>,
}

struct MailWait {
    event: String,
    key: Option<i64>,
    given: RefCell<Option<Json>>,
}

impl MailWait {
    fn fits(&self, event: &str, payload: &Json) -> bool {
        self.event == event && self.key.is_none_or(|key| payload["k"].as_i64() == Some(key))
    }
}

struct Oracle<'a> {
    world: &'a World,
    children: &'a [Flow],
    clock: Clock,
    main: Rc<Run>,
    steps: RefCell<BTreeMap<String, StepFate>>,
    effects: RefCell<BTreeMap<String, EffectFate>>,
    mail: RefCell<Mail>,
    /// The conversations of agents' steps, by address.
    talks: RefCell<BTreeMap<String, agent::Talk>>,
}

impl<'a> Oracle<'a> {
    /// A workflow from its input to its output. Its scope ends with `end`, its timeout, or what is around it.
    fn run(&'a self, flow: &'a Flow, run: Rc<Run>, base: String, input: Json, outer: Rc<Scope>) -> Work<'a> {
        Box::pin(async move {
            let env = Env::default().with("input", input.clone());
            let work = self.sequence(&flow.steps, base, run.clone(), env.clone(), input, run.scope.clone());
            let ended = self.clock.within(flow.timeout, &outer, &run.scope, work).await;
            if outer.cancelled() {
                return Err(Stop::Cancelled);
            }
            if let Some(output) = run.end.take() {
                return Ok(output);
            }
            let data = ended?;
            match &flow.output {
                Some(output) => {
                    let state = serde_json::json!({ "n": run.count.get() });
                    self.clear(env.with("state", state).eval(output, &data))
                }
                None => Ok(data),
            }
        })
    }

    /// The value, or a failure of the prediction.
    fn clear<T: Default>(&self, value: Result<T, Unclear>) -> Result<T, Stop> {
        Ok(value.unwrap_or_else(|unclear| {
            self.clock.give_up(match unclear {
                Unclear::Undecided => "an expression the rules do not decide",
                Unclear::Grown => "a value that grows without end",
            });
            T::default()
        }))
    }

    fn fail<T>(&self, code: &str) -> Result<T, Stop> {
        Err(Stop::Error(Failure::new(code)))
    }

    fn outside_times(&self) -> impl Iterator<Item = u64> {
        let deliveries = self.world.deliveries.iter().map(|delivery| delivery.at);
        let window = self.world.suspend.into_iter().flat_map(|(from, to)| [from, to]);
        deliveries.chain(self.world.cancel).chain(window)
    }

    /// Does what is due outside now: a cancel (sim.md 6), deliveries of events (rule 34).
    fn act_from_outside(&self) {
        let now = self.clock.now();
        if self.world.cancel == Some(now) && !self.main.scope.cancelled() {
            self.clock.lift_suspension();
            self.clock.cancel(&self.main.scope);
        }
        for delivery in self.world.deliveries.iter().filter(|delivery| delivery.at == now) {
            let mut mail = self.mail.borrow_mut();
            match mail
                .waits
                .iter()
                .position(|wait| wait.fits(&delivery.event, &delivery.payload))
            {
                Some(first) => *mail.waits.remove(first).given.borrow_mut() = Some(delivery.payload.clone()),
                None => mail.kept.push((delivery.event.clone(), delivery.payload.clone())),
            }
        }
    }

    fn last_change(&self) -> u64 {
        let steps = self.steps.borrow();
        steps
            .values()
            .map(|step| step.ended_at.unwrap_or(step.started_at))
            .max()
            .unwrap_or(0)
    }
}
