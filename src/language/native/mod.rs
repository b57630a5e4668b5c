//! The native workflow language.

pub(crate) mod check;
pub(crate) mod outline;
