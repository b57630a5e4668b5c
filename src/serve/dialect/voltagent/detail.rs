//! Workflows as clients see them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::data::Data;
use crate::graph::{BlockId, Node, NodeId, Op, Program, Sleep, Suspend, Timing};
use crate::serve::outline;

/// A workflow in a listing.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Summary {
    id: String,
    name: String,
    purpose: Option<String>,
    steps_count: usize,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

/// The answer to a listing of workflows, which clients of LlamaIndex ask for at the same address.
#[derive(Serialize, JsonSchema)]
pub(in crate::serve) struct Listing {
    /// Always true.
    success: bool,
    /// The workflows.
    data: Vec<Summary>,
    /// Their ids alone.
    workflows: Vec<String>,
}

pub(super) fn listing<'p>(programs: impl Iterator<Item = &'p Program>) -> Listing {
    let data: Vec<Summary> = programs.map(summary).collect();
    Listing {
        success: true,
        workflows: data.iter().map(|summary| summary.id.clone()).collect(),
        data,
    }
}

fn summary(program: &Program) -> Summary {
    let header = &program.main().header;
    Summary {
        id: header.id.to_string(),
        name: header.name.as_ref().unwrap_or(&header.id).to_string(),
        purpose: header.purpose.as_ref().map(ToString::to_string),
        steps_count: outline::top(program).count(),
        status: "idle",
        version: header.version.as_ref().map(ToString::to_string),
    }
}

/// A workflow with its steps and schemas.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Detail {
    #[serde(flatten)]
    summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    steps: Vec<Step>,
    input_schema: Option<Data>,
    result_schema: Option<Data>,
    suspend_schema: Option<Data>,
    resume_schema: Option<Data>,
}

/// A step with those inside it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Step {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    node_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_schema: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_schema: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspend_schema: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resume_schema: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition_function: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition_functions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loop_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sleep_duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_steps: Option<Vec<Step>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_steps_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nested_step: Option<Box<Step>>,
}

pub(super) fn detail(program: &Program) -> Detail {
    let header = &program.main().header;
    let schema = |schema: &Option<crate::contract::Schema>| schema.as_ref().map(|schema| schema.source().clone());
    let steps = outline::top(program).enumerate();
    Detail {
        summary: summary(program),
        description: header.description.as_ref().map(ToString::to_string),
        steps: steps
            .map(|(index, (node, _))| Step {
                step_index: Some(index),
                ..Step::of(program, node)
            })
            .collect(),
        input_schema: schema(&header.input_schema),
        result_schema: schema(&header.output_schema),
        suspend_schema: None,
        resume_schema: None,
    }
}

