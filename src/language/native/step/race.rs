//! `andRace`: branches beside each other, of which the first decides.

use super::{Lowered, Step};
use crate::graph::{Fork, Join, Op};
use crate::language::native::outline::ResultOutline;
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    let until = [("settled", Join::FirstSettled), ("success", Join::FirstSuccess)];
    let join = step.fields.choice(reader, "until", &until).unwrap_or(Join::FirstSettled);
    let (branches, keyed) = step.branches(reader)?;
    let fork = Fork {
        branches,
        join,
        concurrency: None,
        keyed,
        otherwise: None,
    };
    Some(Lowered::new(Op::Fork(Box::new(fork)), ResultOutline::OneOf))
}
