//! Virtual time, cancellation, and the three ways of waiting: for an instant, for branches, with a deadline.
//!
//! Nothing here wakes anything. [`super::predict`] polls the whole run from its root at one instant after another, so
//! the order within an instant is the order in which futures poll their children: depth first, as declared.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use serde_json::Value as Json;

use super::super::world::Failure;

/// A moment: milliseconds, then the order within them. What an outside suspend held back acts at the resume, in the
/// order of the time it was due, which is the second number; otherwise that is 0.
pub type Instant = (u64, u64);

/// Why something has no value.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    Error(Failure),
    /// A scope around it was cancelled; its cleanup is done.
    Cancelled,
    /// An `end` inside took effect; the cleanup of what is around it is done.
    Ended,
}

pub type Ended = Result<Json, Stop>;
pub type Work<'a, T = Ended> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What is cancelled together. Scopes nest; `finally` starts a new root, which is what shields it.
#[derive(Default)]
pub struct Scope {
    cancelled: Cell<bool>,
    /// What comes of the attempt is certain; only cleanup goes on.
    decided: Cell<bool>,
    outer: Option<Rc<Scope>>,
}

impl Scope {
    pub fn inside(outer: &Rc<Scope>) -> Rc<Scope> {
        Rc::new(Scope {
            cancelled: Cell::new(false),
            decided: Cell::new(false),
            outer: Some(outer.clone()),
        })
    }

    pub fn decide(&self) {
        self.decided.set(true);
    }

