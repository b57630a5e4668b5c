use std::sync::Arc;

use super::foundry::Compute;
use super::jinja::{self, Text, check_size};
use super::{EvalError, Expression, Names, Problem, Reference, Segment};
use crate::data::{Data, Part, Sealed};

/// An authored value: what `set`, `output`, `http.body` and the like compile to.
#[derive(Clone, Debug)]
pub enum Build {
    /// A value as it is.
    Literal(Data),
    /// A text that began with `=`.
    Expression(Arc<Expression>),
    /// A text with `{{`, `{%` or `{#`.
    Text(Arc<Text>),
    /// A list with at least one part that is computed.
    List(Vec<Build>),
    /// An object with at least one part that is computed.
    Map(Vec<(Arc<str>, Build)>),
    /// What an action of Foundry computes.
    Computed(Arc<Compute>),
}

impl Build {
    /// Classifies an authored text (rule 2): `=…` is an expression, `==…` the text from the second `=` on, a text with
    /// braces of Jinja a template, any other itself. Ranges of problems and references are relative to `text`.
    ///
    /// # Errors
    /// The problems of the expression or template.
    pub fn from_scalar(text: &str) -> Result<Build, Vec<Problem>> {
        if text.starts_with("==") {
            return Ok(Build::Literal(Data::from(&text[1..])));
        }
        if text.starts_with('=') {
            let expression = jinja::Expression::compile_scalar(text)?;
            return Ok(Build::Expression(Arc::new(Expression::Jinja(expression))));
        }
        if ["{{", "{%", "{#"].iter().any(|open| text.contains(open)) {
            return Text::compile(text).map(|text| Build::Text(Arc::new(text)));
        }
        Ok(Build::Literal(Data::from(text)))
    }

    /// A list; a literal if all its items are.
    pub fn list(items: Vec<Build>) -> Build {
        match items.iter().map(Build::literal).collect::<Option<Vec<&Data>>>() {
            Some(literals) => Build::Literal(literals.into_iter().cloned().collect()),
            None => Build::List(items),
        }
    }

    /// An object; a literal if all its values are.
    pub fn map(entries: Vec<(Arc<str>, Build)>) -> Build {
        if entries.iter().any(|(_, value)| value.literal().is_none()) {
            return Build::Map(entries);
        }
        let literals = entries
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.literal()?.clone())));
        Build::Literal(literals.collect())
    }

    /// The value, if nothing is computed.
    pub fn literal(&self) -> Option<&Data> {
        match self {
            Build::Literal(data) => Some(data),
            _ => None,
        }
    }

    /// Evaluates.
    ///
    /// # Errors
    /// See [`EvalError`]; the range is relative to the part's own source. A secret has no value here.
    pub fn eval(&self, names: &dyn Names) -> Result<Data, EvalError> {
        let built: Data = match self {
            Build::Literal(data) => return Ok(data.clone()),
            Build::Expression(expression) => return expression.eval(names),
            Build::Text(text) => return text.eval(names).map(Data::Text),
            Build::Computed(compute) => compute.eval(names)?,
            Build::List(items) => items.iter().map(|item| item.eval(names)).collect::<Result<_, _>>()?,
            Build::Map(entries) => entries
                .iter()
                .map(|(key, value)| Ok((key.clone(), value.eval(names)?)))
                .collect::<Result<crate::data::Map, EvalError>>()?
                .into(),
        };
        check_size(&built)?;
        Ok(built)
    }

    /// Evaluates with secrets as references.
    ///
    /// # Errors
    /// See [`EvalError`]; the range is relative to the part's own source.
    pub fn eval_sealed(&self, names: &dyn Names) -> Result<Sealed, EvalError> {
        let sealed = match self {
            Build::Expression(expression) => match expression.secret() {
                Some(name) => return Ok(Sealed::Text(vec![Part::Secret(name.clone())])),
                None => Sealed::Plain(expression.eval(names)?),
            },
            Build::Text(text) => text.eval_sealed(names)?,
            Build::List(items) => Sealed::list(
                items
                    .iter()
                    .map(|item| item.eval_sealed(names))
                    .collect::<Result<_, _>>()?,
            ),
            Build::Map(entries) => Sealed::map(
                entries
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), value.eval_sealed(names)?)))
                    .collect::<Result<_, EvalError>>()?,
            ),
            Build::Literal(data) => return Ok(Sealed::Plain(data.clone())),
            Build::Computed(compute) => Sealed::Plain(compute.eval(names)?),
        };
        if let Sealed::Plain(data) = &sealed {
            check_size(data)?;
        }
        Ok(sealed)
    }

    /// Visits this value and all inside it, each with its path.
    pub fn walk(&self, visit: &mut dyn FnMut(&[Segment], &Build)) {
        self.walk_from(&mut Vec::new(), visit);
    }

    /// Every path from a root, of all parts.
    pub fn references(&self) -> Vec<Reference> {
        let mut references = Vec::new();
        self.walk(&mut |_, part| match part {
            Build::Expression(expression) => references.extend_from_slice(expression.references()),
            Build::Text(text) => references.extend_from_slice(text.references()),
            _ => {}
        });
        references
    }

    fn walk_from(&self, path: &mut Vec<Segment>, visit: &mut dyn FnMut(&[Segment], &Build)) {
        visit(path, self);
        match self {
            Build::List(items) => {
                for (position, item) in items.iter().enumerate() {
                    path.push(Segment::Index(position as i64));
                    item.walk_from(path, visit);
                    path.pop();
                }
            }
            Build::Map(entries) => {
                for (key, value) in entries {
                    path.push(Segment::Key(key.clone()));
                    value.walk_from(path, visit);
                    path.pop();
                }
            }
            _ => {}
        }
    }
}
