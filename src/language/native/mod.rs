//! The native language: steps, units of work, `=expressions`.
//!
//! A document is read in one walk that lowers each step to nodes of the graph and notes it down in an [`Outline`]; the
//! checks in [`check`] then work on the outline. To add a step kind, write a file in `step/` and its line in the list
//! there; for a unit of work the same in `unit/`.

mod agent;
pub(crate) mod check;
mod defaults;
mod event;
mod ident;
mod keys;
pub(crate) mod outline;
mod permission;
mod reader;
mod retry;
mod schema;
mod step;
mod time;
mod trigger;
mod unit;
mod workflow;

#[cfg(test)]
mod tests;

pub(crate) use agent::read as read_agent;
pub use agent::{Agent, Tool, ToolTarget};
pub(crate) use outline::Outline;
pub(crate) use workflow::read as read_workflow;
