//! The native language: steps, units of work, `=expressions`.
//!
//! A document is read in one walk that lowers each step to nodes of the graph and notes it down in an [`Outline`]; the
//! checks in [`check`] then work on the outline. To add a step kind, write a file in `step/` and its line in the list
//! there; for a unit of work the same in `unit/`. What its keys mean is told in [`syntax`].

mod agent;
pub(crate) mod check;
mod defaults;
mod event;
mod fields;
mod foreign;
mod ident;
mod keys;
pub(crate) mod outline;
mod permission;
mod reader;
mod retry;
mod schema;
mod step;
mod syntax;
mod time;
mod tool;
mod trigger;
mod unit;
mod workflow;

#[cfg(test)]
mod tests;

pub(crate) use agent::read as read_agent;
pub(crate) use outline::Outline;
pub(crate) use syntax::schema;
pub(crate) use workflow::read as read_workflow;

/// The step kinds with what they do, in the order of the manual.
pub fn step_kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    step::StepKind::ALL.iter().map(|kind| (kind.tag(), kind.summary()))
}

/// The units of work with what they do, in the order of the manual.
pub fn units() -> impl Iterator<Item = (&'static str, &'static str)> {
    unit::UnitKind::ALL.iter().map(|kind| (kind.key(), kind.summary()))
}
