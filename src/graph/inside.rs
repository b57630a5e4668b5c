//! The blocks inside a node.

use super::{BlockId, Node, Op};

/// The blocks of an operation, shared or to be changed, each with what a drawing calls it. So there is one list of where
/// blocks are.
macro_rules! blocks_of {
    ($op:expr, $iter:ident $(, $mut:tt)?) => {{
        let mut blocks = Vec::new();
        match $op {
            Op::Choose { arms, otherwise } => {
                for (condition, block) in arms.$iter() {
                    blocks.push((block, condition.source().to_owned()));
                }
                blocks.extend(otherwise.$iter().map(|block| (block, "else".to_owned())));
            }
            Op::Fork(fork) => {
                for (at, branch) in fork.branches.$iter().enumerate() {
                    let label = match (&branch.condition, &branch.key) {
                        (Some(condition), _) => condition.source().to_owned(),
                        (None, Some(key)) => key.to_string(),
                        (None, None) => at.to_string(),
                    };
                    blocks.push((& $($mut)? branch.block, label));
                }
                blocks.extend(fork.otherwise.$iter().map(|block| (block, "else".to_owned())));
            }
            Op::ForEach(each) => {
                let label = format!("each {}", each.item);
                blocks.push((& $($mut)? each.block, label));
            }
            Op::Loop(repeat) => blocks.push((& $($mut)? repeat.block, "body".to_owned())),
            Op::Block(block) => blocks.push((block, String::new())),
            Op::Agent(ask) => {
                for tool in ask.tools.$iter() {
                    let label = format!("tool {}", tool.name);
                    blocks.push((& $($mut)? tool.block, label));
                }
            }
            Op::Set(_)
            | Op::Assign(_)
            | Op::Call(_)
            | Op::Suspend(_)
            | Op::WaitFor(_)
            | Op::Sleep(_)
            | Op::Emit { .. }
            | Op::Fail(_)
            | Op::End { .. }
            | Op::Cancel { .. }
            | Op::Guard(_)
            | Op::Jump(_)
            | Op::Enter(_)
            | Op::Approve(_) => {}
        }
        blocks
    }};
}

/// All blocks of a node: those of the operation, then the handlers, then the cleanup.
macro_rules! blocks_in {
    ($node:expr, $iter:ident $(, $mut:tt)?) => {{
        let mut blocks: Vec<(& $($mut)? BlockId, String)> = blocks_of!(& $($mut)? $node.op, $iter $(, $mut)?);
        if let Some(keys) = & $($mut)? $node.keys {
            for (at, handler) in keys.catch.$iter().enumerate() {
                let label = match &handler.on {
                    Some(codes) => codes.iter().map(|code| &*code.0).collect::<Vec<_>>().join(", "),
                    None => at.to_string(),
                };
                blocks.push((& $($mut)? handler.block, format!("catch {label}")));
            }
            blocks.extend(keys.cleanup.$iter().map(|block| (block, "finally".to_owned())));
        }
        blocks
    }};
}

impl Op {
    /// The blocks inside, each with what a drawing calls it.
    pub fn blocks(&self) -> Vec<(BlockId, String)> {
        let blocks: Vec<(&BlockId, String)> = blocks_of!(self, iter);
        blocks.into_iter().map(|(block, label)| (*block, label)).collect()
    }
}

impl Node {
    /// All blocks inside: those of the operation, then the handlers, then the cleanup.
    pub fn blocks(&self) -> Vec<(BlockId, String)> {
        let blocks = blocks_in!(self, iter);
        blocks.into_iter().map(|(block, label)| (*block, label)).collect()
    }

    /// Makes the block ids of a graph those of a program.
    pub(super) fn shift_blocks(&mut self, by: u32) {
        for (block, _) in blocks_in!(self, iter_mut, mut) {
            block.0 += by;
        }
    }
}
