//! The model of a generated workflow: only what the simulation uses of the language, shaped for easy evaluation.

use serde_json::Value as Json;

/// A workflow: the main one, or a child called by [`Kind::Child`].
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    pub id: String,
    /// What the caller sends; `Null` in a child, whose caller gives it. Has `n` (integer) and `items` (integers) where
    /// expressions read them.
    pub input: Json,
    /// Workflow `timeout` in milliseconds.
    pub timeout: Option<u64>,
    /// Declares the state `n: 0`, which `setState` counts up.
    pub state: bool,
    pub steps: Vec<Step>,
    pub output: Option<Expr>,
    /// Child workflows, by index; only the main flow has them, and all flows call them by this list.
    pub children: Vec<Flow>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub id: String,
    pub kind: Kind,
    pub common: Common,
}

/// The keys every step may have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Common {
    /// Milliseconds, per attempt.
    pub timeout: Option<u64>,
    pub retry: Option<Retry>,
    /// Handlers; on [`Kind::Try`] they are its own `catch`.
    pub catch: Vec<Handler>,
    pub output: Option<Expr>,
    pub into: Option<String>,
    /// `n: =state.n + <this>`.
    pub set_state: Option<i64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    pub attempts: u32,
    pub delay: u64,
    pub backoff: u64,
    pub max_delay: Option<u64>,
    /// Absent: the default codes of rule 25.
    pub on: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Handler {
    pub on: Option<Vec<String>>,
    pub when: Option<Cond>,
    pub body: Body,
}

