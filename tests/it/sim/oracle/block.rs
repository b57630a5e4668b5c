//! What each step kind does in one attempt.

use std::rc::Rc;

use serde_json::{Value as Json, json};

use super::super::flow::{Body, Branches, Cond, Kind, Rule, Step};
use super::clock::{Ended, Scope, Stop, Work};
use super::step::{Attempt, Yield};
use super::{Oracle, Run};

impl<'a> Oracle<'a> {
    pub async fn kind(&'a self, step: &'a Step, at: Attempt) -> Result<Yield, Stop> {
        match &step.kind {
            Kind::Then(unit) => self.unit(unit, at.effect(), &at).await,
            Kind::When {
                condition,
                then,
                otherwise,
            } => {
                let (body, place) = match (self.holds(condition, &at.env, &at.data)?, otherwise) {
                    (true, None) => (then, None),
                    (true, Some(_)) => (then, Some("then")),
                    (false, Some(otherwise)) => (otherwise, Some("else")),
                    (false, None) => return Ok(Yield::Skipped),
                };
                self.body(body, place, &at).await
            }
            Kind::Branch {
                branches,
                first,
                otherwise,
            } => self.branch(branches, *first, otherwise.as_ref(), &at).await,
            Kind::All {
                branches,
                concurrency,
                settle,
            } => {
                let inner = Scope::inside(&at.scope);
                let work = branches
                    .lists
                    .iter()
                    .map(|steps| self.inside(steps, &at, &inner))
                    .collect();
                let values = self.all(&at.scope, &inner, work, *concurrency, *settle).await?;
                Ok(Yield::Value(named(branches, values)))
            }
            Kind::Race { branches, success } => self.race(branches, *success, &at).await,
            // Rule 10 of sim.md: errors stay inside; only a cancellation goes through.
            Kind::Tap(body) => match self.body(body, None, &at).await {
                Err(Stop::Cancelled) => Err(Stop::Cancelled),
                _ => Ok(Yield::Nothing),
            },
            Kind::ForEach {
                items,
                name,
                concurrency,
                settle,
                steps,
            } => {
                let Json::Array(items) = self.clear(at.env.eval(items, &at.data))? else {
                    return self.fail("expression.type");
                };
                let inner = Scope::inside(&at.scope);
                let one = |(index, item): (usize, Json)| {
                    let mut env = at.env.for_item().with("index", json!(index));
                    env = env.with(name.as_deref().unwrap_or("item"), item.clone());
                    if let Some(name) = name {
                        env = env.with(&format!("{name}_index"), json!(index));
                    }
                    self.sequence(steps, at.base(Some(index)), at.run.clone(), env, item, inner.clone())
                };
                let work = items.into_iter().enumerate().map(one).collect();
                let values = self
                    .all(&at.scope, &inner, work, Some(concurrency.unwrap_or(1)), *settle)
                    .await?;
                Ok(Yield::Value(Json::Array(values)))
            }
            Kind::Loop {
                until,
                condition,
                steps,
                max,
                proceed,
            } => {
                let mut data = at.data.clone();
                for index in 0.. {
                    self.forget(steps, &at.env);
                    let env = at.env.with("index", json!(index));
                    let base = at.base(Some(index));
                    data = self
                        .sequence(steps, base, at.run.clone(), env, data, at.scope.clone())
                        .await?;
                    if self.holds(condition, &at.env, &data)? == *until {
                        break;
                    }
                    if index as u64 + 1 >= max.unwrap_or(1000) {
                        if !proceed {
                            return self.fail("loop.limit");
                        }
                        break;
                    }
                }
                Ok(Yield::Value(data))
            }
            Kind::Jump(jump) => self.jump(jump, &at),
            Kind::Map(entries) => Ok(Yield::Value(Json::Object(
                self.clear(at.env.object(entries, &at.data))?,
            ))),
            Kind::Sleep(ms) => self.clock.timer(&at.scope, *ms).await.map(|()| Yield::Nothing),
            Kind::Child { flow, input } => {
                let input = match input {
                    Some(input) => self.clear(at.env.eval(input, &at.data))?,
                    None => at.data.clone(),
                };
                let run = Rc::new(Run::new(&at.scope));
                let child = self.run(&self.children[*flow], run, at.base_of_child(), input, at.scope.clone());
                child.await.map(Yield::Value)
            }
            Kind::Guardrail(rules) => self.guard(rules, &at),
            Kind::Agent(agent) => self.agent(agent, &at).await,
            Kind::Try { steps, .. } => self.inside(steps, &at, &at.scope).await.map(Yield::Value),
        }
    }

