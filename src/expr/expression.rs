use std::sync::Arc;

use super::foundry::Test;
use super::jinja::{self, Shape, Subtraction};
use super::{EvalError, Names, Problem, Reference, Root};
use crate::data::Data;

/// A compiled expression of one of the languages.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "each stands behind a reference count of its own, and one of a native workflow is to be reached at once"
)]
pub enum Expression {
    /// One of a native workflow.
    Jinja(jinja::Expression),
    /// What a Foundry workflow decides by.
    Foundry(Test),
}

impl Expression {
    /// Compiles an expression of a native workflow, without its leading `=`.
    ///
    /// # Errors
    /// All that can be found wrong with it without values.
    pub fn compile(source: &str) -> Result<Expression, Vec<Problem>> {
        jinja::Expression::compile(source).map(Expression::Jinja)
    }

    /// The expression as written, without the leading `=`.
    pub fn source(&self) -> &str {
        match self {
            Expression::Jinja(expression) => expression.source(),
            Expression::Foundry(test) => test.source(),
        }
    }

    /// Every path from a root, in the order of the source; none of a Foundry workflow, whose names are others.
    pub fn references(&self) -> &[Reference] {
        match self {
            Expression::Jinja(expression) => expression.references(),
            Expression::Foundry(_) => &[],
        }
    }

    /// The roots it reads, each once.
    pub fn roots(&self) -> &[Root] {
        match self {
            Expression::Jinja(expression) => expression.roots(),
            Expression::Foundry(_) => &[],
        }
    }

    /// Its form, for static checks.
    pub fn shape(&self) -> &Shape {
        match self {
            Expression::Jinja(expression) => expression.shape(),
            Expression::Foundry(_) => &Shape::Other,
        }
    }

    /// Subtractions that look like names with dashes.
    pub fn subtraction_hints(&self) -> &[Subtraction] {
        match self {
            Expression::Jinja(expression) => expression.subtraction_hints(),
            Expression::Foundry(_) => &[],
        }
    }

    /// The name of the secret, if the whole expression is `secrets.NAME`.
    pub fn secret(&self) -> Option<&Arc<str>> {
        match self {
            Expression::Jinja(expression) => expression.secret(),
            Expression::Foundry(_) => None,
        }
    }

    /// Evaluates.
    ///
    /// # Errors
    /// See [`EvalError`]. A secret has no value here.
    pub fn eval(&self, names: &dyn Names) -> Result<Data, EvalError> {
        match self {
            Expression::Jinja(expression) => expression.eval(names),
            Expression::Foundry(test) => test.holds(names).map(Data::Bool),
        }
    }

    /// Evaluates what must be a boolean (rule 6).
    ///
    /// # Errors
    /// Those of [`eval`](Expression::eval), and `expression.type` for any other value.
    pub fn eval_bool(&self, names: &dyn Names) -> Result<bool, EvalError> {
        match self {
            Expression::Jinja(expression) => expression.eval_bool(names),
            Expression::Foundry(test) => test.holds(names),
        }
    }
}
