//! Agents as programs that embed the driver see them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use interpret::data;
use interpret::drive::Clock;
use interpret::load;
use interpret::provider::{
    Answering, Configured, Delta, Effect, Model, ModelTurn, Models, Performing, Script, Scripted,
};
use interpret::run::{Answer, EventKind, Message, Outcome, Reply, Request, ToolCall, Usage};

use super::store::{Fault, Faulty};
use super::*;

/// An agent that calls five tools in three turns, and answers.
const FIVE: &str = "
kind: Workflow
id: test
steps:
  - kind: andAgent
    id: desk
    agent: { model: one/small, tools: [{ function: work }] }
    prompt: Go
";

fn agents(text: &str) -> Arc<Program> {
    let loaded = load::load_text("test.yaml", text);
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    Arc::new(loaded.program("test", None).unwrap())
}

/// A model and a tool that count what they are asked for.
struct Counting(Mutex<BTreeMap<String, usize>>);

impl Provider for Counting {
    fn perform(&self, effect: Effect) -> Performing {
        *self.0.lock().unwrap().entry(effect.call.effect.clone()).or_default() += 1;
        let outcome = match &*effect.call.request {
            Request::Model(asked) => {
                let calls = [2, 2, 1].get(asked.turn as usize).copied().unwrap_or(0);
                let call = |at: i64| ToolCall {
                    id: format!("call-{at}").into(),
                    name: "work".into(),
                    arguments: data!({ "n": at }),
                };
                let results = asked
                    .messages
                    .iter()
                    .filter(|message| matches!(message, Message::Tool { .. }))
                    .count();
                let content = (calls == 0).then(|| Data::from(results as i64));
                Outcome::Said(Arc::new(Reply {
                    calls: (0..calls).map(call).collect(),
                    ..Reply::of(content)
                }))
            }
            _ => Outcome::Done(Answer::default()),
        };
        async move {
            // Each answer has an append of its own.
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            outcome
        }
        .boxed()
    }
}

async fn ask_with(at: usize, fault: Fault) -> (Arc<Faulty>, Option<RunEnd>, BTreeMap<String, usize>) {
    let store = Faulty::new(at, fault);
    let counting = Arc::new(Counting(Mutex::default()));
    let driver = driver_with(store.clone(), counting.clone());
    let end = match driver.open(agents(FIVE), start(), &mut |_, _| {}).await {
        Ok(mut session) => {
            session.to_rest(&mut |_, _| {}).await.unwrap();
            session.run().state().end().cloned()
        }
        Err(_) => None,
    };
    let performed = counting.0.lock().unwrap().clone();
    (store, end, performed)
}

#[test]
fn whichever_append_fails_no_turn_and_no_tool_call_is_paid_for_twice() {
    block_on(async {
        let (store, end, performed) = ask_with(0, Fault::Lost).await;
        assert_eq!(end, Some(RunEnd::Completed(data!(5))));
        assert_eq!(performed.len(), 4 + 5, "{performed:?}");
        let appends = store.appends.load(Ordering::SeqCst);
        assert!(appends >= 8, "{appends} appends");
        for fault in [Fault::Lost, Fault::Unheard, Fault::Late] {
            for at in 2..=appends {
                let (_, end, performed) = ask_with(at, fault).await;
                assert_eq!(end, Some(RunEnd::Completed(data!(5))), "append {at} {fault:?}");
                assert!(performed.len() == 9, "append {at} {fault:?}: {performed:?}");
                assert!(
                    performed.values().all(|times| *times == 1),
                    "append {at} {fault:?}: {performed:?}"
                );
            }
        }
    });
}

/// A driver whose models answer by a script.
fn scripted(store: Arc<dyn Store>, rules: Data, sink: Option<interpret::provider::DeltaSink>) -> Driver {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(Timestamp(0)));
    let script = Scripted::new(Script::from_data(&rules).unwrap(), clock.clone());
    let mut models = Models::new().with("one", Arc::new(script), BTreeMap::new());
    if let Some(sink) = sink {
        models = models.with_deltas(sink);
    }
    let providers = Providers::new(Arc::default(), secrets(), clock.clone()).with_models(models);
    Driver::new(store, Arc::new(providers), clock)
}

#[test]
fn a_conversation_goes_on_in_the_next_run() {
    block_on(async {
        let text = "
kind: Workflow
id: test
steps:
  - { kind: andAgent, id: first, agent: { model: one/small }, prompt: =input }
  - { kind: andAgent, id: second, agent: { model: one/small }, prompt: And then? }
";
        // The model says how many messages it was told.
        let rules = data!([
            { "when": "=request.messages is defined and request.messages | length == 6", "output": "six" },
            { "when": "=request.messages is defined and request.messages | length == 4", "output": "four" },
            { "when": "=request.messages is defined and request.messages | length == 2", "output": "two" },
            { "output": "none" },
        ]);
        let store: Arc<dyn Store> = Arc::new(Memory::default());
        let driver = scripted(store.clone(), rules, None);
        let run = async |id: &str, conversation: Option<&str>| {
            let mut start = Start::new(id, data!("Hello"));
            start.conversation = conversation.map(Name::from);
            let handle = driver.start(agents(text), start).await.unwrap();
            handle.end().await.unwrap()
        };
        assert_eq!(run("r1", Some("c")).await, RunEnd::Completed(data!("two")));
        assert_eq!(
            run("r2", Some("c")).await,
            RunEnd::Completed(data!("six")),
            "the runs share it"
        );
        assert_eq!(
            run("r3", Some("d")).await,
            RunEnd::Completed(data!("two")),
            "others do not"
        );
        assert_eq!(run("r4", None).await, RunEnd::Completed(data!("none")));
        let kept = store.recall(&"c".into(), 100).await.unwrap();
        assert_eq!(kept.len(), 8);
    });
}

