//! Power Fx: the formulas of Microsoft Foundry's workflows.
//!
//! A text goes through the `parser` into a tree, the tree through `bind`, where names are resolved, functions found
//! and types inferred as far as they show, and what comes out is evaluated by `eval`. Errors are values: a formula can
//! catch them, and only what it does not catch is the error of the evaluation. Nothing here reads a clock or chance.

mod bind;
mod coerce;
mod colors;
mod convert;
mod dateparse;
mod datetime;
mod digits;
mod enums;
mod error;
mod eval;
mod format;
mod formula;
mod functions;
mod html;
mod ir;
mod json;
mod lexer;
mod limits;
mod locale;
mod number;
mod numformat;
mod numparse;
mod operators;
mod parser;
mod pattern;
mod print;
mod regex;
mod syntax;
mod template;
mod types;
mod value;

pub use formula::{Context, Formula, Globals, Options, Reference, Shown, Values};
pub use functions::Family;
pub use template::Template;

/// The enumerations and the names of their values, as formulas write them; colors apart, which are many.
pub fn enumerations() -> Vec<(&'static str, Vec<&'static str>)> {
    let listed = enums::ALL.iter().filter(|of| of.backing != enums::Backing::Color);
    listed
        .map(|of| (of.name, of.members.iter().map(|(name, _)| *name).collect()))
        .collect()
}

/// A function, for the page that tells of all of them.
#[derive(Clone, Copy, Debug)]
pub struct FunctionDoc {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub family: Family,
    /// A formula.
    pub example: &'static str,
    /// What the formula gives.
    pub gives: &'static str,
}

/// All functions, in the order of their families and names.
pub fn functions() -> Vec<FunctionDoc> {
    let mut all: Vec<FunctionDoc> = functions::every()
        .map(|function| FunctionDoc {
            name: function.name,
            family: function.family,
            example: function.example.0,
            gives: function.example.1,
        })
        .collect();
    all.sort_by_key(|function| (function.family, function.name));
    all
}
