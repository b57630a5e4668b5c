//! The loop that drives one run.

use std::collections::hash_map::Entry;
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::calls::Calls;
use super::handle::{Message, Progress, Rest, RunHandle, SendError};
use super::observe::Following;
use super::snapshot::Snapshots;
use super::{Error, Shared, StartError};
use crate::clock::Sleep;
use crate::graph::{Name, Program, Timestamp};
use crate::provider::Effect;
use crate::run::{Event, EventKind, Input, Outcome, Rejection, Run, Start, Status, Ticket};
use crate::store::{self, Append, Batch, Head, is_over};

/// How many messages may wait for a run before senders do.
const INBOX: usize = 64;
/// How many outcomes and messages are taken at once.
const OFFERS: usize = 256;
/// How many events one append holds before what else there is has to wait for the next.
const EVENTS: usize = 4096;
/// For how many events there is room from the beginning.
const EVENTS_OF_A_SHORT_RUN: usize = 32;
/// How often an append that failed is tried again, and how long the first and the longest waits between are.
const TRIES: u32 = 20;
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A run that is driven by whoever holds this, in its own task. Dropping it stops all calls in flight; what was stored
/// stays. The futures of its methods may be dropped at any time, as `select!` does: nothing is lost by that.
pub struct Session {
    shared: Arc<Shared>,
    run: Run,
    /// How many events are stored.
    seq: u64,
    /// The time of the last event: time never goes back in a run.
    last: Timestamp,
    calls: Calls,
    /// What the run has still to be told.
    offers: VecDeque<Offer>,
    timer: Option<(Timestamp, Sleep)>,
    inbox: mpsc::Receiver<Box<Message>>,
    progress: watch::Sender<Progress>,
    handle: RunHandle,
    /// Kept between turns for its memory.
    events: Vec<Event>,
    /// While an append is under way the run in memory is ahead of its journal; these outcomes made it so.
    unstored: Option<Vec<(Ticket, Outcome)>>,
    snapshots: Snapshots,
    /// Who follows the run besides its caller.
    following: Option<Box<dyn Following>>,
}

/// An input, and who waits to hear what became of it.
struct Offer {
    input: Input,
    reply: Option<oneshot::Sender<Result<(), SendError>>>,
}

impl Session {
    pub(super) async fn start(
        shared: Arc<Shared>,
        program: Arc<Program>,
        start: Start,
        observe: &mut impl FnMut(&[Event], &Run),
    ) -> Result<Session, StartError> {
        let id = start.run.clone();
        let mut session = Session::new(shared, program, id);
        let now = session.now();
        session.run.handle(now, Input::Start(start), &mut session.events)?;
        let events = session.store_first().await?;
        session.following = session.follower();
        session.publish(&events, observe);
        session.register();
        Ok(session)
    }

    pub(super) async fn replay(shared: Arc<Shared>, program: Arc<Program>, id: &Name) -> Result<Session, Error> {
        // First: whoever else drives it may be at work.
        shared.store.claim(id).await?;
        let mut session = Session::new(shared, program, id.clone());
        session.reload(&mut |_, _| {}).await?;
        session.follow_from_the_beginning().await?;
        // That calls are made once more is stored before they are.
        if session.run.calls().next().is_some() {
            let now = session.now();
            let recovered = session.run.handle(now, Input::Recover, &mut session.events);
            recovered.map_err(Error::Corrupt)?;
            let events = session.store().await?;
            session.announce(&events, &mut |_, _| {});
        }
        session.reconcile_all();
        session.register();
        Ok(session)
    }

    /// A run as its journal has it.
    pub(super) async fn look(shared: Arc<Shared>, program: Arc<Program>, id: &Name) -> Result<Run, Error> {
        let mut session = Session::new(shared, program.clone(), id.clone());
        session.reload(&mut |_, _| {}).await?;
        Ok(std::mem::replace(&mut session.run, Run::new(program)))
    }

    /// Begins a run that has been through those events, which come from another, and goes on with an input.
    pub(super) async fn begin_with(
        shared: Arc<Shared>,
        run: Run,
        events: Vec<Event>,
        goes_on: Input,
        id: Name,
        observe: &mut impl FnMut(&[Event], &Run),
    ) -> Result<Session, StartError> {
        let mut session = Session::new(shared, run.program().clone(), id);
        session.run = run;
        session.last = events.last().map_or(session.last, |event| event.at);
        session.events = events;
        let now = session.now();
        session.run.handle(now, goes_on, &mut session.events)?;
        let events = session.store_first().await?;
        session.following = session.follower();
        session.announce(&events, observe);
        session.reconcile_all();
        session.register();
        Ok(session)
    }

