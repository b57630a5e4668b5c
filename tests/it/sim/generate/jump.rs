//! Jumps within a list.

use super::super::flow::{Aim, Cond, Expr, Jump, Kind, Step};
use super::{Known, Maker, Scope};

impl Maker<'_> {
    /// Whether a list is to have jumps.
    pub(super) fn jumps(&mut self) -> bool {
        self.knobs.jumps > 0 && self.random.chance(self.knobs.jumps)
    }

    /// The next step of a list, before it or behind it perhaps a jump.
    pub(super) fn steps(&mut self, jumps: bool, scope: &mut Scope, steps: &mut Vec<Step>) {
        if !jumps {
            steps.push(self.step(scope));
            return;
        }
        for jump in [self.random.chance(30), false, self.random.chance(30)]
            .into_iter()
            .enumerate()
        {
            // What comes from elsewhere may be anything, and nothing is known of it.
            scope.data = Known::Other;
            match jump {
                (1, _) => steps.push(self.step(scope)),
                (_, true) => steps.push(self.jump(scope)),
                _ => {}
            }
        }
        scope.data = Known::Other;
    }

    /// A jump that goes nowhere yet.
    fn jump(&mut self, scope: &mut Scope) -> Step {
        let mut arms = Vec::new();
        for _ in 0..self.random.range(0, 2) {
            let condition = match self.random.range(0, 3) {
                0 if self.state => Cond::Above(Expr::Name("state", Some("n")), self.random.range(0, 20) as i64),
                1 if self.state => Cond::Odd(Expr::Name("state", Some("n"))),
                _ => self.cond(scope),
            };
            arms.push((condition, Aim::End));
        }
        let sure = if arms.is_empty() { 80 } else { 35 };
        let jump = Jump {
            arms,
            otherwise: self.maybe(sure, |_| Aim::End),
            limit: self.random.range(0, 3) as u32,
        };
        let mut step = Step::new(self.id("jump"), Kind::Jump(jump));
        if self.state && self.random.chance(50) {
            step.common.set_state = Some(self.random.range(1, 9) as i64);
        } else if self.random.chance(25) {
            let received = scope.clone();
            self.handlers(&step.kind, &mut step.common, &received, scope);
        }
        scope.steps.push(step.id.clone());
        step
    }

    /// Says of the jumps of a list where they go.
    pub(super) fn aim(&mut self, steps: &mut [Step]) {
        let ids: Vec<String> = steps.iter().map(|step| step.id.clone()).collect();
        for step in steps {
            let Kind::Jump(jump) = &mut step.kind else { continue };
            for aim in jump.arms.iter_mut().map(|arm| &mut arm.1).chain(&mut jump.otherwise) {
                if !self.random.chance(15) {
                    *aim = Aim::Step(self.one_of(&ids));
                }
            }
        }
    }
}
