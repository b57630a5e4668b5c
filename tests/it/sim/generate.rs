//! Random workflows from a seed, valid by construction.
//!
//! The generator keeps to what the rules decide (see the module's documentation for what it leaves out) and knows what a
//! step may read: [`Scope`] follows rule 13.

use serde_json::{Value as Json, json};

use super::flow::{Body, Branches, Common, Cond, Expr, Flow, Handler, Kind, Retry, Rule, Step, Unit};
use super::world::{EVENTS, Random};

/// What the generator favours. Percentages unless said otherwise.
#[derive(Clone, Debug)]
pub struct Knobs {
    /// Mean number of steps of the main workflow.
    pub size: u64,
    /// How deep blocks nest.
    pub depth: u32,
    /// Of the steps that are no blocks: calls.
    pub calls: u64,
    /// Of all steps, as far as depth allows: blocks.
    pub blocks: u64,
    /// Of all steps, each: `timeout`, `retry`, `catch`, `output`, `setState`.
    pub extras: u64,
    /// Waits, `emit`, child workflows, `end` and `cancel` may appear.
    pub waits: bool,
    pub children: bool,
    pub control: bool,
}

impl Default for Knobs {
    fn default() -> Knobs {
        Knobs {
            size: 7,
            depth: 4,
            calls: 45,
            blocks: 45,
            extras: 14,
            waits: true,
            children: true,
            control: true,
        }
    }
}

/// The workflow of a seed.
pub fn generate(seed: u64, knobs: &Knobs) -> Flow {
    let mut maker = Maker {
        random: Random::new(seed),
        knobs,
        next: 0,
        budget: 0,
        children: Vec::new(),
        state: false,
    };
    if knobs.children && maker.random.chance(30) {
        for number in 0..maker.random.range(1, 2) {
            let child = maker.flow(&format!("child-{number}"), true);
            maker.children.push(child);
        }
    }
    let mut flow = maker.flow("main", false);
    flow.input = maker.input();
    // A child that nobody calls would be noise in a failing case.
    while !flow.children_called().contains(&maker.children.len().wrapping_sub(1)) && maker.children.pop().is_some() {}
    flow.children = maker.children;
    flow
}

impl Flow {
    /// The indices of the children the main workflow or another child calls.
    pub fn children_called(&self) -> Vec<usize> {
        let mut called = Vec::new();
        self.walk(&mut |step| {
            if let Kind::Child { flow, .. } = step.kind {
                called.push(flow);
            }
        });
        called.extend(self.children.iter().flat_map(Flow::children_called));
        called
    }
}

/// What is known of `data` before anything runs.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    Object,
    /// It came from a call, hence may be anything.
    Anything,
    Other,
}

/// What may be written at a place.
#[derive(Clone)]
struct Scope {
    depth: u32,
    data: Known,
    /// Steps that certainly are decided (rule 13).
    steps: Vec<String>,
    /// The names of items and their indices.
    locals: Vec<String>,
    /// A do-loop or `andForEach` is around.
    index: bool,
    /// A handler is around.
    error: bool,
    waits: bool,
    /// `finally` is around: no waits (rule 29), which might include sleeps.
    cleanup: bool,
    /// `andTap` and `finally` hold no `end` and `cancel`, nor what might contain them.
    control: bool,
    /// The input has `n` and `items`.
    input: bool,
    /// In a child: events go to the main run.
    child: bool,
}

struct Maker<'k> {
    random: Random,
    knobs: &'k Knobs,
    /// For ids.
    next: u32,
    /// Steps still to write.
    budget: u64,
    children: Vec<Flow>,
    /// The current workflow counts its state.
    state: bool,
}

