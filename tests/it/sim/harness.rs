//! Runs a simulated workflow in the interpreter, under virtual time, and notes what becomes of it.
//!
//! The harness is a driver without a store, a clock or a task: a list of events is the journal, an agenda of things due
//! is the world. At random moments it crashes: the run is dropped, before or after its last events were appended, and
//! replayed. Calls in flight go on outside meanwhile, as they do in the real world; their effect ids are the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use interpret::data::Data;
use interpret::graph::{Program, Timestamp};
use interpret::run::{
    Answer, Event, EventKind, Failure, Input, Outcome, Rejection, Reply, Request, Run, RunEnd, Start, Status, Target,
    Ticket, ToolCall, Tracer, Wait, What,
};
use serde_json::json;

use super::flow::Flow;
use super::oracle::{EffectEnd, EffectFate, Fate, RunStatus, StepFate, StepStatus};
use super::world::{Random, Turn, World};

/// How many events a run may have before it counts as endless.
const MOST_EVENTS: usize = 200_000;

/// What becomes of the run.
///
/// # Errors
///
/// What the interpreter did that it must never do, whatever the workflow.
pub fn simulate(flow: &Flow, world: &World, program: &Arc<Program>, crashes: u64, seed: u64) -> Result<Fate, String> {
    simulate_with_retries(flow, world, program, crashes, seed, 0).map(|(fate, _)| fate)
}

/// The same, with a run that fails retried up to so many times; how often it was. What is called behind a retry
/// succeeds.
///
/// # Errors
///
/// As for [`simulate`], and when something that is done is done again though nothing around it failed.
pub fn simulate_with_retries(
    flow: &Flow,
    world: &World,
    program: &Arc<Program>,
    crashes: u64,
    seed: u64,
    retries: usize,
) -> Result<(Fate, usize), String> {
    let mut harness = Harness {
        world,
        program: program.clone(),
        run: Run::new(program.clone()),
        journal: Vec::new(),
        tracer: Tracer::new(program.clone()),
        agenda: BTreeMap::new(),
        due: 0,
        calls: BTreeMap::new(),
        answered: Vec::new(),
        steps: BTreeMap::new(),
        effects: BTreeMap::new(),
        last_change: 0,
        crashes,
        random: Random::new(seed ^ 0xC4A5_4E5D),
        retried: 0,
        tickets: BTreeMap::new(),
        anew: Vec::new(),
    };
    let fate = harness.play(flow, retries)?;
    Ok((fate, harness.retried))
}

/// Something the outside world is going to do.
#[derive(Clone, Debug)]
enum Due {
    Answer(Ticket, String),
    Resume(Ticket, serde_json::Value),
    Deliver(String, serde_json::Value),
    Cancel,
    Suspend,
    Continue,
}

struct Harness<'a> {
    world: &'a World,
    program: Arc<Program>,
    run: Run,
    journal: Vec<Event>,
    tracer: Tracer,
    /// By time, then in the order in which they were arranged.
    agenda: BTreeMap<(u64, u64), Due>,
    due: u64,
    /// Calls in flight, with their effect ids.
    calls: BTreeMap<Ticket, String>,
    /// Waits whose answer has been arranged.
    answered: Vec<Ticket>,
    steps: BTreeMap<String, StepFate>,
    effects: BTreeMap<String, EffectFate>,
    last_change: u64,
    crashes: u64,
    random: Random,
    /// How often the run was retried, and the step that began anew each time.
    retried: usize,
    /// The effects of all calls.
    tickets: BTreeMap<Ticket, String>,
    anew: Vec<String>,
}

