//! What all steps have in common: attempts, output, handlers, `finally`, and their entry in the table.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::{Value as Json, json};

use super::super::flow::{Aim, Body, Cond, Handler, Jump, Kind, Retry, Step};
use super::super::world::Failure;
use super::clock::{Ended, Scope, Stop, Work};
use super::value::Env;
use super::{Oracle, Run, StepFate, StepStatus};

/// One attempt of a step: all its body needs.
#[derive(Clone)]
pub struct Attempt {
    pub address: String,
    pub number: u32,
    pub run: Rc<Run>,
    pub env: Env,
    /// What the step received.
    pub data: Json,
    pub scope: Rc<Scope>,
    pub list: Rc<List>,
}

/// A list in progress, as far as a jump in it needs to know.
#[derive(Default)]
pub struct List {
    ids: Vec<String>,
    /// The place of the step in progress.
    at: Cell<usize>,
    /// How often it has gone backwards.
    back: Cell<u32>,
    /// Where it goes on, if a jump says so.
    next: Cell<Option<usize>>,
}

impl List {
    fn of(steps: &[Step]) -> List {
        let jumps = steps.iter().any(|step| matches!(step.kind, Kind::Jump(_)));
        List {
            ids: steps.iter().filter(|_| jumps).map(|step| step.id.clone()).collect(),
            ..List::default()
        }
    }

    fn goes_back_to(&self, place: usize) -> bool {
        place <= self.at.get()
    }

    /// What the address of a step has behind its id.
    fn mark(&self) -> String {
        match self.back.get() {
            0 => String::new(),
            back => format!("+{back}"),
        }
    }
}

impl Attempt {
    /// What precedes the ids of steps inside: `address@2/`, in a loop's iteration `address@2[0]/`.
    pub fn base(&self, index: Option<usize>) -> String {
        let index = index.map_or(String::new(), |index| format!("[{index}]"));
        format!("{}{index}/", self.visit())
    }

    /// What precedes the ids of a child workflow: `address@2:`.
    pub fn base_of_child(&self) -> String {
        format!("{}:", self.visit())
    }

    pub fn visit(&self) -> String {
        match self.number {
            1 => self.address.clone(),
            number => format!("{}@{number}", self.address),
        }
    }

    /// The effect id of a unit that is the step's own.
    pub fn effect(&self) -> String {
        format!("{}#{}", self.address, self.number)
    }

    /// The effect id of a unit in a place beside others: `address/else#1`.
    pub fn effect_in(&self, place: &str) -> String {
        format!("{}/{place}#1", self.visit())
    }
}

/// What a step's unit or block gave.
pub enum Yield {
    /// The condition of `andWhen` was false.
    Skipped,
    /// `data` stays.
    Nothing,
    Value(Json),
    /// A race's value and its winner.
    Won(Json, Json),
}

