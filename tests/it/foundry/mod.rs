//! Workflows of Microsoft Foundry: what each action does, and files of others.

mod actions;
mod findings;
mod mutated;
mod outside;
mod people;
mod samples;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use interpret::data;
use interpret::data::{Data, Map};
use interpret::drive::{Driver, VirtualClock};
use interpret::graph::{Program, Timestamp};
use interpret::load::{self, Loaded};
use interpret::permit::Permit;
use interpret::provider::{Effect, Functions, Mcp, Performing, Provider, Providers};
use interpret::run::{Event, EventKind, Failure, Input, Outcome, Reply, Request, Run, RunEnd, Start, Status};
use interpret::secret::Secrets;
use interpret::store::{Memory, Store};

use crate::cli::Folder;

/// What a run has come to.
struct Played {
    end: Option<RunEnd>,
    /// What the user was shown, in order.
    shown: Vec<String>,
    state: Data,
    /// What the pauses had as their data.
    waits: Vec<Data>,
    /// What the agents were told, each as its name and the texts of all messages.
    told: Vec<(String, Vec<String>)>,
    store: Arc<Memory>,
}

impl Played {
    fn result(&self) -> &Data {
        match &self.end {
            Some(RunEnd::Completed(result)) => result,
            other => panic!("{other:?}, shown: {:?}", self.shown),
        }
    }

    fn failure(&self) -> &Failure {
        match &self.end {
            Some(RunEnd::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }

    fn variable(&self, key: &str) -> Data {
        self.state.get(key).cloned().unwrap_or_default()
    }
}

/// What answers the calls of a run.
#[derive(Default)]
struct World {
    /// What agents say, by their names; the last answer again and again.
    agents: BTreeMap<String, Vec<Data>>,
    functions: Functions,
    input: Data,
    answers: Vec<Data>,
    env: Data,
}

impl World {
    fn said(input: &str) -> World {
        World {
            input: data!(input),
            ..World::default()
        }
    }

    fn agent(mut self, name: &str, answers: &[Data]) -> World {
        self.agents.insert(name.to_owned(), answers.to_vec());
        self
    }

    fn answers(mut self, answers: &[Data]) -> World {
        self.answers.extend_from_slice(answers);
        self
    }

    fn function(mut self, name: &'static str, result: Data) -> World {
        self.functions = self.functions.with(name, move |_| {
            let result = result.clone();
            async move { Ok(result) }
        });
        self
    }

    /// Runs a file to its end, or to the wait for which no answer is left.
    fn play(self, text: &str) -> Played {
        let loaded = self.load(text);
        assert!(!loaded.has_errors(), "{:#?}", loaded.diagnostics);
        let id = loaded.workflows().next().unwrap().header.id.clone();
        let program = loaded.program(&id, None).unwrap_or_else(|error| panic!("{error}"));
        self.run(Arc::new(program))
    }

    fn load(&self, text: &str) -> Loaded {
        let agents: Vec<(String, String)> = self
            .agents
            .keys()
            .map(|name| {
                let text = format!("kind: Agent\nid: {name}\nmodel: test/{name}\ninstructions: Be brief\n");
                (format!("{name}.agent.yaml"), text)
            })
            .collect();
        let mut files: Vec<(&str, &str)> = agents.iter().map(|(name, text)| (&**name, &**text)).collect();
        files.push(("flow.yaml", text));
        let folder = Folder::new(&files);
        load::load(&[folder.path()])
    }

    fn run(self, program: Arc<Program>) -> Played {
        let clock = Arc::new(VirtualClock::starting_at(Timestamp(0)));
        let (permit, secrets) = (Arc::new(Permit::everything()), Arc::new(Secrets::new(|_| Ok(None))));
        let providers = Providers::new(permit.clone(), secrets.clone(), clock.clone());
        let mcp = Mcp::new(&Default::default(), &permit, &secrets);
        let providers = providers.with_functions(self.functions).with_mcp(Arc::new(mcp));
        let cast = Arc::new(Cast {
            agents: Mutex::new(self.agents),
            told: Mutex::default(),
            others: providers,
        });
        let store = Arc::new(Memory::default());
        let driver = Driver::new(store.clone(), cast.clone(), clock);
        let mut shown = Vec::new();
        let mut waits = Vec::new();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (end, state) = runtime.block_on(async {
            let mut observe = |events: &[Event], _: &Run| {
                for event in events {
                    if let EventKind::Emitted { event, data, .. } = &event.kind
                        && &**event == "message"
                    {
                        shown.push(data.get("text").unwrap().to_text().to_string());
                    }
                }
            };
            let start = Start {
                env: self.env,
                ..Start::new("r1", self.input)
            };
            let mut session = driver.open(program, start, &mut observe).await.unwrap();
            let mut answers = self.answers.into_iter();
            loop {
                let status = session.to_rest(&mut observe).await.unwrap();
                if status != Status::Suspended {
                    break;
                }
                let waiting = session.run().waits().next().unwrap();
                if let interpret::run::Wait::Resume { data, .. } = &*waiting.wait {
                    waits.push(data.clone().unwrap_or_default());
                }
                let Some(payload) = answers.next() else { break };
                let input = Input::Resume { target: None, payload };
                session.send(input, &mut observe).await.unwrap();
            }
            let run = session.run();
            (
                run.state().end().cloned(),
                run.workflow_state().cloned().unwrap_or_default(),
            )
        });
        let told = cast.told.lock().unwrap().clone();
        Played {
            end,
            shown,
            state,
            waits,
            told,
            store,
        }
    }
}

/// Agents that say what they are to say; everything else is real.
struct Cast {
    agents: Mutex<BTreeMap<String, Vec<Data>>>,
    told: Mutex<Vec<(String, Vec<String>)>>,
    others: Providers,
}

impl Provider for Cast {
    fn perform(&self, effect: Effect) -> Performing {
        let Request::Model(asked) = &*effect.call.request else {
            return self.others.perform(effect);
        };
        let texts = asked.messages.iter().map(|message| {
            let content = message.to_data().get("content").cloned().unwrap_or_default();
            content.to_text().to_string()
        });
        self.told
            .lock()
            .unwrap()
            .push((asked.agent.to_string(), texts.collect()));
        let mut agents = self.agents.lock().unwrap();
        let answers = agents.get_mut(&*asked.model.model).unwrap();
        let answer = match answers.len() {
            1 => answers[0].clone(),
            _ => answers.remove(0),
        };
        std::future::ready(Outcome::Said(Arc::new(Reply::of(Some(answer))))).boxed()
    }
}

/// A workflow of these actions, which are indented by four.
fn flow(actions: &str) -> String {
    format!("kind: Workflow\ntrigger:\n  kind: OnConversationStart\n  id: start\n  actions:\n{actions}")
}

fn play(actions: &str) -> Played {
    World::default().play(&flow(actions))
}

fn objects(entries: &[(&str, Data)]) -> Data {
    Data::from(
        entries
            .iter()
            .map(|(key, value)| (Arc::from(*key), value.clone()))
            .collect::<Map>(),
    )
}

/// The texts that a conversation holds.
fn conversation(played: &Played, id: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let kept = runtime.block_on(played.store.recall(&id.into(), 100)).unwrap();
    let texts = kept
        .iter()
        .map(|message| message.to_data().get("content").cloned().unwrap_or_default());
    texts.map(|text| text.to_text().to_string()).collect()
}
