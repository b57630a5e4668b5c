//! The language of Microsoft Foundry's workflows: a trigger with actions, formulas of Power Fx.
//!
//! A text is known by [`sniff`] before YAML is parsed, because it is no YAML everywhere: see [`source`]. Its actions,
//! however they are nested, become one block of nodes in a row, between which jumps steer (`flow`); so a `GotoAction`
//! leads anywhere. What actions compute are the values of [`expr::foundry`](crate::expr::foundry). To add an action,
//! write what reads it in `action/` and its line in the list there.

mod action;
mod flow;
mod reader;
mod source;
mod workflow;

#[cfg(test)]
mod tests;

pub use action::kinds;
pub(crate) use source::{Source, sniff};
pub(crate) use workflow::{id, is_workflow, read};

use crate::expr::Build;
use crate::expr::foundry::Compute;

/// The key of the last message of the user.
const LAST: &str = "System.LastMessage";

/// The key of the text that was shown last.
const SHOWN: &str = "Run.Shown";

/// The result of a run: what was shown last.
fn result() -> Build {
    Build::Computed(std::sync::Arc::new(Compute::Variable(SHOWN.into())))
}