impl<'a> Oracle<'a> {
    /// Steps one after another, each with the data the one before left.
    pub fn sequence(
        &'a self,
        steps: &'a [Step],
        base: String,
        run: Rc<Run>,
        env: Env,
        data: Json,
        scope: Rc<Scope>,
    ) -> Work<'a> {
        Box::pin(async move {
            let mut data = data;
            let list = Rc::new(List::of(steps));
            while let Some(step) = steps.get(list.at.get()) {
                let address = format!("{base}{}{}", step.id, list.mark());
                let first = Attempt {
                    address,
                    number: 1,
                    run: run.clone(),
                    env: env.clone(),
                    data,
                    scope: scope.clone(),
                    list: list.clone(),
                };
                data = self.step(step, first).await?;
                let next = match list.next.take() {
                    None => list.at.get() + 1,
                    Some(place) if list.goes_back_to(place) => {
                        list.back.set(list.back.get() + 1);
                        self.forget(&steps[place..], &env);
                        place
                    }
                    Some(place) => place,
                };
                list.at.set(next);
            }
            Ok(data)
        })
    }

    pub fn inside(&'a self, steps: &'a [Step], at: &Attempt, scope: &Rc<Scope>) -> Work<'a> {
        self.sequence(
            steps,
            at.base(None),
            at.run.clone(),
            at.env.clone(),
            at.data.clone(),
            scope.clone(),
        )
    }

    /// Where a list goes on, as the first condition that holds says.
    pub fn jump(&self, jump: &Jump, at: &Attempt) -> Result<Yield, Stop> {
        let env = at.env.with("state", json!({ "n": at.run.count.get() }));
        let mut aim = jump.otherwise.as_ref();
        for (condition, arm) in &jump.arms {
            if self.holds(condition, &env, &at.data)? {
                aim = Some(arm);
                break;
            }
        }
        let list = &at.list;
        let place = aim.map(|aim| match aim {
            Aim::Step(id) => list.ids.iter().position(|other| other == id).unwrap_or(usize::MAX),
            Aim::End => list.ids.len(),
        });
        if place.is_some_and(|place| list.goes_back_to(place)) && list.back.get() >= jump.limit {
            return self.fail("loop.limit");
        }
        list.next.set(place);
        Ok(Yield::Nothing)
    }

    async fn step(&'a self, step: &'a Step, mut at: Attempt) -> Ended {
        let scope = at.scope.clone();
        self.clock.start(&scope).await?;
        let started_at = self.clock.now();
        let running = StepFate {
            status: StepStatus::Running,
            started_at,
            ended_at: None,
        };
        self.steps.borrow_mut().insert(at.address.clone(), running);

        let mut ended = self.attempts(step, &mut at).await;
        // What is around an `end` is done too, but has nothing to say to the state.
        let ends_the_workflow = ended == Err(Stop::Ended) && step.body().is_empty();
        at.scope = scope.clone();
        if let Err(Stop::Error(error)) = &ended {
            ended = self.handle(&step.common.catch, error.clone(), &at).await;
        }
        if let Kind::Try { finally, .. } = &step.kind
            && !finally.is_empty()
        {
            let shield = Rc::new(Scope::default());
            let cleanup = match self.clock.start(&shield).await {
                Ok(()) => self.inside(finally, &at, &shield).await,
                Err(stop) => Err(stop),
            };
            // Rule 29: its error replaces only a success.
            if let (Ok(_), Err(stop)) = (&ended, cleanup) {
                ended = Err(stop);
            }
        }
        // Of what is around an `end`, only what is outside of the workflow can still cancel.
        let cancelled = match ended {
            Err(Stop::Ended) => at.run.caller.cancelled(),
            _ => scope.cancelled(),
        };
        if cancelled {
            ended = Err(Stop::Cancelled);
        }

        let status = match &ended {
            Ok(None) => StepStatus::Skipped,
            Ok(Some(_)) | Err(Stop::Ended) => StepStatus::Success,
            Err(Stop::Error(_)) => StepStatus::Error,
            Err(Stop::Cancelled) => StepStatus::Cancelled,
        };
        let fate = StepFate {
            status,
            started_at,
            ended_at: Some(self.clock.now()),
        };
        self.steps.borrow_mut().insert(at.address, fate);
        if ends_the_workflow || matches!(ended, Ok(Some(_))) {
            let added = step.common.set_state.unwrap_or(0);
            at.run.count.set(at.run.count.get() + added);
        }
        match ended {
            Ok(None) => Ok(at.data),
            Ok(Some(value)) => {
                at.env.record(&step.id, value.clone());
                Ok(value)
            }
            Err(stop) => Err(stop),
        }
    }

    /// The step's attempts, as many as needed and allowed (rules 25, 26). Leaves the number of the last in `at`.
    /// `None`: skipped.
    async fn attempts(&'a self, step: &'a Step, at: &mut Attempt) -> Result<Option<Json>, Stop> {
        let outer = at.scope.clone();
        loop {
            at.scope = Scope::inside(&outer);
            let work: Work<'a, Result<Yield, Stop>> = Box::pin(self.kind(step, at.clone()));
            let ended = self.clock.within(step.common.timeout, &outer, &at.scope, work).await;
            match (ended, &step.common.retry) {
                (Err(Stop::Error(error)), Some(retry)) if at.number < retry.attempts && retries(retry, &error) => {
                    self.clock.timer(&outer, wait_before_retry(retry, at.number)).await?;
                    self.clock.start(&outer).await?;
                    at.number += 1;
                    self.forget(step.body().into_iter().flatten(), &at.env);
                }
                (Ok(given), _) => return self.output(step, given, at),
                (Err(stop), _) => return Err(stop),
            }
        }
    }

    /// What leaves the step (rules 10, 11, 12).
    fn output(&self, step: &Step, given: Yield, at: &Attempt) -> Result<Option<Json>, Stop> {
        let (raw, winner) = match given {
            Yield::Skipped => return Ok(None),
            Yield::Nothing => (None, None),
            Yield::Value(value) => (Some(value), None),
            Yield::Won(value, winner) => (Some(value), Some(winner)),
        };
        let mut value = match (&step.common.output, raw) {
            (Some(output), raw) => {
                let env = raw.map_or(at.env.clone(), |raw| at.env.with("result", raw));
                let env = winner.map_or(env.clone(), |winner| env.with("winner", winner));
                self.clear(env.eval(output, &at.data))?
            }
            (None, Some(value)) => value,
            (None, None) => at.data.clone(),
        };
        if let Some(key) = &step.common.into {
            let mut data = at.data.clone();
            match data.as_object_mut() {
                Some(object) => object.insert(key.clone(), value),
                None => {
                    self.clock.give_up("`into` needs an object");
                    None
                }
            };
            value = data;
        }
        Ok(Some(value))
    }

    /// Rule 27: the first handler that matches; without one the error stays.
    async fn handle(&'a self, handlers: &'a [Handler], error: Failure, at: &Attempt) -> Result<Option<Json>, Stop> {
        let env = at
            .env
            .with("error", json!({ "code": error.code, "status": error.status }));
        for (number, handler) in handlers.iter().enumerate() {
            if let Some(codes) = &handler.on
                && !codes.iter().any(|code| covers(code, &error.code))
            {
                continue;
            }
            if let Some(when) = &handler.when
                && !self.holds(when, &env, &at.data)?
            {
                continue;
            }
            self.clock.start(&at.scope).await?;
            let at = Attempt { env, ..at.clone() };
            return match &handler.body {
                Body::Steps(steps) => self.inside(steps, &at, &at.scope).await.map(Some),
                Body::Unit(unit) => match self.unit(unit, at.effect_in(&format!("catch.{number}")), &at).await? {
                    Yield::Value(value) => Ok(Some(value)),
                    _ => Ok(Some(at.data)),
                },
            };
        }
        Err(Stop::Error(error))
    }

    /// A false or true condition; not a boolean is an error.
    pub fn holds(&self, condition: &Cond, env: &Env, data: &Json) -> Result<bool, Stop> {
        self.clear(env.holds(condition, data).map(Answer))?
            .0
            .map_err(Stop::Error)
    }

    /// A body that starts over has no outputs yet (rules 13, 25).
    pub fn forget(&self, steps: impl IntoIterator<Item = &'a Step>, env: &Env) {
        for step in steps {
            step.walk(&mut |step| env.forget(&step.id));
        }
    }
}

