//! Where in a run a step is, as text.
//!
//! The ids of the steps from the outside in, joined by `/`; a loop or for-each around it is followed by the index of the
//! iteration or item (`load[3]/put`), a step around it in a further attempt by its number (`load@2[3]/put`). Behind the step that calls a child workflow stands a `:`
//! (`invoice:send`), since the child has ids of its own. With the
//! attempt of the step itself it is the id of an effect (`load[3]/put#1`): the same after a restart, and the
//! idempotency key for the outside world. What begins after a retry of the whole run has the number of the retry behind
//! it (`load[3]/put#1~1`).

use std::fmt::Write;

use super::event::{Part, ScopeId};
use super::state::State;
use crate::graph::{Op, Program};

impl State {
    /// The address of the step a scope is at; empty for the run itself.
    pub fn address(&self, program: &Program, scope: ScopeId) -> String {
        self.path(program, Some(scope), None)
    }

    /// What stands before the id of a step in a scope, in its address.
    pub(super) fn prefix(&self, program: &Program, scope: ScopeId) -> String {
        let Some(scope) = self.scope(scope) else {
            return String::new();
        };
        self.path(program, scope.parent, Some(scope.part))
    }

    /// From a scope outwards; `inner` is the part of its step that leads further in.
    fn path(&self, program: &Program, scope: Option<ScopeId>, mut inner: Option<Part>) -> String {
        let mut path = Vec::new();
        let mut at = scope;
        while let Some(id) = at {
            let Some(scope) = self.scope(id) else { break };
            let Some(active) = scope.active.as_ref() else { break };
            if scope.parent.is_some() {
                path.push((active.node, active.attempt, inner));
            }
            inner = Some(scope.part);
            at = scope.parent;
        }
        let mut text = String::new();
        for (node, attempt, inner) in path.into_iter().rev() {
            let node = &program.step(node).node;
            // A unit without an id of its own is written behind its owner's, which stands there already.
            let id = match node.named {
                true => &*node.id,
                false => node.id.rsplit_once('/').map_or(&*node.id, |(_, suffix)| suffix),
            };
            text.push_str(id);
            if let Some(inner) = inner {
                if attempt > 1 {
                    let _ = write!(text, "@{attempt}");
                }
                if let (Op::ForEach(_) | Op::Loop(_), Part::Body(index)) = (&node.op, inner) {
                    let _ = write!(text, "[{index}]");
                }
                let enters = matches!((&node.op, inner), (Op::Enter(_), Part::Body(_)));
                text.push(if enters { ':' } else { '/' });
            }
        }
        text
    }
}
