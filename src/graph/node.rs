//! What stands in a workflow graph: nodes, the operations they perform, and the keys every step may carry.

use std::ops::Range;
use std::sync::Arc;

use crate::contract::Schema;
use crate::data::Data;
use crate::expr::{Build, Expression};
use crate::graph::agent::{Agent, Tool};
use crate::graph::conversation::Converse;
use crate::graph::time::{Millis, Timing};
use crate::source::Span;

/// A name an author wrote: an id, a key, a code.
pub type Name = Arc<str>;

/// A node of a workflow, by its place in [`Program::steps`](crate::graph::Program::steps) (in a
/// [`Graph`](crate::graph::Graph): its index in the petgraph).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u32);

/// A sequence of nodes that runs as a unit: the steps of a branch, of a loop's body, of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub u32);

/// A workflow of a [`Program`](crate::graph::Program).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct WorkflowId(pub u32);

/// One step of a workflow, or a part of one that has steps of its own.
#[derive(Clone, Debug)]
pub struct Node {
    /// The step's id, unique in its workflow. A unit that stands directly in a branch or handler carries its owner's
    /// id and a suffix (`approve/then`, `fetch/catch.0`).
    pub id: Name,
    /// The kind as the author wrote it, for people; nothing decides by it.
    pub kind: &'static str,
    /// The display name.
    pub name: Option<Name>,
    /// What the step is for.
    pub purpose: Option<Name>,
    /// Where it was written.
    pub origin: Span,
    /// Whether authors can refer to it as `steps.<id>`; false for units without an id of their own.
    pub named: bool,
    /// What it does.
    pub op: Op,
    /// The keys every step may carry; absent for a bare step.
    pub keys: Option<Box<Keys>>,
}

/// The common keys of a step.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// False: the step is skipped. Evaluated once, when the step starts.
    pub condition: Option<Arc<Expression>>,
    /// The step is there for its side effects: `data` stays, errors are only reported.
    pub tap: bool,
    /// Checked on the `data` the step receives.
    pub input_schema: Option<Schema>,
    /// The wall clock of one attempt.
    pub timeout: Option<Timing>,
    /// As `timeout`: the limit of the agent that the step asks.
    pub limit: Option<Millis>,
    /// How a failed attempt is repeated.
    pub retry: Option<Retry>,
    /// What handles a failure after the last attempt; the first that matches.
    pub catch: Vec<Handler>,
    /// Runs once after the step, however it ended.
    pub cleanup: Option<BlockId>,
    /// Maps the raw result.
    pub output: Option<Build>,
    /// Checked on the mapped result.
    pub output_schema: Option<Schema>,
    /// Puts the result into `data` under this key instead of replacing `data`.
    pub into: Option<Name>,
    /// Keys of the workflow state to replace when the step has succeeded.
    pub set_state: Vec<(Name, Build)>,
}

/// How a failed attempt is repeated (rule 25).
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// The wait before the second attempt.
    pub delay: Millis,
    /// What each further wait is multiplied with.
    pub backoff: f64,
    /// No wait is longer than this.
    pub max_delay: Option<Millis>,
    /// The share, from 0 to 1, by which a wait varies.
    pub jitter: f64,
    /// The error codes that are repeated; `None` is the default list of rule 25.
    pub on: Option<Vec<CodePattern>>,
}

/// An error code, or all codes of an area: `http.status`, `exec.*`, `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodePattern(pub Name);

impl CodePattern {
    /// Whether the code is meant.
    pub fn matches(&self, code: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some("") => true,
            Some(area) => code.starts_with(area),
            None => code == &*self.0,
        }
    }
}

/// A `catch` handler (rule 27).
#[derive(Clone, Debug)]
pub struct Handler {
    /// The codes it handles; `None` handles every code.
    pub on: Option<Vec<CodePattern>>,
    /// Must be true of `error` too.
    pub when: Option<Arc<Expression>>,
    /// What runs instead.
    pub block: BlockId,
}

