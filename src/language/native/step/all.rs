//! `andAll`: branches beside each other.

use super::{Lowered, Step};
use crate::graph::{Fork, Join, Op};
use crate::language::native::outline::ResultOutline;
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    let concurrency = step.fields.whole(reader, "concurrency", 1);
    let settle = step.fields.flag(reader, "settle");
    let (branches, keyed) = step.branches(reader)?;
    let keys = keyed.then(|| branches.iter().filter_map(|branch| branch.key.clone()).collect());
    let fork = Fork {
        branches,
        join: if settle { Join::Settle } else { Join::All },
        concurrency,
        keyed,
        otherwise: None,
    };
    Some(Lowered::new(Op::Fork(Box::new(fork)), ResultOutline::Branches { keys, settle }))
}
