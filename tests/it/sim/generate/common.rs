//! The keys every step may have.

use super::super::flow::{Body, Common, Cond, Expr, Handler, Kind, Retry, Unit};
use super::{Known, Leaves, Maker, Scope, is_control};

/// What handlers and retries name.
const CODES: [&str; 13] = [
    "loop.limit",
    "agent.*",
    "schema.output",
    "limit.exceeded",
    "http.network",
    "http.status",
    "http.*",
    "timeout",
    "suspend.timeout",
    "event.timeout",
    "failed",
    "BROKEN",
    "race.failed",
];

impl Maker<'_> {
    pub(super) fn common(&mut self, kind: &Kind, leaves: Leaves, received: &Scope, scope: &mut Scope) -> Common {
        let mut common = Common::default();
        let is_control = is_control(kind);
        // No rule says what a failing tap does with these.
        if matches!(kind, Kind::Tap(_)) {
            return common;
        }
        let percent = self.knobs.extras;
        let takes_time = !matches!(
            kind,
            Kind::Then(Unit::Set(_) | Unit::Assign(_)) | Kind::Map(_) | Kind::Guardrail(_)
        );
        if takes_time && !is_control {
            common.timeout = self.maybe(percent, Self::deadline);
            common.retry = self.maybe(percent, Self::retry);
        }
        let settled_list = match kind {
            Kind::All {
                branches, settle: true, ..
            } => Some(branches.names.clone()),
            Kind::ForEach { settle: true, .. } => Some(None),
            _ => None,
        };
        // An error's message is nobody's business, so settled errors are always reduced to their status.
        if let Some(names) = settled_list {
            common.output = Some(names.map_or(Expr::Settled, Expr::SettledMap));
            scope.data = Known::Object;
        } else if !is_control && self.random.chance(percent) {
            let output = self.output(kind, leaves, received);
            scope.data = if matches!(output, Expr::Object(_)) {
                Known::Object
            } else {
                Known::Other
            };
            common.output = Some(output);
        }
        if is_control || self.random.chance(percent) {
            if !is_control && received.data == Known::Object && leaves.gives_value() && self.random.chance(40) {
                common.into = Some("extra".to_owned());
                scope.data = Known::Object;
            }
            if self.state {
                common.set_state = Some(self.random.range(1, 9) as i64);
            }
        }
        let catches = matches!(kind, Kind::Try { .. }) && self.random.chance(60) || self.random.chance(percent);
        if common.into.is_none() && common.set_state.is_none() && catches {
            self.handlers(kind, &mut common, received, scope);
        }
        if matches!(kind, Kind::When { otherwise: None, .. }) && scope.data != received.data {
            scope.data = Known::Other;
        }
        common
    }

    fn output(&mut self, kind: &Kind, leaves: Leaves, received: &Scope) -> Expr {
        match (kind, self.random.range(0, 3)) {
            (Kind::Race { .. }, 0..=2) => Expr::Object(vec![
                ("winner".into(), Expr::Name("winner", None)),
                ("value".into(), Expr::Name("result", None)),
            ]),
            (Kind::Then(Unit::Suspend { .. }), _) if leaves == Leaves::Object => Expr::Name("result", Some("n")),
            (_, 0) if leaves.gives_value() => Expr::Plus(Box::new(Expr::Name("result", None)), 1),
            (_, 1) if leaves.gives_value() => Expr::Object(vec![
                ("got".into(), Expr::Name("result", None)),
                ("had".into(), self.expr(received, 1)),
            ]),
            _ => self.expr(received, 1),
        }
    }

    pub(super) fn handlers(&mut self, kind: &Kind, common: &mut Common, received: &Scope, scope: &mut Scope) {
        // Rule 13: handlers of a `try` read its steps.
        let steps = if matches!(kind, Kind::Try { .. }) {
            &scope.steps
        } else {
            &received.steps
        };
        let inside = Scope {
            error: true,
            steps: steps.clone(),
            ..received.clone()
        };
        for left in (0..self.random.range(1, 2)).rev() {
            // Only the last handler takes every error, or those after it were unreachable.
            let on = (left > 0 || self.random.chance(50)).then(|| vec![self.one_of(&CODES).to_owned()]);
            let when = self.maybe(15, |maker| {
                Cond::Code(maker.one_of(&["http.network", "timeout", "BROKEN"]).to_owned())
            });
            let body = match self.random.range(0, 9) {
                0..=1 => Body::Unit(Unit::Rethrow),
                2..=5 => Body::Unit(self.unit(&inside, false).0),
                _ if received.depth < self.knobs.depth && self.budget > 0 => {
                    Body::Steps(self.closing_list(scope, inside.clone()))
                }
                _ => Body::Unit(Unit::Set(Expr::Name("error", Some("code")))),
            };
            common.catch.push(Handler { on, when, body });
        }
        scope.data = Known::Other;
    }

    fn retry(&mut self) -> Retry {
        Retry {
            attempts: self.random.range(2, 3) as u32,
            delay: self.random.range(1, 5_000),
            backoff: self.random.range(1, 3),
            max_delay: self.maybe(30, |maker| maker.random.range(1, 8_000)),
            on: self.maybe(40, Self::codes),
        }
    }

    fn codes(&mut self) -> Vec<String> {
        let mut codes = vec![self.one_of(&CODES).to_owned(), self.one_of(&CODES).to_owned()];
        codes.dedup();
        codes
    }
}