/// The longest deadline; calls and waits of the world last about as long.
const LONGEST: u64 = 40_000;
const CODES: [&str; 9] = [
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
    fn one_of<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.random.range(0, items.len() as u64 - 1) as usize].clone()
    }

    fn maybe<T>(&mut self, percent: u64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.random.chance(percent).then(|| make(self))
    }

    fn id(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}{}", self.next)
    }

    fn deadline(&mut self) -> u64 {
        self.random.range(500, LONGEST)
    }

    fn flow(&mut self, id: &str, child: bool) -> Flow {
        self.next = 0;
        self.state = self.random.chance(40);
        let size = if child {
            self.knobs.size.div_ceil(3)
        } else {
            self.knobs.size
        };
        self.budget = self.random.range(1, (2 * size).saturating_sub(1).max(1));
        let mut scope = Scope {
            depth: 0,
            data: Known::Other,
            steps: Vec::new(),
            locals: Vec::new(),
            index: false,
            error: false,
            waits: self.knobs.waits,
            cleanup: false,
            control: self.knobs.control,
            input: !child,
            child,
        };
        let mut steps = Vec::new();
        while steps.is_empty() || (self.budget > 0 && steps.len() < 12) {
            let step = self.step(&mut scope);
            steps.push(step);
        }
        let output = if self.state {
            Some(Expr::Object(vec![
                ("v".into(), Expr::Data),
                ("n".into(), Expr::Name("state", Some("n"))),
            ]))
        } else {
            self.maybe(20, |maker| maker.expr(&scope, 1))
        };
        let timeout = self.maybe(8, |maker| maker.random.range(5_000, 4 * LONGEST));
        let state = self.state;
        Flow {
            id: id.to_owned(),
            input: Json::Null,
            timeout,
            state,
            steps,
            output,
            children: Vec::new(),
        }
    }

    fn input(&mut self) -> Json {
        let items: Vec<_> = (0..self.random.range(0, 3)).map(|_| self.random.range(0, 9)).collect();
        json!({ "n": self.random.range(0, 9), "items": items })
    }

    /// A list inside a block; what its steps leave behind is added to the readable steps of `outer`.
    fn list(&mut self, outer: &mut Scope, inside: Scope) -> Vec<Step> {
        let mut scope = Scope {
            depth: outer.depth + 1,
            ..inside
        };
        let readable = scope.steps.len();
        let mut steps = Vec::new();
        loop {
            let step = self.step(&mut scope);
            steps.push(step);
            if self.budget == 0 || self.random.chance(45) {
                break;
            }
        }
        outer.steps.extend(scope.steps.drain(readable..));
        steps
    }

    /// A list that may close with an unconditional `fail`, `end` or `cancel`: nothing in it would be unreachable.
    fn closing_list(&mut self, outer: &mut Scope, inside: Scope) -> Vec<Step> {
        let control = inside.control;
        let mut steps = self.list(outer, inside.clone());
        if self.random.chance(12) {
            let unit = match self.random.range(0, 5) {
                0 if control => Unit::Cancel { when: None },
                1 | 2 if control => Unit::End {
                    when: None,
                    output: self.maybe(70, |maker| maker.expr(&inside, 1)),
                },
                3 if inside.error => Unit::Rethrow,
                _ => self.fail(None),
            };
            steps.push(Step::new(self.id("stop"), Kind::Then(unit)));
        }
        steps
    }

    /// A step, after which `scope` is what the next one sees.
    fn step(&mut self, scope: &mut Scope) -> Step {
        self.budget = self.budget.saturating_sub(1);
        let received = scope.clone();
        let is_block = scope.depth < self.knobs.depth && self.budget > 0 && self.random.chance(self.knobs.blocks);
        let (prefix, kind, leaves) = if is_block { self.block(scope) } else { self.leaf(scope) };
        let mut step = Step::new(self.id(prefix), kind);
        // A step that did `end` is a success without an output that the rules speak of; only `finally` could read it.
        let readable = !is_control(&step.kind);
        scope.data = if leaves == Leaves::Same {
            received.data
        } else {
            leaves.known()
        };
        step.common = self.common(&step.kind, leaves, &received, scope);
        if readable {
            scope.steps.push(step.id.clone());
        }
        step
    }

    fn leaf(&mut self, scope: &Scope) -> (&'static str, Kind, Leaves) {
        let then = |unit| Kind::Then(unit);
        if self.random.chance(self.knobs.calls) {
            return ("call", then(Unit::Call), Leaves::Anything);
        }
        match self.random.range(0, 19) {
            0..=2 => {
                let value = self.expr(scope, 2);
                let leaves = if matches!(value, Expr::Object(_)) {
                    Leaves::Object
                } else {
                    Leaves::Other
                };
                ("set", then(Unit::Set(value)), leaves)
            }
            3 if scope.data == Known::Object => ("assign", then(Unit::Assign(self.entries(scope))), Leaves::Object),
            3 | 4 => ("map", Kind::Map(self.entries(scope)), Leaves::Object),
            5 | 6 if !scope.cleanup => ("sleep", Kind::Sleep(self.random.range(1, LONGEST / 2)), Leaves::Same),
            7 | 8 if scope.waits => self.suspend(scope),
            9 | 10 if scope.waits && !scope.child => ("event", then(self.wait_for()), Leaves::Anything),
            11 if self.knobs.waits => {
                let when = self.maybe(40, |maker| maker.cond(scope));
                let unit = Unit::Emit {
                    event: "Progress".to_owned(),
                    when,
                    data: self.expr(scope, 1),
                };
                ("emit", then(unit), Leaves::Same)
            }
            12 | 13 => {
                let when = self.cond(scope);
                ("fail", then(self.fail(Some(when))), Leaves::Same)
            }
            14 if scope.control => {
                let (when, output) = (self.cond(scope), self.maybe(70, |maker| maker.expr(scope, 1)));
                (
                    "end",
                    then(Unit::End {
                        when: Some(when),
                        output,
                    }),
                    Leaves::Same,
                )
            }
            15 if scope.control && self.random.chance(50) => (
                "cancel",
                then(Unit::Cancel {
                    when: Some(self.cond(scope)),
                }),
                Leaves::Same,
            ),
            16 => self.guardrail(scope),
            17..=19 if scope.waits && scope.control && !self.children.is_empty() => {
                let flow = self.random.range(0, self.children.len() as u64 - 1) as usize;
                (
                    "child",
                    Kind::Child {
                        flow,
                        input: self.maybe(70, |maker| maker.expr(scope, 2)),
                    },
                    Leaves::Other,
                )
            }
            _ => ("call", then(Unit::Call), Leaves::Anything),
        }
    }

    fn suspend(&mut self, scope: &Scope) -> (&'static str, Kind, Leaves) {
        let when = self.maybe(20, |maker| maker.cond(scope));
        let timeout = self.maybe(50, Self::deadline);
        let go_on = timeout.is_some() && self.random.chance(50);
        let leaves = if when.is_some() || go_on {
            Leaves::Perhaps
        } else {
            Leaves::Object
        };
        ("ask", Kind::Then(Unit::Suspend { when, timeout, go_on }), leaves)
    }

    fn wait_for(&mut self) -> Unit {
        let key = self.maybe(40, |maker| maker.random.range(0, 2) as i64);
        Unit::WaitFor {
            event: self.one_of(&EVENTS).to_owned(),
            key,
            timeout: self.maybe(50, Self::deadline),
        }
    }

    fn fail(&mut self, when: Option<Cond>) -> Unit {
        Unit::Fail {
            when,
            code: self.maybe(70, |_| "BROKEN".to_owned()),
        }
    }

    fn guardrail(&mut self, scope: &Scope) -> (&'static str, Kind, Leaves) {
        let mut rules = Vec::new();
        for _ in 0..self.random.range(0, 1) {
            rules.push(Rule {
                require: self.cond(scope),
                rewrite: None,
            });
        }
        // Only the last rule rewrites, since no rule says whether a later one sees the new value.
        let rewrite = self.maybe(60, |maker| maker.expr(scope, 1));
        rules.push(Rule {
            require: self.cond(scope),
            rewrite,
        });
        ("guard", Kind::Guardrail(rules), Leaves::Perhaps)
    }

    /// A unit that may stand directly on a block or in a handler.
    fn unit(&mut self, scope: &Scope, alone: bool) -> (Unit, Leaves) {
        match self.random.range(0, 9) {
            0..=4 => (Unit::Call, Leaves::Anything),
            5 if alone && scope.waits => match self.suspend(scope) {
                (_, Kind::Then(unit), leaves) => (unit, leaves),
                _ => (Unit::Call, Leaves::Anything),
            },
            6 if alone && scope.waits && !scope.child => (self.wait_for(), Leaves::Anything),
            7 => (self.fail(None), Leaves::Other),
            8 if alone && scope.control => (
                Unit::End {
                    when: None,
                    output: self.maybe(70, |maker| maker.expr(scope, 1)),
                },
                Leaves::Other,
            ),
            _ => (Unit::Set(self.expr(scope, 1)), Leaves::Other),
        }
    }

    fn block(&mut self, scope: &mut Scope) -> (&'static str, Kind, Leaves) {
        let inside = scope.clone();
        match self.random.range(0, 20) {
            0..=3 => {
                let condition = self.cond(scope);
                let alone = self.random.chance(55);
                let then = if self.random.chance(45) {
                    Body::Unit(self.unit(&inside, alone).0)
                } else {
                    Body::Steps(self.closing_list(scope, inside.clone()))
                };
                // Not both may close, or what follows were unreachable.
                let otherwise = (!alone).then(|| match self.random.range(0, 4) {
                    0 => Body::Unit(Unit::Set(self.expr(&inside, 1))),
                    1 => Body::Unit(Unit::Call),
                    _ => Body::Steps(self.list(scope, inside.clone())),
                });
                (
                    "when",
                    Kind::When {
                        condition,
                        then,
                        otherwise,
                    },
                    Leaves::Perhaps,
                )
            }
            4..=5 => {
                let mut branches = Vec::new();
                for _ in 0..self.random.range(1, 3) {
                    let condition = self.cond(&inside);
                    branches.push((condition, self.closing_list(scope, inside.clone())));
                }
                let first = self.random.chance(50);
                let otherwise = self.maybe(50, |maker| maker.list(scope, inside.clone()));
                let leaves = if first && otherwise.is_none() {
                    Leaves::Perhaps
                } else {
                    Leaves::Other
                };
                (
                    "branch",
                    Kind::Branch {
                        branches,
                        first,
                        otherwise,
                    },
                    leaves,
                )
            }
            6..=9 => {
                let branches = self.branches(scope, &inside);
                let concurrency = self.maybe(30, |maker| maker.random.range(1, 2) as usize);
                let settle = self.random.chance(25);
                (
                    "all",
                    Kind::All {
                        branches,
                        concurrency,
                        settle,
                    },
                    Leaves::Other,
                )
            }
            10..=12 => {
                let branches = self.branches(scope, &inside);
                (
                    "race",
                    Kind::Race {
                        branches,
                        success: self.random.chance(50),
                    },
                    Leaves::Other,
                )
            }
            13 => {
                let inside = Scope {
                    control: false,
                    ..inside
                };
                let body = if self.random.chance(40) {
                    Body::Unit(self.unit(&inside, true).0)
                } else {
                    Body::Steps(self.list(scope, inside))
                };
                ("tap", Kind::Tap(body), Leaves::Same)
            }
            14..=15 => self.for_each(scope, inside),
            16..=17 => self.do_loop(scope, inside),
            _ => {
                let steps = self.list(scope, inside.clone());
                let read = Scope {
                    steps: scope.steps.clone(),
                    ..inside
                };
                let finally = self.maybe(65, |maker| {
                    let shielded = Scope {
                        waits: false,
                        cleanup: true,
                        control: false,
                        ..read.clone()
                    };
                    // What cleanup leaves behind is not read afterwards.
                    maker.list(&mut scope.clone(), shielded)
                });
                (
                    "try",
                    Kind::Try {
                        steps,
                        finally: finally.unwrap_or_default(),
                    },
                    Leaves::Other,
                )
            }
        }
    }

    fn branches(&mut self, scope: &mut Scope, inside: &Scope) -> Branches {
        let count = self.random.range(2, 3) as usize;
        let lists = (0..count).map(|_| self.list(scope, inside.clone())).collect();
        let names = self.maybe(50, |_| {
            ["left", "right", "other"][..count]
                .iter()
                .map(|name| (*name).into())
                .collect()
        });
        Branches { names, lists }
    }

    fn for_each(&mut self, scope: &mut Scope, inside: Scope) -> (&'static str, Kind, Leaves) {
        let items = match self.random.range(0, 5) {
            0 | 1 if scope.input => Expr::Name("input", Some("items")),
            2 if scope.data == Known::Anything => Expr::Data,
            _ => Expr::List((0..self.random.range(1, 3)).map(|_| self.expr(scope, 1)).collect()),
        };
        // `as` may not be a name in scope (rule 8), and neither is the default name written twice.
        let named = scope.locals.iter().any(|name| name == "item") || self.random.chance(40);
        let name = named.then(|| self.id("one"));
        let mut inner = Scope {
            index: true,
            data: Known::Other,
            ..inside
        };
        match &name {
            Some(name) => inner.locals.extend([name.clone(), format!("{name}_index")]),
            None => inner.locals.push("item".to_owned()),
        }
        // Rule 13: nobody outside reads these steps.
        let steps = self.list(&mut scope.clone(), inner);
        let concurrency = self.maybe(60, |maker| maker.random.range(1, 3) as usize);
        let kind = Kind::ForEach {
            items,
            name,
            concurrency,
            settle: self.random.chance(25),
            steps,
        };
        ("each", kind, Leaves::Other)
    }

    fn do_loop(&mut self, scope: &mut Scope, inside: Scope) -> (&'static str, Kind, Leaves) {
        let mut steps = self.list(
            scope,
            Scope {
                index: true,
                data: Known::Other,
                ..inside
            },
        );
        let condition = match self.random.range(0, 3) {
            0 => Cond::Odd(Expr::Data),
            1 => Cond::Odd(Expr::Plus(Box::new(Expr::Data), 1)),
            _ => Cond::Above(Expr::Data, self.random.range(2, 6) as i64),
        };
        // Without a limit only what sooner or later ends: a call gives other numbers each time.
        let endless = self.random.chance(15);
        if endless {
            steps.push(Step::new(self.id("call"), Kind::Then(Unit::Call)));
        }
        let max = (!endless).then(|| self.random.range(1, 4));
        let proceed = self.random.chance(60);
        let condition = if endless { Cond::Odd(Expr::Data) } else { condition };
        (
            "loop",
            Kind::Loop {
                until: self.random.chance(50),
                condition,
                steps,
                max,
                proceed,
            },
            Leaves::Other,
        )
    }

    fn common(&mut self, kind: &Kind, leaves: Leaves, received: &Scope, scope: &mut Scope) -> Common {
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
            if !is_control && self.state {
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

    fn handlers(&mut self, kind: &Kind, common: &mut Common, received: &Scope, scope: &mut Scope) {
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
        for _ in 0..self.random.range(1, 2) {
            let on = self.maybe(50, |maker| vec![maker.one_of(&CODES).to_owned()]);
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
            on: self.maybe(40, |maker| {
                vec![maker.one_of(&CODES).to_owned(), maker.one_of(&CODES).to_owned()]
            }),
        }
    }

    fn entries(&mut self, scope: &Scope) -> Vec<(String, Expr)> {
        let count = self.random.range(1, 2) as usize;
        ["a", "b"][..count]
            .iter()
            .map(|key| ((*key).to_owned(), self.expr(scope, 1)))
            .collect()
    }

    fn expr(&mut self, scope: &Scope, depth: u32) -> Expr {
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
    fn atom(&mut self, scope: &Scope) -> Expr {
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

    fn cond(&mut self, scope: &Scope) -> Cond {
        match self.random.range(0, 19) {
            // Rule 6; only where no schema tells that it is no boolean.
            0 if scope.data == Known::Anything => Cond::Raw(Expr::Data),
            0..=9 => Cond::Odd(self.moving(scope)),
            _ => Cond::Above(self.moving(scope), self.random.range(0, 7) as i64),
        }
    }

    /// An expression that is no constant.
    fn moving(&mut self, scope: &Scope) -> Expr {
        match self.atom(scope) {
            Expr::Int(_) => Expr::Data,
            expr => expr,
        }
    }
}

fn is_control(kind: &Kind) -> bool {
    let controls = |unit: &Unit| {
        matches!(
            unit,
            Unit::Fail { .. } | Unit::Rethrow | Unit::End { .. } | Unit::Cancel { .. }
        )
    };
    match kind {
        Kind::Then(unit)
        | Kind::When {
            then: Body::Unit(unit), ..
        } => controls(unit),
        _ => false,
    }
}

/// What a kind leaves as `data`, for what may be written after it.
#[derive(Clone, Copy, PartialEq)]
enum Leaves {
    /// What it received: it returns nothing.
    Same,
    Object,
    Anything,
    Other,
    /// A value or nothing.
    Perhaps,
}

impl Leaves {
    fn known(self) -> Known {
        match self {
            Leaves::Object => Known::Object,
            Leaves::Anything => Known::Anything,
            Leaves::Same | Leaves::Other | Leaves::Perhaps => Known::Other,
        }
    }

    fn gives_value(self) -> bool {
        matches!(self, Leaves::Object | Leaves::Anything | Leaves::Other)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Instant;

    use super::super::oracle::{Fate, Prediction, RunStatus, StepStatus, predict};
    use super::super::world::World;
    use super::*;

    /// What holds of every run, whatever the rules say.
    fn check(fate: &Fate) {
        let over = fate.status != RunStatus::Suspended;
        for (address, step) in &fate.steps {
            let unfinished = matches!(step.status, StepStatus::Waiting | StepStatus::Running);
            assert_eq!(step.ended_at.is_none(), unfinished, "{address}");
            assert!(!(over && unfinished), "{address}");
            let end = step.ended_at.unwrap_or(u64::MAX);
            assert!(step.started_at <= end && (!over || end <= fate.ended_at), "{address}");
            if let Some((parent, _)) = address.rsplit_once('/') {
                let parent = &fate.steps[visited(parent)];
                assert!(
                    parent.started_at <= step.started_at && end <= parent.ended_at.unwrap_or(u64::MAX),
                    "{address}"
                );
            }
        }
    }

    /// The address of the step whose attempt or iteration this is.
    fn visited(address: &str) -> &str {
        let last = address.rfind('/').map_or(0, |slash| slash + 1);
        address[last..]
            .find(['@', '['])
            .map_or(address, |mark| &address[..last + mark])
    }

    #[test]
    fn a_hundred_thousand_workflows_take_seconds() {
        let knobs = Knobs::default();
        let started = Instant::now();
        let (mut steps, mut ends) = (0, BTreeMap::<String, u32>::new());
        for seed in 0..100_000 {
            let flow = generate(seed, &knobs);
            steps += flow.size();
            let end = match predict(&flow, &World::new(seed)) {
                Prediction::Clear(fate) => {
                    check(&fate);
                    format!("{:?} {}", fate.status, fate.error_code.unwrap_or_default())
                }
                Prediction::Ambiguous(reason) => format!("ambiguous: {reason}"),
            };
            *ends.entry(end).or_default() += 1;
        }
        let (time, mean) = (started.elapsed(), steps as f64 / 100_000.0);
        println!(
            "{:.0} workflows a second, {mean:.1} steps each: {ends:#?}",
            100_000.0 / time.as_secs_f64()
        );
        let ambiguous: u32 = ends
            .iter()
            .filter(|end| end.0.starts_with("ambiguous: "))
            .map(|end| end.1)
            .sum();
        assert!(ambiguous < 1_000);
        assert!(!ends.contains_key("ambiguous: an expression the rules do not decide"));
    }
}