    /// Stores what a run begins with. Nobody knows of it yet, so there is nothing to save when that fails.
    async fn store_first(&mut self) -> Result<Arc<[Event]>, StartError> {
        self.store().await.map_err(|error| match error {
            store::Error::Conflict { .. } => StartError::Exists(self.handle.id.clone()),
            error => StartError::Store(error),
        })
    }

    fn new(shared: Arc<Shared>, program: Arc<Program>, id: Name) -> Session {
        let (sender, inbox) = mpsc::channel(INBOX);
        let (progress, watcher) = watch::channel(Progress {
            seq: 0,
            status: Status::Running,
            rest: None,
            failed: None,
        });
        let handle = RunHandle {
            id,
            program: program.clone(),
            store: shared.store.clone(),
            inbox: sender,
            progress: watcher,
        };
        Session {
            shared,
            run: Run::new(program),
            seq: 0,
            last: Timestamp(i64::MIN),
            calls: Calls::default(),
            offers: VecDeque::new(),
            timer: None,
            inbox,
            progress,
            handle,
            events: Vec::with_capacity(EVENTS_OF_A_SHORT_RUN),
            unstored: None,
            snapshots: Snapshots::default(),
            following: None,
        }
    }

    fn follower(&self) -> Option<Box<dyn Following>> {
        let observer = self.shared.observer.as_ref()?;
        Some(observer.follow(&self.handle.id, self.run.program()))
    }

    /// Tells whoever follows the run what happened to it before.
    async fn follow_from_the_beginning(&mut self) -> Result<(), Error> {
        let Some(mut following) = self.follower() else {
            return Ok(());
        };
        let mut at = 0;
        while at < self.seq {
            let page = self.shared.store.load(&self.handle.id, at).await?;
            if page.is_empty() {
                break;
            }
            for batch in page {
                let batch = batch.from(at);
                following.follow(batch.first, &batch.events, None, false);
                at = batch.end();
            }
        }
        self.following = Some(following);
        Ok(())
    }

    /// Lets requests of other processes find the run.
    fn register(&self) {
        if self.shared.store.is_durable() {
            let mut sessions = self.shared.sessions();
            sessions.insert(self.handle.id.clone(), self.handle.clone());
        }
    }

    /// The run.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// How others reach the run while it is driven.
    pub fn handle(&self) -> &RunHandle {
        &self.handle
    }

    /// Drives the run until it is over or suspended: what it still waits for has to come from somebody.
    ///
    /// # Errors
    ///
    /// When it cannot be driven on.
    pub async fn to_rest(&mut self, observe: &mut impl FnMut(&[Event], &Run)) -> Result<Status, Error> {
        self.drive(observe, |status| status != Status::Running).await
    }

    /// Whether there is nothing to drive: it is over, or waits for somebody and can be taken up again.
    pub(super) fn is_settled(&self) -> bool {
        let waits = || {
            self.shared.programs.is_some()
                && self.run.status() == Status::Suspended
                && self.run.wake_at().is_none_or(|at| at > self.now())
        };
        self.offers.is_empty() && (is_over(self.run.status()) || waits())
    }

    /// Drives the run until it is over or waits for somebody, and is not to be woken yet; true when nobody has told it
    /// anything meanwhile, and nobody can any more: it can be dropped, and taken up again when its time comes.
    pub(super) async fn until_unloaded(&mut self) -> Result<bool, Error> {
        let status = self.to_rest(&mut |_, _| {}).await?;
        if is_over(status) {
            return Ok(true);
        }
        if self.run.wake_at().is_some_and(|at| at <= self.now()) {
            self.advance(&mut |_, _| {}).await?;
            return Ok(false);
        }
        self.inbox.close();
        // What was sent in time is heard still. Nobody may wait for more: who only looked has told the run nothing.
        std::future::poll_fn(|context| {
            let _ = self.poll_gather(context);
            Poll::Ready(())
        })
        .await;
        if self.offers.is_empty() {
            return Ok(true);
        }
        self.advance(&mut |_, _| {}).await?;
        Ok(false)
    }

    /// Waits for the calls in flight; what follows from them is stored, and nobody is called any more.
    pub(super) async fn until_drained(&mut self) -> Result<(), Error> {
        while self.calls.len() > 0 || !self.offers.is_empty() {
            self.gather().await;
            self.advance(&mut |_, _| {}).await?;
        }
        Ok(())
    }

