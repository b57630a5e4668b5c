//! Texts with formulas between braces: `Hello {Local.Name}`.
//!
//! What stands between braces is a formula if it reads as one; if not, it is text, and a warning says so. A brace that
//! nothing closes is text, too. That is how Foundry takes its templates, which people write by hand.

use std::ops::Range;
use std::sync::Arc;

use super::convert;
use super::error::Eval;
use super::eval::Cx;
use super::formula::{Context, Formula, Options, Reference};
use super::parser::{parse_segment, problem};
use super::value::Value;
use crate::expr::{EvalError, Problem, ProblemKind};

/// A text with formulas.
#[derive(Clone, Debug)]
pub struct Template {
    source: Arc<str>,
    parts: Arc<[Part]>,
    references: Arc<[Reference]>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(Arc<str>),
    /// A formula, and the bytes it stands at, with its braces.
    Formula(Formula, Range<usize>),
}

impl Template {
    /// Reads a text. What is no formula stays text and is found among the warnings.
    pub fn compile(source: &str, options: &Options) -> (Template, Vec<Problem>) {
        let mut warnings = Vec::new();
        let mut parts = Vec::new();
        let mut references = Vec::new();
        let mut text = String::new();
        let mut at = 0;
        while let Some(found) = source[at..].find('{') {
            let open = at + found;
            text.push_str(&source[at..open]);
            match segment(source, open, options) {
                Ok((formula, end)) => {
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text).into()));
                    }
                    references.extend(formula.references().iter().cloned());
                    parts.push(Part::Formula(formula, open..end));
                    at = end;
                }
                Err(problems) => {
                    warnings.extend(problems);
                    text.push('{');
                    at = open + 1;
                }
            }
        }
        text.push_str(&source[at..]);
        if !text.is_empty() {
            parts.push(Part::Text(text.into()));
        }
        let template = Template {
            source: source.into(),
            parts: parts.into(),
            references: references.into(),
        };
        (template, warnings)
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether there is a formula in it.
    pub fn has_formulas(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Formula(..)))
    }

    /// The names from outside that its formulas read; the bytes count in the whole text.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The text with the values of its formulas.
    pub fn render(&self, context: &Context<'_>) -> Result<String, EvalError> {
        let mut text = String::new();
        for part in self.parts.iter() {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Formula(formula, range) => {
                    let value = formula.evaluate_text(context).map_err(|mut error| {
                        error.range = Some(range.clone());
                        error
                    })?;
                    text.push_str(&value);
                    if text.len() > super::limits::TEXT {
                        let error = EvalError::new(EvalError::LIMIT, "a text becomes too large");
                        return Err(error.at(range.clone()));
                    }
                }
            }
        }
        Ok(text)
    }
}

/// The formula that a brace opens, and the position behind its closing brace.
fn segment(source: &str, open: usize, options: &Options) -> Result<(Formula, usize), Vec<Problem>> {
    let (node, close) = parse_segment(source, open + 1).map_err(|found| {
        let mut warning = problem(
            open..open + 1,
            ProblemKind::Syntax,
            format!(
                "the brace stays text, because what follows is no formula: {}",
                found.message
            ),
        );
        warning.help = Some("close it with `}`, or leave it if it is meant as text".to_owned());
        vec![warning]
    })?;
    let formula = Formula::of(source, &node, options)?;
    Ok((formula, close + 1))
}

/// A value as a text shows it: blank as nothing, booleans as .NET writes them, records and tables as JSON.
pub(super) fn shown(value: &Value, cx: &mut Cx<'_>) -> Eval<Arc<str>> {
    match value {
        Value::Boolean(value) => Ok(if *value { "True" } else { "False" }.into()),
        Value::Record(_) | Value::Table(_) => Ok(convert::to_data(value, cx)?.to_string().into()),
        Value::Untyped(json) => Ok(convert::from_json(json).to_text()),
        value => cx.string(value),
    }
}
