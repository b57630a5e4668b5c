//! A bare writer that commits in groups, for what is durable to be measured against.

use std::path::Path;
use std::sync::mpsc;

use futures_util::future::join_all;
use rusqlite::Connection;
use tokio::sync::oneshot;

/// How many bytes a record has.
pub const RECORD: usize = 1_025;

/// One table, one thread, groups of up to 256.
pub struct Bare {
    jobs: mpsc::Sender<oneshot::Sender<()>>,
}

impl Bare {
    pub fn new(path: &Path) -> Bare {
        let mut connection = Connection::open(path).expect("a file");
        connection
            .execute_batch(
                "PRAGMA journal_mode = wal; PRAGMA synchronous = full; \
                 CREATE TABLE records (id INTEGER PRIMARY KEY, payload BLOB NOT NULL)",
            )
            .expect("a table");
        let (jobs, inbox) = mpsc::channel::<oneshot::Sender<()>>();
        let payload = vec![b'x'; RECORD];
        let work = move || {
            while let Ok(first) = inbox.recv() {
                let mut group = vec![first];
                while group.len() < 256
                    && let Ok(job) = inbox.try_recv()
                {
                    group.push(job);
                }
                let transaction = connection.transaction().expect("a transaction");
                for _ in &group {
                    transaction
                        .prepare_cached("INSERT INTO records (payload) VALUES (?)")
                        .and_then(|mut insert| insert.execute([&payload]))
                        .expect("a record");
                }
                transaction.commit().expect("a commit");
                for job in group {
                    let _ = job.send(());
                }
            }
        };
        std::thread::Builder::new().spawn(work).expect("a thread");
        Bare { jobs }
    }

    /// So many producers make so many records each, one after the other.
    pub async fn produce(&self, producers: usize, records: usize) {
        let producer = async |_: usize| {
            for _ in 0..records {
                let (done, told) = oneshot::channel();
                self.jobs.send(done).expect("a writer");
                told.await.expect("a commit");
            }
        };
        join_all((0..producers).map(producer)).await;
    }
}
