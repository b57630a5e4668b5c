//! Opening scopes: blocks inside a step, and child workflows.

use super::super::event::{Part, Planned, ScopeId, Verdict};
use super::super::state::*;
use super::{Applied, Corrupt};
use crate::data::Data;
use crate::graph::{Op, Program, Timestamp};

impl State {
    pub(super) fn open_block(
        &mut self,
        program: &Program,
        at: Timestamp,
        parent: ScopeId,
        child: ScopeId,
        part: Part,
        cleanup_until: Option<Timestamp>,
    ) -> Applied {
        let outer = self.take(parent)?;
        let (instance, mut frame, mut data) = (outer.instance, outer.frame, outer.data.clone());
        let active = outer.active.as_mut().ok_or(Corrupt)?;
        let node = active.node;
        let op = &program.step(node).node.op;
        let keys = program.step(node).node.keys.as_deref();
        let mut local = Local::None;
        let mut own_frame = false;
        let block = match (part, &mut active.work, op) {
            (Part::Cleanup, Work::Finishing { verdict }, _) => {
                let verdict = verdict.clone();
                if let Verdict::Failed(failure) = &verdict {
                    local = Local::Error(failure.clone());
                }
                active.work = Work::Cleanup {
                    child,
                    verdict,
                    until: cleanup_until,
                };
                active.cleaned = true;
                keys.and_then(|keys| keys.cleanup).ok_or(Corrupt)?
            }
            (Part::Handler(handler), work @ Work::Recover(_), _) => {
                *work = Work::Block { child, part };
                local = Local::Error(active.failure.clone().ok_or(Corrupt)?);
                keys.and_then(|keys| keys.catch.get(handler as usize))
                    .ok_or(Corrupt)?
                    .block
            }
            (Part::Body(arm), work @ Work::Begin, op) => {
                *work = Work::Block { child, part };
                match op {
                    Op::Block(block) => *block,
                    Op::Choose { arms, otherwise } => match arms.get(arm as usize) {
                        Some((_, block)) => *block,
                        None => otherwise.ok_or(Corrupt)?,
                    },
                    Op::Fork(fork) => fork.otherwise.ok_or(Corrupt)?,
                    _ => return Err(Corrupt),
                }
            }
            (Part::Body(index), Work::Fork(branches), Op::Fork(fork)) => {
                branches.open(index, child)?;
                fork.branches.get(index as usize).ok_or(Corrupt)?.block
            }
            (Part::Body(index), Work::Each { items, branches }, Op::ForEach(each)) => {
                branches.open(index, child)?;
                own_frame = true;
                data = items.index(index as usize).ok_or(Corrupt)?.clone();
                local = Local::Item {
                    item: data.clone(),
                    index,
                };
                each.block
            }
            (Part::Tool(index), Work::Tools(branches), Op::Agent(ask)) => {
                branches.open(index, child)?;
                own_frame = true;
                data = Data::Null;
                let talk = active.talk.as_ref().ok_or(Corrupt)?;
                let calls = talk.calls.as_ref().ok_or(Corrupt)?;
                let Some(Planned::Run { tool, arguments }) = calls.get(index as usize) else {
                    return Err(Corrupt);
                };
                local = Local::Tool {
                    arguments: arguments.clone(),
                };
                ask.tools.get(*tool as usize).ok_or(Corrupt)?.block
            }
            (Part::Body(_), Work::Loop(iterations), Op::Loop(repeat)) => {
                iterations.end = None;
                iterations.child = Some(child);
                local = Local::Iteration {
                    index: iterations.begun,
                };
                iterations.begun += 1;
                data = iterations.data.clone();
                repeat.block
            }
            _ => return Err(Corrupt),
        };
        if part == Part::Cleanup {
            self.set_timer(cleanup_until, parent, Timer::Cleanup);
        }
        let body = program.block(block);
        if own_frame {
            let inner = self.frames.vacant();
            let records = vec![Record::default(); body.slots.end as usize];
            let opened = self.frames.put(
                inner,
                Frame {
                    parent: Some(frame),
                    each: Some(node),
                    records,
                },
            );
            debug_assert!(opened, "the vacant id is free");
            frame = inner;
        } else {
            self.forget(program, parent, block)?;
        }
        self.queue(program, at, parent)?;
        let scope = Scope {
            parent: Some(parent),
            part,
            instance,
            frame,
            next: body.first,
            visit: 0,
            active: None,
            data,
            local,
            cancelled: false,
            queued: false,
            talk: None,
        };
        if !self.scopes.put(child.0, scope) {
            return Err(Corrupt);
        }
        self.go_on(program, at, child)
    }

    pub(super) fn open_child(
        &mut self,
        program: &Program,
        at: Timestamp,
        parent: ScopeId,
        child: ScopeId,
        input: &Data,
        state: &Data,
    ) -> Applied {
        let instance = self.instances.vacant();
        let frame = self.frames.vacant();
        let active = self.active_mut(parent)?;
        active.work = Work::Block {
            child,
            part: Part::Body(0),
        };
        active.entered = Some(instance);
        let Op::Enter(enter) = &program.step(active.node).node.op else {
            return Err(Corrupt);
        };
        let workflow = enter.target.ok_or(Corrupt)?;
        let body = program.block(program.workflow(workflow).body);
        let opened = self.frames.put(
            frame,
            Frame {
                parent: None,
                each: None,
                records: vec![Record::default(); body.slots.end as usize],
            },
        ) && self.instances.put(
            instance,
            Instance {
                workflow,
                input: input.clone(),
                state: state.clone(),
                frame,
                started_at: at,
                caller: parent,
            },
        ) && self.scopes.put(
            child.0,
            Scope {
                parent: Some(parent),
                part: Part::Body(0),
                instance,
                frame,
                next: body.first,
                visit: 0,
                active: None,
                data: input.clone(),
                local: Local::None,
                cancelled: false,
                queued: false,
                talk: None,
            },
        );
        if !opened {
            return Err(Corrupt);
        }
        self.go_on(program, at, child)
    }
}

impl Branches {
    fn open(&mut self, index: u32, child: ScopeId) -> Applied {
        match self.slots.get_mut(index as usize) {
            Some(slot @ Slot::Chosen) => *slot = Slot::Running(child),
            _ => return Err(Corrupt),
        }
        self.running += 1;
        self.next = index + 1;
        self.pass_over();
        Ok(())
    }
}