/// What a node does: the closed set of operations the interpreter knows.
///
/// Step kinds, Foundry actions and Dify nodes all lower to these.
#[derive(Clone, Debug)]
pub enum Op {
    /// Evaluates a new value.
    Set(Build),
    /// Evaluates `data` with some keys added or replaced.
    Assign(Vec<(Name, Build)>),
    /// Has the outside world do something.
    Call(Box<Call>),
    /// Waits for a person: a resume payload.
    Suspend(Box<Suspend>),
    /// Waits for a named event.
    WaitFor(Box<WaitFor>),
    /// Waits for a moment.
    Sleep(Sleep),
    /// Puts a named event into the stream.
    Emit {
        /// False: nothing happens.
        when: Option<Arc<Expression>>,
        /// The event's name.
        event: Name,
        /// Its data.
        data: Build,
        /// What the data must match.
        schema: Option<Schema>,
    },
    /// Raises an error.
    Fail(Box<Fail>),
    /// Finishes the workflow.
    End {
        /// False: nothing happens.
        when: Option<Arc<Expression>>,
        /// The workflow's result.
        output: Option<Build>,
    },
    /// Cancels the run.
    Cancel {
        /// False: nothing happens.
        when: Option<Arc<Expression>>,
        /// Why.
        reason: Option<Build>,
    },
    /// Runs the first block whose condition holds, or the other.
    Choose {
        /// Conditions in order, each with its block.
        arms: Vec<(Arc<Expression>, BlockId)>,
        /// Runs when no condition holds; without it `data` stays.
        otherwise: Option<BlockId>,
    },
    /// Goes on at another node of the same block.
    Jump(Box<Jump>),
    /// Runs blocks beside each other.
    Fork(Box<Fork>),
    /// Runs a block for each item of a list.
    ForEach(Box<ForEach>),
    /// Runs a block again and again.
    Loop(Box<Loop>),
    /// Runs a block.
    Block(BlockId),
    /// Checks `data`, or corrects it.
    Guard(Vec<GuardRule>),
    /// Runs another workflow as a child.
    Enter(Box<Enter>),
    /// Asks an agent: turns of its model and calls of its tools, until it has an answer.
    Agent(Box<Ask>),
    /// Waits for a person to allow the call of a tool, if that has to be asked.
    Approve(Box<Approve>),
}

/// A call of the outside world, as it was written. [`Request`](crate::run::Request) is the same with values.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whom to call, with what.
    pub target: Target,
    /// Checked on the raw result (rule 21); a mismatch is `schema.output`.
    pub result_schema: Option<Schema>,
}

/// Whom a call reaches.
#[derive(Clone, Debug)]
pub enum Target {
    /// An HTTP request.
    Http {
        /// GET, POST, ...
        method: Name,
        /// The URL.
        url: Build,
        /// Query parameters; null values are dropped.
        query: Option<Build>,
        /// Headers.
        headers: Option<Build>,
        /// A text as it is, everything else as JSON.
        body: Option<Build>,
        /// The statuses that are a success.
        accept: Vec<StatusRange>,
    },
    /// A process, never through a shell.
    Exec {
        /// Program and arguments: null dropped, lists spliced.
        command: Build,
        /// Environment variables.
        env: Option<Build>,
        /// A text as it is, everything else as JSON; by default `data` as JSON.
        stdin: Option<Build>,
        /// How stdout is read.
        stdout: Stdout,
    },
    /// A tool of an MCP server.
    Mcp {
        /// The server's name in the configuration.
        server: Name,
        /// The tool.
        tool: Name,
        /// Its arguments.
        arguments: Option<Build>,
    },
    /// A tool of an MCP server that the workflow itself knows the address of.
    McpAt(Box<McpAt>),
    /// A function that the embedding program registered.
    Function {
        /// The name it was registered under.
        name: Name,
        /// What it gets; by default `data`.
        arguments: Option<Build>,
    },
    /// The conversations that the store of the run keeps.
    Conversation(Box<Converse>),
}

