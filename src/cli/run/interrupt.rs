//! Interrupts: the first cancels what runs, so that its cleanups are done; the second ends the program.

use tokio::sync::watch;

use crate::drive::RunHandle;
use crate::run::Input;

/// What is said at the first.
pub(super) const NOTICE: &str = "cancelling; interrupt again to end at once";

/// How often the program was interrupted.
#[derive(Clone)]
pub(in crate::cli) struct Interrupts(watch::Receiver<u32>);

impl Interrupts {
    /// Listens from now on.
    pub fn listen() -> Interrupts {
        let (sender, receiver) = watch::channel(0);
        // Before anything else is done: until there is somebody who hears them, signals end the program.
        let signals = Signals::new();
        tokio::spawn(async move {
            // Where signals cannot be heard they do what they always do; nobody is to take that for an interrupt.
            let Ok(mut signals) = signals else {
                return std::future::pending::<()>().await;
            };
            while signals.next().await.is_some() {
                sender.send_modify(|count| *count += 1);
            }
            std::future::pending::<()>().await
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
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    /// A supervisor that asks the program to end wants the cleanups done as well.
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Option<()> {
        tokio::select! {
            heard = self.interrupt.recv() => heard,
            heard = self.terminate.recv() => heard,
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        tokio::signal::windows::ctrl_c().map(Signals)
    }

    async fn next(&mut self) -> Option<()> {
        self.0.recv().await
    }
}
