//! What `data` is on its way through the steps, and with it the type of every name at every place.
//!
//! Types are upper bounds: a value that can occur is always allowed by the type. Where a step's result cannot be told,
//! its type is any.

use std::sync::Arc;

use super::map::Map;
use crate::contract::{Kinds, Type};
use crate::data::Data;
use crate::expr::{Build, Root, StepPart};
use crate::language::native::outline::{Field, Outline, Part, ResultOutline, Site, StepIndex, StepOutline};
use crate::yaml::Node;

/// The types around one step.
#[derive(Clone)]
pub(super) struct StepTypes {
    /// `data`, in all its fields.
    pub received: Type,
    /// `result`, in `output`.
    pub raw: Type,
    /// `output`, in `setState`.
    pub output: Type,
    /// `steps.<id>.output`.
    pub left: Type,
    /// `data` in a loop's condition.
    pub body: Type,
    /// The item of a for-each.
    pub item: Type,
    /// Whether the steps behind it can run.
    pub goes_on: bool,
}

/// The types of a workflow.
pub(super) struct Flow<'a> {
    outline: &'a Outline,
    map: &'a Map<'a>,
    steps: Vec<StepTypes>,
    state: Type,
    /// The last `data`; none if the last step is never left.
    pub end: Option<Type>,
}