impl Harness<'_> {
    fn play(&mut self, flow: &Flow, retries: usize) -> Result<Fate, String> {
        for delivery in &self.world.deliveries {
            self.arrange(
                delivery.at,
                Due::Deliver(delivery.event.clone(), delivery.payload.clone()),
            );
        }
        if let Some((from, to)) = self.world.suspend {
            self.arrange(from, Due::Suspend);
            self.arrange(to, Due::Continue);
        }
        if let Some(at) = self.world.cancel {
            self.arrange(at, Due::Cancel);
        }
        let mut now = 0;
        self.feed(now, &Input::Start(Start::new("run", Data::from(flow.input.clone()))))?;
        while self.run.state().end().is_none() || self.retried < retries && self.retry(&mut now)? {
            let next_due = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let wake_at = self.run.wake_at().map(|at| u64::try_from(at.0).unwrap_or(0).max(now));
            let Some(next) = next_due.into_iter().chain(wake_at).min() else {
                break;
            };
            now = next;
            if wake_at == Some(now) {
                self.feed(now, &Input::Tick)?;
                continue;
            }
            let Some((_, due)) = self.agenda.pop_first() else { break };
            let input = match due {
                Due::Answer(ticket, effect) => self.answer(ticket, &effect),
                Due::Resume(ticket, payload) => Input::Resume {
                    target: Some(Target::Ticket(ticket)),
                    payload: Data::from(payload),
                },
                Due::Deliver(event, data) => Input::Deliver {
                    event: event.into(),
                    data: Data::from(data),
                },
                Due::Cancel => Input::Cancel { reason: None },
                Due::Suspend => Input::Suspend { reason: None },
                Due::Continue => Input::Continue,
            };
            self.feed(now, &input)?;
        }
        self.fate(now)
    }

    /// Goes on with a run that has failed, if it can.
    fn retry(&mut self, now: &mut u64) -> Result<bool, String> {
        let stands = match self
            .run
            .clone()
            .handle(Timestamp(*now as i64), Input::Retry, &mut Vec::new())
        {
            Ok(()) => true,
            Err(Rejection::NotFailed | Rejection::FailedAsAWhole) => false,
            Err(rejection) => return Err(rejection.to_string()),
        };
        if stands {
            *now += 100_000;
            let now = *now;
            // Nobody outside still is at what the failure has ended.
            self.agenda
                .retain(|(at, _), due| *at >= now && !matches!(due, Due::Answer(..) | Due::Resume(..)));
            self.answered.clear();
            self.calls.clear();
            self.feed(now, &Input::Retry)?;
        }
        Ok(stands)
    }

    fn arrange(&mut self, at: u64, due: Due) {
        self.due += 1;
        self.agenda.insert((at, self.due), due);
    }

    fn answer(&self, ticket: Ticket, effect: &str) -> Input {
        let request = self.run.pending_call(ticket).map(|call| call.request);
        if let Some(Request::Model(asked)) = request.as_deref() {
            let outcome = said(self.world.turn(effect, asked.tools.len()).outcome);
            return Input::Done { ticket, outcome };
        }
        let outcome = match self.world.call(effect).outcome {
            Ok(value) => Outcome::Done(Answer {
                result: Some(Data::from(value)),
                response: Some(Data::from(json!({ "status": 200, "headers": {} }))),
            }),
            Err(error) => {
                let data = error
                    .status
                    .map_or(Data::Null, |status| Data::from(json!({ "status": status })));
                Outcome::Failed(Arc::new(Failure::new(error.code, "simulated").with_data(data)))
            }
        };
        Input::Done { ticket, outcome }
    }

    /// Gives the run an input, with a crash now and then; the input is given again if the crash lost its events.
    fn feed(&mut self, now: u64, input: &Input) -> Result<(), String> {
        loop {
            let mut events = Vec::new();
            match self.run.handle(Timestamp(now as i64), input.clone(), &mut events) {
                Ok(()) => {}
                // The world goes on when the run does not care any more.
                Err(Rejection::NotInProgress | Rejection::NoSuchWait { .. } | Rejection::NothingWaits) => return Ok(()),
                Err(Rejection::NotSuspended | Rejection::AlreadySuspended) => return Ok(()),
                Err(rejection) => return Err(format!("{input:?} was rejected: {rejection}")),
            }
            if self.random.chance(self.crashes) {
                self.replay()?;
                continue;
            }
            if self.journal.len() + events.len() > MOST_EVENTS {
                return Err("the run does not end".to_owned());
            }
            for event in &events {
                self.note(now, event)?;
            }
            self.journal.extend(events);
            if self.random.chance(self.crashes) {
                let live = self.run.clone();
                self.replay()?;
                if live.state() != self.run.state() {
                    return Err(format!(
                        "replayed:\n{:#?}\nlive:\n{:#?}",
                        self.run.state(),
                        live.state()
                    ));
                }
            }
            self.reconcile(now)?;
            return Ok(());
        }
    }

    fn replay(&mut self) -> Result<(), String> {
        self.run = Run::replay(self.program.clone(), &self.journal).map_err(|corrupt| corrupt.to_string())?;
        Ok(())
    }

    /// Makes what is in flight outside what the run says is in flight.
    fn reconcile(&mut self, now: u64) -> Result<(), String> {
        let wanted: BTreeMap<Ticket, String> = self.run.calls().map(|call| (call.ticket, call.effect)).collect();
        for (effect, fate) in &mut self.effects {
            if fate.ended_at == u64::MAX && !wanted.values().any(|other| other == effect) {
                fate.ended_at = now;
                fate.how = EffectEnd::Cancelled;
            }
        }
        for (ticket, effect) in &wanted {
            if !self.effects.contains_key(effect) {
                return Err(format!("the effect {effect} is in flight and was never started"));
            }
            if !self.calls.contains_key(ticket) {
                let call = self.world.call(effect);
                self.arrange(now + call.ms, Due::Answer(*ticket, effect.clone()));
            }
        }
        self.calls = wanted;
        let waits: Vec<_> = self.run.waits().collect();
        for wait in waits {
            if self.answered.contains(&wait.ticket) || !matches!(&*wait.wait, Wait::Resume { .. }) {
                continue;
            }
            self.answered.push(wait.ticket);
            let attempt = wait.attempt;
            if let Some((ms, payload)) = self.world.wait(&format!("{}#{attempt}", wait.address)) {
                let payload = match is_tool(&wait.address) {
                    true => json!({ "approved": payload["n"].as_i64().unwrap_or(0) % 2 == 0 }),
                    false => payload,
                };
                self.arrange(now + ms, Due::Resume(wait.ticket, payload));
            }
        }
        Ok(())
    }

    fn note(&mut self, now: u64, event: &Event) -> Result<(), String> {
        if let EventKind::CallEnded { ticket, .. } = &event.kind {
            let effect = self
                .calls
                .get(ticket)
                .ok_or("an answer to a call that is not in flight")?;
            let fate = self
                .effects
                .get_mut(effect)
                .ok_or("an answer to a call that was not started")?;
            if fate.ended_at != u64::MAX {
                return Err(format!("the effect {effect} ended twice"));
            }
            fate.ended_at = now;
            fate.how = EffectEnd::Done;
        }
        if let EventKind::CallRepeated { ticket } = &event.kind {
            // Behind a retry what was given up is in flight again.
            let effect = self.tickets.get(ticket);
            let fate = effect.and_then(|effect| self.effects.get_mut(effect));
            let fate = fate.ok_or("a call is repeated that was not started")?;
            if fate.how == EffectEnd::Done {
                return Err("a call that has ended is made again".to_owned());
            }
            fate.ended_at = u64::MAX;
        }
        let told = self.tracer.follow(event).map_err(|corrupt| corrupt.to_string())?;
        let Some(told) = told else { return Ok(()) };
        if told.what == What::CallStarted {
            let once = format!(
                "{}#{}",
                told.step.as_deref().unwrap_or_default(),
                told.attempt.unwrap_or(1)
            );
            let effect = match self.retried {
                0 => once.clone(),
                retried => format!("{once}~{retried}"),
            };
            let before = self.effects.iter().find(|(effect, fate)| {
                let (same, retries) = effect.split_once('~').unwrap_or((effect, "0"));
                // What was done in a step that has begun anew since is done again.
                let since = retries.parse().unwrap_or(0).min(self.anew.len());
                let void = self.anew[since..].iter().any(|anew| is_in(&once, anew));
                same == once && fate.how == EffectEnd::Done && !void
            });
            if let Some((before, _)) = before {
                return Err(format!("{before} has ended, and is done again as {effect}"));
            }
            let begun = EffectFate {
                started_at: now,
                ended_at: u64::MAX,
                how: EffectEnd::Cancelled,
            };
            if let EventKind::CallStarted { ticket, .. } = &event.kind {
                self.tickets.insert(*ticket, effect.clone());
            }
            return match self.effects.insert(effect.clone(), begun) {
                None => Ok(()),
                Some(_) => Err(format!("the effect {effect} was started twice")),
            };
        }
        if told.what == What::RunRetried {
            self.retried += 1;
            let anew = told.step.clone().unwrap_or_default();
            self.steps.retain(|step, _| !is_in(step, &anew));
            self.anew.push(anew);
            for step in self.tracer.in_progress().filter(|step| has_id(step)) {
                let fate = self.steps.entry(step).or_insert(StepFate {
                    status: StepStatus::Running,
                    started_at: now,
                    ended_at: None,
                });
                fate.status = StepStatus::Running;
                fate.ended_at = None;
            }
            return Ok(());
        }
        let Some(step) = told.step.filter(|step| has_id(step)) else {
            return Ok(());
        };
        let status = match told.what {
            What::StepStarted => StepStatus::Running,
            What::StepSkipped => StepStatus::Skipped,
            What::StepCompleted => StepStatus::Success,
            What::StepFailed => StepStatus::Error,
            What::StepCancelled => StepStatus::Cancelled,
            _ => return Ok(()),
        };
        self.last_change = now;
        if matches!(status, StepStatus::Running | StepStatus::Skipped) {
            let ended_at = (status == StepStatus::Skipped).then_some(now);
            let begun = StepFate {
                status,
                started_at: now,
                ended_at,
            };
            return match self.steps.insert(step.clone(), begun) {
                None => Ok(()),
                Some(_) => Err(format!("the step {step} was started twice")),
            };
        }
        let fate = self
            .steps
            .get_mut(&step)
            .ok_or_else(|| format!("the step {step} ended without a start"))?;
        if fate.status != StepStatus::Running {
            return Err(format!("the step {step} ended twice"));
        }
        fate.status = status;
        fate.ended_at = Some(now);
        Ok(())
    }

    fn fate(&mut self, now: u64) -> Result<Fate, String> {
        let (status, result, error_code) = match self.run.state().end() {
            Some(RunEnd::Completed(output)) => (RunStatus::Completed, Some(output.to_json()), None),
            Some(RunEnd::Failed(failure)) => (RunStatus::Error, None, Some(failure.code.to_string())),
            Some(RunEnd::Cancelled(_)) => (RunStatus::Cancelled, None, None),
            None => (RunStatus::Suspended, None, None),
        };
        if status == RunStatus::Suspended {
            if self.run.status() != Status::Suspended {
                return Err(format!("nothing is due, and the run is {:?}", self.run.status()));
            }
            for wait in self.run.waits() {
                if is_tool(&wait.address) {
                    continue;
                }
                let fate = self
                    .steps
                    .get_mut(&wait.address)
                    .ok_or("a step waits that was not started")?;
                fate.status = StepStatus::Waiting;
            }
        } else if self.run.calls().next().is_some() || self.run.waits().next().is_some() {
            return Err("the run is over, and something is in flight".to_owned());
        }
        let ended_at = if status == RunStatus::Suspended {
            self.last_change
        } else {
            now
        };
        Ok(Fate {
            status,
            result,
            error_code,
            ended_at,
            steps: std::mem::take(&mut self.steps),
            effects: std::mem::take(&mut self.effects),
        })
    }
}

