//! Agents: a language model with what it is told and what it may call.

use std::sync::Arc;

use petgraph::graph::NodeIndex;
use serde::{Deserialize, Serialize};

use super::{Aim, Ask, BlockId, Edge, Fail, Graph, Jump, Millis, Name, Node, NodeId, Op};
use crate::contract::Schema;
use crate::data::Map;
use crate::expr::foundry::{Compute, Test};
use crate::expr::{Build, Expression};
use crate::source::Span;

/// An agent, as it was written.
///
/// Its tools are nodes of `graph`; [`Graph::with_agents`] puts copies of them into the graph of a step that asks it.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The id that steps name; that of the step for one which is written in it.
    pub id: Name,
    /// Its version.
    pub version: Option<Name>,
    /// The display name.
    pub name: Option<Name>,
    /// What it is for.
    pub purpose: Option<Name>,
    /// The model, and behind it those that are asked in its place when it fails.
    pub models: Arc<[ModelName]>,
    /// The system message.
    pub instructions: Option<Build>,
    /// What it may call; the blocks are those of `graph`, or of the graph the agent has been put into.
    pub tools: Vec<Tool>,
    /// The shape of its answers, where the step asks for none.
    pub schema: Option<Schema>,
    /// How the model is to answer.
    pub parameters: Parameters,
    /// How far one question may go.
    pub limits: AgentLimits,
    /// Where it was written.
    pub origin: Span,
    /// The hash of the text it was written in.
    pub hash: Name,
    /// The nodes of its tools.
    pub graph: Arc<Graph>,
}

/// A model and the connection that reaches it: `openai/gpt-4o`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ModelName {
    /// The name of the connection in the configuration.
    pub connection: Name,
    /// The model, as the connection calls it.
    pub model: Name,
}

impl ModelName {
    /// Reads `connection/model`; the model may hold further slashes.
    pub fn parse(text: &str) -> Option<ModelName> {
        let (connection, model) = text.split_once('/')?;
        (!connection.is_empty() && !model.is_empty()).then(|| ModelName {
            connection: connection.into(),
            model: model.into(),
        })
    }
}

impl std::fmt::Display for ModelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.connection, self.model)
    }
}

impl From<ModelName> for String {
    fn from(name: ModelName) -> String {
        name.to_string()
    }
}

impl TryFrom<String> for ModelName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<ModelName, &'static str> {
        ModelName::parse(&text).ok_or("a model is written as `connection/model`")
    }
}

/// How a model is to answer; what is absent is up to its provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameters {
    /// How freely it answers, from 0 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// How many tokens one answer may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// From which share of the most likely tokens it chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Texts behind which it stops.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<Name>,
    /// A number that makes answers repeatable, where the provider can do that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Further fields of the provider's own request, as they are.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map,
}

/// How far one question to an agent may go.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentLimits {
    /// How many turns of the model it may take.
    pub turns: u32,
    /// How many tokens, of input and output together.
    pub tokens: Option<u64>,
    /// How much money, in the currency of the configured prices.
    pub cost: Option<f64>,
    /// The wall clock of one attempt.
    pub time: Option<Millis>,
    /// How often an answer of the wrong shape is sent back.
    pub corrections: u32,
}

impl Default for AgentLimits {
    fn default() -> AgentLimits {
        AgentLimits {
            turns: 10,
            tokens: None,
            cost: None,
            time: None,
            corrections: 2,
        }
    }
}

/// Something an agent may call.
#[derive(Clone, Debug)]
pub struct Tool {
    /// The name by which the model calls it.
    pub name: Name,
    /// What it is for, in words for the model.
    pub description: Option<Name>,
    /// What `arguments` must match.
    pub parameters: Option<Schema>,
    /// The MCP server that knows what is not written here.
    pub server: Option<Name>,
    /// The name by which the server knows the tool.
    pub remote: Option<Name>,
    /// The workflow it is, which knows what is not written here; with the place where it is named.
    pub workflow: Option<(Name, Span)>,
    /// Whether a person may be asked before it is called.
    pub asks: bool,
    /// What a call does, with `arguments` as its `data`.
    pub block: BlockId,
}

impl Graph {
    /// The graph with the agents it asks put in: their tools become nodes beside those of the steps. What `find` does
    /// not know stays as it is.
    #[must_use]
    pub fn with_agents(&self, find: impl Fn(&str) -> Option<Arc<Agent>>, all: &[Arc<Agent>]) -> Graph {
        let mut graph = self.clone();
        graph.choose_agents(all);
        // Choices stand behind the nodes that were there, and tools ask no agents.
        let nodes: Vec<NodeIndex> = graph.nodes.node_indices().collect();
        for at in nodes {
            let Op::Agent(ask) = &graph.nodes[at].op else { continue };
            if ask.definition.is_none()
                && let Some(agent) = find(&ask.agent)
            {
                graph.put_in(at, agent);
            }
            graph.wait_for_people(at);
        }
        graph
    }

