//! Steps: one file per kind, and the list of kinds.

use std::sync::Arc;

use super::fields::Fields;
use super::foreign;
use super::keys::{self, Schemas};
use super::outline::{Part, ResultOutline, StepIndex, StepOutline};
use super::reader::Reader;
use super::unit::{self, Task, UnitKind};
use crate::data::Data;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Build, Expression};
use crate::graph::{BlockId, Keys, Name, Node, NodeId, Op};
use crate::source::Span;
use crate::yaml::{self, Value};

mod branches;
mod repeat;

/// Declares every step kind once: its variant, its tag in the file, and the module that reads it. The text is the
/// kind's documentation in the JSON Schema and the manual.
macro_rules! step_kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $tag:literal in $module:ident,)+) => {
        $(mod $module;)+

        /// The kinds of steps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum StepKind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl StepKind {
            /// Every kind, in the order of the manual.
            pub const ALL: &'static [StepKind] = &[$(StepKind::$variant,)+];

            /// The tag in the file.
            pub fn tag(self) -> &'static str {
                match self { $(StepKind::$variant => $tag,)+ }
            }

            /// What it does, in a sentence or two.
            pub fn summary(self) -> &'static str {
                match self { $(StepKind::$variant => concat!($($doc, "\n"),+).trim_ascii(),)+ }
            }

            /// Reads the keys that belong to this kind alone.
            fn read(self, reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
                match self { $(StepKind::$variant => $module::read(reader, step),)+ }
            }
        }
    };
}

step_kinds! {
    /// Does one unit of work.
    Then = "andThen" in then,
    /// Does a unit of work, or runs steps, if a condition holds; otherwise `data` stays and the status is `skipped`.
    When = "andWhen" in when,
    /// Runs all branches whose conditions hold, or with `match: first` only the first.
    Branch = "andBranch" in branch,
    /// Runs branches beside each other, all with the same `data`.
    All = "andAll" in all,
    /// Runs branches beside each other until the first has settled; the others are cancelled.
    Race = "andRace" in race,
    /// Does something for its side effects: `data` stays, errors are only reported.
    Tap = "andTap" in tap,
    /// Runs steps for each item of a list.
    ForEach = "andForEach" in for_each,
    /// Runs steps again as long as a condition holds; the first time without asking.
    DoWhile = "andDoWhile" in do_while,
    /// Runs steps again until a condition holds; the first time without asking.
    DoUntil = "andDoUntil" in do_until,
    /// Builds a new object.
    Map = "andMap" in map,
    /// Waits for a duration.
    Sleep = "andSleep" in sleep,
    /// Waits until an instant.
    SleepUntil = "andSleepUntil" in sleep_until,
    /// Asks an agent.
    Agent = "andAgent" in agent,
    /// Runs another workflow.
    Workflow = "andWorkflow" in workflow,
    /// Checks `data`, or corrects it.
    Guardrail = "andGuardrail" in guardrail,
    /// Runs steps, handles their errors and cleans up.
    Try = "andTry" in r#try,
}

impl StepKind {
    /// Another name of the kind in the file.
    pub fn short(self) -> Option<&'static str> {
        match self {
            StepKind::Agent => Some("agent"),
            StepKind::Workflow => Some("workflow"),
            _ => None,
        }
    }

    /// The kind of a tag or a short name.
    fn parse(tag: &str) -> Option<StepKind> {
        let named = |kind: &StepKind| kind.tag() == tag || kind.short() == Some(tag);
        StepKind::ALL.iter().copied().find(named)
    }
}

/// A step being read.
pub(super) struct Step<'n> {
    /// Its keys.
    pub fields: Fields<'n>,
    /// Its place in the outline.
    pub index: StepIndex,
    pub id: Name,
    pub kind: StepKind,
    pub schemas: Schemas,
}

/// What a step kind comes to.
pub(super) struct Lowered {
    pub op: Op,
    pub result: ResultOutline,
    /// False: the step is skipped.
    pub condition: Option<Arc<Expression>>,
    /// Whether `data` stays whatever happens.
    pub tap: bool,
}

impl Lowered {
    pub fn new(op: Op, result: ResultOutline) -> Lowered {
        Lowered {
            op,
            result,
            condition: None,
            tap: false,
        }
    }
}

