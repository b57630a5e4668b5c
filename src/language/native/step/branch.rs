//! `andBranch`: branches with conditions, all that match or only the first (rule 17).

use super::{Lowered, Step};
use crate::graph::{Branch, Fork, Join, Op};
use crate::language::native::outline::{Expects, Field, Part, ResultOutline};
use crate::language::native::reader::{Fields, Reader};

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    let first = step.fields.choice(reader, "match", &[("all", false), ("first", true)]);
    let first = first.unwrap_or(false);
    let part = |at: usize| if first { Part::Arm(at) } else { Part::Branch(at) };
    step.fields.required("branches", "[{ condition: =data.ok, steps: [...] }]");
    let nodes = step.fields.list(reader, "branches", "[{ condition: =data.ok, steps: [...] }]");
    let mut branches = Vec::new();
    let mut complete = nodes.is_some();
    for (at, node) in nodes.unwrap_or_default().iter().enumerate() {
        let help = "write for example `- condition: =data.ok` and below it `  steps: ...`";
        let Some(fields) = Fields::of(reader, "branches", node, help) else {
            complete = false;
            continue;
        };
        let mut fields = fields.called("a branch").in_step(Some(step.index));
        fields.required("condition", "=data.ok");
        let condition = fields.expression(reader, "condition", Field::Own, Expects::Boolean);
        let block = fields
            .required("steps", "[...]")
            .map(|entry| reader.branch("steps", &entry.value, step.index, part(at)));
        fields.close(reader);
        match (condition, block) {
            (Some(condition), Some(block)) => branches.push((condition, block)),
            _ => complete = false,
        }
    }
    if nodes.is_some_and(<[_]>::is_empty) {
        step.none_given(reader, "branches", "branch");
    }
    let count = nodes.map_or(0, <[_]>::len);
    let otherwise = step
        .fields
        .entry("else")
        .map(|entry| reader.branch("else", &entry.value, step.index, part(count)));
    if !complete {
        return None;
    }
    if first {
        let op = Op::Choose {
            arms: branches,
            otherwise,
        };
        return Some(Lowered::new(op, ResultOutline::OneOf));
    }
    let result = match otherwise {
        // Either the list of what the branches gave, or what `else` gave.
        Some(_) => ResultOutline::Unknown,
        None => ResultOutline::Branches {
            keys: None,
            settle: false,
        },
    };
    let branches = branches.into_iter().map(|(condition, block)| Branch {
        key: None,
        condition: Some(condition),
        block,
    });
    let fork = Fork {
        branches: branches.collect(),
        join: Join::All,
        concurrency: None,
        keyed: false,
        otherwise,
    };
    Some(Lowered::new(Op::Fork(Box::new(fork)), result))
}
