//! Interrupts: the first cancels what runs, so that its cleanups are done; the second ends the program.

use tokio::sync::watch;

use crate::drive::RunHandle;
use crate::run::Input;

/// What is said at the first.
pub(super) const NOTICE: &str = "cancelling; interrupt again to end at once";

/// How often the program was interrupted.
#[derive(Clone)]
pub(super) struct Interrupts(watch::Receiver<u32>);

impl Interrupts {
    /// Listens from now on.
    pub fn listen() -> Interrupts {
        let (sender, receiver) = watch::channel(0);
        tokio::spawn(async move {
            while signal().await.is_ok() {
                sender.send_modify(|count| *count += 1);
            }
            // Where signals cannot be heard they do what they always do; nobody is to take that for an interrupt.
            std::future::pending::<()>().await;
        });
        Interrupts(receiver)
    }

    /// Whether there was any.
    pub fn any(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits for the first.
    pub async fn first(&mut self) {
        self.reach(1).await;
    }

    /// Waits for the second.
    pub async fn second(&mut self) {
        self.reach(2).await;
    }

    /// Cancels a run at the first interrupt.
    pub async fn cancel(mut self, run: RunHandle) {
        self.first().await;
        let cancel = Input::Cancel {
            reason: Some("interrupted".into()),
        };
        // A run that is over needs no cancelling.
        let _ = run.send(cancel).await;
        std::future::pending::<()>().await;
    }

    async fn reach(&mut self, number: u32) {
        if self.0.wait_for(|count| *count >= number).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    // A supervisor that asks the program to end wants the cleanups done as well.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