/// A unit standing directly on its owner, or a list of steps.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Unit(Unit),
    Steps(Vec<Step>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Then(Unit),
    When {
        condition: Cond,
        then: Body,
        otherwise: Option<Body>,
    },
    Branch {
        branches: Vec<(Cond, Vec<Step>)>,
        first: bool,
        otherwise: Option<Vec<Step>>,
    },
    All {
        branches: Branches,
        concurrency: Option<usize>,
        settle: bool,
    },
    Race {
        branches: Branches,
        success: bool,
    },
    Tap(Body),
    ForEach {
        items: Expr,
        name: Option<String>,
        concurrency: Option<usize>,
        settle: bool,
        steps: Vec<Step>,
    },
    Loop {
        until: bool,
        condition: Cond,
        steps: Vec<Step>,
        max: Option<u64>,
        proceed: bool,
    },
    /// Goes on at another step of its list. The language has no such kind: what is written is an `andBranch`, of whose
    /// conditions the jump is made.
    Jump(Jump),
    Map(Vec<(String, Expr)>),
    Sleep(u64),
    Child {
        flow: usize,
        input: Option<Expr>,
    },
    Guardrail(Vec<Rule>),
    Agent(Agent),
    Try {
        steps: Vec<Step>,
        finally: Vec<Step>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Jump {
    /// The first whose condition holds counts.
    pub arms: Vec<(Cond, Aim)>,
    /// If none does; `None`: the next step.
    pub otherwise: Option<Aim>,
    /// How many jumps backwards its list may make in all.
    pub limit: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Aim {
    /// The step of the list with this id.
    Step(String),
    End,
}

/// An agent that is written in its step.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// How many models there are to ask.
    pub models: u32,
    /// Named `tool0`, `tool1`, ...
    pub tools: Vec<Tool>,
    pub turns: u32,
    pub corrections: u32,
    /// The answer has to be a whole number.
    pub schema: bool,
}

/// A tool, whose arguments are `{n: integer}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub does: Does,
    /// Above this `n` a person is asked.
    pub asks_above: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Does {
    Call,
    Child(usize),
}

/// The branches of `andAll` and `andRace`: a mapping when they have names, else a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Branches {
    pub names: Option<Vec<String>>,
    pub lists: Vec<Vec<Step>>,
}

/// One rule of a guardrail; `rewrite` absent means `action: fail`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub require: Cond,
    pub rewrite: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Unit {
    Set(Expr),
    Assign(Vec<(String, Expr)>),
    /// `http` to the world; the value is the body.
    Call,
    /// `go_on` is `onTimeout: continue`. The payload always has an integer `n` (its `resumeSchema`).
    Suspend {
        when: Option<Cond>,
        timeout: Option<u64>,
        go_on: bool,
    },
    /// `key` is `where: =event.k == <key>`.
    WaitFor {
        event: String,
        key: Option<i64>,
        timeout: Option<u64>,
    },
    Emit {
        event: String,
        when: Option<Cond>,
        data: Expr,
    },
    Fail {
        when: Option<Cond>,
        code: Option<String>,
    },
    /// `fail: =error`, in a handler.
    Rethrow,
    End {
        when: Option<Cond>,
        output: Option<Expr>,
    },
    Cancel {
        when: Option<Cond>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    Null,
    Int(i64),
    Data,
    /// A name in scope with a path: `input.n`, `index`, `item`, `result`, `result.n`, `winner`, `error.code`,
    /// `state.n`.
    Name(&'static str, Option<&'static str>),
    /// The item of a loop with `as`, or its index.
    Local(String),
    /// `steps.<id>.output | default(<int>)`.
    Step(String, i64),
    /// The number an expression is, or 0, plus a constant.
    Plus(Box<Expr>, i64),
    /// The text `v` and that number.
    Text(Box<Expr>),
    List(Vec<Expr>),
    Object(Vec<(String, Expr)>),
    /// What a settled `andAll` or `andForEach` list gave: `{status: [...], output: [...]}`, the outputs of successes.
    Settled,
    /// The same for a mapping of these names: `{<name>: [status, output | default(-1)]}`.
    SettledMap(Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Cond {
    /// The number an expression is, or 0, is odd.
    Odd(Expr),
    Above(Expr, i64),
    /// `error.code == <text>`.
    Code(String),
    /// Any value, hence usually no boolean: `expression.type`.
    Raw(Expr),
}

impl Step {
    /// A step without common keys.
    pub fn new(id: impl Into<String>, kind: Kind) -> Step {
        Step {
            id: id.into(),
            kind,
            common: Common::default(),
        }
    }

    /// The lists of steps that make up the step's body, in declared order; not its handlers and not `finally`.
    pub fn body(&self) -> Vec<&Vec<Step>> {
        fn of(body: &Body) -> Option<&Vec<Step>> {
            match body {
                Body::Steps(steps) => Some(steps),
                Body::Unit(_) => None,
            }
        }
        match &self.kind {
            Kind::When { then, otherwise, .. } => of(then).into_iter().chain(otherwise.as_ref().and_then(of)).collect(),
            Kind::Branch {
                branches, otherwise, ..
            } => branches.iter().map(|b| &b.1).chain(otherwise).collect(),
            Kind::All { branches, .. } | Kind::Race { branches, .. } => branches.lists.iter().collect(),
            Kind::Tap(body) => of(body).into_iter().collect(),
            Kind::ForEach { steps, .. } | Kind::Loop { steps, .. } | Kind::Try { steps, .. } => vec![steps],
            Kind::Then(_)
            | Kind::Jump(_)
            | Kind::Map(_)
            | Kind::Sleep(_)
            | Kind::Child { .. }
            | Kind::Guardrail(_)
            | Kind::Agent(_) => vec![],
        }
    }

    /// The lists of steps of the handlers and of `finally`.
    pub fn cleanup(&self) -> Vec<&Vec<Step>> {
        let mut lists: Vec<_> = self.common.catch.iter().filter_map(Handler::steps).collect();
        if let Kind::Try { finally, .. } = &self.kind {
            lists.push(finally);
        }
        lists
    }

    /// Calls `visit` with the step and every step inside it.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Step)) {
        visit(self);
        for step in self.body().into_iter().chain(self.cleanup()).flatten() {
            step.walk(visit);
        }
    }
}

impl Handler {
    fn steps(&self) -> Option<&Vec<Step>> {
        match &self.body {
            Body::Steps(steps) => Some(steps),
            Body::Unit(_) => None,
        }
    }
}

impl Flow {
    /// Calls `visit` with every step of this workflow; children are workflows of their own.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Step)) {
        for step in &self.steps {
            step.walk(visit);
        }
    }

    /// The number of steps, children included.
    pub fn size(&self) -> usize {
        let mut count = 0;
        self.walk(&mut |_| count += 1);
        count + self.children.iter().map(Flow::size).sum::<usize>()
    }
}
