//! Playing a case: the pure interpreter under virtual time, with nothing but what the case says around it.
//!
//! Time stands still while anything happens and then jumps to whatever comes next: an answer of a mock, something the
//! case does, or what the run itself waits for. At one moment the agenda goes first: events and the like, then answers in
//! the order of their calls. So every run of a case is the same run, and takes no time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use futures_util::FutureExt;

use super::missing::{self, Missing};
use super::suite::{Act, Case, Expected};
use crate::data::Data;
use crate::graph::{Millis, Name, Program, Timestamp};
use crate::provider::{Mocks, Replay, step_fits};
use crate::run::{
    Answer, Event, EventKind, Failure, Input, Outcome, Rejection, Request, Run, RunEnd, Start, Status, Target, Ticket,
    Wait,
};
use crate::source::Span;
use crate::store::{Asking, Memory, converse};

/// A run with more events than this does not come to an end.
const MOST_EVENTS: usize = 250_000;

/// The id of the run of every case.
const RUN: &str = "test";

/// What became of a case's run.
#[derive(Clone, Debug)]
pub struct Played {
    /// What was run.
    pub program: Arc<Program>,
    /// Everything that happened.
    pub events: Vec<Event>,
    /// What it came to.
    pub ending: Ending,
    /// How long it took, in virtual time.
    pub took: Millis,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub enum Ending {
    /// It is over.
    Over(RunEnd),
    /// It rests: nobody in the case does anything more.
    Resting {
        /// Suspended, or running if something is in flight that never ends.
        status: Status,
        /// What it waits for.
        waiting: Vec<Waiting>,
    },
    /// It did not start with this input.
    Rejected(String),
    /// The case does not say enough, or says what does not fit.
    Stuck(Box<Trouble>),
}

/// A wait in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The id of the step.
    pub step: Name,
    /// Its address.
    pub address: String,
    /// The event it waits for; a person's payload if there is none.
    pub event: Option<Name>,
}

/// Why a case cannot be played to its end.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// A call has no mock.
    NoMock(Box<Missing>),
    /// The condition of a mock cannot be evaluated.
    Mock {
        /// The address of the step that calls.
        address: String,
        /// Why not.
        failure: Arc<Failure>,
    },
    /// The run does not take what the case does.
    Refused {
        /// Where the case does it.
        place: Span,
        /// Why not.
        message: String,
    },
    /// It goes on and on.
    Endless,
    /// The interpreter contradicts itself.
    Corrupt(String),
}

/// Something that is to happen.
enum Due {
    Done(Ticket, Outcome),
    Resume(Ticket, Data, Span),
    Act(Input, Span),
}

struct Player<'c> {
    case: &'c Case,
    run: Run,
    now: Timestamp,
    events: Vec<Event>,
    /// How many of the events have been looked at.
    seen: usize,
    mocks: Vec<Mocks>,
    /// The recording, from its beginning.
    replay: Option<Replay>,
    /// What is said in conversations.
    store: Memory,
    /// The payloads each step has had, by rule.
    answered: HashMap<(usize, Name), usize>,
    /// What is to happen, in the order of time and then of its making.
    agenda: BinaryHeap<Reverse<(Timestamp, usize)>>,
    due: Vec<Option<Due>>,
}

/// Plays a case.
pub fn play(program: &Arc<Program>, case: &Case) -> Played {
    let mut player = Player {
        case,
        run: Run::new(program.clone()),
        now: case.now,
        events: Vec::new(),
        seen: 0,
        mocks: case.mocks.iter().map(|mocks| mocks.afresh()).collect(),
        replay: case.cassette.clone().map(Replay::new),
        store: Memory::default(),
        answered: HashMap::new(),
        agenda: BinaryHeap::new(),
        due: Vec::new(),
    };
    let ending = match player.start() {
        Ok(()) => player
            .finish()
            .unwrap_or_else(|trouble| Ending::Stuck(Box::new(trouble))),
        Err(rejection) => Ending::Rejected(rejection.to_string()),
    };
    Played {
        program: program.clone(),
        ending,
        took: player.now.since(case.now),
        events: player.events,
    }
}

