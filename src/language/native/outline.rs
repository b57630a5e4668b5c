//! What the reader of a workflow notes down for the checks: every step with its place among the others, and every
//! expression and template with the names it may use.
//!
//! The reader fills an [`Outline`] while it lowers the steps to a graph; `check` works on nothing else.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::contract::{Schema, Type};
use crate::expr::{Build, Expression, Text};
use crate::graph::{EventDeclaration, Name, Permissions};
use crate::source::Span;
use crate::yaml;

/// A workflow as the checks see it.
#[derive(Debug)]
pub(crate) struct Outline {
    /// The workflow's id.
    pub id: Name,
    /// Where the document begins.
    pub span: Span,
    /// The document as written, for places that no other field names (schemas, `permissions`, `catch`).
    pub root: yaml::Node,
    /// The text of the whole file, to point into scalars.
    pub source: Arc<str>,
    /// Declared schemas.
    pub input: Option<Schema>,
    pub output: Option<Schema>,
    pub state_schema: Option<Schema>,
    pub context: Option<Schema>,
    /// The initial state as written.
    pub state: Option<Build>,
    /// Declared events.
    pub events: IndexMap<Name, EventDeclaration>,
    /// What the file asks for.
    pub permissions: Permissions,
    /// The MCP servers it calls, each with the place of the name.
    pub servers: Vec<(Name, Span)>,
    /// Whether it is an agent, whose tools are its steps.
    pub agent: bool,
    /// The top-level `output` as written.
    pub result: Option<Build>,
    /// All steps, each before what is inside it, and that before what follows.
    pub steps: Vec<StepOutline>,
    /// All expressions and templates.
    pub sites: Vec<Site>,
}

/// A step of an [`Outline`], by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StepIndex(pub usize);

/// One step; also a unit that stands directly in a branch or handler, which has no id of its own.
#[derive(Debug)]
pub(crate) struct StepOutline {
    pub id: Name,
    pub id_span: Span,
    /// Whether `steps.<id>` means it.
    pub named: bool,
    /// The step as a whole.
    pub span: Span,
    pub kind: &'static str,
    /// The step it stands in, and in which of its lists; none at the top.
    pub parent: Option<(StepIndex, Part)>,
    /// Its position in that list.
    pub position: usize,
    /// What it does to `data`, as far as the checks can tell.
    pub result: ResultOutline,
    pub into: Option<Name>,
    /// Declared schemas.
    pub input_schema: Option<Schema>,
    pub output_schema: Option<Schema>,
    pub resume_schema: Option<Schema>,
    /// `output:` as written.
    pub output: Option<Build>,
    /// Whether it may be skipped although its list runs (`andWhen` without `else`).
    pub conditional: bool,
    /// Whether it has `catch` handlers.
    pub catches: bool,
    /// The name of the item, in a for-each.
    pub item: Option<Name>,
    /// The items, in a for-each.
    pub items: Option<Build>,
    /// The child workflow it calls.
    pub calls: Option<ChildOutline>,
    /// The agent it asks, with the place of the name.
    pub agent: Option<(Name, Span)>,
    /// The workflow that an agent calls as a tool, with the place of the name.
    pub tool: Option<(Name, Span)>,
    /// What it shows while it waits, where that has a schema.
    pub shows: Option<ShownOutline>,
    /// What it ends the workflow with.
    pub ends: Option<EndOutline>,
}

/// What a wait shows.
#[derive(Debug)]
pub(crate) struct ShownOutline {
    pub schema: Schema,
    /// What findings call the schema.
    pub what: String,
    /// Where the schema was declared.
    pub declared: Option<Span>,
    /// `data` as written; absent it is null.
    pub data: Option<yaml::Node>,
    /// The key `suspend`.
    pub span: Span,
}

/// An `end`.
#[derive(Debug)]
pub(crate) struct EndOutline {
    /// `output` as written; absent it is null.
    pub output: Option<yaml::Node>,
    /// The key `end`.
    pub span: Span,
}

