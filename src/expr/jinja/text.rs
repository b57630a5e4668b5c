use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use minijinja::Environment;
use minijinja::machinery::{ast, parse};
use minijinja::syntax::SyntaxConfig;

use super::builtin::ENVIRONMENT;
use super::dash::Subtraction;
use super::error::syntax_problem;
use super::expression::Expression;
use super::lower::{Lower, PathInfo, Use};
use super::node::Kind;
use super::scope::Scope;
use super::template::{TemplatePrinter, emitted};
use super::{limits, output, value};
use crate::data::{Data, Part, Sealed};
use crate::expr::{EvalError, Names, Problem, ProblemKind, Reference};

/// Rule 3: blocks on their own lines leave no blank lines, the last newline stays.
static SYNTAX: LazyLock<SyntaxConfig> = LazyLock::new(|| {
    let mut builder = SyntaxConfig::builder();
    builder
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true);
    // Only delimiters can be wrong, and they are the usual ones.
    builder.build().unwrap_or_default()
});

/// A compiled template; its value is always text (rule 3).
pub struct Text {
    source: Arc<str>,
    references: Vec<Reference>,
    subtractions: Vec<Subtraction>,
    has_secrets: bool,
    form: Form,
}

enum Form {
    /// Without statements.
    Pieces(Vec<Piece>),
    Program(Box<Program>),
}

enum Piece {
    Raw(Arc<str>),
    Value(Box<Expression>),
    Secret(Arc<str>),
}

struct Program {
    /// The common environment with one more template; the engine keeps sources only in environments.
    environment: Environment<'static>,
    scope: Scope,
    paths: Vec<PathInfo>,
    map: Vec<(Range<usize>, Range<usize>)>,
}

const NAME: &str = "text";

impl Text {
    /// Compiles a template.
    ///
    /// # Errors
    /// All that can be found wrong with it without values.
    pub fn compile(source: &str) -> Result<Text, Vec<Problem>> {
        if let Some(problem) = limits::check(source, false, &SYNTAX) {
            return Err(vec![problem]);
        }
        let source: Arc<str> = source.into();
        let tree = parse(&source, NAME, SYNTAX.clone()).map_err(|error| vec![syntax_problem(&error, &source)])?;
        let ast::Stmt::Template(template) = &tree else {
            return Text::program(&source, std::slice::from_ref(&tree));
        };
        let is_plain = template
            .children
            .iter()
            .all(|child| matches!(child, ast::Stmt::EmitRaw(_) | ast::Stmt::EmitExpr(_)));
        if is_plain {
            Text::pieces(&source, &template.children)
        } else {
            Text::program(&source, &template.children)
        }
    }

