//! Faults that tests plant into the interpreter, to prove that the simulation finds them.
//!
//! Without the feature `planted-faults` every question is answered with no, at compile time.

/// A way in which the interpreter could be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What a decided step still has inside goes on.
    LosersGoOn,
    /// Cancelling reaches only the outermost scope.
    ShallowCancel,
    /// Deciding changes the state beside `apply`.
    ChangeBesideApply,
    /// A step is tried once more than it should be.
    OneAttemptMore,
    /// What is cancelled is not cleaned up.
    NoCleanup,
    /// A suspended run starts steps.
    StartWhileSuspended,
    /// The time limit of an attempt outlives it.
    LastingDeadline,
    /// A failure is handled by the last handler that fits instead of the first.
    WrongHandler,
    /// A retried block sees what its first attempt has left.
    StaleRecords,
    /// An agent takes a turn more than it may.
    OneTurnMore,
    /// A model is told once more than it may be that its answer is wrong.
    OneCorrectionMore,
    /// What a model has said is forgotten when the attempt of its step is over.
    ForgottenTalk,
    /// What a tool has done is forgotten when the attempt of its step is over.
    ForgottenTools,
    /// What a person refuses is done all the same.
    DoneThoughRefused,
    /// Behind a jump backwards a step sees what was there before.
    RecordsBehindJump,
    /// What a block does again behind a jump has the address of the first time.
    VisitInNoAddress,
    /// Jumps backwards are not counted.
    EndlessJumps,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Fault; 17] = [
        Fault::LosersGoOn,
        Fault::ShallowCancel,
        Fault::ChangeBesideApply,
        Fault::OneAttemptMore,
        Fault::NoCleanup,
        Fault::StartWhileSuspended,
        Fault::LastingDeadline,
        Fault::WrongHandler,
        Fault::StaleRecords,
        Fault::OneTurnMore,
        Fault::OneCorrectionMore,
        Fault::ForgottenTalk,
        Fault::ForgottenTools,
        Fault::DoneThoughRefused,
        Fault::RecordsBehindJump,
        Fault::VisitInNoAddress,
        Fault::EndlessJumps,
    ];
}

#[cfg(feature = "planted-faults")]
mod planted {
    use std::cell::Cell;

    use super::Fault;

    thread_local! {
        static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    /// Plants a fault into every run of this thread, or takes it out again.
    pub fn plant(fault: Option<Fault>) {
        PLANTED.set(fault);
    }

    pub(in crate::run) fn planted(fault: Fault) -> bool {
        PLANTED.get() == Some(fault)
    }
}

#[cfg(feature = "planted-faults")]
pub use planted::plant;
#[cfg(feature = "planted-faults")]
pub(super) use planted::planted;

#[cfg(not(feature = "planted-faults"))]
pub(super) const fn planted(_: Fault) -> bool {
    false
}