    /// A list of steps, or a unit that is the step's own or stands in a place beside others.
    async fn body(&'a self, body: &'a Body, place: Option<&str>, at: &Attempt) -> Result<Yield, Stop> {
        match body {
            Body::Unit(unit) => {
                let effect = place.map_or(at.effect(), |place| at.effect_in(place));
                self.unit(unit, effect, at).await
            }
            Body::Steps(steps) => self.inside(steps, at, &at.scope).await.map(Yield::Value),
        }
    }

    /// Branches that all have to succeed, unless they are to settle (rules 15, 28): their values in declared order.
    async fn all(
        &self,
        outer: &Scope,
        inner: &Scope,
        work: Vec<Work<'a>>,
        concurrency: Option<usize>,
        settle: bool,
    ) -> Result<Vec<Json>, Stop> {
        let fails = |ended: &Ended| !settle && matches!(ended, Err(Stop::Error(_)));
        let (ended, failed) = self
            .clock
            .fork(outer, inner, concurrency.unwrap_or(usize::MAX), work, fails)
            .await?;
        let mut values = Vec::new();
        if let Some(Err(stop)) = failed.and_then(|first| ended[first].clone()) {
            return Err(stop);
        }
        for one in ended.into_iter().flatten() {
            values.push(match one {
                Ok(value) if settle => json!({ "status": "success", "output": value }),
                Ok(value) => value,
                Err(Stop::Error(error)) => json!({ "status": "error", "error": { "code": error.code } }),
                Err(stop) => return Err(stop),
            });
        }
        Ok(values)
    }

    async fn branch(
        &'a self,
        branches: &'a [(Cond, Vec<Step>)],
        first: bool,
        otherwise: Option<&'a Vec<Step>>,
        at: &Attempt,
    ) -> Result<Yield, Stop> {
        let mut matching = Vec::new();
        for (number, (condition, _)) in branches.iter().enumerate() {
            // Rule 17: the first match alone counts, and no condition after it.
            if (!first || matching.is_empty()) && self.holds(condition, &at.env, &at.data)? {
                matching.push(number);
            }
        }
        match (matching.first(), otherwise) {
            (None, Some(steps)) => self.inside(steps, at, &at.scope).await.map(Yield::Value),
            (None, None) if first => Ok(Yield::Nothing),
            (Some(&one), _) if first => self.inside(&branches[one].1, at, &at.scope).await.map(Yield::Value),
            _ => {
                let inner = Scope::inside(&at.scope);
                let work = matching
                    .iter()
                    .map(|&number| self.inside(&branches[number].1, at, &inner))
                    .collect();
                let mut values = vec![Json::Null; branches.len()];
                for (number, value) in matching
                    .iter()
                    .zip(self.all(&at.scope, &inner, work, None, false).await?)
                {
                    values[*number] = value;
                }
                Ok(Yield::Value(Json::Array(values)))
            }
        }
    }

    async fn race(&'a self, branches: &'a Branches, success: bool, at: &Attempt) -> Result<Yield, Stop> {
        let inner = Scope::inside(&at.scope);
        let work = branches
            .lists
            .iter()
            .map(|steps| self.inside(steps, at, &inner))
            .collect();
        let wins = |ended: &Ended| match ended {
            Ok(_) => true,
            Err(Stop::Error(_)) => !success,
            Err(_) => false,
        };
        let (ended, winner) = self.clock.fork(&at.scope, &inner, usize::MAX, work, wins).await?;
        let Some(winner) = winner else {
            return self.fail("race.failed");
        };
        let value = ended[winner].clone().unwrap_or(Ok(Json::Null))?;
        let key = branches
            .names
            .as_ref()
            .map_or(json!(winner), |names| json!(names[winner]));
        Ok(Yield::Won(value, key))
    }

    fn guard(&self, rules: &[Rule], at: &Attempt) -> Result<Yield, Stop> {
        let mut data = at.data.clone();
        for rule in rules {
            if !self.holds(&rule.require, &at.env, &data)? {
                match &rule.rewrite {
                    Some(value) => data = self.clear(at.env.eval(value, &data))?,
                    None => return self.fail("guardrail.failed"),
                }
            }
        }
        Ok(Yield::Value(data))
    }
}

/// The values of branches: an object when they have names.
fn named(branches: &Branches, values: Vec<Json>) -> Json {
    match &branches.names {
        Some(names) => Json::Object(names.iter().cloned().zip(values).collect()),
        None => Json::Array(values),
    }
}
