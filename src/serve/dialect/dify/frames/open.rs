//! A step in progress, and what stands in the events about it.

use super::Telling;
use crate::data;
use crate::data::Data;
use crate::graph::{Name, NodeId, Op, Program, Timestamp};
use crate::serve::dialect::dify::answer::{as_object, seconds, took};
use crate::serve::dialect::dify::node;

/// A step in progress.
#[derive(Clone, Debug)]
pub(super) struct Open {
    /// Its id as a node that was executed.
    pub id: String,
    pub node: NodeId,
    pub shape: Shape,
    pub index: u32,
    pub input: Data,
    pub since: Timestamp,
    pub tokens: u64,
    /// Whether it was told that it has begun.
    pub begun: bool,
    /// How many items, rounds or turns there were.
    pub rounds: u32,
    /// Its place in the items or rounds around it.
    pub around: Around,
    pub predecessor: Option<String>,
}

/// The for-each and the loop around a node, with their index.
#[derive(Clone, Debug, Default)]
pub(super) struct Around {
    pub iteration: Option<(String, u32)>,
    pub repeat: Option<(String, u32)>,
}

/// What a step is told as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Node,
    Iteration,
    Loop,
    /// A unit without an id of its own is a part of its step.
    Hidden,
}

impl Shape {
    pub fn of(program: &Program, node: NodeId) -> Shape {
        let step = &program.step(node).node;
        match &step.op {
            _ if !step.named => Shape::Hidden,
            Op::ForEach(_) => Shape::Iteration,
            Op::Loop(_) => Shape::Loop,
            _ => Shape::Node,
        }
    }

    /// The names of the events when it begins and when it is over.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Shape::Node | Shape::Hidden => ("node_started", "node_finished"),
            Shape::Iteration => ("iteration_started", "iteration_completed"),
            Shape::Loop => ("loop_started", "loop_completed"),
        }
    }
}

/// How a step ended.
pub(super) struct Ended {
    pub at: Timestamp,
    pub status: &'static str,
    pub outputs: Data,
    pub error: Data,
}

impl Open {
    /// Its id as a node of the workflow.
    pub fn node_id(&self, program: &Program) -> String {
        node::node_id(program, program.step(self.node))
    }

    /// What stands in every event about it.
    pub fn about(&self, program: &Program) -> Vec<(Name, Data)> {
        let id = self.node_id(program);
        // What goes through items or rounds has no execution of its own.
        let execution = match self.shape {
            Shape::Iteration | Shape::Loop => id.clone(),
            Shape::Node | Shape::Hidden => self.id.clone(),
        };
        vec![
            ("id".into(), Data::from(execution)),
            ("node_id".into(), Data::from(id)),
            ("node_type".into(), Data::from(node::node_type(program, self.node))),
            ("title".into(), Data::from(node::title(program.step(self.node)))),
        ]
    }

    /// What stands in the events that begin and end items or rounds.
    pub fn container(&self, program: &Program, telling: Telling, inputs: Data, metadata: Data) -> Vec<(Name, Data)> {
        let mut entries = self.about(program);
        entries.extend([
            ("created_at".into(), Data::from(seconds(self.since))),
            ("extras".into(), data!({})),
            ("inputs".into(), telling.of(inputs)),
            ("inputs_truncated".into(), Data::Bool(false)),
            ("metadata".into(), metadata),
        ]);
        entries
    }

    /// What stands in the event that ends items or rounds.
    pub fn completed(&self, program: &Program, telling: Telling, end: &Ended) -> Vec<(Name, Data)> {
        let outputs = match (&end.outputs, self.shape) {
            (Data::Map(map), Shape::Loop) => Data::from(map.with("loop_round".into(), Data::from(self.rounds))),
            (outputs, _) => outputs.clone(),
        };
        let mut entries = self.container(program, telling, as_object(&self.input, "data"), data!({}));
        entries.extend([
            ("outputs".into(), telling.of(outputs)),
            ("status".into(), Data::from(end.status)),
            ("error".into(), end.error.clone()),
            ("elapsed_time".into(), Data::from(took(self.since, end.at))),
            ("total_tokens".into(), Data::from(self.tokens)),
            ("execution_metadata".into(), self.metadata()),
            ("finished_at".into(), Data::from(seconds(end.at))),
            ("steps".into(), Data::from(self.rounds)),
        ]);
        entries
    }

    /// What stands in the events about a node that begins.
    pub fn started(&self, program: &Program) -> Vec<(Name, Data)> {
        let of = |around: &Option<(String, u32)>| Data::from(around.as_ref().map(|(id, _)| id.as_str()));
        let mut entries = self.about(program);
        entries.extend([
            ("index".into(), Data::from(self.index)),
            ("predecessor_node_id".into(), Data::from(self.predecessor.as_deref())),
            ("inputs".into(), Data::Null),
            ("inputs_truncated".into(), Data::Bool(false)),
            ("created_at".into(), Data::from(seconds(self.since))),
            ("extras".into(), data!({})),
            ("iteration_id".into(), of(&self.around.iteration)),
            ("loop_id".into(), of(&self.around.repeat)),
        ]);
        entries
    }

    /// What stands in the events about a node that ends.
    pub fn finished(&self, program: &Program, telling: Telling, end: &Ended) -> Vec<(Name, Data)> {
        let mut entries = self.started(program);
        for (key, value) in &mut entries {
            if &**key == "inputs" {
                *value = telling.of(as_object(&self.input, "data"));
            }
        }
        entries.extend([
            ("process_data".into(), data!({})),
            ("process_data_truncated".into(), Data::Bool(false)),
            ("outputs".into(), telling.of(end.outputs.clone())),
            ("outputs_truncated".into(), Data::Bool(false)),
            ("status".into(), Data::from(end.status)),
            ("error".into(), end.error.clone()),
            ("elapsed_time".into(), Data::from(took(self.since, end.at))),
            ("execution_metadata".into(), self.metadata()),
            ("finished_at".into(), Data::from(seconds(end.at))),
            ("files".into(), data!([])),
        ]);
        entries
    }

    fn metadata(&self) -> Data {
        let mut entries: Vec<(Name, Data)> = vec![("total_tokens".into(), Data::from(self.tokens))];
        let around = [
            ("iteration_id", "iteration_index", &self.around.iteration),
            ("loop_id", "loop_index", &self.around.repeat),
        ];
        for (id, index, around) in around {
            if let Some((of, at)) = around {
                entries.push((id.into(), Data::from(of.as_str())));
                entries.push((index.into(), Data::from(*at)));
            }
        }
        entries.into_iter().collect()
    }
}