    /// Drives the run until it is over, whoever it has to wait for.
    ///
    /// # Errors
    ///
    /// When it cannot be driven on.
    pub async fn to_end(&mut self, observe: &mut impl FnMut(&[Event], &Run)) -> Result<Status, Error> {
        self.drive(observe, is_over).await
    }

    /// Tells the run something. When this returns, what followed at once is stored; [`Session::to_rest`] drives it on.
    ///
    /// # Errors
    ///
    /// [`SendError`]; then nothing has changed.
    pub async fn send(&mut self, input: Input, observe: &mut impl FnMut(&[Event], &Run)) -> Result<(), SendError> {
        let (reply, mut answer) = oneshot::channel();
        self.offers.push_back(Offer {
            input,
            reply: Some(reply),
        });
        // Offers before it may fill a turn.
        loop {
            let driven = self.advance(observe).await;
            if let Ok(answer) = answer.try_recv() {
                return answer;
            }
            if driven.is_err() {
                return Err(SendError::Gone);
            }
        }
    }

    async fn drive(
        &mut self,
        observe: &mut impl FnMut(&[Event], &Run),
        reached: impl Fn(Status) -> bool,
    ) -> Result<Status, Error> {
        loop {
            let status = self.run.status();
            if self.offers.is_empty() && reached(status) {
                return Ok(status);
            }
            self.gather().await;
            self.advance(observe).await?;
        }
    }

    /// One turn; when the run cannot be driven on, its calls stop and all who wait for it are told.
    async fn advance(&mut self, observe: &mut impl FnMut(&[Event], &Run)) -> Result<(), Error> {
        let driven = self.turn(observe).await;
        if let Err(error) = &driven {
            self.calls = Calls::default();
            self.progress
                .send_modify(|progress| progress.failed = Some(error.clone()));
        }
        driven
    }

    /// Waits until there is something to tell the run, be it the time.
    async fn gather(&mut self) {
        // A run with more to do than one turn lets others have theirs.
        if self.offers.is_empty() && self.run.wake_at().is_some_and(|at| at <= self.last) {
            tokio::task::yield_now().await;
        }
        std::future::poll_fn(|context| self.poll_gather(context)).await;
    }

    fn poll_gather(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.offers.len() < OFFERS
            && let Poll::Ready((ticket, outcome)) = self.calls.poll(context)
        {
            self.offers.push_back(done(ticket, outcome));
        }
        while self.offers.len() < OFFERS
            && let Poll::Ready(Some(message)) = self.inbox.poll_recv(context)
        {
            match *message {
                Message::Input(input, reply) => self.offers.push_back(Offer {
                    input,
                    reply: Some(reply),
                }),
                Message::Inspect(look) => look(&self.run),
            }
        }
        if !self.offers.is_empty() {
            return Poll::Ready(());
        }
        let mut waiting = self.calls.len();
        match self.run.wake_at() {
            None => self.timer = None,
            Some(at) if at <= self.shared.clock.now() => return Poll::Ready(()),
            Some(at) => {
                if self.timer.as_ref().is_none_or(|(set, _)| *set != at) {
                    self.timer = Some((at, self.shared.clock.sleep_until(at)));
                }
                if let Some((_, sleep)) = &mut self.timer
                    && sleep.as_mut().poll(context).is_ready()
                {
                    self.timer = None;
                    return Poll::Ready(());
                }
                waiting += 1;
            }
        }
        self.shared.clock.idle(waiting);
        Poll::Pending
    }

    /// Tells the run what there is to tell, stores what follows, publishes it and acts upon it.
    async fn turn(&mut self, observe: &mut impl FnMut(&[Event], &Run)) -> Result<(), Error> {
        if self.unstored.is_some() {
            // Somebody dropped the future of an append.
            return self
                .recover(store::Error::Unavailable("interrupted".to_owned()), observe)
                .await;
        }
        let now = self.now();
        let mut accepted = Vec::new();
        let mut outcomes = Vec::new();
        if self.offers.is_empty() {
            self.offers.push_back(Offer {
                input: Input::Tick,
                reply: None,
            });
        }
        while self.events.len() < EVENTS
            && let Some(Offer { input, reply }) = self.offers.pop_front()
        {
            if let Input::Done { ticket, outcome } = &input {
                outcomes.push((*ticket, outcome.clone()));
            }
            match self.run.handle(now, input, &mut self.events) {
                Ok(()) => accepted.extend(reply),
                Err(rejection @ Rejection::Corrupt(_)) => return Err(Error::Corrupt(rejection)),
                // Who no longer waits does not need to know; outcomes that come late have nobody.
                Err(rejection) => drop(reply.map(|reply| reply.send(Err(rejection.into())))),
            }
        }
        // One append holds more than one turn of the run.
        while self.events.len() < EVENTS && self.run.wake_at().is_some_and(|at| at <= now) {
            let ticked = self.run.handle(now, Input::Tick, &mut self.events);
            ticked.map_err(Error::Corrupt)?;
        }
        if !self.events.is_empty() {
            self.unstored = Some(outcomes);
            match self.store().await {
                Ok(batch) => {
                    self.unstored = None;
                    self.publish(&batch, observe);
                }
                Err(error) => {
                    for reply in accepted {
                        let _ = reply.send(Err(error.clone().into()));
                    }
                    return self.recover(error, observe).await;
                }
            }
        }
        for reply in accepted {
            let _ = reply.send(Ok(()));
        }
        Ok(())
    }

