//! The calls of one run that are in flight.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::provider::Performing;
use crate::run::{Outcome, Ticket};

/// Calls in flight, polled together in one task; each can be stopped by its ticket.
#[derive(Default)]
pub(super) struct Calls {
    /// None before the first call; most short runs make none.
    futures: Option<FuturesUnordered<Flight>>,
    slots: HashMap<Ticket, Arc<Mutex<Slot>>>,
}

/// One call; it is over when its slot has been emptied.
struct Flight {
    ticket: Ticket,
    slot: Arc<Mutex<Slot>>,
}

struct Slot {
    performing: Option<Performing>,
    waker: Option<Waker>,
}

impl Calls {
    pub fn start(&mut self, ticket: Ticket, performing: Performing) {
        let slot = Arc::new(Mutex::new(Slot {
            performing: Some(performing),
            waker: None,
        }));
        self.slots.insert(ticket, slot.clone());
        let futures = self.futures.get_or_insert_default();
        futures.push(Flight { ticket, slot });
    }

    /// Stops all calls but those that are still wanted: their futures are dropped before this returns.
    pub fn retain(&mut self, wanted: impl Fn(Ticket) -> bool) {
        self.slots.retain(|ticket, slot| wanted(*ticket) || !stop(slot));
    }

    pub fn contains(&self, ticket: Ticket) -> bool {
        self.slots.contains_key(&ticket)
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The next call that has ended; pending also when none is in flight.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<(Ticket, Outcome)> {
        let Some(futures) = &mut self.futures else {
            return Poll::Pending;
        };
        loop {
            match futures.poll_next_unpin(context) {
                Poll::Ready(Some((ticket, Some(outcome)))) => {
                    self.slots.remove(&ticket);
                    return Poll::Ready((ticket, outcome));
                }
                // A call that was stopped.
                Poll::Ready(Some((_, None))) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Always true: the call is stopped.
fn stop(slot: &Mutex<Slot>) -> bool {
    let (performing, waker) = {
        let mut slot = lock(slot);
        (slot.performing.take(), slot.waker.take())
    };
    // What a call does when it is dropped must not find its slot locked.
    drop(performing);
    // So that the set of futures lets go of it.
    if let Some(waker) = waker {
        waker.wake();
    }
    true
}

impl Future for Flight {
    type Output = (Ticket, Option<Outcome>);

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = lock(&self.slot);
        let Some(performing) = slot.performing.as_mut() else {
            return Poll::Ready((self.ticket, None));
        };
        match performing.as_mut().poll(context) {
            Poll::Ready(outcome) => {
                slot.performing = None;
                Poll::Ready((self.ticket, Some(outcome)))
            }
            Poll::Pending => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// A panic in a call ends the task of the run, and nobody looks at its slot again.
fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
