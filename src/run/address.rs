//! Where in a run a step is, as text.
//!
//! The ids of the steps from the outside in, joined by `/`; a loop or for-each around it is followed by the index of the
//! iteration or item (`load[3]/put`), a step around it in a further attempt by its number (`load@2[3]/put`). What is
//! reached behind a jump backwards has the number of such jumps in its block behind its id (`ask+1`, `ask+1@2[3]/put`).
//! Behind the step that calls a child workflow stands a `:` (`invoice:send`), since the child has ids of its own. With the
//! attempt of the step itself it is the id of an effect (`load[3]/put#1`): the same after a restart, and the
//! idempotency key for the outside world. What begins after a retry of the whole run has the number of the retry behind
//! it (`load[3]/put#1~1`).
//!
//! An agent's step is followed by the number of the turn: a turn is `research[2]#1`, another model asked in the place of
//! the first `research[2.1]#1`, and a call of a tool stands behind the turn that asked for it, with its place among the
//! calls of that turn (`research[2]/search[0]#1`). What is asked of a server or of the conversation has a `:` in its brackets
//! (`research[recall:]#1`).

use std::fmt::Write;

use super::Request;
use super::event::{Part, ScopeId};
use super::fault::{Fault, planted};
use super::state::{State, Work};
use crate::graph::{Node, NodeId, Op, Program};

impl State {
    /// The address of the step a scope is at; empty for the run itself.
    pub fn address(&self, program: &Program, scope: ScopeId) -> String {
        self.path(program, Some(scope), None)
    }

    /// What stands before the id of a step in a scope, in its address.
    fn prefix(&self, program: &Program, scope: ScopeId) -> String {
        let Some(scope) = self.scope(scope) else {
            return String::new();
        };
        self.path(program, scope.parent, Some(scope.part))
    }

    /// The address of a step that is not in progress in a scope, but was or is to be.
    pub(super) fn address_in(&self, program: &Program, scope: ScopeId, node: NodeId) -> Option<String> {
        let entry = self.scope(scope)?;
        let mut text = match entry.parent {
            Some(_) => self.prefix(program, scope),
            None => String::new(),
        };
        push_id(&mut text, &program.step(node).node);
        push_visit(&mut text, entry.visit);
        Some(text)
    }

    /// The address of the call that the step in a scope makes: that of the step, but for an agent's.
    pub(super) fn place_of_call(&self, program: &Program, scope: ScopeId) -> String {
        let address = self.address(program, scope);
        let call = self
            .active(scope)
            .and_then(|active| match (&active.work, &active.talk) {
                (Work::Call { request, .. }, Some(talk)) => Some((request, talk)),
                _ => None,
            });
        match call.map(|(request, talk)| (&**request, talk)) {
            Some((Request::McpTools(asked), _)) => format!("{address}[{}:]", asked.server),
            Some((Request::Recall(_), _)) => format!("{address}[recall:]"),
            Some((Request::Remember(_), _)) => format!("{address}[remember:]"),
            Some((Request::Model(asked), talk)) => match talk.model {
                0 => format!("{address}[{}]", asked.turn),
                other => format!("{address}[{}.{other}]", asked.turn),
            },
            _ => address,
        }
    }

    /// From a scope outwards; `inner` is the part of its step that leads further in.
    fn path(&self, program: &Program, scope: Option<ScopeId>, mut inner: Option<Part>) -> String {
        let mut path = Vec::new();
        let mut at = scope;
        while let Some(id) = at {
            let Some(scope) = self.scope(id) else { break };
            let Some(active) = scope.active.as_ref() else { break };
            if scope.parent.is_some() {
                // The turn of an agent that a call of a tool belongs to is the last one.
                let turn = active
                    .talk
                    .as_ref()
                    .map_or(0, |talk| talk.spent.turns.saturating_sub(1));
                path.push((active.node, scope.visit, active.attempt, scope.part, inner, turn));
            }
            inner = Some(scope.part);
            at = scope.parent;
        }
        let mut text = String::new();
        for (node, visit, attempt, part, inner, turn) in path.into_iter().rev() {
            let node = &program.step(node).node;
            push_id(&mut text, node);
            push_visit(&mut text, visit);
            if attempt > 1 && inner.is_some() {
                let _ = write!(text, "@{attempt}");
            }
            if let Part::Tool(call) = part {
                let _ = write!(text, "[{call}]");
            }
            if let Some(inner) = inner {
                if let (Op::Agent(_), Part::Tool(_)) = (&node.op, inner) {
                    let _ = write!(text, "[{turn}]");
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

/// The id of a step in an address: a unit without one of its own is written behind its owner's, which stands there
/// already, unless it stands beside its owner.
fn push_id(text: &mut String, node: &Node) {
    let is_inside = !text.is_empty() && !text.ends_with(':');
    let suffix = node.id.rsplit_once('/').filter(|_| is_inside && !node.named);
    text.push_str(suffix.map_or(&*node.id, |(_, suffix)| suffix));
}

fn push_visit(text: &mut String, visit: u32) {
    if visit > 0 && !planted(Fault::VisitInNoAddress) {
        // Writing to a string does not fail.
        let _ = write!(text, "+{visit}");
    }
}
