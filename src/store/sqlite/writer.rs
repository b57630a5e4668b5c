//! The one thread that writes: whatever has been asked for meanwhile goes into one transaction, and nobody is answered
//! before it is on disk.
//!
//! Groups are answered by another thread. Whoever is woken tends to take the processor of the thread that wakes it: were
//! that the one that writes, it would not come to the next group before all of this one had been told and gone on.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::lease::Lease;
use super::{Error, Reply, unavailable};

/// How many writes one transaction takes at most.
const GROUP: usize = 256;

/// A write, to be attempted within a transaction; perhaps again in another one, if that fails.
trait Work: Send {
    /// True if the transaction can go on.
    fn attempt(&mut self, connection: &Connection, lease: &mut Lease) -> Result<(), Error>;
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

struct Job<T, F> {
    write: F,
    done: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Work for Job<T, F>
where
    T: Send,
    F: FnMut(&Connection, &mut Lease) -> Result<T, Error> + Send,
{
    fn attempt(&mut self, connection: &Connection, lease: &mut Lease) -> Result<(), Error> {
        let done = (self.write)(connection, lease);
        let fatal = match &done {
            Err(error @ (Error::Unavailable(_) | Error::Damaged(_))) => Err(error.clone()),
            // What is refused is refused before anything is written.
            Ok(_) | Err(_) => Ok(()),
        };
        self.done = Some(done);
        fatal
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let never = || Err(Error::Unavailable("it was not attempted".to_owned()));
        let Job { done, reply, .. } = *self;
        // Who no longer waits does not need to know.
        let _ = reply.send(committed.and_then(|()| done.unwrap_or_else(never)));
    }
}

type Group = Vec<Box<dyn Work>>;

/// The way to the threads. When it is dropped, what was asked for is still written and answered, and they are waited for.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Work>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Writer {
    pub fn start(connection: Connection, lease: Lease) -> std::io::Result<Writer> {
        let (jobs, inbox) = mpsc::channel();
        let (written, groups) = mpsc::channel::<Group>();
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let answers =
            thread("store-answers").spawn(move || groups.into_iter().flatten().for_each(|job| job.answer(Ok(()))))?;
        let writer = thread("store-writer").spawn(move || work(connection, lease, &inbox, &written))?;
        Ok(Writer {
            jobs: Some(jobs),
            threads: vec![writer, answers],
        })
    }

    /// Asks for a write; the answer comes once it is on disk.
    pub fn ask<T: Send + 'static>(
        &self,
        write: impl FnMut(&Connection, &mut Lease) -> Result<T, Error> + Send + 'static,
    ) -> Reply<'static, T> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            write,
            done: None,
            reply,
        };
        if let Some(jobs) = &self.jobs {
            // The reply is dropped when the thread is gone, which is an answer as well.
            let _ = jobs.send(Box::new(job));
        }
        Box::pin(async move {
            let gone = |_| Err(Error::Unavailable("it was closed".to_owned()));
            answer.await.unwrap_or_else(gone)
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // It has nobody left to tell of a panic.
            let _ = thread.join();
        }
    }
}

fn work(
    mut connection: Connection,
    mut lease: Lease,
    inbox: &mpsc::Receiver<Box<dyn Work>>,
    written: &mpsc::Sender<Group>,
) {
    let mut group = Group::new();
    loop {
        match inbox.recv_timeout(lease.pause()) {
            Ok(job) => group.push(job),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        while group.len() < GROUP
            && let Ok(job) = inbox.try_recv()
        {
            group.push(job);
        }
        if lease.is_due() {
            // Where it does not succeed now, it is tried again with the next group.
            let _ = within(&mut connection, &mut lease, |connection, lease| lease.renew(connection));
        }
        if !group.is_empty() {
            commit(&mut connection, &mut lease, std::mem::take(&mut group), written);
        }
    }
    let _ = within(&mut connection, &mut lease, |connection, lease| lease.leave(connection));
}

/// Writes a group in one transaction, or each by itself if one of them cannot be written.
fn commit(connection: &mut Connection, lease: &mut Lease, mut group: Group, written: &mpsc::Sender<Group>) {
    let answer = |group: Group, committed: &Result<(), Error>| {
        group.into_iter().for_each(|job| job.answer(committed.clone()));
    };
    match attempt(connection, lease, &mut group) {
        Attempted::Committed if group.len() > 1 => {
            if let Err(mpsc::SendError(group)) = written.send(group) {
                answer(group, &Ok(()));
            }
        }
        Attempted::Committed => answer(group, &Ok(())),
        Attempted::Refused(_) if group.len() > 1 => {
            for job in group {
                commit(connection, lease, vec![job], written);
            }
        }
        Attempted::Refused(error) | Attempted::Failed(error) => answer(group, &Err(error)),
    }
}

enum Attempted {
    Committed,
    /// A write did not succeed, and nothing was written.
    Refused(Error),
    /// There was no transaction, or it is not known what came of it: nothing must be tried again.
    Failed(Error),
}

fn attempt(connection: &mut Connection, lease: &mut Lease, group: &mut [Box<dyn Work>]) -> Attempted {
    let before = lease.clone();
    let attempted = {
        let transaction = match begin(connection) {
            Ok(transaction) => transaction,
            Err(error) => return Attempted::Failed(unavailable(error)),
        };
        let written = lease
            .check(&transaction)
            .and_then(|()| group.iter_mut().try_for_each(|job| job.attempt(&transaction, lease)));
        match written {
            // Dropping the transaction rolls it back.
            Err(error) => Attempted::Refused(error),
            Ok(()) => match transaction.commit() {
                Ok(()) => return Attempted::Committed,
                Err(error) => Attempted::Failed(unavailable(error)),
            },
        }
    };
    *lease = before;
    attempted
}

fn within(
    connection: &mut Connection,
    lease: &mut Lease,
    write: impl FnOnce(&Connection, &mut Lease) -> Result<(), Error>,
) -> Result<(), Error> {
    let transaction = begin(connection).map_err(unavailable)?;
    write(&transaction, lease)?;
    transaction.commit().map_err(unavailable)
}

fn begin(connection: &mut Connection) -> rusqlite::Result<rusqlite::Transaction<'_>> {
    connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
}