impl<'a> Flow<'a> {
    /// Follows `data` from the input to the end; `child` knows the results of child workflows.
    pub(super) fn of(outline: &'a Outline, map: &'a Map<'a>, child: &dyn Fn(StepIndex) -> Option<Type>) -> Flow<'a> {
        let unknown = StepTypes {
            received: Type::any(),
            raw: Type::any(),
            output: Type::any(),
            left: Type::any(),
            body: Type::any(),
            item: Type::any(),
            goes_on: true,
        };
        let mut flow = Flow {
            outline,
            map,
            steps: vec![unknown; outline.steps.len()],
            state: state(outline, map),
            end: None,
        };
        let mut walk = Walk {
            flow: &mut flow,
            child,
            draft: false,
        };
        let input = outline.input.as_ref().map_or_else(Type::any, |schema| schema.ty());
        let end = walk.list(None, Some(input));
        flow.end = end;
        flow
    }

    /// The types around a step.
    pub(super) fn at(&self, step: StepIndex) -> &StepTypes {
        &self.steps[step.0]
    }

    /// The type of a root at a place.
    pub(super) fn root(&self, step: Option<StepIndex>, field: Field, root: &Root) -> Type {
        let own = step.map(|step| (step, self.map.step(step), self.at(step)));
        match root {
            Root::Input => self.outline.input.as_ref().map_or_else(Type::any, |schema| schema.ty()),
            Root::Context => self
                .outline
                .context
                .as_ref()
                .map_or_else(Type::any, |schema| schema.ty()),
            Root::State => self.state.clone(),
            Root::Execution => object([
                ("id", Type::text()),
                ("workflow", Type::text()),
                ("startedAt", Type::text()),
                ("userId", Type::of_kinds(Kinds::TEXT.or(Kinds::NULL))),
                ("conversationId", Type::of_kinds(Kinds::TEXT.or(Kinds::NULL))),
            ]),
            Root::Index | Root::Attempt => Type::number(),
            Root::Now => Type::text(),
            Root::Error => error(),
            Root::Winner => Type::of_kinds(Kinds::TEXT.or(Kinds::NUMBER)),
            Root::Response if own.is_some_and(|(_, step, _)| step.kind == "andAgent") => Type::any(),
            Root::Response => object([("status", Type::number()), ("headers", Type::of_kinds(Kinds::MAP))]),
            Root::Data => match (field, own) {
                (Field::WorkflowOutput, _) => self.end.clone().unwrap_or_else(Type::any),
                (Field::LoopCondition, Some((_, _, types))) => types.body.clone(),
                // An earlier rule may have replaced it.
                (Field::Guard, Some((step, _, _))) if self.rules(step) > 1 => Type::any(),
                (_, Some((_, _, types))) => types.received.clone(),
                _ => Type::any(),
            },
            Root::Result => own.map_or_else(Type::any, |(_, _, types)| types.raw.clone()),
            Root::Output => own.map_or_else(Type::any, |(_, _, types)| types.output.clone()),
            Root::Resume => own.map_or_else(Type::any, |(_, step, _)| match (&step.resume_schema, &step.result) {
                (Some(schema), _) => schema.ty(),
                (None, ResultOutline::Typed(ty)) => ty.clone(),
                _ => Type::any(),
            }),
            Root::Event => match own {
                Some((_, step, _)) => match &step.result {
                    ResultOutline::Typed(ty) => ty.clone(),
                    _ => Type::any(),
                },
                None => Type::any(),
            },
            Root::Local(name) => step.map_or_else(Type::any, |step| self.local(step, name)),
            Root::Step { id, part } => match (self.map.named(id), part) {
                (_, StepPart::Status) => Type::text(),
                (_, StepPart::Error) => error(),
                (Some(step), StepPart::Output) => self.at(step).left.clone(),
                (Some(step), StepPart::Input) => self.at(step).received.clone(),
                (None, _) => Type::any(),
            },
            Root::Trigger => match field {
                Field::Cron => object([("scheduledAt", Type::text()), ("firedAt", Type::text())]),
                Field::Webhook => object([
                    ("body", Type::any()),
                    ("headers", Type::of_kinds(Kinds::MAP)),
                    ("query", Type::of_kinds(Kinds::MAP)),
                    ("method", Type::text()),
                    ("path", Type::text()),
                ]),
                _ => Type::any(),
            },
            Root::Env | Root::Secrets | Root::Arguments => Type::any(),
        }
    }

    /// The type of a name that a for-each gives.
    fn local(&self, step: StepIndex, name: &str) -> Type {
        for (each, part) in self.map.around(step) {
            if let (Part::Item, Some(item)) = (part, &self.map.step(each).item) {
                if **item == *name {
                    return self.at(each).item.clone();
                }
                if name.strip_suffix("_index") == Some(&**item) {
                    return Type::number();
                }
            }
        }
        Type::any()
    }

    fn rules(&self, step: StepIndex) -> usize {
        self.map
            .key(step, "rules")
            .and_then(Node::as_list)
            .map_or(usize::MAX, <[Node]>::len)
    }

    /// The type of a site's value; of a template's only expression, where there is no more to it.
    pub(super) fn site(&self, site: &Site) -> Type {
        match site.shape() {
            Some((shape, references)) => self.shape(site.step, site.field, shape, references),
            None => Type::text(),
        }
    }
}

/// The way through the steps.
struct Walk<'w, 'a> {
    flow: &'w mut Flow<'a>,
    child: &'w dyn Fn(StepIndex) -> Option<Type>,
    /// Whether a loop around looks for the value its iterations end with. Loops inside are then content with less,
    /// or nested loops would take exponential time.
    draft: bool,
}

/// `data` where steps can run, none behind a step that is never left.
type Reached = Option<Type>;

impl Walk<'_, '_> {
    /// Follows a list of steps.
    fn list(&mut self, list: Option<(StepIndex, Part)>, received: Reached) -> Reached {
        let map = self.flow.map;
        map.list(list).iter().fold(received, |data, step| {
            let next = self.step(*step, data.clone().unwrap_or_else(Type::any));
            // What is behind a step that is never left has unknown types, but stays behind it.
            data.and(next)
        })
    }

    /// A list inside a step.
    fn part(&mut self, step: StepIndex, part: Part, received: Type) -> Reached {
        self.list(Some((step, part)), Some(received))
    }

