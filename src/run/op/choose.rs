//! One of several blocks, by conditions.

use std::sync::Arc;

use crate::expr::Expression;
use crate::graph::BlockId;
use crate::run::Corrupt;
use crate::run::event::{Part, ScopeId};
use crate::run::step::Finding;
use crate::run::turn::Turn;
use crate::run::view::Extra;

pub(super) fn begin(
    turn: &mut Turn<'_>,
    scope: ScopeId,
    arms: &[(Arc<Expression>, BlockId)],
    otherwise: Option<BlockId>,
) -> Result<(), Corrupt> {
    for (at, (condition, _)) in arms.iter().enumerate() {
        match turn.condition(scope, condition, Extra::default()) {
            Ok(false) => {}
            Ok(true) => return turn.open_block(scope, Part::Body(at as u32)),
            Err(failure) => return turn.failed(scope, failure),
        }
    }
    match otherwise {
        Some(_) => turn.open_block(scope, Part::Body(arms.len() as u32)),
        None => turn.concluded(scope, Finding::nothing()),
    }
}
