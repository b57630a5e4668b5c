//! Steps as nodes.

use crate::graph::{BlockId, Fork, Join, NodeId, Op, Program, Step, Target, WorkflowId};
use crate::serve::outline;

/// What Dify calls a step, by what it does.
pub(super) fn node_type(program: &Program, id: NodeId) -> &'static str {
    of_op(program, &program.step(id).node.op)
}

fn of_op(program: &Program, op: &Op) -> &'static str {
    match op {
        Op::Set(_) | Op::Assign(_) => "template-transform",
        Op::Call(call) => match &call.target {
            Target::Http { .. } => "http-request",
            Target::Exec { .. } => "code",
            Target::Mcp { .. } | Target::McpAt(_) | Target::Function { .. } => "tool",
            Target::Conversation(_) => "code",
        },
        Op::Suspend(_) | Op::Approve(_) => "human-input",
        Op::End { .. } => "end",
        Op::Choose { arms, otherwise } => match (arms.as_slice(), otherwise) {
            ([(_, block)], None) => unit(program, *block).unwrap_or("if-else"),
            _ => "if-else",
        },
        Op::Jump(_) => "if-else",
        Op::Fork(fork) => match &**fork {
            Fork {
                join: Join::FirstSettled | Join::FirstSuccess,
                ..
            } => "variable-aggregator",
            fork if fork.branches.iter().any(|branch| branch.condition.is_some()) => "if-else",
            _ => "variable-aggregator",
        },
        Op::ForEach(_) => "iteration",
        Op::Loop(_) => "loop",
        Op::Enter(_) => "tool",
        Op::Agent(ask) if ask.tools.is_empty() => "llm",
        Op::Agent(_) => "agent",
        Op::Block(block) => unit(program, *block).unwrap_or("code"),
        Op::WaitFor(_) | Op::Sleep(_) | Op::Emit { .. } | Op::Fail(_) | Op::Cancel { .. } | Op::Guard(_) => "code",
    }
}

/// A step that only holds a unit is what the unit is.
fn unit(program: &Program, block: BlockId) -> Option<&'static str> {
    let first = &program.step(program.block(block).first?).node;
    (!first.named).then(|| of_op(program, &first.op))
}

/// The id of a step as a node: its own, and for one of a workflow that is called, behind the id of that workflow.
pub(super) fn node_id(program: &Program, step: &Step) -> String {
    match step.workflow {
        WorkflowId(0) => step.node.id.to_string(),
        other => format!("{}:{}", program.workflow(other).header.id, step.node.id),
    }
}

/// What people read.
pub(super) fn title(step: &Step) -> String {
    outline::name(step).to_string()
}
