//! Where the steps of a workflow stand among each other.

use std::collections::{HashMap, HashSet};

use crate::language::native::outline::{Field, Outline, Part, StepIndex, StepOutline};
use crate::source::Span;
use crate::yaml::{Node, Value};

/// The steps of a workflow by id, by the list they stand in, and with what they were written as.
pub(super) struct Map<'a> {
    outline: &'a Outline,
    ids: HashMap<String, StepIndex>,
    lists: HashMap<Option<(StepIndex, PartKey)>, Vec<StepIndex>>,
    /// The parts of each step, in the order of the text.
    parts: HashMap<StepIndex, Vec<Part>>,
    nodes: HashMap<Span, &'a Node>,
    /// Every `id` in the document, also of steps that could not be read.
    written: HashSet<&'a str>,
}

/// A [`Part`] that can be hashed.
type PartKey = (u8, usize);

fn key(part: Part) -> PartKey {
    match part {
        Part::Steps => (0, 0),
        Part::Branch(at) => (1, at),
        Part::Arm(at) => (2, at),
        Part::Body => (3, 0),
        Part::Item => (4, 0),
        Part::Handler(at) => (5, at),
        Part::Finally => (6, 0),
        Part::Tool(at) => (7, at),
    }
}

/// Why a step cannot be read from somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    /// There are no steps before a run, or outside of it.
    BeforeStart,
    /// It is the reading step.
    Itself,
    /// The reading step is inside it.
    Around,
    /// It is inside the reading step, which has not begun.
    Inside,
    /// It runs later.
    Later,
    /// It runs beside the reading step, in another branch.
    Beside,
    /// It runs instead of the reading step.
    Instead,
    /// It runs once per item of this for-each.
    PerItem(StepIndex),
}

impl<'a> Map<'a> {
    pub(super) fn of(outline: &'a Outline) -> Map<'a> {
        let mut map = Map {
            outline,
            ids: HashMap::new(),
            lists: HashMap::new(),
            parts: HashMap::new(),
            nodes: HashMap::new(),
            written: HashSet::new(),
        };
        for (at, step) in outline.steps.iter().enumerate() {
            let index = StepIndex(at);
            if step.named {
                map.ids.entry(step.id.to_string()).or_insert(index);
            }
            let list = step.parent.map(|(parent, part)| (parent, key(part)));
            map.lists.entry(list).or_default().push(index);
            if let Some((parent, part)) = step.parent {
                let parts = map.parts.entry(parent).or_default();
                if !parts.contains(&part) {
                    parts.push(part);
                }
            }
        }
        // An id as it is written wins over another one's spelling with underscores.
        for (at, step) in outline.steps.iter().enumerate().filter(|(_, step)| step.named) {
            map.ids.entry(step.id.replace('-', "_")).or_insert(StepIndex(at));
        }
        let mut open = vec![&outline.root];
        while let Some(node) = open.pop() {
            match &node.value {
                Value::Map(entries) => {
                    map.nodes.insert(node.span, node);
                    map.written.extend(node.get("id").and_then(Node::as_str));
                    // The choices of a wait have ids of their own.
                    let inner = entries.iter().filter(|entry| &*entry.key != "actions");
                    open.extend(inner.map(|entry| &entry.value));
                }
                Value::List(items) => open.extend(items),
                Value::Scalar(_) => {}
            }
        }
        map
    }

    /// The step an id means; dashes may be written as underscores.
    pub(super) fn named(&self, id: &str) -> Option<StepIndex> {
        self.ids.get(id).copied()
    }

    /// Whether something in the document has this id, even if it could not be read as a step.
    pub(super) fn is_written(&self, id: &str) -> bool {
        self.written.contains(id)
    }

    /// The mapping a step was written as.
    pub(super) fn node(&self, step: StepIndex) -> Option<&'a Node> {
        self.nodes.get(&self.step(step).span).copied()
    }

