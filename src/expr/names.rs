use std::ops::Range;
use std::sync::Arc;

use crate::data::Data;

/// What a path in an expression starts from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// `input`: what the caller sent.
    Input,
    /// `data`: what the step received.
    Data,
    /// `state`: the workflow state.
    State,
    /// `context`: what the caller gave besides the input.
    Context,
    /// `execution`: facts about the run.
    Execution,
    /// `env`: the permitted environment variables.
    Env,
    /// `secrets`: references to secrets, never their values.
    Secrets,
    /// `index`: the position in the loop, from 0.
    Index,
    /// `resume`: the payload of a resume.
    Resume,
    /// `error`: the error a handler handles.
    Error,
    /// `result`: the raw result of the step's unit.
    Result,
    /// `response`: the HTTP response.
    Response,
    /// `winner`: the branch that won a race.
    Winner,
    /// `attempt`: the number of the attempt, from 1.
    Attempt,
    /// `event`: the event a wait looks at.
    Event,
    /// `arguments`: the arguments of a tool call.
    Arguments,
    /// `trigger`: what started the run.
    Trigger,
    /// `output`: the step's output, in `setState`.
    Output,
    /// `now()`: the recorded time of the step, as RFC 3339 text.
    Now,
    /// Any other name: a loop's item, a name given with `as`, or a mistake.
    Local(Arc<str>),
    /// `steps.<id>.<part>`, the id as it is written (with dashes or underscores).
    Step {
        /// The id as written.
        id: Arc<str>,
        /// What is read of the step.
        part: StepPart,
    },
}

/// What can be read of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepPart {
    /// What left the step.
    Output,
    /// What it received.
    Input,
    /// Its status.
    Status,
    /// The error it ended with.
    Error,
}

impl StepPart {
    /// The names of all parts.
    pub const NAMES: [&'static str; 4] = ["output", "input", "status", "error"];

    /// The part of a name.
    pub fn parse(name: &str) -> Option<StepPart> {
        match name {
            "output" => Some(StepPart::Output),
            "input" => Some(StepPart::Input),
            "status" => Some(StepPart::Status),
            "error" => Some(StepPart::Error),
            _ => None,
        }
    }

    /// The name as written.
    pub fn name(self) -> &'static str {
        match self {
            StepPart::Output => "output",
            StepPart::Input => "input",
            StepPart::Status => "status",
            StepPart::Error => "error",
        }
    }
}

impl Root {
    /// The root of a name that stands alone; unknown names are [`Root::Local`]. `steps` is no root by itself.
    pub fn from_name(name: &str) -> Root {
        Root::fixed(name).unwrap_or_else(|| Root::Local(name.into()))
    }

    /// The root of a name that has the same meaning everywhere.
    pub(super) fn fixed(name: &str) -> Option<Root> {
        Some(match name {
            "input" => Root::Input,
            "data" => Root::Data,
            "state" => Root::State,
            "context" => Root::Context,
            "execution" => Root::Execution,
            "env" => Root::Env,
            "secrets" => Root::Secrets,
            "index" => Root::Index,
            "resume" => Root::Resume,
            "error" => Root::Error,
            "result" => Root::Result,
            "response" => Root::Response,
            "winner" => Root::Winner,
            "attempt" => Root::Attempt,
            "event" => Root::Event,
            "arguments" => Root::Arguments,
            "trigger" => Root::Trigger,
            "output" => Root::Output,
            _ => return None,
        })
    }
}

impl std::fmt::Display for Root {
    /// As an author would write it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Root::Input => "input",
            Root::Data => "data",
            Root::State => "state",
            Root::Context => "context",
            Root::Execution => "execution",
            Root::Env => "env",
            Root::Secrets => "secrets",
            Root::Index => "index",
            Root::Resume => "resume",
            Root::Error => "error",
            Root::Result => "result",
            Root::Response => "response",
            Root::Winner => "winner",
            Root::Attempt => "attempt",
            Root::Event => "event",
            Root::Arguments => "arguments",
            Root::Trigger => "trigger",
            Root::Output => "output",
            Root::Now => "now()",
            Root::Local(name) => name,
            Root::Step { id, part } if id.contains('-') => return write!(f, "steps['{id}'].{}", part.name()),
            Root::Step { id, part } => return write!(f, "steps.{id}.{}", part.name()),
        })
    }
}

/// A link of a path behind its root.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A property.
    Key(Arc<str>),
    /// An element; negative positions count from the end.
    Index(i64),
    /// Only known when evaluated.
    Dynamic,
}

/// A path from a root as it occurs in an expression or template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where the path starts.
    pub root: Root,
    /// The links behind the root.
    pub path: Vec<Segment>,
    /// The bytes of the whole path.
    pub range: Range<usize>,
    /// The bytes of the root's name; of a step, those of its id.
    pub name: Range<usize>,
    /// Whether every link may be missing (rule 4: directly under `default`, `is defined` or `is undefined`).
    pub optional: bool,
    /// The bytes of each link of `path`.
    pub segments: Vec<Range<usize>>,
}

/// The values of the names in scope.
pub trait Names {
    /// The value of a root; `None` where it is undefined, such as `resume` without a resume.
    fn get(&self, root: &Root) -> Option<Data>;
}

impl<F: Fn(&Root) -> Option<Data>> Names for F {
    fn get(&self, root: &Root) -> Option<Data> {
        self(root)
    }
}