    /// Appends what has happened.
    async fn store(&mut self) -> Result<Arc<[Event]>, store::Error> {
        let events: Arc<[Event]> = self.events.drain(..).collect();
        let snapshot = match self.shared.store.is_durable() {
            true => self.snapshots.take(&self.run, events.len()),
            false => None,
        };
        let append = Append {
            run: self.handle.id.clone(),
            expected_seq: self.seq,
            events: events.clone(),
            head: Head {
                workflow: self.run.program().main().header.id.clone(),
                status: self.run.status(),
                wake_at: self.run.wake_at(),
            },
            snapshot,
        };
        self.shared.store.append(append).await?;
        Ok(events)
    }

    /// Tells those who hold a handle how far the run is.
    fn tell(&self) {
        let (seq, status) = (self.seq, self.run.status());
        let rest = Rest::of(&self.run, self.last).map(Arc::new);
        self.progress.send_modify(|progress| {
            progress.seq = seq;
            progress.status = status;
            progress.rest = rest;
        });
    }

    /// Tells the world of events that are stored, and acts upon them.
    fn publish(&mut self, events: &[Event], observe: &mut impl FnMut(&[Event], &Run)) {
        self.announce(events, observe);
        self.reconcile(events);
    }

    fn announce(&mut self, events: &[Event], observe: &mut impl FnMut(&[Event], &Run)) {
        if let Some(following) = &mut self.following {
            following.follow(self.seq, events, Some(&self.run), true);
        }
        self.seq += events.len() as u64;
        self.last = events.last().map_or(self.last, |event| event.at);
        self.tell();
        observe(events, &self.run);
    }

    /// Makes the calls in flight those of the run; only what happened can have changed them.
    fn reconcile(&mut self, events: &[Event]) {
        // Calls leave by their outcome, which is how they came here, or because something around them is given up.
        let given_up = |event: &Event| matches!(event.kind, EventKind::Unwinding { .. } | EventKind::RunEnded { .. });
        if self.calls.len() > 0 && events.iter().any(given_up) {
            self.calls.retain(|ticket| self.run.is_calling(ticket));
        }
        for event in events {
            if let EventKind::CallStarted { ticket, .. } | EventKind::CallRepeated { ticket } = event.kind {
                self.begin(ticket);
            }
        }
    }

    /// The same when anything can have changed. A call whose outcome is known, but not yet told, is not started again.
    fn reconcile_all(&mut self) {
        self.calls.retain(|ticket| self.run.is_calling(ticket));
        let known: HashSet<Ticket> = self.offers.iter().filter_map(Offer::ticket).collect();
        let tickets: Vec<Ticket> = self.run.calls().map(|call| call.ticket).collect();
        for ticket in tickets {
            if !known.contains(&ticket) {
                self.begin(ticket);
            }
        }
    }

    /// Starts a call, unless it is no longer wanted or in flight already.
    fn begin(&mut self, ticket: Ticket) {
        // Whoever takes the run up makes it, under the same key.
        if self.calls.contains(ticket) || *self.shared.draining.borrow() {
            return;
        }
        if let Some(call) = self.run.pending_call(ticket) {
            let run = self.handle.id.clone();
            let trace = self
                .following
                .as_ref()
                .and_then(|following| following.parent_of(ticket));
            let effect = Effect { run, call, trace };
            let performing = match effect.call.request.is_own() {
                true => {
                    let user = self.run.state().started().and_then(|started| started.user.clone());
                    super::conversation::perform(self.shared.store.clone(), &effect, user, self.now())
                }
                false => self.shared.provider.perform(effect),
            };
            self.calls.start(ticket, performing);
        }
    }