    fn step(&mut self, at: StepIndex, received: Type) -> Reached {
        let map = self.flow.map;
        let step = map.step(at);
        self.flow.steps[at.0].received = received.clone();
        if let Some(items) = &step.items {
            let items = self.flow.value(Some(at), Field::Own, items);
            self.flow.steps[at.0].item = items.item();
        }
        let mut inside = Inside::default();
        for part in map.parts(at) {
            let given = match part {
                Part::Item => self.flow.at(at).item.clone(),
                Part::Body => self.body(at, &received),
                Part::Tool(_) => Type::null(),
                _ => received.clone(),
            };
            let end = self.part(at, *part, given);
            match part {
                Part::Handler(_) => inside.handlers.extend(end),
                Part::Finally | Part::Tool(_) => {}
                Part::Body => inside.body = end,
                Part::Steps | Part::Branch(_) | Part::Arm(_) | Part::Item => inside.ends.push((*part, end)),
            }
        }
        self.flow.steps[at.0].body = inside.body.clone().unwrap_or_else(Type::any);
        let result = self.result(at, step, &received, &inside);
        self.flow.steps[at.0].raw = result.ty.clone();

        let mut output = match &step.output {
            Some(build) => self.flow.build(at, Field::Output, build),
            None if result.may_be_nothing => Type::union([result.ty, received.clone()]),
            None => result.ty,
        };
        if let Some(schema) = step.output_schema.as_ref().filter(|_| output.is_any()) {
            output = schema.ty();
        }
        let handled = inside.handlers.iter().cloned();
        let output = match result.goes_on {
            true => Type::union(std::iter::once(output).chain(handled)),
            false => Type::union(handled),
        };
        let goes_on = result.goes_on || !inside.handlers.is_empty();
        let left = match &step.into {
            Some(key) => received.with_property(key.clone(), output.clone()),
            None => output.clone(),
        };
        let left = if is_tap(step) { received.clone() } else { left };
        let types = &mut self.flow.steps[at.0];
        types.output = output;
        types.left = left.clone();
        types.goes_on = goes_on || step.conditional || is_tap(step);
        match (goes_on, step.conditional) {
            _ if is_tap(step) => Some(received),
            (true, true) => Some(Type::union([left, received])),
            (true, false) => Some(left),
            (false, true) => Some(received),
            (false, false) => None,
        }
    }

    /// What the body of a loop receives: at first what the loop receives, then what the body left.
    fn body(&mut self, at: StepIndex, received: &Type) -> Type {
        if self.draft {
            return Type::any();
        }
        self.draft = true;
        let end = self.part(at, Part::Body, Type::any());
        self.draft = false;
        Type::union([received.clone(), end.unwrap_or_else(Type::any)])
    }

    fn result(&mut self, at: StepIndex, step: &StepOutline, received: &Type, inside: &Inside) -> Outcome {
        let flow = &*self.flow;
        let ty = match &step.result {
            _ if step.kind == "andGuardrail" => guarded(flow, at, received),
            ResultOutline::Nothing => return Outcome::new(received.clone()),
            ResultOutline::Value(build) => flow.build(at, Field::Own, build),
            ResultOutline::Assign(entries) => entries.iter().fold(received.clone(), |data, (key, value)| {
                data.with_property(key.clone(), flow.build(at, Field::Own, value))
            }),
            ResultOutline::Typed(ty) => {
                return Outcome {
                    may_be_nothing: may_be_nothing(flow, at, step),
                    ..Outcome::new(ty.clone())
                };
            }
            ResultOutline::Unknown => Type::any(),
            ResultOutline::Steps => return inside.alternatives(Some(received).filter(|_| inside.ends.is_empty())),
            ResultOutline::OneOf => {
                // Without `else` it may be that none of them runs.
                let whole = step.kind == "andRace" || flow.map.key(at, "else").is_some();
                return inside.alternatives(Some(received).filter(|_| !whole));
            }
            ResultOutline::Branches { keys, settle } => match flow.map.key(at, "else") {
                Some(_) => Type::any(),
                None => inside.branches(keys.as_deref(), *settle),
            },
            ResultOutline::Items { settle } => {
                let end = inside.ends.first().and_then(|(_, end)| end.clone());
                Type::list(settled(end.unwrap_or_else(Type::any), *settle))
            }
            ResultOutline::Loop => inside.body.clone().unwrap_or_else(Type::any),
            ResultOutline::Child => (self.child)(at).unwrap_or_else(Type::any),
            ResultOutline::Never => {
                return Outcome {
                    goes_on: false,
                    ..Outcome::new(Type::any())
                };
            }
        };
        Outcome::new(ty)
    }
}

/// What a step's own work comes to.
struct Outcome {
    ty: Type,
    may_be_nothing: bool,
    goes_on: bool,
}

impl Outcome {
    fn new(ty: Type) -> Outcome {
        Outcome {
            ty,
            may_be_nothing: false,
            goes_on: true,
        }
    }
}

/// What the lists inside a step end with.
#[derive(Default)]
struct Inside {
    ends: Vec<(Part, Reached)>,
    handlers: Vec<Type>,
    body: Reached,
}

impl Inside {
    /// One of the ends, or what is given besides.
    fn alternatives(&self, besides: Option<&Type>) -> Outcome {
        let ends = self.ends.iter().filter_map(|(_, end)| end.clone());
        let types: Vec<Type> = ends.chain(besides.cloned()).collect();
        Outcome {
            goes_on: !types.is_empty(),
            ..Outcome::new(Type::union(types))
        }
    }

