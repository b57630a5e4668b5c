//! The conversation of an agent step, as its calls go out and come back.

use super::super::event::{Outcome, ScopeId};
use super::super::state::*;
use super::super::talk::Talk;
use super::super::{Failure, Request};
use super::{Applied, Corrupt};
use crate::graph::{Op, Program};

impl State {
    /// A call goes out: if an agent's step makes it, it is a part of its conversation.
    pub(super) fn ask(&mut self, program: &Program, scope: ScopeId, request: &Request) -> Applied {
        let active = self.active_mut(scope)?;
        let Op::Agent(ask) = &program.step(active.node).node.op else {
            return Ok(());
        };
        let talk = active.talk.get_or_insert_default();
        match request {
            Request::McpTools(_) => {}
            Request::Recall(request) => talk.conversation = Some(request.conversation.clone()),
            Request::Remember(_) => talk.remembering = true,
            Request::Model(request) => {
                let agent = ask.definition.as_ref().ok_or(Corrupt)?;
                let model = agent.models.iter().position(|model| *model == request.model);
                talk.model = model.ok_or(Corrupt)? as u32;
                if request.earlier as usize != talk.messages.len() {
                    return Err(Corrupt);
                }
                talk.asked(request);
            }
            _ => return Err(Corrupt),
        }
        Ok(())
    }

    /// It comes back.
    pub(super) fn hear(&mut self, scope: ScopeId, outcome: &Outcome) -> Applied {
        let active = self.active_mut(scope)?;
        let (Some(talk), Work::Call { request, .. }) = (&mut active.talk, &active.work) else {
            return Ok(());
        };
        if let Some(reply) = talk.answered(&request.clone(), outcome) {
            self.spent.add(&reply);
        }
        Ok(())
    }

    /// Forgets the conversation of a step that has failed, where another attempt is to begin a new one.
    pub(super) fn forget_talk(&mut self, scope: ScopeId, failure: &Failure) {
        if let Some(active) = self.scopes.get_mut(scope.0).and_then(|scope| scope.active.as_mut())
            && !Talk::survives(failure)
        {
            active.talk = None;
        }
    }
}
