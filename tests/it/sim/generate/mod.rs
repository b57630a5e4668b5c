//! Random workflows from a seed, valid by construction.
//!
//! The generator keeps to what the rules decide (see the module's documentation for what it leaves out) and knows
//! what a step may read: [`Scope`] follows rule 13.

mod common;
mod expr;
mod jump;
mod kind;
#[cfg(test)]
mod tests;

use serde_json::{Value as Json, json};

use super::flow::{Body, Does, Expr, Flow, Kind, Step, Unit};
use super::world::Random;

/// What the generator favours. Percentages unless said otherwise.
#[derive(Clone, Debug)]
pub struct Knobs {
    /// Mean number of steps of the main workflow.
    pub size: u64,
    /// How deep blocks nest.
    pub depth: u32,
    /// Of the steps that are no blocks: calls.
    pub calls: u64,
    /// Of the steps that are no blocks: agents.
    pub agents: u64,
    /// Of all steps, as far as depth allows: blocks.
    pub blocks: u64,
    /// Of all steps, each: `timeout`, `retry`, `catch`, `output`, `setState`.
    pub extras: u64,
    /// Of all lists: those with jumps.
    pub jumps: u64,
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
            agents: 9,
            blocks: 45,
            extras: 14,
            jumps: 14,
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
        self.walk(&mut |step| match &step.kind {
            Kind::Child { flow, .. } => called.push(*flow),
            Kind::Agent(agent) => called.extend(agent.tools.iter().filter_map(|tool| match tool.does {
                Does::Child(flow) => Some(flow),
                Does::Call => None,
            })),
            _ => {}
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
        let jumps = self.jumps();
        let mut steps = Vec::new();
        while steps.is_empty() || (self.budget > 0 && steps.len() < 12) {
            self.steps(jumps, &mut scope, &mut steps);
        }
        self.aim(&mut steps);
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
        let jumps = self.jumps();
        let mut steps = Vec::new();
        loop {
            self.steps(jumps, &mut scope, &mut steps);
            if self.budget == 0 || self.random.chance(45) {
                break;
            }
        }
        self.aim(&mut steps);
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
