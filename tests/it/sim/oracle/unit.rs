//! Units of work: values, calls, waits and control.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value as Json;

use super::super::flow::{Cond, Unit};
use super::super::world::Failure;
use super::clock::Stop;
use super::step::{Attempt, Yield};
use super::{EffectEnd, EffectFate, MailWait, Oracle, StepStatus};

impl<'a> Oracle<'a> {
    pub async fn unit(&self, unit: &Unit, effect: String, at: &Attempt) -> Result<Yield, Stop> {
        let data = &at.data;
        let does = |when: &Option<Cond>| when.as_ref().map_or(Ok(true), |when| self.holds(when, &at.env, data));
        match unit {
            Unit::Set(value) => Ok(Yield::Value(self.clear(at.env.eval(value, data))?)),
            Unit::Assign(entries) => {
                let mut object = data.clone();
                match object.as_object_mut() {
                    Some(object) => object.extend(self.clear(at.env.object(entries, data))?),
                    None => self.clock.give_up("`assign` needs an object"),
                }
                Ok(Yield::Value(object))
            }
            Unit::Call => self.call(effect, at).await,
            Unit::Suspend { when, .. } if !does(when)? => Ok(Yield::Nothing),
            Unit::Suspend { timeout, go_on, .. } => {
                let answer = self.world.wait(&effect);
                let (now, until) = (self.clock.now(), *timeout);
                let payload = self.waiting(at, || {
                    if let Some((ms, payload)) = &answer
                        && self.clock.outcome_reached(now + ms)
                    {
                        return Some(Some(payload.clone()));
                    }
                    until
                        .is_some_and(|ms| self.clock.timer_reached(now + ms))
                        .then_some(None)
                });
                match payload.await? {
                    Some(payload) => Ok(Yield::Value(payload)),
                    None if *go_on => Ok(Yield::Nothing),
                    None => self.fail("suspend.timeout"),
                }
            }
            Unit::WaitFor { event, key, timeout } => self.wait_for(event, *key, *timeout, at).await,
            // Rule 6 holds for its `when` too.
            Unit::Emit { when, .. } => does(when).map(|_| Yield::Nothing),
            Unit::Fail { when, .. } | Unit::End { when, .. } | Unit::Cancel { when } if !does(when)? => {
                Ok(Yield::Nothing)
            }
            Unit::Fail { code, .. } => self.fail(code.as_deref().unwrap_or("failed")),
            Unit::Rethrow => {
                let error = self.clear(at.env.name("error").cloned())?;
                let code = error["code"].as_str().unwrap_or_default().to_owned();
                let status = error["status"].as_u64().map(|status| status as u16);
                Err(Stop::Error(Failure { code, status }))
            }
            Unit::End { output, .. } => {
                let output = output
                    .as_ref()
                    .map_or(Ok(Json::Null), |output| at.env.eval(output, data));
                *at.run.end.borrow_mut() = Some(self.clear(output)?);
                at.run.caller.decide();
                self.clock.cancel(&at.run.scope);
                Err(Stop::Ended)
            }
            Unit::Cancel { .. } => {
                self.clock.cancel(&self.main.scope);
                Err(Stop::Cancelled)
            }
        }
    }

    async fn call(&self, effect: String, at: &Attempt) -> Result<Yield, Stop> {
        let call = self.world.call(&effect);
        self.effect(effect, at, call.ms).await?;
        call.outcome.map(Yield::Value).map_err(Stop::Error)
    }

    /// Something that the world is asked for, and answers after so long.
    pub async fn effect(&self, effect: String, at: &Attempt, ms: u64) -> Result<(), Stop> {
        let started_at = self.clock.now();
        let ended = self.clock.outcome(&at.scope, ms).await;
        let how = if ended.is_ok() {
            EffectEnd::Done
        } else {
            EffectEnd::Cancelled
        };
        let fate = EffectFate {
            started_at,
            ended_at: self.clock.now(),
            how,
        };
        self.effects.borrow_mut().insert(effect, fate);
        ended
    }

    /// Rule 34: takes the first kept event that fits, or the first that comes.
    async fn wait_for(&self, event: &str, key: Option<i64>, timeout: Option<u64>, at: &Attempt) -> Result<Yield, Stop> {
        let wait = Rc::new(MailWait {
            event: event.to_owned(),
            key,
            given: RefCell::default(),
        });
        {
            let mut mail = self.mail.borrow_mut();
            match mail.kept.iter().position(|(event, payload)| wait.fits(event, payload)) {
                Some(first) => return Ok(Yield::Value(mail.kept.remove(first).1)),
                None => mail.waits.push(wait.clone()),
            }
        }
        let now = self.clock.now();
        let given = self.waiting(at, || match wait.given.take() {
            Some(payload) => Some(Some(payload)),
            None => timeout
                .is_some_and(|ms| self.clock.timer_reached(now + ms))
                .then_some(None),
        });
        let given = given.await;
        self.mail.borrow_mut().waits.retain(|other| !Rc::ptr_eq(other, &wait));
        match given? {
            Some(payload) => Ok(Yield::Value(payload)),
            None => self.fail("event.timeout"),
        }
    }

    pub async fn waiting<T>(&self, at: &Attempt, ready: impl FnMut() -> Option<T>) -> Result<T, Stop> {
        let show = |status| {
            if let Some(step) = self.steps.borrow_mut().get_mut(&at.address) {
                step.status = status;
            }
        };
        show(StepStatus::Waiting);
        let ended = self.clock.until(&at.scope, ready).await;
        show(StepStatus::Running);
        ended
    }
}
