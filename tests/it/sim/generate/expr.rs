//! Expressions and conditions that have a value wherever they are written.

use super::super::flow::{Cond, Expr};
use super::{Known, Maker, Scope};

impl Maker<'_> {
    pub(super) fn entries(&mut self, scope: &Scope) -> Vec<(String, Expr)> {
        let count = self.random.range(1, 2) as usize;
        ["a", "b"][..count]
            .iter()
            .map(|key| ((*key).to_owned(), self.expr(scope, 1)))
            .collect()
    }

    pub(super) fn expr(&mut self, scope: &Scope, depth: u32) -> Expr {
        match self.random.range(0, 11) {
            0 | 1 if depth > 0 => Expr::Object(self.entries(scope)),
            2 if depth > 0 => Expr::List(
                (0..self.random.range(1, 2))
                    .map(|_| self.expr(scope, depth - 1))
                    .collect(),
            ),
            3 => Expr::Text(Box::new(self.atom(scope))),
            4 if self.random.chance(30) => Expr::Null,
            4..=6 => Expr::Plus(Box::new(self.atom(scope)), self.random.range(0, 4) as i64),
            _ => self.atom(scope),
        }
    }

    /// An expression without braces, for which templates would mind.
    pub(super) fn atom(&mut self, scope: &Scope) -> Expr {
        match self.random.range(0, 11) {
            0..=2 if !scope.steps.is_empty() => Expr::Step(self.one_of(&scope.steps), self.random.range(0, 9) as i64),
            3 | 4 if !scope.locals.is_empty() => Expr::Local(self.one_of(&scope.locals)),
            3..=5 if scope.index => Expr::Name("index", None),
            6 | 7 if scope.input => Expr::Name("input", Some("n")),
            6 if scope.error => Expr::Name("error", Some("code")),
            8 => Expr::Int(self.random.range(0, 9) as i64),
            _ => Expr::Data,
        }
    }

    pub(super) fn cond(&mut self, scope: &Scope) -> Cond {
        match self.random.range(0, 19) {
            // Rule 6; only where no schema tells that it is no boolean.
            0 if scope.data == Known::Anything => Cond::Raw(Expr::Data),
            0..=9 => Cond::Odd(self.moving(scope)),
            _ => Cond::Above(self.moving(scope), self.random.range(0, 7) as i64),
        }
    }

    /// An expression that is no constant.
    pub(super) fn moving(&mut self, scope: &Scope) -> Expr {
        match self.atom(scope) {
            Expr::Int(_) => Expr::Data,
            expr => expr,
        }
    }
}
