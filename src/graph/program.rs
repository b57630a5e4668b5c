//! The flat program that runs: a graph and all workflows it can call, as tables of indices.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Aim, BlockId, Enter, Graph, Header, Keys, Name, Node, NodeId, Op, Slots, WorkflowId};

/// A workflow, linked with the workflows it calls.
#[derive(Debug)]
pub struct Program {
    /// All steps; the last is the run itself, which enters the first workflow.
    pub steps: Vec<Step>,
    /// All blocks.
    pub blocks: Vec<Body>,
    /// All workflows; the first is the one that was asked for.
    pub workflows: Vec<Workflow>,
    /// The content hash of everything above: a run is pinned to it.
    pub hash: Name,
}

/// A node with what running it needs to know.
#[derive(Debug)]
pub struct Step {
    /// The node.
    pub node: Node,
    /// The block it stands in; the run itself stands in none.
    pub block: Option<BlockId>,
    /// What follows in its block.
    pub next: Option<NodeId>,
    /// The workflow it belongs to.
    pub workflow: WorkflowId,
    /// The innermost for-each around it, whose items each have records of their own.
    pub each: Option<NodeId>,
    /// Its record among those of its workflow or for-each.
    pub slot: u32,
}

/// A block with what running it needs to know.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// The first node; an empty block has none.
    pub first: Option<NodeId>,
    /// The records of the nodes inside, for-each bodies excepted.
    pub slots: Slots,
}

/// A workflow in a program.
#[derive(Debug)]
pub struct Workflow {
    /// What is declared about it.
    pub header: Header,
    /// Its steps.
    pub body: BlockId,
    /// Its steps by id; ids with dashes also with underscores.
    pub named: HashMap<Name, NodeId>,
}

/// Why a program cannot be linked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// A child workflow that is not there.
    #[error("workflow `{caller}` calls `{missing}`, which is not among the loaded files")]
    UnknownWorkflow {
        /// The workflow that calls.
        caller: Name,
        /// The id it calls.
        missing: Name,
    },
    /// A jump out of its block.
    #[error("the step `{step}` of workflow `{workflow}` jumps to a step that does not stand beside it")]
    StrayJump {
        /// The workflow.
        workflow: Name,
        /// The step that jumps.
        step: Name,
    },
}

impl Program {
    /// Joins a workflow with those it calls; `find` knows the others by id and version.
    ///
    /// # Errors
    ///
    /// A workflow that is called and not found, or a jump that leads out of its block.
    pub fn link(
        main: Arc<Graph>,
        find: impl Fn(&str, Option<&str>) -> Option<Arc<Graph>>,
    ) -> Result<Program, LinkError> {
        let mut linker = Linker::default();
        linker.place(main);
        let mut at = 0;
        while at < linker.graphs.len() {
            linker.link(at, &find)?;
            at += 1;
        }
        linker.finish()
    }

    /// A step.
    pub fn step(&self, id: NodeId) -> &Step {
        &self.steps[id.0 as usize]
    }

    /// The ids that authors gave to steps, as written, and those of tools behind the step whose agent calls them
    /// (`research/search`).
    pub fn step_ids(&self) -> impl Iterator<Item = &str> + Clone {
        let called = |step: &&Step| step.node.named || self.is_tool(step);
        self.steps.iter().filter(called).map(|step| &*step.node.id)
    }