/// A call of a child workflow.
#[derive(Debug)]
pub(crate) struct ChildOutline {
    pub workflow: Name,
    pub span: Span,
    pub version: Option<Name>,
    /// Its input as written; by default it gets `data`.
    pub input_node: Option<yaml::Node>,
}

/// Which list of its parent a step stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The steps of `andWhen`, `andTry` or `andTap`.
    Steps,
    /// The n-th of blocks that run beside each other.
    Branch(usize),
    /// The n-th of blocks of which one runs; `else` is the last.
    Arm(usize),
    /// The body of a loop.
    Body,
    /// The steps for one item.
    Item,
    /// The n-th `catch` handler.
    Handler(usize),
    /// `finally`.
    Finally,
    /// The n-th tool of an agent.
    Tool(usize),
}

/// What a step gives, before `output`.
#[derive(Debug, Default)]
pub(crate) enum ResultOutline {
    /// Nothing: `data` stays (control units, sleeps, taps, guardrails).
    Nothing,
    /// This value (`set`, `map`).
    Value(Build),
    /// `data` with these keys (`assign`).
    Assign(Vec<(Name, Build)>),
    /// Something of this type (an agent's schema, a resume payload, an event).
    Typed(Type),
    /// Whatever comes back (http, exec, mcp, function).
    #[default]
    Unknown,
    /// The last `data` of its own steps, when they run.
    Steps,
    /// A list or an object of what its branches give.
    Branches { keys: Option<Vec<Name>>, settle: bool },
    /// What one of its branches gives (`andRace`, `match: first`).
    OneOf,
    /// A list of what its items give.
    Items { settle: bool },
    /// The last `data` of the body.
    Loop,
    /// The result of the child workflow.
    Child,
    /// Never goes on (`fail`, `end`, `cancel` without `when`).
    Never,
}

/// An expression or template, and where it stands.
#[derive(Debug)]
pub(crate) struct Site {
    /// The step it belongs to; none for the workflow's own keys.
    pub step: Option<StepIndex>,
    pub field: Field,
    /// The scalar as written, to point into it.
    pub node: yaml::Node,
    pub code: SiteCode,
    pub expects: Expects,
}

#[derive(Clone, Debug)]
pub(crate) enum SiteCode {
    Expression(Arc<Expression>),
    Text(Arc<Text>),
}

/// The kind of field, which decides the names in scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// A field of the step that sees what the step received: units, `condition`, `items`, `timeout`.
    Own,
    /// As [`Field::Own`], in a place that may hold secrets: url, headers, body, env.
    Call,
    /// The condition of a loop, which sees the body's new `data`, `index`, and the body's steps.
    LoopCondition,
    /// `output`: also `result`, `response`, `resume`, `winner`.
    Output,
    /// `setState`: also `output`.
    SetState,
    /// `when` of a handler: also `error` (its steps get `error` from [`Part::Handler`]).
    HandlerWhen,
    /// `where` of `waitFor`: also `event`.
    Where,
    /// A guardrail's rules: `data` may have been rewritten by an earlier rule.
    Guard,
    /// `approval` of a tool: also `arguments`.
    Approval,
    /// The top-level `output`, behind all steps.
    WorkflowOutput,
    /// The initial `state` and the workflow's `timeout`: only `input`, `context`, `env`.
    WorkflowStart,
    /// The `instructions` of an agent, which belong to no step: only `input`, `context`, `env`.
    Agent,
    /// `input` and `runId` of a schedule: only `trigger` and `env`.
    Cron,
    /// `input` and `runId` of a webhook: only `trigger` and `env`.
    Webhook,
    /// The `secret` of a webhook: only `secrets` and `env`.
    TriggerSecret,
}

impl Field {
    /// Whether it belongs to a trigger, which is evaluated before there is a run.
    pub fn is_of_trigger(self) -> bool {
        matches!(self, Field::Cron | Field::Webhook | Field::TriggerSecret)
    }
}

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expects {
    Anything,
    Boolean,
    List,
    Number,
    Object,
    /// A duration or an RFC 3339 instant.
    Timing,
}

impl Outline {
    pub fn step(&self, index: StepIndex) -> &StepOutline {
        &self.steps[index.0]
    }
}