    /// Starts over from the journal behind an append that failed. Outcomes that were in it are told to the run again:
    /// what has been done is not to be done twice.
    async fn recover(
        &mut self,
        mut error: store::Error,
        observe: &mut impl FnMut(&[Event], &Run),
    ) -> Result<(), Error> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..TRIES {
            if !matches!(error, store::Error::Unavailable(_)) {
                break;
            }
            // Real time, whatever the clock of the run: it is the store that has to come to itself.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            match self.reload(observe).await {
                Ok(()) => {
                    self.repeat_outcomes();
                    return Ok(());
                }
                Err(Error::Store(again)) => error = again,
                Err(other) => return Err(other),
            }
        }
        Err(Error::Store(error))
    }

    /// Tells a replayed run the outcomes that were not stored, and makes the calls in flight its own.
    fn repeat_outcomes(&mut self) {
        for (ticket, outcome) in self.unstored.take().into_iter().flatten().rev() {
            if self.run.is_calling(ticket) {
                self.offers.push_front(done(ticket, outcome));
            }
        }
        self.reconcile_all();
    }

    /// Makes the run again from its journal, or from the last snapshot on. Events in it that nobody has been told of,
    /// because the reply to their append was lost, are told now.
    async fn reload(&mut self, observe: &mut impl FnMut(&[Event], &Run)) -> Result<(), Error> {
        self.events.clear();
        let program = self.run.program().clone();
        let kept = self.shared.store.snapshot(&self.handle.id).await?;
        let kept = kept.and_then(|kept| Some((kept.seq, self.snapshots.read(&kept, &program)?)));
        let fresh = self.seq == 0;
        let news = match kept {
            Some((seq, state)) => match self.replay_from(Run::at(program.clone(), state), seq, fresh).await {
                // It was no state of this run; the journal still is.
                Err(Error::Corrupt(_)) => self.replay_from(Run::new(program), 0, fresh).await?,
                other => other?,
            },
            None => self.replay_from(Run::new(program), 0, fresh).await?,
        };
        self.timer = None;
        for batch in news {
            self.announce(&batch.events, observe);
        }
        Ok(())
    }

    /// Follows the journal behind `at` events, to which `run` has come. Gives the events of which nobody has been told;
    /// a fresh session tells of none.
    async fn replay_from(&mut self, mut run: Run, at: u64, fresh: bool) -> Result<Vec<Batch>, Error> {
        let mut news = Vec::new();
        // The event before tells the time.
        let mut end = match fresh {
            true => at.saturating_sub(1),
            false => at.saturating_sub(1).min(self.seq),
        };
        let mut last = None;
        loop {
            let page = self.shared.store.load(&self.handle.id, end).await?;
            if page.is_empty() {
                break;
            }
            for batch in page {
                let batch = batch.from(end);
                for (seq, event) in (batch.first..).zip(batch.events.iter()).filter(|(seq, _)| *seq >= at) {
                    if seq == 0 {
                        self.check_definition(event)?;
                    }
                    run.follow(event).map_err(|corrupt| Error::Corrupt(corrupt.into()))?;
                }
                end = batch.end();
                last = batch.events.last().map(|event| event.at).or(last);
                if !fresh && end > self.seq {
                    news.push(batch.from(self.seq));
                }
            }
        }
        self.run = run;
        if fresh {
            self.seq = end;
            self.last = last.unwrap_or(self.last);
            self.tell();
        }
        Ok(news)
    }

    fn check_definition(&self, first: &Event) -> Result<(), Error> {
        let given = &self.run.program().hash;
        match &first.kind {
            EventKind::RunStarted(started) if started.program != *given => Err(Error::WrongDefinition {
                pinned: started.program.clone(),
                given: given.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// The time, which never goes back in a run, whatever the clock does.
    fn now(&self) -> Timestamp {
        self.shared.clock.now().max(self.last)
    }
}

impl Offer {
    fn ticket(&self) -> Option<Ticket> {
        match &self.input {
            Input::Done { ticket, .. } => Some(*ticket),
            _ => None,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Entry::Occupied(known) = self.shared.sessions().entry(self.handle.id.clone())
            && known.get().inbox.same_channel(&self.handle.inbox)
        {
            known.remove();
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("handle", &self.handle)
            .field("in_flight", &self.calls.len())
            .finish_non_exhaustive()
    }
}

fn done(ticket: Ticket, outcome: Outcome) -> Offer {
    Offer {
        input: Input::Done { ticket, outcome },
        reply: None,
    }
}
