//! A checked formula: names are resolved, functions found, and every part has a type.

use std::ops::Range;
use std::sync::Arc;

use super::functions::Function;
use super::regex::Pattern;
use super::syntax::{Binary, Unary};
use super::types::Type;
use super::value::Value;

#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub kind: Kind,
    pub of: Type,
    pub span: Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Constant(Value),
    /// A regular expression, the argument of a function that matches it.
    Pattern(Arc<Pattern>),
    /// A name from outside and the fields behind it, which are looked up without reading the rest.
    Global(Arc<str>, Vec<Arc<str>>),
    /// The row or record of a scope, counted from the outermost.
    Scope(usize),
    Field(Box<Expr>, Arc<str>),
    /// A name that the rows of scopes may have, which are not known before; else it comes from outside.
    Late(Arc<str>, Vec<usize>),
    Call(&'static Function, Vec<Expr>),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Concat(Vec<Expr>),
    Chain(Vec<Expr>),
    Record(Vec<(Arc<str>, Expr)>),
    /// Rows; `true` when each is a single value.
    Table(Vec<Expr>, bool),
    /// Rows of values whose types are not known before: records are rows, others become rows of one column.
    LateTable(Vec<Expr>),
    Coerce(Box<Expr>),
}

impl Expr {
    pub fn new(kind: Kind, of: Type, span: Range<usize>) -> Expr {
        Expr { kind, of, span }
    }

    /// The expression with its value made one of a type, if it is not already.
    pub fn coerced(self, to: &Type) -> Expr {
        if self.of == *to || matches!(to, Type::Any | Type::Blank) {
            return self;
        }
        let span = self.span.clone();
        Expr::new(Kind::Coerce(Box::new(self)), to.clone(), span)
    }

    /// The text of a constant.
    pub fn constant_text(&self) -> Option<&Arc<str>> {
        match &self.kind {
            Kind::Constant(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}
