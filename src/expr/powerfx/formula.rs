//! Formulas as the rest of the program uses them.

use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bind;
use super::convert;
use super::error::Failure;
use super::eval::Cx;
use super::ir::Expr;
use super::parser;
use super::print;
use super::syntax::Node;
use super::value::Value;
use crate::data::Data;
use crate::expr::{EvalError, Problem};

/// Which names a formula may read from outside.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Globals {
    /// All of them; a name without a value is blank.
    #[default]
    Any,
    /// These and no others, which makes the rest mistakes that are found before the evaluation.
    Named(Vec<Arc<str>>),
}

/// How formulas are read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The names from outside.
    pub globals: Globals,
    /// Whether numbers without a type of their own are floats instead of decimals.
    pub number_is_float: bool,
}

/// What an evaluation sees of the world.
pub struct Context<'a> {
    /// The values of the names from outside.
    pub globals: &'a dyn Values,
    /// The time that `Now` and `Today` tell.
    pub now: Timestamp,
    /// The time zone of dates and times.
    pub zone: TimeZone,
    /// The language of texts of numbers and dates, such as `en-US`.
    pub locale: &'a str,
    /// What `Rand` and `Shuffle` begin with.
    pub seed: u64,
}

/// The values of names from outside.
pub trait Values {
    /// The value of a name; nothing where it has none, which is blank.
    fn get(&self, name: &str) -> Option<Data>;
}

impl<F: Fn(&str) -> Option<Data>> Values for F {
    fn get(&self, name: &str) -> Option<Data> {
        self(name)
    }
}

/// A name from outside that a formula reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The first name, such as `Local`.
    pub name: Arc<str>,
    /// The names behind it, each with its bytes.
    pub path: Vec<(Arc<str>, Range<usize>)>,
    /// The bytes of the whole.
    pub range: Range<usize>,
    /// Whether it may be a column of rows that are not known before, so that nothing from outside is read.
    pub maybe: bool,
}

/// A value as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The formula that makes it.
    pub formula: String,
    /// Whether it is a binary floating-point number, of which not every digit counts.
    pub is_float: bool,
}

/// A formula that was read and checked.
#[derive(Clone, Debug)]
pub struct Formula {
    source: Arc<str>,
    expr: Arc<Expr>,
    references: Arc<[Reference]>,
    options: Options,
}

impl Formula {
    /// Reads a formula that may use any name from outside. The text has no `=` before it.
    pub fn compile(source: &str) -> Result<Formula, Vec<Problem>> {
        Formula::compile_with(source, &Options::default())
    }

    /// Reads a formula.
    pub fn compile_with(source: &str, options: &Options) -> Result<Formula, Vec<Problem>> {
        let node = parser::parse(source).map_err(|problem| vec![problem])?;
        Formula::of(source, &node, options)
    }

    pub(super) fn of(source: &str, node: &Node, options: &Options) -> Result<Formula, Vec<Problem>> {
        let (expr, references) = bind::bind(node, options)?;
        Ok(Formula {
            source: source.into(),
            expr: Arc::new(expr),
            references: references.into(),
            options: options.clone(),
        })
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names from outside that it reads, in the order they stand there.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Its value. An error that the formula does not catch is the error of the evaluation.
    pub fn evaluate(&self, context: &Context<'_>) -> Result<Data, EvalError> {
        let mut cx = Cx::new(&self.options, context);
        let result = cx.eval(&self.expr).and_then(|value| convert::to_data(&value, &mut cx));
        result.map_err(|failure| self.error(&failure))
    }

    /// Its value as a text, as a template shows it: blank as nothing, records and tables as JSON.
    pub fn evaluate_text(&self, context: &Context<'_>) -> Result<Arc<str>, EvalError> {
        let mut cx = Cx::new(&self.options, context);
        let result = cx
            .eval(&self.expr)
            .and_then(|value| super::template::shown(&value, &mut cx));
        result.map_err(|failure| self.error(&failure))
    }

    /// Its value as the formula that makes it, such as `Table({Value:1})`. An error is shown as one, too.
    pub fn show(&self, context: &Context<'_>) -> Shown {
        let mut cx = Cx::new(&self.options, context);
        match cx.eval(&self.expr) {
            Ok(value) => Shown {
                formula: print::formula(&value),
                is_float: matches!(value, Value::Float(_)),
            },
            Err(failure) => Shown {
                formula: print::error(&failure),
                is_float: false,
            },
        }
    }

    fn error(&self, failure: &Failure) -> EvalError {
        let code = match failure {
            Failure::Limit(_) => EvalError::LIMIT,
            Failure::Errors(_) => EvalError::FAILED,
        };
        let range = failure.range().unwrap_or(0..self.source.len());
        EvalError::new(code, convert::first_message(failure)).at(range)
    }
}
