//! The contract between languages and the interpreter: typed nodes in a petgraph, and the flat program made of them.
//!
//! A language lowers a definition with a [`Builder`] to a [`Graph`], one per workflow: nodes are steps, edges say what
//! follows ([`Edge::Next`]), what is inside ([`Edge::Into`]) and where it goes on otherwise ([`Edge::Jump`]). Analysis and drawing work on it. [`Program::link`]
//! joins a graph and the workflows it calls into index tables, which is what runs.

mod agent;
mod conversation;
mod definition;
pub mod export;
mod inside;
mod node;
mod program;
mod schedule;
mod time;
mod trigger;

pub use agent::*;
pub use conversation::{Converse, Order, Role};
pub use definition::Definition;
pub use node::*;
pub use program::{Body, LinkError, Program, Step, Workflow};
pub use schedule::{Schedule, ScheduleError, time_zones};
pub use time::{DurationError, Millis, Timestamp, Timing, parse_duration, parse_instant};
pub use trigger::{CatchUp, Cron, Method, Overlap, Respond, Signature, Trigger, TriggerSource, Webhook};

use indexmap::IndexMap;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::contract::Schema;
use crate::expr::Build;
use crate::source::Span;

/// One workflow.
#[derive(Clone, Debug)]
pub struct Graph {
    /// What is declared about it.
    pub header: Header,
    /// Its steps and what they are to each other.
    pub nodes: DiGraph<Node, Edge>,
    /// Sequences of steps.
    pub blocks: Vec<Block>,
    /// The steps of the workflow itself.
    pub body: BlockId,
}

/// What a workflow declares besides its steps.
#[derive(Clone, Debug)]
pub struct Header {
    /// The id it is called by.
    pub id: Name,
    /// Its version.
    pub version: Option<Name>,
    /// The display name.
    pub name: Option<Name>,
    /// What it is for.
    pub purpose: Option<Name>,
    /// A longer text.
    pub description: Option<Name>,
    /// Where it was written.
    pub origin: Span,
    /// The hash of the text it was written in.
    pub hash: Name,
    /// What the input must match; its defaults are filled in.
    pub input_schema: Option<Schema>,
    /// What the result must match.
    pub output_schema: Option<Schema>,
    /// What the state must match.
    pub state_schema: Option<Schema>,
    /// What the context must match.
    pub context_schema: Option<Schema>,
    /// The state it starts with.
    pub state: Option<Build>,
    /// Maps the last `data` to the result.
    pub output: Option<Build>,
    /// The wall clock of the whole run.
    pub timeout: Option<Timing>,
    /// Bounds.
    pub limits: Limits,
    /// Declared events.
    pub events: IndexMap<Name, EventDeclaration>,
    /// What the file asks for.
    pub permissions: Permissions,
    /// What starts it by itself.
    pub triggers: Vec<Trigger>,
    /// Whether it talks with somebody: then its input and what answers its waits are messages, and what it shows are its
    /// events `message` alone.
    pub is_dialogue: bool,
}

impl Header {
    /// A header that declares nothing but an id.
    pub fn new(id: impl Into<Name>, origin: Span) -> Header {
        Header {
            id: id.into(),
            version: None,
            name: None,
            purpose: None,
            description: None,
            origin,
            hash: "".into(),
            input_schema: None,
            output_schema: None,
            state_schema: None,
            context_schema: None,
            state: None,
            output: None,
            timeout: None,
            limits: Limits::default(),
            events: IndexMap::new(),
            permissions: Permissions::default(),
            triggers: Vec::new(),
            is_dialogue: false,
        }
    }
}

/// Bounds of a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// How long a `finally` may take (rule 29).
    pub cleanup: Millis,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            cleanup: Millis(30_000),
        }
    }
}

/// An event that a workflow declares (rule 36).
#[derive(Clone, Debug)]
pub struct EventDeclaration {
    /// What it is for.
    pub role: EventRole,
    /// What its data must match.
    pub schema: Option<Schema>,
}

/// What an event is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventRole {
    /// Starts the workflow.
    Start,
    /// Ends it.
    Stop,
    /// Asks a person.
    Request,
    /// Answers a request.
    Response,
    /// Tells what happens.
    Progress,
}