/// A call of a tool of an MCP server by its address. What the configuration knows of a server of that name or address
/// counts.
#[derive(Clone, Debug)]
pub struct McpAt {
    /// The name that the workflow gives the server.
    pub label: Option<Name>,
    /// Its address.
    pub url: Build,
    /// The tool; `tools/list` lists them.
    pub tool: Build,
    /// Headers of the requests.
    pub headers: Option<Build>,
    /// The arguments of the tool.
    pub arguments: Option<Build>,
}

/// Statuses from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StatusRange {
    /// The lowest status.
    pub first: u16,
    /// The highest status.
    pub last: u16,
}

/// How the output of a process is read (rule 23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stdout {
    /// JSON where it looks like JSON and parses, else text.
    #[default]
    Auto,
    /// JSON, or the call fails.
    Json,
    /// Text without its last newline.
    Text,
    /// A list of lines.
    Lines,
}

/// A wait for a resume payload.
#[derive(Clone, Debug, Default)]
pub struct Suspend {
    /// False: nothing happens.
    pub when: Option<Arc<Expression>>,
    /// Why the run waits, for people.
    pub reason: Option<Build>,
    /// What the person sees.
    pub data: Option<Build>,
    /// What `data` must match.
    pub data_schema: Option<Schema>,
    /// What the payload must match.
    pub resume_schema: Option<Schema>,
    /// The event that asks, where the workflow declares one.
    pub request: Option<Name>,
    /// The event that answers, where the workflow declares one.
    pub response: Option<Name>,
    /// The choices offered, as written.
    pub actions: Option<Data>,
    /// When the wait ends by itself.
    pub timeout: Option<Timing>,
    /// What happens then.
    pub on_timeout: OnTimeout,
}

/// What happens when nobody answered in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnTimeout {
    /// The step fails.
    #[default]
    Fail,
    /// The step returns nothing.
    Continue,
}

/// A wait for a named event (rule 34).
#[derive(Clone, Debug)]
pub struct WaitFor {
    /// The event's name.
    pub event: Name,
    /// Must be true of `event`.
    pub filter: Option<Arc<Expression>>,
    /// What the event's data must match.
    pub schema: Option<Schema>,
    /// When the wait ends by itself, as an error.
    pub timeout: Option<Timing>,
}

/// A wait for a moment.
#[derive(Clone, Debug)]
pub enum Sleep {
    /// For a duration.
    For(Timing),
    /// Until an instant; a past one is over at once.
    Until(Build),
}

/// An error to raise.
#[derive(Clone, Debug)]
pub enum Fail {
    /// A new error.
    New {
        /// False: nothing happens.
        when: Option<Arc<Expression>>,
        /// The code.
        code: Name,
        /// What people read.
        message: Option<Build>,
        /// What programs read.
        data: Option<Build>,
    },
    /// An error that was caught: `fail: =error`.
    Again(Arc<Expression>),
}

/// Where a block goes on, other than at the node that follows.
///
/// `data` stays, so the common keys about a result mean nothing here; and a jump has no `cleanup`.
#[derive(Clone, Debug)]
pub struct Jump {
    /// Conditions in order, each with the node at which the block goes on when it holds; the first that holds counts.
    pub arms: Vec<(Arc<Expression>, Aim)>,
    /// Where it goes on when none holds; `None`: the node that follows.
    pub otherwise: Option<Aim>,
    /// How many jumps backwards its block may make in all before this one fails (`loop.limit`).
    pub limit: u32,
}

/// A node of the same block, or behind its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// This node, which may be the jump itself.
    Node(NodeId),
    /// The end of the block.
    End,
}

