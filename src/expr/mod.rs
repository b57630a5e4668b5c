//! Expressions and templates: compiled once, evaluated over named values, metered, pure.
//!
//! The names, problems and references here are common to all expression languages; [`jinja`] holds the language of
//! native workflows, [`powerfx`] that of Foundry's, whose actions compute with it in [`foundry`]. Rule numbers in comments refer to the language rules in the documentation.

mod build;
mod expression;
pub mod foundry;
pub mod jinja;
mod names;
pub mod powerfx;
mod problem;

pub use build::Build;
pub use expression::Expression;
pub use jinja::{Builtin, Operator, Shape, Subtraction, Text, builtins};
pub use names::{Names, Reference, Root, Segment, StepPart};
pub use problem::{EvalError, Problem, ProblemKind};
