//! The end of the run.

use crate::graph::Op;
use crate::language::foundry::reader::{Action, Fields, Reader};
use crate::language::foundry::result;

pub(super) fn read(reader: &mut Reader<'_>, action: &Action, _: &mut Fields<'_>) -> Option<()> {
    stop(reader, action);
    Some(())
}

/// Ends the run here, as an action that says so or that is disabled.
pub(super) fn stop(reader: &mut Reader<'_>, action: &Action) {
    let op = Op::End {
        when: None,
        output: Some(result()),
    };
    reader.flow.push(action.node("", op));
}