impl Jump {
    /// Where it goes on by the n-th arm; behind the last arm stands what happens when none holds.
    pub fn aim(&self, arm: u32) -> Option<Aim> {
        match self.arms.get(arm as usize) {
            Some((_, aim)) => Some(*aim),
            None if arm as usize == self.arms.len() => self.otherwise,
            None => None,
        }
    }

    /// All places where it may go on, each with what a drawing writes there.
    pub fn aims(&self) -> Vec<(Aim, String)> {
        let arms = self.arms.iter();
        let mut aims: Vec<_> = arms
            .map(|(when, aim)| (*aim, when.source().trim().to_owned()))
            .collect();
        let rest = if aims.is_empty() { "" } else { "else" };
        aims.extend(self.otherwise.map(|aim| (aim, rest.to_owned())));
        aims
    }

    /// Makes the nodes of a graph those of a program.
    pub(super) fn shift(&mut self, by: u32) {
        let arms = self.arms.iter_mut().map(|(_, aim)| aim);
        for aim in arms.chain(&mut self.otherwise) {
            if let Aim::Node(node) = aim {
                node.0 += by;
            }
        }
    }
}

/// Blocks that run beside each other.
#[derive(Clone, Debug)]
pub struct Fork {
    /// The branches, in declared order.
    pub branches: Vec<Branch>,
    /// What makes the whole of their ends.
    pub join: Join,
    /// How many run at once; `None` is all.
    pub concurrency: Option<u32>,
    /// Whether the result is an object by key rather than a list.
    pub keyed: bool,
    /// Runs when branches have conditions and none holds.
    pub otherwise: Option<BlockId>,
}

/// One branch of a fork.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Its key, in a mapping.
    pub key: Option<Name>,
    /// False: it does not run and gives null.
    pub condition: Option<Arc<Expression>>,
    /// Its steps.
    pub block: BlockId,
}

/// What makes a whole of the ends of several branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// All values; the first failure cancels the others.
    All,
    /// All ends, as `{status, output | error}`.
    Settle,
    /// The first end, whatever it is.
    FirstSettled,
    /// The first value; an error only when all have failed.
    FirstSuccess,
}

/// A block for each item.
#[derive(Clone, Debug)]
pub struct ForEach {
    /// The list.
    pub items: Build,
    /// The name of the item in scope.
    pub item: Name,
    /// How many run at once.
    pub concurrency: u32,
    /// The steps for one item.
    pub block: BlockId,
    /// Whether each end is collected instead of the first failure ending all.
    pub settle: bool,
}

/// A block that runs until its condition says so.
#[derive(Clone, Debug)]
pub struct Loop {
    /// Its steps.
    pub block: BlockId,
    /// Evaluated behind each iteration, on its `data`.
    pub condition: Arc<Expression>,
    /// The outcome of the condition that ends the loop: true for until, false for while.
    pub ends_on: bool,
    /// How many iterations there may be.
    pub max_iterations: Build,
    /// What happens when they are used up.
    pub on_limit: OnLimit,
}

/// What happens when a loop has used up its iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnLimit {
    /// `loop.limit`.
    #[default]
    Fail,
    /// The loop ends with the `data` it has.
    Continue,
}

/// One rule of a guardrail.
#[derive(Clone, Debug)]
pub struct GuardRule {
    /// Must hold.
    pub require: Arc<Expression>,
    /// What people read when it does not.
    pub message: Option<Build>,
    /// What happens then: `None` is an error, `Some` is the value that replaces `data`.
    pub rewrite: Option<Build>,
}

/// A child workflow.
#[derive(Clone, Debug)]
pub struct Enter {
    /// The id of the workflow.
    pub workflow: Name,
    /// The version, where one was asked for.
    pub version: Option<Name>,
    /// What it gets; by default `data`.
    pub input: Option<Build>,
    /// The workflow itself, once a [`Program`](crate::graph::Program) is linked.
    pub target: Option<WorkflowId>,
}

