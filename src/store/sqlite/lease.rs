//! Who drives a run: a row for each process that does, with a token that is never given twice.
//!
//! A run that is running carries the token of its owner, and every append is checked against it within its transaction.
//! Whoever was taken for dead and is not finds its runs under another token: what it appends is refused.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, params};

use super::process::Process;
use super::{Error, unavailable};

/// This store's place among those that are open on a file; it has a row once it drives a run.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    token: Option<i64>,
    process: Process,
    length: Duration,
    renewed: Instant,
}

impl Lease {
    pub fn new(process: Process, length: Duration) -> Lease {
        Lease {
            token: None,
            process,
            length,
            renewed: Instant::now(),
        }
    }

    /// How long the writer may sleep.
    pub fn pause(&self) -> Duration {
        let Some(_) = self.token else {
            return Duration::from_secs(3600);
        };
        (self.length / 3).saturating_sub(self.renewed.elapsed())
    }

    pub fn is_due(&self) -> bool {
        self.token.is_some() && self.pause().is_zero()
    }

    /// Forgets a token whose row is gone: somebody took this process for dead.
    pub fn check(&mut self, connection: &Connection) -> Result<(), Error> {
        let Some(token) = self.token else { return Ok(()) };
        let mut known = connection
            .prepare_cached("SELECT 1 FROM processes WHERE token = ?")
            .map_err(unavailable)?;
        if !known.exists([token]).map_err(unavailable)? {
            self.token = None;
        }
        Ok(())
    }

    pub fn renew(&mut self, connection: &Connection) -> Result<(), Error> {
        self.renewed = Instant::now();
        let Some(token) = self.token else { return Ok(()) };
        let renewed = connection.execute(
            "UPDATE processes SET expires = ? WHERE token = ?",
            params![self.expiry(), token],
        );
        if renewed.map_err(unavailable)? == 0 {
            self.token = None;
        }
        Ok(())
    }

    /// Whoever leaves frees its runs.
    pub fn leave(&mut self, connection: &Connection) -> Result<(), Error> {
        let Some(token) = self.token.take() else { return Ok(()) };
        let left = connection.execute("DELETE FROM processes WHERE token = ?", [token]);
        left.map(drop).map_err(unavailable)
    }

    /// The token of this store.
    pub fn token(&mut self, connection: &Connection) -> Result<i64, Error> {
        if let Some(token) = self.token {
            return Ok(token);
        }
        let Process { host, boot, pid, begun } = &self.process;
        connection
            .execute(
                "INSERT INTO processes (host, boot, pid, begun, expires) VALUES (?, ?, ?, ?, ?)",
                params![host, boot, pid, begun, self.expiry()],
            )
            .map_err(unavailable)?;
        self.renewed = Instant::now();
        let token = connection.last_insert_rowid();
        self.token = Some(token);
        Ok(token)
    }

    /// Whether a run with this owner may be driven on by this store.
    ///
    /// # Errors
    ///
    /// [`Error::Owned`] when somebody else drives it.
    pub fn may_take(&self, connection: &Connection, owner: Option<i64>) -> Result<(), Error> {
        let Some(owner) = owner.filter(|owner| Some(*owner) != self.token) else {
            return Ok(());
        };
        let mut find = connection
            .prepare_cached("SELECT host, boot, pid, begun, expires FROM processes WHERE token = ?")
            .map_err(unavailable)?;
        let found = find.query_row([owner], |row| {
            let process = Process {
                host: row.get(0)?,
                boot: row.get(1)?,
                pid: row.get(2)?,
                begun: row.get(3)?,
            };
            Ok((process, row.get::<_, i64>(4)?))
        });
        let Some((process, expires)) = found.optional().map_err(unavailable)? else {
            return Ok(());
        };
        let dead = match self.process.knows_alive(&process) {
            Some(alive) => !alive,
            None => expires < now(),
        };
        if !dead {
            let by = format!("process {} on {}", process.pid, process.host);
            return Err(Error::Owned { by });
        }
        // Should it not be dead after all, it finds that out here.
        let deposed = connection.execute("DELETE FROM processes WHERE token = ?", [owner]);
        deposed.map(drop).map_err(unavailable)
    }

    fn expiry(&self) -> i64 {
        now().saturating_add(i64::try_from(self.length.as_millis()).unwrap_or(i64::MAX))
    }
}

pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
