//! What the actions of a Foundry workflow compute: formulas and templates over its variables, and the few things that no
//! formula says, such as the value of an answer or the rows of a changed table.
//!
//! Variables are keys of the workflow state with their scope before them (`Local.Counter`). What an action keeps for
//! itself has keys that no author can name (`Foreach.<id>.items`).

mod compute;
mod entity;
mod message;
mod parse;
mod table;
mod test;
mod world;

pub use compute::{Compute, Part};
pub use entity::Entity;
pub use parse::ValueType;
pub use table::Change;
pub use test::{Test, agent_id};
pub use world::{SYSTEM, Scope, Variable};

use std::sync::Arc;

use super::powerfx::{Formula, Template};
use super::{EvalError, Names};
use crate::data::Data;
use world::World;

/// The value of a formula.
fn value(formula: &Formula, names: &dyn Names) -> Result<Data, EvalError> {
    let world = World::of(names);
    formula
        .evaluate(&world.context())
        .map_err(|error| error.within(formula.source()))
}

/// The text of a template.
fn render(template: &Template, names: &dyn Names) -> Result<String, EvalError> {
    let world = World::of(names);
    template
        .render(&world.context())
        .map_err(|error| error.within(template.source()))
}

/// A value as Foundry shows it in a text: blank as nothing, booleans as .NET writes them.
fn shown(value: &Data) -> Arc<str> {
    match value {
        Data::Bool(true) => "True".into(),
        Data::Bool(false) => "False".into(),
        other => other.to_text(),
    }
}

/// Whether a value is blank: none, or an empty text.
fn is_blank(value: &Data) -> bool {
    match value {
        Data::Null => true,
        Data::Text(text) => text.is_empty(),
        _ => false,
    }
}

fn failed(message: impl Into<String>) -> EvalError {
    EvalError::new(EvalError::TYPE, message)
}

#[cfg(test)]
mod tests;