    /// Makes a choice between all agents of each question whose agent only the run knows: a jump to the question to the
    /// agent of that name, which stand where the one question stood.
    fn choose_agents(&mut self, all: &[Arc<Agent>]) {
        let dynamic =
            |node: &Node| matches!(&node.op, Op::Agent(ask) if ask.chosen.is_some() && ask.definition.is_none());
        let found: Vec<NodeIndex> = self
            .nodes
            .node_indices()
            .filter(|at| dynamic(&self.nodes[*at]))
            .collect();
        for at in found {
            let here = NodeId(at.index() as u32);
            let Some((block, place)) = self
                .blocks
                .iter()
                .enumerate()
                .find_map(|(block, inside)| Some((block, inside.nodes.iter().position(|node| *node == here)?)))
            else {
                continue;
            };
            let asking = self.nodes[at].clone();
            let Op::Agent(ask) = &asking.op else { continue };
            let Some(chosen) = ask.chosen.clone() else { continue };
            let behind = self.blocks[block]
                .nodes
                .get(place + 1)
                .map_or(Aim::End, |node| Aim::Node(*node));
            let mut added = Vec::new();
            let mut add = |graph: &mut Graph, suffix: &str, op: Op, keys: Option<Box<super::Keys>>| {
                let id = format!("{}/{suffix}", asking.id).into();
                let node = Node {
                    id,
                    named: false,
                    op,
                    keys,
                    ..asking.clone()
                };
                let id = NodeId(graph.nodes.add_node(node).index() as u32);
                added.push(id);
                id
            };
            let message = Build::Computed(Arc::new(Compute::Joined(vec![
                Build::Literal("there is no agent `".into()),
                chosen.clone(),
                Build::Literal("` among the loaded files".into()),
            ])));
            let fail = Fail::New {
                when: None,
                code: "agent.unknown".into(),
                message: Some(message),
                data: None,
            };
            add(self, "unknown", Op::Fail(Box::new(fail)), None);
            let mut arms = Vec::new();
            for agent in all {
                let ask = Ask {
                    agent: agent.id.clone(),
                    chosen: None,
                    ..Ask::clone(ask)
                };
                let to = add(self, &agent.id, Op::Agent(Box::new(ask)), asking.keys.clone());
                let past = Jump {
                    arms: Vec::new(),
                    otherwise: Some(behind),
                    limit: u32::MAX,
                };
                add(self, &format!("{}.past", agent.id), Op::Jump(Box::new(past)), None);
                let named = Test::Named(chosen.clone(), agent.id.clone(), agent.name.clone());
                arms.push((Arc::new(Expression::Foundry(named)), Aim::Node(to)));
            }
            let jump = Jump {
                arms,
                otherwise: None,
                limit: u32::MAX,
            };
            self.nodes[at].keys = None;
            self.nodes[at].op = Op::Jump(Box::new(jump));
            self.blocks[block].nodes.splice(place + 1..place + 1, added);
        }
    }

    /// Takes away the time limit that a step has by default where one of its tools may wait for a person (rule 26).
    fn wait_for_people(&mut self, at: NodeIndex) {
        let node = &mut self.nodes[at];
        if let (Op::Agent(ask), Some(keys)) = (&node.op, &mut node.keys)
            && ask.defaulted
            && ask.tools.iter().any(|tool| tool.asks || tool.workflow.is_some())
        {
            keys.timeout = None;
        }
    }

    fn put_in(&mut self, at: NodeIndex, agent: Arc<Agent>) {
        let (first_node, first_block) = (self.nodes.node_count() as u32, self.blocks.len() as u32);
        let step = self.nodes[at].id.clone();
        for node in agent.graph.nodes.node_weights() {
            let mut node = node.clone();
            node.shift_blocks(first_block);
            // What stands behind the id of the agent there stands behind that of the step here.
            let suffix = node.id.split_once('/').map_or(&*node.id, |(_, suffix)| suffix);
            node.id = format!("{step}/{suffix}").into();
            self.nodes.add_node(node);
        }
        let moved = |node: NodeIndex| NodeIndex::new(node.index() + first_node as usize);
        for edge in agent.graph.nodes.edge_indices() {
            if let Some((from, to)) = agent.graph.nodes.edge_endpoints(edge) {
                self.nodes
                    .add_edge(moved(from), moved(to), agent.graph.nodes[edge].clone());
            }
        }
        for block in &agent.graph.blocks {
            let mut block = block.clone();
            for node in &mut block.nodes {
                *node = NodeId(node.0 + first_node);
            }
            self.blocks.push(block);
        }
        if agent.limits.time.is_some() {
            self.nodes[at].keys.get_or_insert_default().limit = agent.limits.time;
        }
        let Op::Agent(ask) = &mut self.nodes[at].op else { return };
        let mut firsts = Vec::new();
        for tool in &agent.tools {
            // A tool of the step hides one of the agent with the same name.
            if ask.tools.iter().any(|own| own.name == tool.name) {
                continue;
            }
            let block = BlockId(tool.block.0 + first_block);
            ask.tools.push(Tool { block, ..tool.clone() });
            let first = self.blocks[block.0 as usize].nodes.first();
            firsts.extend(first.map(|first| (*first, format!("tool {}", tool.name))));
        }
        // A language may know it by another name.
        ask.agent = agent.id.clone();
        ask.definition = Some(agent);
        for (first, label) in firsts {
            self.nodes
                .add_edge(at, NodeIndex::new(first.0 as usize), Edge::Into(label));
        }
    }
}