impl<'n> Step<'n> {
    /// The one unit of work that the step has; `instead` are the keys that could have stood there.
    fn unit(&mut self, reader: &mut Reader, instead: &[&'static str]) -> Option<Lowered> {
        let (kind, entry) = unit::only(reader, &mut self.fields, instead)?;
        let task = Task {
            kind,
            entry,
            step: self.index,
            schemas: self.schemas.clone(),
        };
        let done = task.read(reader)?;
        Some(Lowered::new(done.op, done.result))
    }

    /// The required list `steps`.
    fn steps(&mut self, reader: &mut Reader, part: Part) -> Option<BlockId> {
        let entry = self.fields.required("steps", "[...]")?;
        Some(reader.block("steps", &entry.value, Some((self.index, part))))
    }
}

impl Reader<'_> {
    /// A list of steps, which must not be empty.
    pub fn block(&mut self, key: &str, node: &yaml::Node, parent: Option<(StepIndex, Part)>) -> BlockId {
        let mut nodes = Vec::new();
        match &node.value {
            Value::List(items) if items.is_empty() => {
                let message = format!("`{key}` is empty");
                let help = "write at least one step, as `- kind: andThen`";
                self.report(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
            }
            Value::List(items) => {
                for (position, item) in items.iter().enumerate() {
                    nodes.extend(self.step(item, parent, position));
                }
            }
            Value::Map(_) if node.get("kind").is_some() => {
                let help = format!("put a dash before the step: `{key}:` and below it `- kind: ...`");
                self.wrong_type(key, node, "a list of steps", help);
            }
            Value::Scalar(_) | Value::Map(_) => {
                let help = format!("write `{key}:` and below it one `- kind: ...` for each step");
                self.wrong_type(key, node, "a list of steps", help);
            }
        }
        self.builder.block(nodes)
    }

    /// A branch: a step or a list of steps (rule 15).
    pub fn branch(&mut self, key: &str, node: &yaml::Node, owner: StepIndex, part: Part) -> BlockId {
        if node.as_map().is_none() {
            return self.block(key, node, Some((owner, part)));
        }
        let nodes = self.step(node, Some((owner, part)), 0).into_iter().collect();
        self.builder.block(nodes)
    }

    /// Steps, or one unit of work that stands where steps could.
    fn unit_or_steps(&mut self, step: &Step<'_>, key: &str, node: &yaml::Node, suffix: &str, part: Part) -> BlockId {
        let Value::Map(entries) = &node.value else {
            return self.block(key, node, Some((step.index, part)));
        };
        if node.get("kind").is_some() {
            return self.branch(key, node, step.index, part);
        }
        let mut fields = Fields::new(entries, format!("`{key}`"), node.span).in_step(Some(step.index));
        let found = unit::only(self, &mut fields, &[]);
        let nodes = found.and_then(|(kind, entry)| {
            self.bare_unit(&step.id, step.index, kind, entry, suffix, part, step.schemas.clone())
        });
        fields.close(self);
        self.builder.block(nodes.into_iter().collect())
    }

    /// A unit of work without a step of its own; its address is that of its owner and a suffix.
    #[allow(
        clippy::too_many_arguments,
        reason = "each says something else about the unit's place"
    )]
    pub fn bare_unit(
        &mut self,
        owner_id: &Name,
        owner: StepIndex,
        kind: UnitKind,
        entry: &yaml::Entry,
        suffix: &str,
        part: Part,
        schemas: Schemas,
    ) -> Option<NodeId> {
        let id: Name = format!("{owner_id}/{suffix}").into();
        let span = entry.key_span.to(entry.value.span);
        let index = self.outline_step(id.clone(), entry.key_span, span, kind.key(), Some((owner, part)), 0);
        self.outline.steps[index.0].named = false;
        let task = Task {
            kind,
            entry,
            step: index,
            schemas,
        };
        let mut done = task.read(self)?;
        self.outline.steps[index.0].result = done.result;
        let mut keys = Keys::default();
        self.defaults.apply(&mut done.op, &mut keys);
        Some(self.builder.node(Node {
            id,
            kind: kind.key(),
            name: None,
            purpose: None,
            origin: span,
            named: false,
            op: done.op,
            keys: keys::some(keys),
        }))
    }

    fn step(&mut self, node: &yaml::Node, parent: Option<(StepIndex, Part)>, position: usize) -> Option<NodeId> {
        let Value::Map(entries) = &node.value else {
            let help = "a step is a mapping: `- kind: andThen`, `  id: ...`";
            self.wrong_type("steps", node, "a step", help);
            return None;
        };
        let kind_entry = entries.iter().find(|entry| &*entry.key == "kind");
        let Some(kind) = kind_entry.map(|entry| self.kind(&entry.value)) else {
            self.missing_kind(entries, node.span);
            // The id is known all the same, so that nobody is told that it is not.
            if let Some(id) = node.get("id") {
                self.step_id(id);
            }
            return None;
        };
        let anchor = kind_entry.map_or(node.span, |entry| entry.value.span);
        let id_node = node.get("id");
        let id = id_node.and_then(|id| self.step_id(id));
        let named = id.is_some();
        let id: Name = id.unwrap_or_else(|| "".into());
        let id_span = id_node.map_or(anchor, |id| id.span);
        let tag = kind.map_or("", StepKind::tag);
        let index = self.outline_step(id.clone(), id_span, node.span, tag, parent, position);
        self.outline.steps[index.0].named = named;
        // Without a kind nothing says which keys belong here.
        let kind = kind?;
        let mut fields = Fields::new(entries, format!("an `{tag}` step"), node.span)
            .anchored(anchor)
            .in_step(Some(index))
            .foreign(foreign::in_step);
        fields.knows("kind");
        fields.required("id", "some-id");
        let name = fields.name(self, "name");
        let purpose = fields.name(self, "purpose");
        let schemas = Schemas::read(self, &mut fields, index);
        let mut step = Step {
            fields,
            index,
            id: id.clone(),
            kind,
            schemas,
        };
        let lowered = kind.read(self, &mut step);
        let (mut op, result, condition, tap) = match lowered {
            Some(lowered) => (lowered.op, lowered.result, lowered.condition, lowered.tap),
            None => (Op::Set(Build::Literal(Data::Null)), ResultOutline::Unknown, None, false),
        };
        self.outline.steps[index.0].result = result;
        let mut keys = keys::read(self, &mut step);
        keys.condition = condition;
        keys.tap = tap;
        self.defaults.apply(&mut op, &mut keys);
        if let Op::Agent(ask) = &op {
            keys.limit = ask.definition.as_ref().and_then(|agent| agent.limits.time);
        }
        step.fields.close(self);
        Some(self.builder.node(Node {
            id,
            kind: tag,
            name,
            purpose,
            origin: node.span,
            named,
            op,
            keys: keys::some(keys),
        }))
    }

    /// The kind of a step; outside `None` there is none, inside it is not known.
    fn kind(&mut self, node: &yaml::Node) -> Option<StepKind> {
        let tag = self.literal_text("kind", node)?;
        let kind = StepKind::parse(&tag);
        if kind.is_none() {
            let message = format!("there is no step kind `{tag}`");
            let tags = StepKind::ALL.iter().map(|kind| kind.tag());
            let mut diagnostic = Diagnostic::error(Code::UnknownKind, node.span, message).suggest(&tag, tags.clone());
            if UnitKind::parse(&tag).is_some() {
                diagnostic = diagnostic.help(format!(
                    "`{tag}` is a unit of work: write `kind: andThen` and `{tag}: ...`"
                ));
            } else if let Some(kind) = foreign::kind(&tag) {
                diagnostic = diagnostic.help(format!("what other systems call `{tag}` is `{kind}` here"));
            } else if diagnostic.help.is_empty() {
                let tags: Vec<String> = tags.map(|tag| format!("`{tag}`")).collect();
                diagnostic = diagnostic.help(format!("the kinds are {}", tags.join(", ")));
            }
            self.report(diagnostic);
        }
        kind
    }

    fn missing_kind(&mut self, entries: &[yaml::Entry], span: Span) {
        let anchor = entries.first().map_or(span, |entry| entry.key_span);
        let names_a_kind = |entry: &yaml::Entry| entry.value.as_str().is_some_and(|tag| StepKind::parse(tag).is_some());
        let mistyped = entries
            .iter()
            .find(|entry| crate::diagnostic::closest(&entry.key, ["kind"]).is_some() || names_a_kind(entry));
        let foreign = entries.iter().find_map(|entry| foreign::in_step(&entry.key));
        let has_unit = entries.iter().any(|entry| UnitKind::parse(&entry.key).is_some());
        let diagnostic = match mistyped {
            Some(entry) => {
                let message = format!("a step begins with `kind`, not `{}`", entry.key);
                let finding = Diagnostic::error(Code::UnknownKey, entry.key_span, message);
                match crate::diagnostic::closest(&entry.key, ["kind"]) {
                    Some(_) => finding.suggest(&entry.key, ["kind"]),
                    None => finding.help("write `kind`").fix(entry.key_span, "kind"),
                }
            }
            None => Diagnostic::error(Code::MissingKey, anchor, "a step needs `kind`")
                .here("`kind` is missing")
                .help(match (has_unit, foreign) {
                    (true, _) => "a step with one unit of work is `kind: andThen`",
                    (false, Some(help)) => help,
                    (false, None) => "add for example `kind: andThen`",
                }),
        };
        self.report(diagnostic);
    }

    /// Notes a tool of an agent down, which is a step without an id.
    pub fn outline_tool(&mut self, span: Span, parent: Option<(StepIndex, Part)>, position: usize) -> StepIndex {
        let index = self.outline_step("".into(), span, span, "tool", parent, position);
        self.outline.steps[index.0].named = false;
        index
    }

    /// Notes a step down, before what is inside it.
    fn outline_step(
        &mut self,
        id: Name,
        id_span: Span,
        span: Span,
        kind: &'static str,
        parent: Option<(StepIndex, Part)>,
        position: usize,
    ) -> StepIndex {
        self.outline.steps.push(StepOutline {
            id,
            id_span,
            named: true,
            span,
            kind,
            parent,
            position,
            result: ResultOutline::Unknown,
            into: None,
            input_schema: None,
            output_schema: None,
            resume_schema: None,
            output: None,
            conditional: false,
            catches: false,
            item: None,
            items: None,
            calls: None,
            agent: None,
            tool: None,
            shows: None,
            ends: None,
        });
        StepIndex(self.outline.steps.len() - 1)
    }
}