    fn pieces(source: &Arc<str>, children: &[ast::Stmt<'_>]) -> Result<Text, Vec<Problem>> {
        let mut problems = Vec::new();
        let (mut references, mut subtractions) = (Vec::new(), Vec::new());
        let mut pieces = Vec::new();
        let mut has_secrets = false;
        for child in children {
            match child {
                ast::Stmt::EmitRaw(raw) if !raw.raw.is_empty() => pieces.push(Piece::Raw(raw.raw.into())),
                ast::Stmt::EmitExpr(emit) => {
                    let mut lower = Lower::new(source);
                    let node = emitted(lower.node(&emit.expr, Use::Whole));
                    references.extend_from_slice(&lower.analysis.references);
                    subtractions.extend_from_slice(&lower.analysis.subtractions);
                    if let (Kind::Secret(name), true) = (&node.kind, lower.analysis.problems.is_empty()) {
                        has_secrets = true;
                        pieces.push(Piece::Secret(name.clone()));
                        continue;
                    }
                    match Expression::build(source.clone(), 0, node, lower.analysis) {
                        Ok(expression) => pieces.push(Piece::Value(Box::new(expression))),
                        Err(found) => problems.extend(found),
                    }
                }
                _ => {}
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Text {
            source: source.clone(),
            references,
            subtractions,
            has_secrets,
            form: Form::Pieces(pieces),
        })
    }

    fn program(source: &Arc<str>, children: &[ast::Stmt<'_>]) -> Result<Text, Vec<Problem>> {
        let mut template = TemplatePrinter::new(source);
        template.statements(children);
        let TemplatePrinter {
            lower,
            printer,
            has_secrets,
            ..
        } = template;
        let mut analysis = lower.analysis;
        if has_secrets && output::has_mark(source) {
            analysis.problems.push(Problem {
                range: 0..source.len(),
                kind: ProblemKind::SecretNotAllowed,
                message: output::forgery().message,
                help: None,
                fix: None,
            });
        }
        if !analysis.problems.is_empty() {
            return Err(analysis.problems);
        }
        let mut environment = ENVIRONMENT.clone();
        environment.add_template_owned(NAME, printer.text).map_err(|error| {
            let message = format!("the template is too complex: {error}");
            vec![Problem {
                range: 0..source.len(),
                kind: ProblemKind::TooLarge,
                message,
                help: None,
                fix: None,
            }]
        })?;
        let program = Program {
            environment,
            scope: Scope::new(analysis.roots),
            paths: analysis.paths,
            map: printer.map,
        };
        Ok(Text {
            source: source.clone(),
            references: analysis.references,
            subtractions: analysis.subtractions,
            has_secrets,
            form: Form::Program(Box::new(program)),
        })
    }

    /// The template as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Every path from a root, names bound in the template excluded.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Subtractions that look like names with dashes.
    pub fn subtraction_hints(&self) -> &[Subtraction] {
        &self.subtractions
    }

    /// Whether it is just one `{{ x }}`, which gives text where `=x` would keep the type.
    pub fn lone_expression(&self) -> bool {
        self.lone().is_some()
    }

    /// The expression, if the template is just one `{{ x }}`.
    pub fn lone(&self) -> Option<&Expression> {
        match &self.form {
            Form::Pieces(pieces) => match &pieces[..] {
                [Piece::Value(expression)] => Some(expression),
                _ => None,
            },
            Form::Program(_) => None,
        }
    }

    /// Whether a secret is part of it, so that only [`eval_sealed`](Text::eval_sealed) can give its value.
    pub fn has_secrets(&self) -> bool {
        self.has_secrets
    }

    /// Evaluates.
    ///
    /// # Errors
    /// See [`EvalError`]. A template with secrets has no value here.
    pub fn eval(&self, names: &dyn Names) -> Result<Arc<str>, EvalError> {
        match self.eval_sealed(names)? {
            Sealed::Plain(Data::Text(text)) => Ok(text),
            _ => Err(EvalError::new(EvalError::FAILED, "a secret has no value here").at(0..self.source.len())),
        }
    }

    /// Evaluates with secrets as references.
    ///
    /// # Errors
    /// See [`EvalError`].
    pub fn eval_sealed(&self, names: &dyn Names) -> Result<Sealed, EvalError> {
        match &self.form {
            Form::Pieces(pieces) => join(pieces, names),
            Form::Program(program) => {
                let text = program.render(&self.source, names, self.has_secrets)?;
                Ok(if self.has_secrets {
                    output::unseal(&text)
                } else {
                    Sealed::Plain(Data::from(text))
                })
            }
        }
    }
}

fn join(pieces: &[Piece], names: &dyn Names) -> Result<Sealed, EvalError> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut written = 0usize;
    for piece in pieces {
        let before = text.len();
        match piece {
            Piece::Raw(raw) => text.push_str(raw),
            Piece::Value(expression) => match expression.eval(names)? {
                Data::Text(value) if pieces.len() == 1 => return Ok(Sealed::Plain(Data::Text(value))),
                value => value::write_data(&mut text, &value),
            },
            Piece::Secret(name) => {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text).into()));
                }
                parts.push(Part::Secret(name.clone()));
                continue;
            }
        }
        written = written.saturating_add(text.len() - before);
        if written > limits::SIZE {
            return Err(EvalError::new(
                EvalError::LIMIT,
                format!("the text is longer than {} bytes", limits::SIZE),
            ));
        }
    }
    if parts.is_empty() {
        return Ok(Sealed::Plain(Data::from(text)));
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.into()));
    }
    Ok(Sealed::text(parts))
}

impl Program {
    fn render(&self, source: &str, names: &dyn Names, sealed: bool) -> Result<String, EvalError> {
        self.environment
            .get_template(NAME)
            .and_then(|template| template.render(self.scope.fetch(names, sealed)))
            .map_err(|error| EvalError::locate(error, source, &self.paths, &self.map).within(source))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Text").field(&self.source()).finish()
    }
}