    /// The id by which a step is known when it calls: units without an id of their own go by their owner's, tools stand
    /// behind the step whose agent calls them.
    pub fn caller<'p>(&self, step: &'p Step) -> &'p str {
        match step.node.id.split_once('/') {
            Some((owner, _)) if !self.is_tool(step) => owner,
            _ => &step.node.id,
        }
    }

    /// Whether a node belongs to a tool of an agent.
    fn is_tool(&self, step: &Step) -> bool {
        step.each
            .is_some_and(|outer| matches!(self.step(outer).node.op, Op::Agent(_)))
    }

    /// A block.
    pub fn block(&self, id: BlockId) -> &Body {
        &self.blocks[id.0 as usize]
    }

    /// Whether a jump from a node to another of its block leads to an earlier one, or to itself.
    pub fn is_backwards(&self, from: NodeId, to: NodeId) -> bool {
        // Records are numbered in the order of the block.
        self.step(to).slot <= self.step(from).slot
    }

    /// A workflow.
    pub fn workflow(&self, id: WorkflowId) -> &Workflow {
        &self.workflows[id.0 as usize]
    }

    /// The workflow that was asked for.
    pub fn main(&self) -> &Workflow {
        &self.workflows[0]
    }

    /// The pseudo step that stands for the whole run.
    pub fn root(&self) -> NodeId {
        NodeId((self.steps.len() - 1) as u32)
    }
}

#[derive(Default)]
struct Linker {
    graphs: Vec<Arc<Graph>>,
    /// Where the nodes and blocks of each graph begin in the tables.
    offsets: Vec<(u32, u32)>,
    nodes: u32,
    blocks: u32,
    /// Children resolved while linking, by global node.
    targets: HashMap<NodeId, WorkflowId>,
}

impl Linker {
    fn place(&mut self, graph: Arc<Graph>) -> WorkflowId {
        self.offsets.push((self.nodes, self.blocks));
        self.nodes += graph.nodes.node_count() as u32;
        self.blocks += graph.blocks.len() as u32;
        self.graphs.push(graph);
        WorkflowId((self.graphs.len() - 1) as u32)
    }

    fn link(&mut self, at: usize, find: impl Fn(&str, Option<&str>) -> Option<Arc<Graph>>) -> Result<(), LinkError> {
        let graph = self.graphs[at].clone();
        for (index, node) in graph.nodes.node_weights().enumerate() {
            let Op::Enter(enter) = &node.op else { continue };
            let found = find(&enter.workflow, enter.version.as_deref()).ok_or_else(|| LinkError::UnknownWorkflow {
                caller: graph.header.id.clone(),
                missing: enter.workflow.clone(),
            })?;
            let same =
                |known: &Arc<Graph>| known.header.id == found.header.id && known.header.version == found.header.version;
            let workflow = match self.graphs.iter().position(same) {
                Some(known) => WorkflowId(known as u32),
                None => self.place(found),
            };
            self.targets.insert(NodeId(self.offsets[at].0 + index as u32), workflow);
        }
        Ok(())
    }

    fn finish(self) -> Result<Program, LinkError> {
        let mut program = Program {
            steps: Vec::with_capacity(self.nodes as usize + 1),
            blocks: vec![Body::default(); self.blocks as usize],
            workflows: Vec::with_capacity(self.graphs.len()),
            hash: "".into(),
        };
        let mut digest = Sha256::new();
        for (at, graph) in self.graphs.iter().enumerate() {
            let (first_node, first_block) = self.offsets[at];
            let workflow = WorkflowId(at as u32);
            for (index, node) in graph.nodes.node_weights().enumerate() {
                let mut node = node.clone();
                node.shift_blocks(first_block);
                match &mut node.op {
                    Op::Enter(enter) => {
                        enter.target = self.targets.get(&NodeId(first_node + index as u32)).copied();
                    }
                    Op::Jump(jump) => jump.shift(first_node),
                    _ => {}
                }
                program.steps.push(Step {
                    node,
                    block: None,
                    next: None,
                    workflow,
                    each: None,
                    slot: 0,
                });
            }
            for (index, block) in graph.blocks.iter().enumerate() {
                let global = |node: &NodeId| NodeId(node.0 + first_node);
                let id = BlockId(first_block + index as u32);
                program.blocks[id.0 as usize].first = block.nodes.first().map(global);
                for node in &block.nodes {
                    program.steps[global(node).0 as usize].block = Some(id);
                }
                for pair in block.nodes.windows(2) {
                    program.steps[global(&pair[0]).0 as usize].next = Some(global(&pair[1]));
                }
            }
            check_jumps(&program, first_node, &graph.header.id)?;
            let body = BlockId(graph.body.0 + first_block);
            assign_slots(&mut program, body);
            let mut named = HashMap::new();
            for (index, node) in graph.nodes.node_weights().enumerate().filter(|(_, node)| node.named) {
                let id = NodeId(first_node + index as u32);
                if node.id.contains('-') {
                    named.insert(Name::from(node.id.replace('-', "_")), id);
                }
                named.insert(node.id.clone(), id);
            }
            digest.update(graph.header.hash.as_bytes());
            digest.update(b"\n");
            program.workflows.push(Workflow {
                header: graph.header.clone(),
                body,
                named,
            });
        }
        program.steps.push(root(&program.workflows[0].header));
        let hash: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        program.hash = hash.into();
        Ok(program)
    }
}