    /// The value of one of a step's keys.
    pub(super) fn key(&self, step: StepIndex, key: &str) -> Option<&'a Node> {
        self.node(step)?.get(key)
    }

    pub(super) fn step(&self, step: StepIndex) -> &'a StepOutline {
        self.outline.step(step)
    }

    /// The steps of a list, in order.
    pub(super) fn list(&self, list: Option<(StepIndex, Part)>) -> &[StepIndex] {
        let list = list.map(|(parent, part)| (parent, key(part)));
        self.lists.get(&list).map_or(&[], Vec::as_slice)
    }

    /// The lists inside a step.
    pub(super) fn parts(&self, step: StepIndex) -> &[Part] {
        self.parts.get(&step).map_or(&[], Vec::as_slice)
    }

    /// The steps around a step from the inside out, each with the list that leads to it.
    pub(super) fn around(&self, step: StepIndex) -> impl Iterator<Item = (StepIndex, Part)> {
        std::iter::successors(self.step(step).parent, |(outer, _)| self.step(*outer).parent)
    }

    /// The way to a step from the outside in; the step itself is last.
    fn way(&self, step: StepIndex) -> Vec<StepIndex> {
        let mut way: Vec<StepIndex> = std::iter::once(step)
            .chain(self.around(step).map(|(outer, _)| outer))
            .collect();
        way.reverse();
        way
    }

    /// Whether a field of a step (or of the workflow) may read `target`, by rule 13.
    pub(super) fn reads(&self, from: Option<StepIndex>, field: Field, target: StepIndex) -> Result<(), Hidden> {
        let there = self.way(target);
        let Some(from) = from else {
            return match field {
                Field::WorkflowOutput => self.ended(&there),
                _ => Err(Hidden::BeforeStart),
            };
        };
        let here = self.way(from);
        let common = here
            .iter()
            .zip(&there)
            .take_while(|(here, there)| here == there)
            .count();
        match (here.get(common), there.get(common)) {
            (None, None) => match field {
                Field::HandlerWhen => Ok(()),
                _ => Err(Hidden::Itself),
            },
            // What handles or follows a step may read it.
            (Some(inner), None) => match self.step(*inner).parent {
                Some((_, Part::Handler(_) | Part::Finally)) => Ok(()),
                _ => Err(Hidden::Around),
            },
            (None, Some(inner)) => {
                let part = self.step(*inner).parent.map(|(_, part)| part);
                // Handlers and cleanup come behind `output` and what chooses a handler.
                let follows = matches!(part, Some(Part::Handler(_) | Part::Finally));
                if follows && matches!(field, Field::Output | Field::HandlerWhen) {
                    return Err(Hidden::Later);
                }
                let seen = match field {
                    Field::Output | Field::SetState | Field::HandlerWhen => true,
                    Field::LoopCondition => part == Some(Part::Body),
                    _ => false,
                };
                if seen {
                    self.ended(&there[common..])
                } else {
                    Err(Hidden::Inside)
                }
            }
            (Some(mine), Some(other)) => {
                let (mine, other) = (self.step(*mine), self.step(*other));
                let part = |step: &StepOutline| step.parent.map(|(_, part)| part);
                match (part(mine), part(other)) {
                    (mine_part, other_part) if mine_part == other_part => {
                        // Both stand in one list, so that what is around it does not matter.
                        if other.position < mine.position {
                            self.ended(&there[common + 1..])
                        } else {
                            Err(Hidden::Later)
                        }
                    }
                    (Some(Part::Finally), _) => self.ended(&there[common..]),
                    (_, Some(Part::Finally)) => Err(Hidden::Later),
                    (Some(Part::Handler(_)), Some(Part::Handler(_))) => Err(Hidden::Instead),
                    (Some(Part::Handler(_)), _) => self.ended(&there[common..]),
                    (_, Some(Part::Handler(_))) => Err(Hidden::Later),
                    (Some(Part::Branch(_)), _) | (_, Some(Part::Branch(_))) => Err(Hidden::Beside),
                    _ => Err(Hidden::Instead),
                }
            }
        }
    }

    /// Whether the last of the way can be read once the first has ended: not if it runs once per item of a list.
    fn ended(&self, way: &[StepIndex]) -> Result<(), Hidden> {
        let each = way.iter().find_map(|step| match self.step(*step).parent {
            Some((each, Part::Item)) => Some(each),
            _ => None,
        });
        each.map_or(Ok(()), |each| Err(Hidden::PerItem(each)))
    }
}
