//! Schedules: each time is acted on once, however many servers look at it and whenever one of them ends.
//!
//! What becomes of a time is decided by moving the trigger's cursor in the store, which only one server can do from one
//! place to the next. The times for which a run is to begin are kept there until it has begun, under an id that follows
//! from the trigger and the time: a server that ends in between leaves them to the next, and a run that is there
//! already is not begun again.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Acted, Armed, STARTED_BY, hash};
use crate::data;
use crate::data::{Data, Map};
use crate::graph::{CatchUp, Cron, Millis, Name, Overlap, Schedule, Timestamp, TriggerSource};
use crate::run::Status;
use crate::serve::caller::Caller;
use crate::serve::metrics::Metrics;
use crate::serve::problem::Problem;
use crate::serve::service::{Begin, Service};
use crate::store::{self, Cursor, Filter};

/// A time counts as missed when it is noticed later than that.
const GRACE: Millis = Millis(60_000);
/// How often somebody who waits for another run looks whether it is over.
const LOOK: Millis = Millis(2_000);
/// When something that did not work is tried again.
const AGAIN: Millis = Millis(5_000);
/// The most times that are caught up with, or wait in a queue; what does not fit is passed over.
const MOST: usize = 1_000;
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// Acts on the schedules of what is served, until the server ends.
pub(in crate::serve) async fn run(service: Arc<Service>, metrics: Arc<Metrics>) {
    let (mut changes, mut stopping) = (service.changes(), service.stopping());
    loop {
        changes.borrow_and_update();
        let over = watch::Sender::new(false);
        let mut tickers = JoinSet::new();
        for armed in service.catalog().triggers() {
            if let TriggerSource::Cron(cron) = &armed.trigger.source {
                let ticker = Ticker {
                    service: service.clone(),
                    armed: armed.clone(),
                    cron: Cron::clone(cron),
                    metrics: metrics.clone(),
                };
                tickers.spawn(ticker.run(over.subscribe()));
            }
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
        // Nobody is stopped in the middle of beginning a run.
        over.send_replace(true);
        while tickers.join_next().await.is_some() {}
        if *stopping.borrow() {
            return;
        }
    }
}

/// One schedule.
struct Ticker {
    service: Arc<Service>,
    armed: Arc<Armed>,
    cron: Cron,
    metrics: Arc<Metrics>,
}

impl Ticker {
    async fn run(self, mut over: watch::Receiver<bool>) {
        let clock = self.service.driver().clock().clone();
        while !*over.borrow() {
            let next = match self.turn().await {
                Ok(Some(next)) => next,
                // The schedule has come to its end.
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(trigger = %self.armed.place, %error, "the schedule is looked at again later");
                    clock.now().after(AGAIN)
                }
            };
            tokio::select! {
                () = clock.sleep_until(next) => {}
                _ = over.wait_for(|over| *over) => return,
            }
        }
    }

    /// Does what is to be done now; when to look again.
    async fn turn(&self) -> Result<Option<Timestamp>, store::Error> {
        let store = self.service.driver().store().clone();
        let now = self.service.driver().clock().now();
        let key = &self.armed.key;
        let Some(mut cursor) = store.cursor(key).await? else {
            // It is new: what was before it was there is not missed.
            let first = Cursor {
                through: now,
                pending: Vec::new(),
            };
            store.move_cursor(key, None, first).await?;
            return Ok(self.cron.schedule.after(now));
        };
        let due = due(&self.cron.schedule, cursor.through, now);
        if !due.is_empty() {
            let busy = self.cron.overlap == Overlap::Skip && self.is_busy().await?;
            let decided = decide(&self.cron, &cursor, &due, now, busy);
            if !store.move_cursor(key, Some(cursor.clone()), decided.clone()).await? {
                return Ok(Some(now));
            }
            for passed in due.iter().filter(|at| !decided.pending.contains(at)) {
                tracing::info!(trigger = %self.armed.place, scheduled = %passed.to_rfc3339(), "a time is passed over");
                self.metrics.ticked(Acted::Skipped);
            }
            cursor = decided;
        }
        while let Some(scheduled) = cursor.pending.first().copied() {
            match self.start(scheduled).await? {
                Some(acted) => self.metrics.ticked(acted),
                None => return Ok(Some(now.after(LOOK))),
            }
            let begun = Cursor {
                through: cursor.through,
                pending: cursor.pending[1..].to_vec(),
            };
            if !store.move_cursor(key, Some(cursor), begun.clone()).await? {
                return Ok(Some(now));
            }
            cursor = begun;
        }
        Ok(self.cron.schedule.after(cursor.through))
    }

    /// Begins the run for a time, unless there is one; `None` if it has to wait.
    async fn start(&self, scheduled: Timestamp) -> Result<Option<Acted>, store::Error> {
        let (service, armed) = (&self.service, &*self.armed);
        let store = service.driver().store();
        let refused = |why: &dyn std::fmt::Display| {
            let scheduled = scheduled.to_rfc3339();
            tracing::error!(trigger = %armed.place, workflow = %armed.workflow, %scheduled, %why, "nothing is started");
            Ok(Some(Acted::Refused))
        };
        let now = service.driver().clock().now();
        let trigger = data!({ "scheduledAt": scheduled.to_rfc3339(), "firedAt": now.to_rfc3339() });
        let begin = match self.begin(scheduled, &trigger, now) {
            Ok(begin) => begin,
            Err(error) => return refused(&error.message),
        };
        let id = begin.execution.clone().unwrap_or_default();
        if store.entry(&id).await?.is_some() {
            return Ok(Some(Acted::Known));
        }
        if self.cron.overlap != Overlap::Allow && self.is_busy().await? {
            return Ok(None);
        }
        match service.begin(&Caller::LOCAL, begin).await {
            Ok(_) => {
                tracing::info!(trigger = %armed.place, workflow = %armed.workflow, execution = %id, "a schedule has come");
                Ok(Some(Acted::Started))
            }
            Err(Problem::Conflict(_)) if store.entry(&id).await?.is_some() => Ok(Some(Acted::Known)),
            Err(Problem::Busy | Problem::Unavailable(_) | Problem::Conflict(_)) => Ok(None),
            Err(problem) => refused(&problem),
        }
    }

    fn begin(&self, scheduled: Timestamp, trigger: &Data, now: Timestamp) -> Result<Begin, crate::expr::EvalError> {
        let written = &self.armed.trigger;
        let input = self.armed.eval(written.input.as_ref(), trigger, now)?;
        let id = self.armed.eval(written.run_id.as_ref(), trigger, now)?;
        let input = input.unwrap_or_else(|| Data::from(Map::new()));
        let mut begin = Begin::new(self.armed.workflow.clone(), input);
        begin.execution = Some(id.map_or_else(|| run_id(&self.armed.key, scheduled), |id| id.to_text()));
        begin.labels.insert(STARTED_BY.into(), self.armed.key.clone());
        Ok(begin)
    }

    /// Whether a run of this trigger is not over.
    async fn is_busy(&self) -> Result<bool, store::Error> {
        for status in [Status::Running, Status::Suspended] {
            let filter = Filter {
                workflow: Some(self.armed.workflow.clone()),
                status: Some(status),
                labels: [(STARTED_BY.into(), self.armed.key.clone())].into(),
                limit: Some(1),
                ..Filter::default()
            };
            if !self.service.driver().store().list(filter).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The id of the run for a time: always the same.
fn run_id(key: &str, scheduled: Timestamp) -> Name {
    let at: String = scheduled.to_rfc3339();
    let at = at.split_once('.').map_or(&*at, |(seconds, _)| seconds);
    let at: String = at.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("cron-{}-{at}Z", &hash(&[key])[..16]).into()
}

/// The times that have come since a moment, but no more than the last [`MOST`].
fn due(schedule: &Schedule, through: Timestamp, now: Timestamp) -> Vec<Timestamp> {
    // A server that was away for a year need not look at every minute of it.
    let mut window = DAY;
    loop {
        let from = Timestamp(now.0.saturating_sub(window)).max(through);
        let mut found: Vec<Timestamp> = schedule.between(from, now).collect();
        if from == through || found.len() >= MOST {
            let older = found.len().saturating_sub(MOST);
            found.drain(..older);
            return found;
        }
        window = window.saturating_mul(4);
    }
}

/// Decides what becomes of times that have come; `busy` says whether a run of the trigger is not over.
fn decide(cron: &Cron, before: &Cursor, due: &[Timestamp], now: Timestamp, busy: bool) -> Cursor {
    let Some(last) = due.last() else { return before.clone() };
    let missed = due.partition_point(|at| now.since(*at) > GRACE);
    let (missed, present) = due.split_at(missed);
    let mut pending = before.pending.clone();
    // To catch up with each means to wait for the one before. Where one is present, the last of those missed is not needed.
    let (each, present) = match (cron.catch_up, present) {
        (CatchUp::None, present) => (&[][..], present),
        (CatchUp::Last, []) => (&[][..], missed.last().map_or(&[][..], std::slice::from_ref)),
        (CatchUp::Last, present) => (&[][..], present),
        (CatchUp::All, present) => (missed, present),
    };
    pending.extend_from_slice(each);
    match cron.overlap {
        Overlap::Allow | Overlap::Queue => pending.extend_from_slice(present),
        // Who catches up with each has not come to this one yet.
        Overlap::Skip if cron.catch_up == CatchUp::All && !pending.is_empty() => pending.extend_from_slice(present),
        Overlap::Skip if busy || !pending.is_empty() => {}
        Overlap::Skip => pending.extend(present.first()),
    }
    pending.truncate(MOST);
    Cursor {
        through: *last,
        pending,
    }
}

#[cfg(test)]
mod tests;