    fn branches(&self, keys: Option<&[Arc<str>]>, settle: bool) -> Type {
        let branch = |at: usize| {
            let end = self.ends.iter().find(|(part, _)| *part == Part::Branch(at));
            settled(end.and_then(|(_, end)| end.clone()).unwrap_or_else(Type::any), settle)
        };
        match keys {
            Some(keys) => {
                let properties = keys.iter().enumerate().map(|(at, key)| (key.clone(), branch(at), true));
                Type::object(properties.collect(), false)
            }
            None => {
                let all = (0..self.ends.len()).map(branch);
                // A branch whose condition is false gives null.
                Type::list(Type::union(all.chain([Type::null()])))
            }
        }
    }
}

/// The end of a branch as `settle` tells it.
fn settled(ty: Type, settle: bool) -> Type {
    if !settle {
        return ty;
    }
    let property = |name: &str, ty: Type, always| (name.into(), ty, always);
    let properties = vec![
        property("status", Type::text(), true),
        property("output", ty, false),
        property("error", error(), false),
    ];
    Type::object(properties, false)
}

fn is_tap(step: &StepOutline) -> bool {
    step.kind == "andTap"
}

/// Whether a wait may give nothing, so that `data` stays.
fn may_be_nothing(flow: &Flow<'_>, at: StepIndex, step: &StepOutline) -> bool {
    if step.agent.is_some() {
        return false;
    }
    match flow.map.key(at, "suspend") {
        Some(suspend) => {
            let on_timeout = suspend.get("onTimeout").and_then(Node::as_str);
            suspend.get("when").is_some() || on_timeout == Some("continue")
        }
        None => flow.map.key(at, "waitFor").is_none(),
    }
}

/// What a guardrail leaves: what it received, or what one of its rules puts in its place.
fn guarded(flow: &Flow<'_>, at: StepIndex, received: &Type) -> Type {
    let rules = flow.map.key(at, "rules").and_then(Node::as_list).unwrap_or_default();
    let values = rules.iter().filter_map(|rule| rule.get("value")).map(written);
    Type::union(std::iter::once(received.clone()).chain(values))
}

/// The type of a value as written; any for what is computed.
fn written(node: &Node) -> Type {
    if let Some(entries) = node.as_map() {
        return Type::object(
            entries
                .iter()
                .map(|entry| (entry.key.clone(), written(&entry.value), true))
                .collect(),
            false,
        );
    }
    if let Some(items) = node.as_list() {
        return Type::list(Type::union(items.iter().map(written)));
    }
    match node.as_str() {
        Some(text) if text.starts_with('=') => Type::any(),
        Some(_) => Type::text(),
        None => Type::of(&node.data()),
    }
}

/// The state: its schema, else the keys it begins with and those that steps set.
fn state(outline: &Outline, map: &Map<'_>) -> Type {
    if let Some(schema) = &outline.state_schema {
        return schema.ty();
    }
    let mut keys: Vec<Arc<str>> = match &outline.state {
        Some(Build::Literal(Data::Map(state))) => state.keys().cloned().collect(),
        Some(Build::Map(entries)) => entries.iter().map(|(key, _)| key.clone()).collect(),
        _ => return Type::any(),
    };
    for step in 0..outline.steps.len() {
        let set = map.key(StepIndex(step), "setState").and_then(Node::as_map);
        keys.extend(set.into_iter().flatten().map(|entry| entry.key.clone()));
    }
    // Steps and the caller may put values of other types there.
    Type::object(keys.into_iter().map(|key| (key, Type::any(), true)).collect(), false)
}

/// An error as expressions see it.
fn error() -> Type {
    object([
        ("code", Type::text()),
        ("message", Type::text()),
        ("step", Type::of_kinds(Kinds::TEXT.or(Kinds::NULL))),
        ("attempt", Type::of_kinds(Kinds::NUMBER.or(Kinds::NULL))),
        ("data", Type::any()),
        ("cause", Type::any()),
    ])
}

fn object<const N: usize>(properties: [(&str, Type); N]) -> Type {
    Type::object(properties.map(|(name, ty)| (name.into(), ty, true)).into(), false)
}
