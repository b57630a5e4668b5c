//! Checks of a workflow that look at more than one key.

use super::outline::Outline;
use crate::contract::{Schema, Type};
use crate::diagnostic::Diagnostic;

/// What a call needs to know about the workflow it calls.
pub(crate) struct Callee {
    /// What its input must match.
    pub input: Option<Schema>,
    /// What it gives.
    pub output: Option<Type>,
}

/// The findings within one workflow.
pub(crate) fn check(_outline: &Outline) -> Vec<Diagnostic> {
    Vec::new()
}

/// The findings about its calls of other workflows.
pub(crate) fn check_calls(
    _outline: &Outline,
    _find: &dyn Fn(&str, Option<&str>) -> Option<Callee>,
) -> Vec<Diagnostic> {
    Vec::new()
}
