//! Threads that read beside the writer, each with a connection of its own.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Error, Reply};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The way to the threads; they end when it is dropped.
pub(super) struct Readers {
    jobs: mpsc::Sender<Job>,
}

impl Readers {
    pub fn start(connections: Vec<Connection>) -> std::io::Result<Readers> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let inbox = Arc::new(Mutex::new(inbox));
        for connection in connections {
            let inbox = inbox.clone();
            std::thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || {
                    loop {
                        // One waits for the next job at a time, and lets go of the lock before it is done.
                        let job = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        match job {
                            Ok(job) => job(&connection),
                            Err(_) => return,
                        }
                    }
                })?;
        }
        Ok(Readers { jobs })
    }

    pub fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Reply<'static, T> {
        let (reply, answer) = oneshot::channel();
        let job = move |connection: &Connection| {
            // Who no longer waits does not need to know.
            let _ = reply.send(read(connection));
        };
        // The reply is dropped when the threads are gone, which is an answer as well.
        let _ = self.jobs.send(Box::new(job));
        Box::pin(async move {
            let gone = |_| Err(Error::Unavailable("it was closed".to_owned()));
            answer.await.unwrap_or_else(gone)
        })
    }
}