impl Step {
    fn of(program: &Program, id: NodeId) -> Step {
        let node = &program.step(id).node;
        let keys = node.keys.as_deref();
        let waits = suspend(program, node);
        let schema = |schema: &Option<crate::contract::Schema>| schema.as_ref().map(|schema| schema.source().clone());
        let inner: Vec<Step> = inside(program, node).map(|node| Step::of(program, node)).collect();
        let mut step = Step {
            id: node.id.to_string(),
            name: outline::name(program.step(id)).to_string(),
            purpose: node.purpose.as_ref().map(ToString::to_string),
            kind: node.kind,
            node_type: node_type(node.kind),
            step_index: None,
            input_schema: keys.and_then(|keys| schema(&keys.input_schema)),
            output_schema: keys.and_then(|keys| schema(&keys.output_schema)),
            suspend_schema: waits.and_then(|suspend| schema(&suspend.data_schema)),
            resume_schema: waits.and_then(|suspend| schema(&suspend.resume_schema)),
            retries: keys
                .and_then(|keys| keys.retry.as_ref())
                .map(|retry| retry.attempts.saturating_sub(1)),
            condition_function: keys
                .and_then(|keys| keys.condition.as_ref())
                .map(|condition| condition.source().to_owned()),
            condition_functions: None,
            agent_id: None,
            workflow_id: None,
            loop_type: None,
            sleep_duration_ms: None,
            concurrency: None,
            sub_steps: None,
            sub_steps_count: None,
            nested_step: None,
        };
        match &node.op {
            Op::Fork(fork) => {
                step.concurrency = fork.concurrency;
                let conditions: Option<Vec<String>> = fork
                    .branches
                    .iter()
                    .map(|branch| branch.condition.as_ref().map(|condition| condition.source().to_owned()))
                    .collect();
                step.condition_functions = conditions.filter(|conditions| !conditions.is_empty());
                step.nest(inner);
            }
            Op::Choose { arms, .. } => {
                match arms.as_slice() {
                    [(condition, _)] => step.condition_function = Some(condition.source().to_owned()),
                    arms => {
                        let conditions = arms.iter().map(|(condition, _)| condition.source().to_owned());
                        step.condition_functions = Some(conditions.collect());
                    }
                }
                step.nest(inner);
            }
            Op::ForEach(each) => {
                step.concurrency = Some(each.concurrency);
                step.nest_one(inner);
            }
            Op::Loop(repeat) => {
                step.loop_type = Some(if repeat.ends_on { "dountil" } else { "dowhile" });
                step.condition_function = Some(repeat.condition.source().to_owned());
                step.nest_one(inner);
            }
            Op::Sleep(Sleep::For(Timing::For(duration))) => step.sleep_duration_ms = Some(duration.0),
            Op::Enter(enter) => step.workflow_id = Some(enter.workflow.to_string()),
            Op::Agent(ask) => step.agent_id = Some(ask.agent.to_string()),
            _ => step.nest(inner),
        }
        step
    }

    fn nest(&mut self, inner: Vec<Step>) {
        if !inner.is_empty() {
            self.sub_steps_count = Some(inner.len());
            self.sub_steps = Some(inner);
        }
    }

    /// One step inside goes by another name than several.
    fn nest_one(&mut self, mut inner: Vec<Step>) {
        match inner.len() {
            1 => self.nested_step = inner.pop().map(Box::new),
            _ => self.nest(inner),
        }
    }
}

/// The steps inside a step that have ids of their own.
fn inside<'p>(program: &'p Program, node: &'p Node) -> impl Iterator<Item = NodeId> + 'p {
    let blocks = node.op.blocks().into_iter().map(|(block, _)| block);
    blocks
        .flat_map(move |block| in_block(program, block))
        .filter(move |node| program.step(*node).node.named)
}

fn in_block(program: &Program, block: BlockId) -> impl Iterator<Item = NodeId> {
    let first = program.block(block).first;
    std::iter::successors(first, move |node| program.step(*node).next)
}

/// What a step waits for: itself, or the unit that stands directly in it.
fn suspend<'p>(program: &'p Program, node: &'p Node) -> Option<&'p Suspend> {
    if let Op::Suspend(suspend) = &node.op {
        return Some(suspend);
    }
    let blocks = node.op.blocks().into_iter();
    let mut units = blocks.flat_map(|(block, _)| in_block(program, block));
    units.find_map(|unit| match &program.step(unit).node {
        Node {
            named: false,
            op: Op::Suspend(suspend),
            ..
        } => Some(&**suspend),
        _ => None,
    })
}

/// What the real server calls a kind.
pub(super) fn node_type(kind: &str) -> &'static str {
    match kind {
        "andThen" => "func",
        "andWhen" => "conditional-when",
        "andAll" => "parallel-all",
        "andRace" => "parallel-race",
        "andTap" => "tap",
        "andAgent" | "agent" => "agent",
        "andWorkflow" | "workflow" => "workflow",
        "andForEach" => "foreach",
        "andBranch" => "branch",
        "andDoWhile" | "andDoUntil" => "loop",
        "andMap" => "map",
        "andSleep" => "sleep",
        "andSleepUntil" => "sleep-until",
        "andGuardrail" => "guardrail",
        // It has no such step; there, functions do everything else.
        _ => "func",
    }
}
