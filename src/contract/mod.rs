//! JSON Schema: what may be said with it about inputs, outputs and payloads.
//!
//! A [`Schema`] checks values and fills in defaults; its [`Type`] answers the questions of the checks at load ("has this
//! value a property of that name?"). The validator itself is the `jsonschema` crate, which only this module knows.
//!
//! Schemas follow draft 2020-12 unless `$schema` names another. `format` is checked. References stay inside the
//! document; nothing is ever fetched.

mod defaults;
mod kinds;
mod message;
mod plain;
mod schema;
mod subschemas;
mod types;

pub use kinds::Kinds;
pub use schema::{Schema, SchemaProblem, TYPES, Violation};
pub use types::{Lookup, Type};

#[cfg(test)]
mod tests;
