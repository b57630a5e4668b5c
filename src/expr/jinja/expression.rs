use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use minijinja::machinery::parse_expr;
use minijinja::syntax::SyntaxConfig;

use super::builtin::ENVIRONMENT;
use super::dash::Subtraction;
use super::error::syntax_problem;
use super::fast::Fast;
use super::lower::{Analysis, Lower, PathInfo, Use};
use super::node::{Kind, Node};
use super::print::Printer;
use super::scope::Scope;
use super::shape::Shape;
use super::{limits, value};
use crate::data::Data;
use crate::expr::{EvalError, Names, Problem, ProblemKind, Reference, Root};

/// A compiled expression; it keeps the type of its value (rule 2).
pub struct Expression {
    /// The source, perhaps behind the blank that took the place of its `=`.
    text: Arc<str>,
    /// Where the source begins in `text`.
    begin: usize,
    range: Range<usize>,
    references: Vec<Reference>,
    subtractions: Vec<Subtraction>,
    paths: Vec<PathInfo>,
    scope: Scope,
    shape: Shape,
    secret: Option<Arc<str>>,
    fast: Option<Fast>,
    program: Program,
}

/// The same for the virtual machine.
struct Program {
    source: String,
    map: Vec<(Range<usize>, Range<usize>)>,
    /// Compiled when it is first needed: the shortcut serves most expressions for good.
    compiled: OnceLock<Compiled>,
}

type Compiled = Result<minijinja::Expression<'static, 'static>, String>;

/// So many bytes cannot nest too deep for the compiler.
const SURELY_COMPILED: usize = 192;

impl Expression {
    /// Compiles an expression without its leading `=`.
    ///
    /// # Errors
    /// All that can be found wrong with it without values.
    pub fn compile(source: &str) -> Result<Expression, Vec<Problem>> {
        Expression::compile_text(source.into(), 0)
    }

    /// Compiles an authored text that begins with `=`; all ranges are relative to that text.
    pub(in crate::expr) fn compile_scalar(text: &str) -> Result<Expression, Vec<Problem>> {
        Expression::compile_text(format!(" {}", &text[1..]).into(), 1)
    }

    fn compile_text(text: Arc<str>, begin: usize) -> Result<Expression, Vec<Problem>> {
        if let Some(problem) = limits::check(&text, true, &SyntaxConfig::default()) {
            return Err(vec![problem]);
        }
        let tree = parse_expr(&text).map_err(|error| vec![syntax_problem(&error, &text)])?;
        let mut lower = Lower::new(&text);
        let node = lower.node(&tree, Use::Whole);
        let analysis = lower.analysis;
        drop(tree);
        Expression::build(text.clone(), begin, node, analysis)
    }

    /// Finishes a resolved expression of a source or of an emission in a template.
    pub(super) fn build(
        text: Arc<str>,
        begin: usize,
        node: Node,
        analysis: Analysis,
    ) -> Result<Expression, Vec<Problem>> {
        if !analysis.problems.is_empty() {
            return Err(analysis.problems);
        }
        let mut printer = Printer::default();
        printer.node(&node, &analysis.roots);
        let fast = Fast::compile(&node);
        let program = Program {
            source: printer.text,
            map: printer.map,
            compiled: OnceLock::new(),
        };
        if (fast.is_none() || program.source.len() > SURELY_COMPILED)
            && let Err(message) = program.compiled()
        {
            return Err(vec![Problem {
                range: node.range,
                kind: ProblemKind::TooLarge,
                message: message.clone(),
                help: None,
                fix: None,
            }]);
        }
        Ok(Expression {
            shape: Shape::of(&node, &analysis.reference_of_path()),
            fast,
            secret: match &node.kind {
                Kind::Secret(name) => Some(name.clone()),
                _ => None,
            },
            text,
            begin,
            range: node.range,
            references: analysis.references,
            subtractions: analysis.subtractions,
            paths: analysis.paths,
            scope: Scope::new(analysis.roots),
            program,
        })
    }

    /// The expression as written, without the leading `=`.
    pub fn source(&self) -> &str {
        &self.text[self.begin..]
    }

    /// Every path from a root, in the order of the source.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The roots it reads, each once.
    pub fn roots(&self) -> &[Root] {
        self.scope.roots()
    }

    /// Its form, for static checks.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Subtractions that look like names with dashes.
    pub fn subtraction_hints(&self) -> &[Subtraction] {
        &self.subtractions
    }

    /// The name of the secret, if the whole expression is `secrets.NAME`.
    pub fn secret(&self) -> Option<&Arc<str>> {
        self.secret.as_ref()
    }

    /// Evaluates.
    ///
    /// # Errors
    /// See [`EvalError`]. A secret has no value here.
    pub fn eval(&self, names: &dyn Names) -> Result<Data, EvalError> {
        if let Some(fast) = &self.fast
            && let Some(data) = fast.eval(self.scope.roots(), names)
            && value::check_size(&data).is_ok()
        {
            return Ok(data);
        }
        self.run(names)
    }

    /// Evaluates what must be a boolean (rule 6).
    ///
    /// # Errors
    /// Those of [`eval`](Expression::eval), and `expression.type` for any other value.
    pub fn eval_bool(&self, names: &dyn Names) -> Result<bool, EvalError> {
        let value = self.eval(names)?;
        value.as_bool().ok_or_else(|| {
            let message = format!("this must give true or false, but gives {}", value.a_kind());
            self.located(EvalError::new(EvalError::TYPE, message))
        })
    }

    /// An error with its place; as a whole the expression is one.
    fn located(&self, error: EvalError) -> EvalError {
        let error = error.at(self.range.clone());
        match self.begin {
            0 => error.within(&self.text),
            // As it was written.
            _ => error.within(&format!("={}", self.source())),
        }
    }

    /// Evaluates in the virtual machine.
    pub(super) fn run(&self, names: &dyn Names) -> Result<Data, EvalError> {
        if let Some(name) = &self.secret {
            let message = format!("the secret `{name}` has no value here");
            return Err(self.located(EvalError::new(EvalError::FAILED, message)));
        }
        let compute = || {
            let compiled = self.program.compiled();
            let compiled = compiled.map_err(|message| EvalError::new(EvalError::LIMIT, message.clone()))?;
            let value = compiled.eval(self.scope.fetch(names, false));
            let value = value.map_err(|error| EvalError::locate(error, &self.text, &self.paths, &self.program.map))?;
            value::to_data(&value)
        };
        compute().map_err(|error| self.located(error))
    }

    #[cfg(test)]
    pub(super) fn shortcut(&self, names: &dyn Names) -> Option<Data> {
        self.fast.as_ref()?.eval(self.scope.roots(), names)
    }
}

impl Program {
    fn compiled(&self) -> Result<&minijinja::Expression<'static, 'static>, &String> {
        let compiled = self.compiled.get_or_init(|| {
            ENVIRONMENT
                .compile_expression_owned(self.source.clone())
                .map_err(|error| format!("the expression is too complex: {error}"))
        });
        compiled.as_ref()
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source()).finish()
    }
}
