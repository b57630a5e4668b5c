//! Registers: what protocols keep beside runs, such as the name of a release or what is known of a file.

use crate::data::Data;
use crate::graph::Name;

/// What an entry is about. Each register has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Register {
    /// What was uploaded; the bytes are elsewhere.
    Files,
    /// Which definition a workflow had, and since when.
    Releases,
    /// Names that people give to releases, and move.
    Tags,
    /// What people say an execution should have come to.
    Actuals,
}

impl Register {
    /// Its name where it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Register::Files => "files",
            Register::Releases => "releases",
            Register::Tags => "tags",
            Register::Actuals => "actuals",
        }
    }
}

/// Something in a register.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// What it is found by.
    pub key: Name,
    /// How often something has been written there, from 1; begins anew when it has been removed.
    pub revision: u64,
    /// What was written last.
    pub value: Data,
}

/// What has to be in a register for a change to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever there is.
    Anything,
    /// Nothing of that key.
    Nothing,
    /// What was written with that revision, and nothing later.
    Revision(u64),
}

impl Expected {
    /// Whether what is there, by its revision, is what has to be.
    pub(super) fn allows(self, found: Option<u64>) -> bool {
        match self {
            Expected::Anything => true,
            Expected::Nothing => found.is_none(),
            Expected::Revision(revision) => found == Some(revision),
        }
    }
}

/// A page of a register, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// What keys begin with.
    pub prefix: String,
    /// Only keys behind this one.
    pub after: Option<Name>,
    /// No more than these.
    pub limit: usize,
}