/// Jumps lead to where they may: nodes from this one on are those of one workflow, without those after it.
fn check_jumps(program: &Program, first: u32, workflow: &Name) -> Result<(), LinkError> {
    for step in &program.steps[first as usize..] {
        let Op::Jump(jump) = &step.node.op else { continue };
        let strays = |(aim, _): (Aim, String)| match aim {
            Aim::Node(to) => to.0 < first || program.steps.get(to.0 as usize).is_none_or(|to| to.block != step.block),
            Aim::End => false,
        };
        if jump.aims().into_iter().any(strays) {
            return Err(LinkError::StrayJump {
                workflow: workflow.clone(),
                step: step.node.id.clone(),
            });
        }
    }
    Ok(())
}

/// The run itself as a step: it enters the main workflow, whose time limit is its own.
fn root(main: &Header) -> Step {
    Step {
        node: Node {
            id: main.id.clone(),
            kind: "Workflow",
            name: main.name.clone(),
            purpose: main.purpose.clone(),
            origin: main.origin,
            named: false,
            op: Op::Enter(Box::new(Enter {
                workflow: main.id.clone(),
                version: main.version.clone(),
                input: None,
                target: Some(WorkflowId(0)),
            })),
            keys: main.timeout.clone().map(|timeout| {
                Box::new(Keys {
                    timeout: Some(timeout),
                    ..Keys::default()
                })
            }),
        },
        block: None,
        next: None,
        workflow: WorkflowId(0),
        each: None,
        slot: 0,
    }
}

/// Gives every node below a block its record: depth first, so that what is inside a block has neighbouring slots.
fn assign_slots(program: &mut Program, body: BlockId) {
    enum Task {
        Enter(BlockId),
        Leave(BlockId),
        Node(NodeId),
    }
    // The body of a for-each and that of a tool is numbered from zero, with the for-each or the agent as its owner.
    let mut bodies: Vec<(BlockId, Option<NodeId>)> = vec![(body, None)];
    while let Some((body, each)) = bodies.pop() {
        let mut next_slot = 0;
        let mut tasks = vec![Task::Enter(body)];
        while let Some(task) = tasks.pop() {
            match task {
                Task::Enter(block) => {
                    program.blocks[block.0 as usize].slots.start = next_slot;
                    tasks.push(Task::Leave(block));
                    tasks.extend(program.blocks[block.0 as usize].first.map(Task::Node));
                }
                Task::Leave(block) => program.blocks[block.0 as usize].slots.end = next_slot,
                Task::Node(id) => {
                    let step = &mut program.steps[id.0 as usize];
                    step.each = each;
                    step.slot = next_slot;
                    next_slot += 1;
                    tasks.extend(step.next.map(Task::Node));
                    // Items, and calls of tools, each have records of their own.
                    let own: Vec<BlockId> = match &step.node.op {
                        Op::ForEach(for_each) => vec![for_each.block],
                        Op::Agent(ask) => ask.tools.iter().map(|tool| tool.block).collect(),
                        _ => Vec::new(),
                    };
                    for (block, _) in step.node.blocks() {
                        if own.contains(&block) {
                            bodies.push((block, Some(id)));
                        } else {
                            tasks.push(Task::Enter(block));
                        }
                    }
                }
            }
        }
    }
}