/// A question to an agent.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The id of the agent.
    pub agent: Name,
    /// The name of the agent, where only the run tells it: every agent that may be meant is
    /// [put in](crate::graph::Graph::with_agents) then.
    pub chosen: Option<Build>,
    /// The agent itself, once it has been [put in](crate::graph::Graph::with_agents).
    pub definition: Option<Arc<Agent>>,
    /// The last message.
    pub prompt: Option<Build>,
    /// Earlier messages.
    pub messages: Option<Build>,
    /// What it is asked where nothing else is said, neither here nor in the conversation.
    pub otherwise: Option<Build>,
    /// The conversation it belongs to: an id, or false for none; by default that of the run.
    pub conversation: Option<Build>,
    /// The shape of the answer.
    pub schema: Option<Schema>,
    /// What it may call: the tools of the step, and behind them those of the agent once it has been put in.
    pub tools: Vec<Tool>,
    /// Whether the time limit of the step comes from `defaults`, which never end the wait for a person (rule 26).
    pub defaulted: bool,
}

impl Ask {
    /// The shape of the answer: that of the step, or else that of the agent.
    pub fn answer_schema(&self) -> Option<&Schema> {
        let own = self.definition.as_ref().and_then(|agent| agent.schema.as_ref());
        self.schema.as_ref().or(own)
    }
}

/// The question whether a tool may be called (rule 35).
#[derive(Clone, Debug)]
pub struct Approve {
    /// The tool.
    pub tool: Name,
    /// True of `arguments`: a person is asked.
    pub when: Arc<Expression>,
    /// What the answer must match.
    pub schema: Schema,
}

impl Node {
    /// Whether its block may go on at the node that follows: not behind what jumps in any case.
    pub fn goes_on(&self) -> bool {
        let keys = self.keys.as_deref();
        match &self.op {
            Op::Jump(jump) if jump.otherwise.is_some() => {
                keys.is_some_and(|keys| keys.condition.is_some() || keys.tap || !keys.catch.is_empty())
            }
            _ => true,
        }
    }
}

impl Op {
    /// What the payload of the wait for a person must match; `None` where nobody is waited for. Inside, `None` is
    /// anything.
    pub fn resume_schema(&self) -> Option<Option<&Schema>> {
        match self {
            Op::Suspend(suspend) => Some(suspend.resume_schema.as_ref()),
            Op::Approve(approve) => Some(Some(&approve.schema)),
            _ => None,
        }
    }

    /// The first word for what it does, as in a drawing: `call`, `wait`, `fork`.
    pub fn label(&self) -> &'static str {
        match self {
            Op::Set(_) | Op::Assign(_) => "set",
            Op::Call(call) => match &call.target {
                Target::Http { .. } => "http",
                Target::Exec { .. } => "exec",
                Target::Mcp { .. } | Target::McpAt(_) => "mcp",
                Target::Function { .. } => "function",
                Target::Conversation(_) => "conversation",
            },
            Op::Suspend(_) => "suspend",
            Op::WaitFor(_) => "waitFor",
            Op::Sleep(_) => "sleep",
            Op::Emit { .. } => "emit",
            Op::Fail(_) => "fail",
            Op::End { .. } => "end",
            Op::Cancel { .. } => "cancel",
            Op::Choose { .. } => "choose",
            Op::Jump(_) => "jump",
            Op::Fork(fork) => match fork.join {
                Join::All | Join::Settle => "all",
                Join::FirstSettled | Join::FirstSuccess => "race",
            },
            Op::ForEach(_) => "for each",
            Op::Loop(_) => "loop",
            Op::Block(_) => "block",
            Op::Guard(_) => "guard",
            Op::Enter(_) => "workflow",
            Op::Agent(_) => "agent",
            Op::Approve(_) => "approve",
        }
    }
}

/// Slots of the step records of a block and of all that is inside it, for-each bodies excepted.
pub type Slots = Range<u32>;
