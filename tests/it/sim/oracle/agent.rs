//! Agents: turns of a model, and the calls of tools between them.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value as Json, json};

use super::super::flow::{Agent, Does, Tool};
use super::super::world::{Failure, Turn};
use super::clock::{Scope, Stop, Work};
use super::step::{Attempt, Yield};
use super::{Oracle, Run};

/// How far a conversation has come; a further attempt goes on with it.
#[derive(Default)]
pub struct Talk {
    turns: u32,
    corrections: u32,
    /// The calls of the last turn, each a tool and its number, as long as one of them is to be made.
    calls: Vec<(usize, Json)>,
    /// What has become of them. A failure is told to the model, which is all that happens with it.
    over: Rc<RefCell<Vec<bool>>>,
}

impl<'a> Oracle<'a> {
    pub async fn agent(&'a self, agent: &'a Agent, at: &Attempt) -> Result<Yield, Stop> {
        let mut talk = self.talks.borrow_mut().remove(&at.address).unwrap_or_default();
        let ended = self.converse(agent, at, &mut talk).await;
        // Behind a bad end there is nothing to go on with.
        let lost = matches!(&ended, Err(Stop::Error(error)) if error.code == "schema.output" || error.code == "limit.exceeded");
        if !lost {
            self.talks.borrow_mut().insert(at.address.clone(), talk);
        }
        ended
    }

    async fn converse(&'a self, agent: &'a Agent, at: &Attempt, talk: &mut Talk) -> Result<Yield, Stop> {
        // Each attempt begins with the first model.
        let mut model = 0;
        loop {
            if !talk.calls.is_empty() {
                self.calls(agent, at, talk).await?;
                talk.calls.clear();
            }
            self.clock.start(&at.scope).await?;
            let place = match model {
                0 => format!("{}[{}]#{}", at.address, talk.turns, at.number),
                other => format!("{}[{}.{other}]#{}", at.address, talk.turns, at.number),
            };
            let turn = self.world.turn(&place, agent.tools.len());
            let said = self.effect(place, at, turn.ms).await.map(|()| turn.outcome)?;
            match said {
                Err(_) if model + 1 < agent.models => model += 1,
                Err(error) => return Err(Stop::Error(error)),
                Ok(Turn::Calls(calls)) => {
                    talk.turns += 1;
                    if talk.turns >= agent.turns {
                        return self.fail("limit.exceeded");
                    }
                    // What does not exist, or has wrong arguments, is over at once.
                    let over = calls
                        .iter()
                        .map(|(tool, given)| *tool >= agent.tools.len() || !given.is_i64());
                    talk.over = Rc::new(RefCell::new(over.collect()));
                    talk.calls = calls;
                }
                Ok(Turn::Answer(answer)) => {
                    talk.turns += 1;
                    if !agent.schema || answer.is_i64() {
                        return Ok(Yield::Value(answer));
                    }
                    if talk.corrections >= agent.corrections {
                        return self.fail("schema.output");
                    }
                    if talk.turns >= agent.turns {
                        return self.fail("limit.exceeded");
                    }
                    talk.corrections += 1;
                }
            }
        }
    }

    /// The calls of the last turn that are not over, side by side.
    async fn calls(&'a self, agent: &'a Agent, at: &Attempt, talk: &Talk) -> Result<(), Stop> {
        let inner = Scope::inside(&at.scope);
        let open = (0..talk.calls.len()).filter(|call| !talk.over.borrow()[*call]);
        let work: Vec<Work<'a>> = open
            .map(|call| {
                let (tool, given) = &talk.calls[call];
                let base = format!("{}[{}]/", at.visit(), talk.turns - 1);
                let at = Attempt {
                    number: 1,
                    scope: inner.clone(),
                    ..at.clone()
                };
                let (over, given) = (talk.over.clone(), given.clone());
                let made = self.tool(&agent.tools[*tool], *tool, call, base, given, at);
                let work: Work<'a> = Box::pin(async move {
                    let ended = made.await;
                    if matches!(ended, Ok(_) | Err(Stop::Error(_))) {
                        over.borrow_mut()[call] = true;
                    }
                    ended
                });
                work
            })
            .collect();
        self.clock.fork(&at.scope, &inner, usize::MAX, work, |_| false).await?;
        Ok(())
    }

    fn tool(
        &'a self,
        tool: &'a Tool,
        number: usize,
        call: usize,
        base: String,
        given: Json,
        mut at: Attempt,
    ) -> Work<'a> {
        Box::pin(async move {
            self.clock.start(&at.scope).await?;
            if tool.asks_above.is_some_and(|most| given.as_i64() > Some(most)) {
                at.address = format!("{base}approve.tool{number}[{call}]");
                let answer = self.world.wait(&at.effect());
                let now = self.clock.now();
                let approved = self.waiting(&at, || {
                    let (ms, payload) = answer.as_ref()?;
                    let reached = self.clock.outcome_reached(now + ms);
                    reached.then(|| payload["n"].as_i64().unwrap_or(0) % 2 == 0)
                });
                if !approved.await? {
                    return Err(Stop::Error(Failure::new("tool.refused")));
                }
                self.clock.start(&at.scope).await?;
            }
            at.address = format!("{base}tool{number}[{call}]");
            match tool.does {
                Does::Call => {
                    let call = self.world.call(&at.effect());
                    self.effect(at.effect(), &at, call.ms).await?;
                    call.outcome.map_err(Stop::Error)
                }
                Does::Child(flow) => {
                    let run = Rc::new(Run::new(&at.scope));
                    let input = json!({ "n": given });
                    self.run(&self.children[flow], run, at.base_of_child(), input, at.scope.clone())
                        .await
                }
            }
        })
    }
}
