use std::sync::Arc;

use super::Name;

/// A program as it was written: the texts of all its files, from which it can be made again when they have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The hash of the program.
    pub hash: Name,
    /// The id of the workflow in it that is run.
    pub workflow: Name,
    /// Its version.
    pub version: Option<Name>,
    /// The files with the definitions it is made of, each with its text.
    pub files: Vec<(Name, Arc<str>)>,
    /// The files that schemas in them take in.
    pub schemas: Vec<(Name, Arc<str>)>,
}