impl Player<'_> {
    fn start(&mut self) -> Result<(), Rejection> {
        let start = Start {
            context: self.case.context.clone(),
            env: self.case.env.clone(),
            ..Start::new(RUN, self.case.input.clone())
        };
        self.run.handle(self.now, Input::Start(start), &mut self.events)?;
        for scripted in &self.case.script {
            let input = match scripted.act.clone() {
                Act::Deliver { event, data } => Input::Deliver { event, data },
                Act::Suspend { reason } => Input::Suspend { reason },
                Act::Continue => Input::Continue,
                Act::Cancel { reason } => Input::Cancel { reason },
            };
            self.plan(scripted.at, Due::Act(input, scripted.place));
        }
        Ok(())
    }

    fn plan(&mut self, after: Millis, due: Due) {
        self.agenda.push(Reverse((self.now.after(after), self.due.len())));
        self.due.push(Some(due));
    }

    fn finish(&mut self) -> Result<Ending, Trouble> {
        loop {
            while self.run.wake_at().is_some_and(|at| at <= self.now) {
                self.tell(Input::Tick, None)?;
            }
            self.look()?;
            if let Some(end) = self.run.state().end() {
                return Ok(Ending::Over(end.clone()));
            }
            let next = self.next();
            let limit = self.run.wake_at();
            let rests = next.is_none() && self.run.status() == Status::Suspended;
            let may_rest = self.case.expects() == Some(Expected::Run(Status::Suspended));
            match (next, limit) {
                (None, None) => return Ok(self.resting()),
                (None, Some(_)) if rests && may_rest => return Ok(self.resting()),
                (Some((at, due)), limit) if limit.is_none_or(|limit| at <= limit) => {
                    self.agenda.pop();
                    self.now = self.now.max(at);
                    self.act(due)?;
                }
                (_, Some(limit)) => {
                    self.now = self.now.max(limit);
                    self.tell(Input::Tick, None)?;
                }
                // The arm before takes whatever is next where there is no limit.
                (Some(_), None) => return Ok(self.resting()),
            }
        }
    }

    /// What comes next on the agenda; what nobody waits for any more is taken off.
    fn next(&mut self) -> Option<(Timestamp, usize)> {
        loop {
            let Reverse((at, index)) = *self.agenda.peek()?;
            let wanted = match &self.due[index] {
                Some(Due::Done(ticket, _) | Due::Resume(ticket, ..)) => self.run.is_calling(*ticket),
                Some(Due::Act(..)) => true,
                None => false,
            };
            if wanted {
                return Some((at, index));
            }
            self.agenda.pop();
        }
    }

    fn act(&mut self, index: usize) -> Result<(), Trouble> {
        match self.due[index].take() {
            Some(Due::Done(ticket, outcome)) => self.tell(Input::Done { ticket, outcome }, None),
            Some(Due::Resume(ticket, payload, place)) => {
                let target = Some(Target::Ticket(ticket));
                self.tell(Input::Resume { target, payload }, Some(place))
            }
            Some(Due::Act(input, place)) => self.tell(input, Some(place)),
            None => Ok(()),
        }
    }

    fn tell(&mut self, input: Input, place: Option<Span>) -> Result<(), Trouble> {
        if self.events.len() > MOST_EVENTS {
            return Err(Trouble::Endless);
        }
        match (self.run.handle(self.now, input, &mut self.events), place) {
            (Ok(()), _) => Ok(()),
            (Err(Rejection::Corrupt(corrupt)), _) => Err(Trouble::Corrupt(corrupt.to_string())),
            (Err(rejection), Some(place)) => Err(Trouble::Refused {
                place,
                message: rejection.to_string(),
            }),
            (Err(rejection), None) => Err(Trouble::Corrupt(rejection.to_string())),
        }
    }

    /// Plans answers to the calls and waits that have begun.
    fn look(&mut self) -> Result<(), Trouble> {
        while self.seen < self.events.len() {
            let kind = self.events[self.seen].kind.clone();
            self.seen += 1;
            match kind {
                EventKind::CallStarted { ticket, .. } => self.answer_call(ticket)?,
                EventKind::WaitStarted { ticket, wait, .. } => {
                    if let Wait::Resume { .. } = *wait {
                        self.answer_wait(ticket);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn answer_call(&mut self, ticket: Ticket) -> Result<(), Trouble> {
        // It may be over already, as that of a race loser.
        let Some(call) = self.run.pending_call(ticket) else {
            return Ok(());
        };
        // A case has conversations of its own, and none behind it.
        if call.request.is_own() {
            let asking = Asking {
                effect: format!("{RUN}/{}", call.effect),
                user: None,
                at: self.now,
            };
            // What is in memory is there at once.
            if let Some(outcome) = converse(&self.store, &asking, &call.request).now_or_never() {
                self.plan(Millis(0), Due::Done(ticket, outcome));
            }
            return Ok(());
        }
        for mocks in &self.mocks {
            let answer = mocks.answer(&call).map_err(|failure| Trouble::Mock {
                address: call.address().to_owned(),
                failure: Arc::new(failure),
            })?;
            if let Some(mock) = answer {
                self.plan(mock.after, Due::Done(ticket, mock.outcome));
                return Ok(());
            }
        }
        if let Request::Model(asked) = &*call.request
            && let Some(script) = self.case.scripts.of(asked)
        {
            let answer = script.answer(asked);
            let mock = answer.map_err(|failure| Trouble::Mock {
                address: call.address().to_owned(),
                failure: Arc::new(failure),
            })?;
            self.plan(mock.after, Due::Done(ticket, mock.outcome));
            return Ok(());
        }
        if let (Request::Model(asked), Some(replay)) = (&*call.request, &self.replay) {
            let outcome = match replay.reply(asked) {
                Ok(reply) => Outcome::Said(Arc::new(reply)),
                Err(failure) if &*failure.code == "agent.unrecorded" => {
                    return Err(Trouble::Mock {
                        address: call.address().to_owned(),
                        failure: Arc::new(failure),
                    });
                }
                Err(failure) => Outcome::Failed(Arc::new(failure)),
            };
            self.plan(Millis(0), Due::Done(ticket, outcome));
            return Ok(());
        }
        // What a server tells of its tools need not be mocked: the agent that calls them is.
        if let Request::McpTools(_) = *call.request {
            let answer = Answer {
                result: Some(Data::List(Arc::default())),
                response: None,
            };
            self.plan(Millis(0), Due::Done(ticket, Outcome::Done(answer)));
            return Ok(());
        }
        Err(Trouble::NoMock(Box::new(missing::of(self.run.program(), &call))))
    }

    fn answer_wait(&mut self, ticket: Ticket) {
        let Some(wait) = self.run.waits().find(|wait| wait.ticket == ticket) else {
            return;
        };
        let case = self.case;
        let rule = case
            .resume
            .iter()
            .position(|resume| step_fits(&resume.pattern, &wait.step, &wait.address));
        let Some(rule) = rule else { return };
        let answered = self.answered.entry((rule, wait.step)).or_default();
        let payload = case.resume[rule].payloads.get(*answered);
        *answered += 1;
        if let Some(Some(payload)) = payload {
            self.plan(payload.after, Due::Resume(ticket, payload.data.clone(), payload.place));
        }
    }

    fn resting(&self) -> Ending {
        let waiting = self.run.waits().map(|wait| Waiting {
            step: wait.step,
            address: wait.address,
            event: match &*wait.wait {
                Wait::Event { event } => Some(event.clone()),
                Wait::Resume { .. } => None,
            },
        });
        Ending::Resting {
            status: self.run.status(),
            waiting: waiting.collect(),
        }
    }
}