/// A condition's answer; the default stands in where the prediction is given up.
struct Answer(Result<bool, Failure>);

impl Default for Answer {
    fn default() -> Answer {
        Answer(Ok(false))
    }
}

/// Whether an `on` entry covers the code.
fn covers(entry: &str, code: &str) -> bool {
    match entry.strip_suffix('*') {
        Some(prefix) => code.starts_with(prefix),
        None => entry == code,
    }
}

/// Rule 25, of the codes that generated workflows have.
fn retries(retry: &Retry, error: &Failure) -> bool {
    match &retry.on {
        _ if error.code.starts_with("expression.") => false,
        Some(codes) => codes.iter().any(|entry| covers(entry, &error.code)),
        None => match error.code.as_str() {
            // Of an answer of the wrong shape too: nothing else has a schema.
            "timeout" | "http.network" | "agent.network" | "schema.output" => true,
            "http.status" => error
                .status
                .is_some_and(|status| matches!(status, 408 | 425 | 429 | 500..)),
            _ => false,
        },
    }
}

/// The wait after the `number`th attempt (rule 25).
fn wait_before_retry(retry: &Retry, number: u32) -> u64 {
    let wait = retry.delay * retry.backoff.pow(number - 1);
    retry.max_delay.map_or(wait, |longest| wait.min(longest))
}
