//! Text of agents while it comes. It is in no journal, so it is told to those who listen at the moment and to nobody else.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::graph::Name;
use crate::provider::{Delta, DeltaSink};
use crate::run::Ticket;

/// How much text may wait for a listener, in bytes.
const MOST: usize = 64 * 1024;

/// Hands the text of agents to those who listen. Cloning it is a reference count.
#[derive(Clone, Default)]
pub struct Live {
    listening: Arc<Mutex<HashMap<Name, Vec<Arc<Queue>>>>>,
}

/// Somebody who listens to a run, until it is dropped.
pub struct Listener {
    live: Live,
    run: Name,
    queue: Arc<Queue>,
}

/// Text that a call has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The call.
    pub ticket: Ticket,
    /// What it has told since the piece before.
    pub text: String,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    told: Notify,
}

#[derive(Default)]
struct Waiting {
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// Calls of which no more is told: some of their text had no room, and what followed would not belong to what came
    /// before.
    given_up: BTreeSet<Ticket>,
}

impl Live {
    /// What models are to tell their text to; it never waits for anybody.
    pub fn sink(&self) -> DeltaSink {
        let live = self.clone();
        Arc::new(move |delta| live.tell(&delta))
    }

    /// Listens to a run from now on.
    pub fn listen(&self, run: &Name) -> Listener {
        let queue = Arc::new(Queue::default());
        self.listening().entry(run.clone()).or_default().push(queue.clone());
        Listener {
            live: self.clone(),
            run: run.clone(),
            queue,
        }
    }

    fn tell(&self, delta: &Delta) {
        for queue in self.listening().get(&delta.run).into_iter().flatten() {
            queue.push(delta);
        }
    }

    fn listening(&self) -> MutexGuard<'_, HashMap<Name, Vec<Arc<Queue>>>> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&self, delta: &Delta) {
        let mut waiting = self.waiting();
        if waiting.given_up.contains(&delta.ticket) {
            return;
        }
        if waiting.bytes + delta.text.len() > MOST {
            waiting.given_up.insert(delta.ticket);
            return;
        }
        waiting.bytes += delta.text.len();
        match waiting.pieces.back_mut() {
            // Who is slow is told the same in fewer pieces.
            Some(last) if last.ticket == delta.ticket => last.text.push_str(&delta.text),
            _ => waiting.pieces.push_back(Piece {
                ticket: delta.ticket,
                text: delta.text.to_string(),
            }),
        }
        drop(waiting);
        self.told.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// What has come and was not told yet.
    pub fn take(&mut self) -> Option<Piece> {
        let mut waiting = self.queue.waiting();
        let piece = waiting.pieces.pop_front()?;
        waiting.bytes -= piece.text.len();
        Some(piece)
    }

    /// The next text, when it comes. The future may be dropped at any time.
    pub async fn next(&mut self) -> Piece {
        loop {
            if let Some(piece) = self.take() {
                return piece;
            }
            self.queue.told.notified().await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut listening = self.live.listening();
        if let Some(queues) = listening.get_mut(&self.run) {
            queues.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
            if queues.is_empty() {
                listening.remove(&self.run);
            }
        }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(live: &Live, run: &str, ticket: u64, text: &str) {
        live.sink()(Delta {
            run: run.into(),
            ticket: Ticket(ticket),
            effect: "r/desk[0]#1".into(),
            text: text.into(),
        });
    }

    fn taken(listener: &mut Listener) -> Vec<(u64, String)> {
        std::iter::from_fn(|| listener.take())
            .map(|piece| (piece.ticket.0, piece.text))
            .collect()
    }

    #[test]
    fn who_listens_is_told_what_its_run_says_from_then_on() {
        let live = Live::default();
        tell(&live, "r", 1, "too early");
        let (mut one, mut two) = (live.listen(&"r".into()), live.listen(&"r".into()));
        for (run, ticket, text) in [("r", 1, "Hel"), ("other", 1, "?"), ("r", 1, "lo"), ("r", 2, "you")] {
            tell(&live, run, ticket, text);
        }
        let told = [(1, "Hello".to_owned()), (2, "you".to_owned())];
        assert_eq!((taken(&mut one), taken(&mut two)), (told.to_vec(), told.to_vec()));
        drop((one, two));
        assert!(live.listening().is_empty());
    }

    #[test]
    fn who_is_too_slow_has_a_beginning_of_the_text_and_no_gap() {
        let live = Live::default();
        let mut slow = live.listen(&"r".into());
        let text = "x".repeat(MOST / 4);
        for _ in 0..100 {
            tell(&live, "r", 1, &text);
        }
        let told = taken(&mut slow);
        assert_eq!(told, [(1, text.repeat(4))]);
        // There is room again, but not for what would be behind a gap.
        tell(&live, "r", 1, "late");
        tell(&live, "r", 2, "next");
        assert_eq!(taken(&mut slow), [(2, "next".to_owned())]);
    }
}
