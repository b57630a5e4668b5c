//! Time for whoever drives a run: the real one, or a virtual one that jumps.
#![allow(clippy::disallowed_methods, reason = "this is the clock")]

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::graph::Timestamp;

/// A future that is over at a moment.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells and awaits the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Is over at that moment, at once if it has passed.
    fn sleep_until(&self, at: Timestamp) -> Sleep;

    /// The driver of a run tells that it can only wait: for `waiting` things, of which its own timer is one and every
    /// call in flight another.
    fn idle(&self, _waiting: usize) {}
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// How long a sleep trusts the monotonic clock: when the machine was suspended or its clock was set, a sleep is late by
/// no more than this.
const LONGEST_NAP: Duration = Duration::from_secs(30);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        Box::pin(async move {
            loop {
                let left = Duration::from_millis(at.since(SystemClock.now()).0);
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LONGEST_NAP)).await;
            }
        })
    }
}

/// A clock that stands still while anything happens and jumps to the next moment somebody sleeps for when nothing
/// does: three days pass at once.
///
/// It belongs to one run at a time, whose driver tells it when it is idle. A call in flight that does not sleep on this
/// clock, such as a real HTTP request, holds it.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    now: Timestamp,
    next_sleeper: u64,
    /// Ordered by moment, then by who came first.
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
}

impl VirtualClock {
    /// A clock that begins at a moment.
    pub fn starting_at(now: Timestamp) -> VirtualClock {
        VirtualClock {
            inner: Arc::new(Mutex::new(Inner {
                now,
                next_sleeper: 0,
                sleepers: BTreeMap::new(),
            })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        Box::pin(VirtualSleep {
            clock: self.inner.clone(),
            at,
            id: None,
        })
    }

    fn idle(&self, waiting: usize) {
        let mut inner = self.lock();
        if waiting == 0 || inner.sleepers.len() < waiting {
            return;
        }
        let Some(((at, _), _)) = inner.sleepers.first_key_value() else {
            return;
        };
        inner.now = inner.now.max(*at);
        let now = inner.now;
        let due: Vec<Waker> = inner
            .sleepers
            .range(..=(now, u64::MAX))
            .map(|(_, waker)| waker.clone())
            .collect();
        // A waker may run code that asks for the time.
        drop(inner);
        due.into_iter().for_each(Waker::wake);
    }
}

struct VirtualSleep {
    clock: Arc<Mutex<Inner>>,
    at: Timestamp,
    id: Option<u64>,
}

impl Future for VirtualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut inner = lock(&clock);
        if self.at <= inner.now {
            self.leave(&mut inner);
            return Poll::Ready(());
        }
        let id = match self.id {
            Some(id) => id,
            None => {
                let id = inner.next_sleeper;
                inner.next_sleeper += 1;
                self.id = Some(id);
                id
            }
        };
        inner.sleepers.insert((self.at, id), context.waker().clone());
        Poll::Pending
    }
}

impl VirtualSleep {
    fn leave(&mut self, inner: &mut Inner) {
        if let Some(id) = self.id.take() {
            inner.sleepers.remove(&(self.at, id));
        }
    }
}

impl Drop for VirtualSleep {
    fn drop(&mut self) {
        let clock = self.clock.clone();
        self.leave(&mut lock(&clock));
    }
}

/// A panic while it is held leaves nothing half done in it.
fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_virtual_clock_jumps_only_when_all_are_asleep() {
        let clock = VirtualClock::starting_at(Timestamp(100));
        let mut early = clock.sleep_until(Timestamp(150));
        let mut late = clock.sleep_until(Timestamp(200));
        assert_eq!((&mut early).now_or_never(), None);
        assert_eq!((&mut late).now_or_never(), None);
        clock.idle(3);
        assert_eq!(clock.now(), Timestamp(100));
        clock.idle(2);
        assert_eq!(clock.now(), Timestamp(150));
        assert_eq!((&mut early).now_or_never(), Some(()));
        drop(late);
        clock.idle(0);
        assert_eq!(clock.now(), Timestamp(150));
    }
}