    pub fn cancelled(&self) -> bool {
        self.cancelled.get() || self.outer.as_ref().is_some_and(|outer| outer.cancelled())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Due {
    /// Something that happens by itself: a timer, an outcome, an action from outside.
    Event,
    /// A start held back by an outside suspend. Several may be due together: they follow from one event.
    Start,
}

pub struct Clock {
    now: Cell<Instant>,
    /// The outside suspend.
    window: Option<(u64, u64)>,
    /// A cancel ended it early.
    lifted: Cell<bool>,
    due: RefCell<Vec<(Instant, Due)>>,
    /// A scope was cancelled in this round, after parts of it may have been polled.
    again: Cell<bool>,
    unclear: Cell<Option<&'static str>>,
}

impl Clock {
    pub fn new(window: Option<(u64, u64)>) -> Clock {
        Clock {
            now: Cell::new((0, 0)),
            window,
            lifted: Cell::new(false),
            due: RefCell::default(),
            again: Cell::new(false),
            unclear: Cell::new(None),
        }
    }

    /// The current time in milliseconds.
    pub fn now(&self) -> u64 {
        self.now.get().0
    }

    /// Gives the prediction up, since the rules do not decide what happens.
    pub fn give_up(&self, reason: &'static str) {
        self.unclear.set(Some(reason));
    }

    pub fn unclear(&self) -> Option<&'static str> {
        self.unclear.get()
    }

    pub fn lift_suspension(&self) {
        self.lifted.set(true);
    }

    /// Cancels everything in the scope, which finds out when it is polled next, at this same instant.
    pub fn cancel(&self, scope: &Scope) {
        scope.cancelled.set(true);
        self.again.set(true);
    }

    /// Begins a round of polling; afterwards the run says anew what it waits for.
    pub fn begin_round(&self) {
        self.due.borrow_mut().clear();
        self.again.set(false);
    }

    pub fn needs_another_round(&self) -> bool {
        self.again.get()
    }

    /// Says that something happens outside at this time, if it is still to come.
    pub fn outside(&self, at: u64) {
        if at > self.now() {
            self.note((at, 0), Due::Event);
        }
    }

    /// Moves to the next instant at which something is due; `false` if nothing is.
    pub fn advance(&self) -> bool {
        let due = self.due.borrow();
        let Some(next) = due.iter().map(|entry| entry.0).min() else {
            return false;
        };
        let count = |kind| due.iter().filter(|entry| **entry == (next, kind)).count();
        let events = count(Due::Event);
        if events > 1 || (events == 1 && count(Due::Start) > 0) {
            self.give_up("two independent things are due at once");
        }
        self.now.set(next);
        true
    }

    /// When a start or a timer that is due at `at` acts (sim.md 5).
    fn held(&self, at: u64) -> Instant {
        match self.window {
            Some((from, to)) if (from..to).contains(&at) && !self.lifted.get() => {
                if at == from {
                    self.give_up("due at the moment of the outside suspend");
                }
                (to, at)
            }
            _ => (at, 0),
        }
    }

    fn note(&self, at: Instant, kind: Due) {
        self.due.borrow_mut().push((at, kind));
    }

    fn reached(&self, at: Instant, kind: Due) -> bool {
        let reached = self.now.get() >= at;
        if !reached {
            self.note(at, kind);
        }
        reached
    }

    /// Waits until something may start: at once, unless the run is suspended from outside.
    pub async fn start(&self, scope: &Scope) -> Result<(), Stop> {
        let at = self.now();
        poll_fn(|_| self.unless_cancelled(scope, || self.reached(self.held(at), Due::Start).then_some(()))).await
    }

    /// Waits for a timer that is due in `ms` from now.
    pub async fn timer(&self, scope: &Scope, ms: u64) -> Result<(), Stop> {
        let at = self.now() + ms;
        poll_fn(|_| self.unless_cancelled(scope, || self.timer_reached(at).then_some(()))).await
    }

    /// Waits for something that happens outside in `ms` from now, whatever the run does.
    pub async fn outcome(&self, scope: &Scope, ms: u64) -> Result<(), Stop> {
        let at = self.now() + ms;
        poll_fn(|_| self.unless_cancelled(scope, || self.outcome_reached(at).then_some(()))).await
    }

    /// Waits until `ready` gives something. It must note when that may be, unless it is something from outside.
    pub async fn until<T>(&self, scope: &Scope, mut ready: impl FnMut() -> Option<T>) -> Result<T, Stop> {
        poll_fn(|_| self.unless_cancelled(scope, &mut ready)).await
    }

    pub fn timer_reached(&self, at: u64) -> bool {
        self.reached(self.held(at), Due::Event)
    }

    pub fn outcome_reached(&self, at: u64) -> bool {
        self.reached((at, 0), Due::Event)
    }

    fn unless_cancelled<T>(&self, scope: &Scope, mut ready: impl FnMut() -> Option<T>) -> Poll<Result<T, Stop>> {
        if scope.cancelled() {
            return Poll::Ready(Err(Stop::Cancelled));
        }
        ready().map_or(Poll::Pending, |value| Poll::Ready(Ok(value)))
    }

    /// Does `work`, all of which is in `inner`, for at most `ms`; then cancels it and, its cleanup done, raises
    /// `timeout`.
    pub async fn within<T>(
        &self,
        ms: Option<u64>,
        outer: &Scope,
        inner: &Scope,
        mut work: Work<'_, Result<T, Stop>>,
    ) -> Result<T, Stop> {
        let Some(ms) = ms else { return work.await };
        let at = self.now() + ms;
        let mut timed_out = false;
        poll_fn(|context| {
            loop {
                if let Poll::Ready(ended) = work.as_mut().poll(context) {
                    return Poll::Ready(match ended {
                        _ if timed_out && outer.cancelled() => Err(Stop::Cancelled),
                        _ if timed_out => Err(Stop::Error(Failure::new("timeout"))),
                        ended => ended,
                    });
                }
                // What is decided or being cancelled already has no deadline any more.
                if timed_out || inner.cancelled() || inner.decided.get() || !self.timer_reached(at) {
                    return Poll::Pending;
                }
                timed_out = true;
                self.cancel(inner);
            }
        })
        .await
    }

    /// Runs branches that are all in `inner`, at most `width` at once, until all have ended or one `decides`; then the
    /// others are cancelled, those not begun never begin, and their cleanup is awaited. Gives how each ended that
    /// began, and the one that decided.
    pub async fn fork(
        &self,
        outer: &Scope,
        inner: &Scope,
        width: usize,
        mut branches: Vec<Work<'_>>,
        decides: impl Fn(&Ended) -> bool,
    ) -> Result<(Vec<Option<Ended>>, Option<usize>), Stop> {
        let mut ended: Vec<Option<Ended>> = vec![None; branches.len()];
        let mut begun = 0;
        let mut decided = None;
        poll_fn(|context| {
            let mut turn = 0;
            while turn < branches.len() {
                let active = (0..begun).filter(|&i| ended[i].is_none()).count();
                if turn == begun && (active >= width || inner.cancelled()) {
                    break;
                }
                begun = begun.max(turn + 1);
                if ended[turn].is_none()
                    && let Poll::Ready(result) = branches[turn].as_mut().poll(context)
                {
                    let first = decided.is_none() && decides(&result);
                    ended[turn] = Some(result);
                    if first {
                        decided = Some(turn);
                        outer.decide();
                        self.cancel(inner);
                        turn = 0;
                        continue;
                    }
                }
                turn += 1;
            }
            let active = (0..begun).any(|i| ended[i].is_none());
            if active || (begun < branches.len() && !inner.cancelled()) {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
        if ended.contains(&Some(Err(Stop::Ended))) {
            Err(Stop::Ended)
        } else if outer.cancelled() {
            Err(Stop::Cancelled)
        } else {
            Ok((ended, decided))
        }
    }
}
