//! The step kinds and units.

use super::super::flow::{Agent, Body, Branches, Cond, Does, Expr, Kind, Rule, Step, Tool, Unit};
use super::super::world::EVENTS;
use super::{Known, LONGEST, Leaves, Maker, Scope};

impl Maker<'_> {
    pub(super) fn leaf(&mut self, scope: &Scope) -> (&'static str, Kind, Leaves) {
        let then = |unit| Kind::Then(unit);
        if self.knobs.agents > 0 && self.random.chance(self.knobs.agents) {
            return self.agent(scope);
        }
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

    fn agent(&mut self, scope: &Scope) -> (&'static str, Kind, Leaves) {
        let mut tools = Vec::new();
        for _ in 0..self.random.range(0, 3) {
            let child = scope.waits && scope.control && !self.children.is_empty() && self.random.chance(40);
            let does = match child {
                true => Does::Child(self.random.range(0, self.children.len() as u64 - 1) as usize),
                false => Does::Call,
            };
            let asks = if scope.waits { 40 } else { 0 };
            let asks_above = self.maybe(asks, |maker| maker.random.range(0, 8) as i64);
            tools.push(Tool { does, asks_above });
        }
        let agent = Agent {
            models: self.random.range(1, 2) as u32,
            tools,
            turns: self.random.range(1, 5) as u32,
            corrections: self.random.range(0, 2) as u32,
            schema: self.random.chance(50),
        };
        let leaves = if agent.schema { Leaves::Other } else { Leaves::Anything };
        ("desk", Kind::Agent(agent), leaves)
    }

    pub(super) fn suspend(&mut self, scope: &Scope) -> (&'static str, Kind, Leaves) {
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

    pub(super) fn wait_for(&mut self) -> Unit {
        let key = self.maybe(40, |maker| maker.random.range(0, 2) as i64);
        Unit::WaitFor {
            event: self.one_of(&EVENTS).to_owned(),
            key,
            timeout: self.maybe(50, Self::deadline),
        }
    }

    pub(super) fn fail(&mut self, when: Option<Cond>) -> Unit {
        Unit::Fail {
            when,
            code: self.maybe(70, |_| "BROKEN".to_owned()),
        }
    }

    pub(super) fn guardrail(&mut self, scope: &Scope) -> (&'static str, Kind, Leaves) {
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
    pub(super) fn unit(&mut self, scope: &Scope, alone: bool) -> (Unit, Leaves) {
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

    pub(super) fn block(&mut self, scope: &mut Scope) -> (&'static str, Kind, Leaves) {
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

    pub(super) fn branches(&mut self, scope: &mut Scope, inside: &Scope) -> Branches {
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

    pub(super) fn for_each(&mut self, scope: &mut Scope, inside: Scope) -> (&'static str, Kind, Leaves) {
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

    pub(super) fn do_loop(&mut self, scope: &mut Scope, inside: Scope) -> (&'static str, Kind, Leaves) {
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
        let jumps = steps.iter().any(|step| matches!(step.kind, Kind::Jump(_)));
        // What jumps may pass that call over each time.
        let endless = self.random.chance(15) && !jumps;
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
}
