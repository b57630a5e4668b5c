//! What bounds the work of compiling and evaluating, whoever wrote the expression or sent the data.

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;

use crate::expr::{Problem, ProblemKind};

/// Longest source of an expression or template, in bytes.
pub(super) const SOURCE: usize = 64 * 1024;
/// Instructions of one evaluation.
pub(super) const FUEL: u64 = 1_000_000;
/// Largest text or value that an evaluation may make on the way, in bytes.
pub(super) const SIZE: usize = 16 * 1024 * 1024;
/// What the filters and helpers of one evaluation may read and make in all, in bytes. An instruction of the machine
/// may stand for much of that, so fuel alone bounds neither time nor memory.
pub(super) const WORK: usize = 256 * 1024 * 1024;
/// Most elements of a list that an evaluation may make.
pub(super) const ITEMS: usize = 1_000_000;
/// Deepest nesting of a value that an evaluation may make.
pub(super) const DEPTH: usize = crate::data::MAX_DEPTH;

/// Deepest tree of operators, brackets and paths. The parser bounds brackets but neither chains such as `1+1+1` nor
/// `not not x`, and everything that follows it recurses over the tree.
const OPERATORS: usize = 400;
/// Most `elif` of a template, which nest in the tree.
const ELIFS: usize = 100;

/// Finds what is too large before the parser sees it.
pub(super) fn check(source: &str, in_expression: bool, syntax: &SyntaxConfig) -> Option<Problem> {
    let too_large = |at: usize, message: String| {
        Some(Problem {
            range: at..source.len(),
            kind: ProblemKind::TooLarge,
            message,
            help: Some("compute it in several steps".to_owned()),
            fix: None,
        })
    };
    if source.len() > SOURCE {
        let what = if in_expression { "expression" } else { "template" };
        return too_large(SOURCE, format!("this {what} is longer than {SOURCE} bytes"));
    }
    let mut levels = vec![Level::default()];
    let mut elifs = 0;
    for token in tokenize(source, in_expression, syntax.clone()) {
        let Ok((token, span)) = token else {
            // The parser reports it.
            return None;
        };
        match token {
            Token::VariableStart | Token::BlockStart => levels = vec![Level::default()],
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => levels.push(Level::default()),
            Token::ParenClose | Token::BracketClose | Token::BraceClose => {
                if levels.len() > 1
                    && let (Some(closed), Some(outer)) = (levels.pop(), levels.last_mut())
                {
                    outer.inner = outer.inner.max(closed.total() + 1);
                    outer.operators += 1;
                }
            }
            Token::Comma => {
                if let Some(level) = levels.last_mut() {
                    let deepest = level.total();
                    *level = Level {
                        operators: 0,
                        inner: 0,
                        deepest,
                    };
                }
            }
            Token::Ident("elif") => elifs += 1,
            Token::Ident("if" | "else" | "and" | "or" | "not" | "in" | "is")
            | Token::Dot
            | Token::Pipe
            | Token::Plus
            | Token::Minus
            | Token::Mul
            | Token::Div
            | Token::FloorDiv
            | Token::Pow
            | Token::Mod
            | Token::Tilde
            | Token::Eq
            | Token::Ne
            | Token::Gt
            | Token::Gte
            | Token::Lt
            | Token::Lte => {
                if let Some(level) = levels.last_mut() {
                    level.operators += 1;
                }
            }
            _ => {}
        }
        let height: usize = levels.iter().map(Level::total).sum();
        if height > OPERATORS || elifs > ELIFS {
            return too_large(
                span.start_offset as usize,
                "more operators than one expression may have".to_owned(),
            );
        }
    }
    None
}

/// What is open between two brackets.
#[derive(Default)]
struct Level {
    /// Operators since the last comma.
    operators: usize,
    /// Height of the highest bracket since the last comma.
    inner: usize,
    /// Height of the highest of the parts before the last comma.
    deepest: usize,
}

impl Level {
    fn total(&self) -> usize {
        self.deepest.max(self.operators + self.inner)
    }
}