#[test]
fn text_is_told_while_it_comes_and_is_in_no_journal() {
    block_on(async {
        let told: Arc<Mutex<Vec<Delta>>> = Arc::default();
        let sink = told.clone();
        let sink: interpret::provider::DeltaSink = Arc::new(move |delta| sink.lock().unwrap().push(delta));
        let text = "
kind: Workflow
id: test
steps: [{ kind: andAgent, id: desk, agent: { model: one/small }, prompt: Go }]
";
        let rules = data!([{ "output": "One word and another", "usage": { "inputTokens": 3, "outputTokens": 4 } }]);
        let store: Arc<dyn Store> = Arc::new(Memory::default());
        let driver = scripted(store.clone(), rules, Some(sink));
        let handle = driver.start(agents(text), start()).await.unwrap();
        assert_eq!(handle.end().await, Ok(RunEnd::Completed(data!("One word and another"))));
        let told = told.lock().unwrap().clone();
        let pieces: Vec<&str> = told.iter().map(|delta| &*delta.text).collect();
        assert_eq!(pieces, ["One ", "word ", "and ", "another"]);
        assert_eq!(&*told[0].effect, "r1/desk[0]#1");
        let batches = store.load(&"r1".into(), 0).await.unwrap();
        let ended = batches.iter().flat_map(|batch| batch.events.iter());
        let ended = ended.filter(|event| matches!(event.kind, EventKind::CallEnded { .. }));
        assert_eq!(ended.count(), 1);
    });
}

/// A model that never answers, and tells when it is dropped.
struct Stalled(Arc<Mutex<usize>>);

impl Model for Stalled {
    fn answer(&self, _: ModelTurn) -> Answering {
        struct Dropped(Arc<Mutex<usize>>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                *self.0.lock().unwrap() += 1;
            }
        }
        let dropped = Dropped(self.0.clone());
        async move {
            let _dropped = dropped;
            std::future::pending().await
        }
        .boxed()
    }
}

#[test]
fn a_stalled_model_is_cut_off_by_the_time_limit() {
    block_on(async {
        let text = "
kind: Workflow
id: test
steps: [{ kind: andAgent, id: desk, agent: { model: one/small }, prompt: Go, timeout: 50ms }]
";
        let dropped = Arc::new(Mutex::new(0));
        // Virtual time stands still while somebody is at work.
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let models = Models::new().with("one", Arc::new(Stalled(dropped.clone())), BTreeMap::new());
        let providers = Providers::new(Arc::default(), secrets(), clock.clone()).with_models(models);
        let driver = Driver::new(Arc::new(Memory::default()), Arc::new(providers), clock);
        let failure = failure(&driver, agents(text)).await;
        assert_eq!(&*failure.code, "timeout");
        assert_eq!(*dropped.lock().unwrap(), 1);
    });
}

#[test]
fn what_a_turn_costs_comes_from_the_prices_of_the_configuration() {
    block_on(async {
        let folder = std::env::temp_dir().join(format!("interpret-prices-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write(
            "said.yaml",
            "- { output: Hello, usage: { inputTokens: 1000000, outputTokens: 500000 } }\n",
        );
        write(
            "interpret.yaml",
            "connections: { one: { kind: scripted, answers: said.yaml, prices: { small: { input: 2, output: 8 } } } }\n",
        );
        let configured = Configured::find(std::slice::from_ref(&folder));
        assert!(!configured.has_errors(), "{:?}", configured.diagnostics);
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(Timestamp(0)));
        let providers = Providers::new(Arc::default(), secrets(), clock.clone()).with_models(configured.models(&clock));
        let driver = Driver::new(Arc::new(Memory::default()), Arc::new(providers), clock);
        let text = "
kind: Workflow
id: test
steps:
  - { kind: andAgent, id: desk, agent: { model: one/small }, prompt: Go, output: =response.cost }
";
        let mut session = driver.open(agents(text), start(), &mut |_, _| {}).await.unwrap();
        session.to_rest(&mut |_, _| {}).await.unwrap();
        assert_eq!(session.run().state().end(), Some(&RunEnd::Completed(data!(6.0))));
        let spent = session.run().spent();
        assert_eq!(
            (spent.cost(), spent.usage),
            (
                Some(6.0),
                Usage {
                    input_tokens: 1_000_000,
                    output_tokens: 500_000,
                    cached_tokens: None,
                }
            )
        );
        std::fs::remove_dir_all(folder).unwrap();
    });
}