/// What a workflow asks for (rule 40); the operator grants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Permissions {
    /// Environment variables it reads.
    pub env: Vec<Name>,
    /// Secrets it uses.
    pub secrets: Vec<Name>,
    /// Hosts it calls.
    pub http: Vec<Name>,
    /// Programs it starts.
    pub exec: Vec<Name>,
    /// MCP servers it uses.
    pub mcp: Vec<Name>,
}

/// What one node is to another.
#[derive(Clone, Debug, PartialEq)]
pub enum Edge {
    /// It follows.
    Next,
    /// It is the first of a block inside; the label is what a drawing writes there.
    Into(String),
    /// The block goes on there by a jump; the label is what a drawing writes there.
    Jump(String),
}

/// Nodes that run one after the other.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The nodes, in order.
    pub nodes: Vec<NodeId>,
}

/// Makes a [`Graph`]: first the nodes of a block, then the block, then the node that holds it. Where jumps go may be
/// filled in once the nodes are there.
#[derive(Debug, Default)]
pub struct Builder {
    nodes: DiGraph<Node, Edge>,
    blocks: Vec<Block>,
}

impl Builder {
    /// A builder without nodes.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// How many nodes there are; the next one gets this number.
    pub fn len(&self) -> usize {
        self.nodes.node_count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a node; the blocks it holds have been added before.
    pub fn node(&mut self, node: Node) -> NodeId {
        let blocks = node.blocks();
        let at = self.nodes.add_node(node);
        for (block, label) in blocks {
            if let Some(first) = self.blocks[block.0 as usize].nodes.first() {
                self.nodes
                    .add_edge(at, NodeIndex::new(first.0 as usize), Edge::Into(label));
            }
        }
        NodeId(at.index() as u32)
    }

    /// The jump at a node, to fill in where it goes; `None` if the node does something else.
    pub fn jump_mut(&mut self, node: NodeId) -> Option<&mut Jump> {
        match &mut self.nodes.node_weight_mut(NodeIndex::new(node.0 as usize))?.op {
            Op::Jump(jump) => Some(jump),
            _ => None,
        }
    }

    /// Adds a sequence of nodes.
    pub fn block(&mut self, nodes: Vec<NodeId>) -> BlockId {
        for pair in nodes.windows(2) {
            let [from, to] = [pair[0], pair[1]].map(|node| NodeIndex::new(node.0 as usize));
            self.nodes.add_edge(from, to, Edge::Next);
        }
        self.blocks.push(Block { nodes });
        BlockId((self.blocks.len() - 1) as u32)
    }

    /// The graph whose steps are those of `body`.
    pub fn finish(mut self, header: Header, body: BlockId) -> Graph {
        self.draw_jumps();
        Graph {
            header,
            nodes: self.nodes,
            blocks: self.blocks,
            body,
        }
    }
}

impl Builder {
    /// Where jumps go is known now. What goes elsewhere in any case is followed by nothing.
    fn draw_jumps(&mut self) {
        let mut jumps = Vec::new();
        for at in self.nodes.node_indices() {
            if let Op::Jump(jump) = &self.nodes[at].op {
                jumps.push((at, self.nodes[at].goes_on(), jump.aims()));
            }
        }
        for (at, goes_on, aims) in jumps {
            if !goes_on {
                let next = self.nodes.edges(at).find(|edge| *edge.weight() == Edge::Next);
                let next = next.map(|edge| edge.id());
                next.map(|edge| self.nodes.remove_edge(edge));
            }
            for (aim, label) in aims {
                if let Aim::Node(to) = aim
                    && self.nodes.node_weight(NodeIndex::new(to.0 as usize)).is_some()
                {
                    self.nodes
                        .add_edge(at, NodeIndex::new(to.0 as usize), Edge::Jump(label));
                }
            }
        }
    }
}

impl Graph {
    /// A node by its id in this graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[NodeIndex::new(id.0 as usize)]
    }

    /// The nodes of a block, in order.
    pub fn block(&self, id: BlockId) -> &[NodeId] {
        &self.blocks[id.0 as usize].nodes
    }

    /// All nodes as they were written: each before what is inside it, and that before what follows.
    pub fn walk(&self) -> Vec<NodeId> {
        let mut found = Vec::new();
        // A stack instead of recursion: nesting is the author's to choose.
        let mut open: Vec<NodeId> = self.block(self.body).iter().rev().copied().collect();
        while let Some(id) = open.pop() {
            found.push(id);
            for (block, _) in self.node(id).blocks().into_iter().rev() {
                open.extend(self.block(block).iter().rev());
            }
        }
        found
    }
}