/// Whether an address or an effect is that of a step, or of one inside it.
fn is_in(address: &str, step: &str) -> bool {
    let behind = address.strip_prefix(step);
    behind.is_some_and(|behind| behind.is_empty() || behind.starts_with(['/', ':', '@', '[', '#']))
}

/// Whether an address is that of a step with an id; the oracle's table has no others.
fn has_id(address: &str) -> bool {
    let last = address.rsplit(['/', ':']).next().unwrap_or_default();
    last != "then" && last != "else" && !last.starts_with("catch.") && !is_tool(address)
}

/// Whether an address is that of a call of a tool, or of the question whether it may be made.
fn is_tool(address: &str) -> bool {
    let last = address.rsplit(['/', ':']).next().unwrap_or_default();
    last.starts_with("tool") || last.starts_with("approve.")
}

/// What a model of the world says, as the interpreter is told it.
fn said(outcome: Result<Turn, super::world::Failure>) -> Outcome {
    let mut reply = Reply::of(None);
    match outcome {
        Err(error) => return Outcome::Failed(Arc::new(Failure::new(error.code, "simulated"))),
        Ok(Turn::Answer(answer)) => reply.content = Some(Data::from(answer)),
        Ok(Turn::Calls(calls)) => {
            let call = |(at, (tool, given)): (usize, (usize, serde_json::Value))| ToolCall {
                id: format!("call-{at}").into(),
                name: format!("tool{tool}").into(),
                arguments: Data::from(json!({ "n": given })),
            };
            reply.calls = calls.into_iter().enumerate().map(call).collect();
        }
    }
    Outcome::Said(Arc::new(reply))
}
