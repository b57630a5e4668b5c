//! An example on a page: a workflow, what it is given, and what comes of it.

use std::sync::Arc;

use futures_util::FutureExt;
use interpret::data::Data;
use interpret::diagnostic::render;
use interpret::drive::{Clock, Driver, VirtualClock};
use interpret::graph::Timestamp;
use interpret::load::{self, Loaded};
use interpret::permit::Permit;
use interpret::provider::{Functions, Mocks, Providers};
use interpret::run::{Event, Input, Run, RunEnd, Start, Status, Target, TraceText, Tracer};
use interpret::secret::Secrets;
use interpret::store::Memory;
use interpret::yaml;

use crate::workflows::block_on;

/// What a workflow is given.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub input: Data,
    pub context: Data,
    pub env: Data,
    pub mocks: Data,
    /// Answers to waits, by step, and events, by name.
    pub acts: Vec<Act>,
}

#[derive(Clone, Debug)]
pub enum Act {
    Answer(String, Data),
    Event(String, Data),
}

/// What came of it.
#[derive(Debug)]
pub struct Came {
    /// None: it waits.
    pub end: Option<RunEnd>,
    /// The steps that wait.
    pub waits: Vec<String>,
    pub trace: String,
}

/// Loads the files of an example, which must be without findings.
pub fn load(place: &str, text: &str) -> Loaded {
    let loaded = load::load_text(place, text);
    let findings = render::text::render(&loaded.diagnostics, &loaded.sources, false);
    assert!(loaded.diagnostics.is_empty(), "{place}:\n{findings}");
    loaded
}

/// The one value of a YAML text, of which JSON is a part.
pub fn value(place: &str, text: &str) -> Data {
    let file = interpret::source::Sources::new().add(place, text);
    let (documents, findings) = yaml::parse(file, text, &yaml::Limits::default());
    assert!(findings.is_empty(), "{place}: {findings:?}");
    documents[0].root.data()
}

/// Runs the first workflow of an example. When nothing more is to be done, time passes, unless it is to `wait`.
pub fn play(place: &str, loaded: &Loaded, given: &Given, wait: bool) -> Came {
    let first = loaded.workflows().next();
    let id = &first.unwrap_or_else(|| panic!("{place} has no workflow")).header.id;
    let program = Arc::new(loaded.program(id, None).unwrap());
    block_on(async {
        let clock = Arc::new(VirtualClock::starting_at("2026-01-01T00:00:00Z".parse_time()));
        let secrets = Arc::new(Secrets::new(|_| Ok(None)));
        let mocks = Mocks::from_data(&given.mocks).unwrap_or_else(|error| panic!("{place}: {error:?}"));
        let providers = Providers::new(Arc::new(Permit::nothing()), secrets, clock.clone())
            .with_mocks(mocks)
            .with_functions(Functions::new());
        let driver = Driver::new(Arc::new(Memory::default()), Arc::new(providers), clock.clone());
        let mut tracer = Tracer::new(program.clone());
        let mut text = TraceText::default();
        let mut observe = |events: &[Event], _: &Run| {
            for event in events {
                if let Some(told) = tracer.follow(event).unwrap() {
                    text.push(&told);
                }
            }
        };
        let mut start = Start::new("r1", given.input.clone());
        start.context = given.context.clone();
        start.env = given.env.clone();
        let session = driver.open(program, start, &mut observe).await;
        let mut session = session.unwrap_or_else(|error| panic!("{place}: {error}"));
        let mut acts = given.acts.iter();
        let mut status = session.to_rest(&mut observe).await.unwrap();
        while status == Status::Suspended {
            let input = match acts.next() {
                Some(Act::Answer(step, payload)) => Input::Resume {
                    target: Some(Target::Step(step.as_str().into())),
                    payload: payload.clone(),
                },
                Some(Act::Event(name, data)) => Input::Deliver {
                    event: name.as_str().into(),
                    data: data.clone(),
                },
                None if wait => break,
                None => {
                    let limit = session.run().wake_at();
                    let limit = limit.unwrap_or_else(|| panic!("{place} waits, and nobody answers"));
                    let mut sleeper = clock.sleep_until(limit);
                    assert!((&mut sleeper).now_or_never().is_none());
                    clock.idle(1);
                    Input::Tick
                }
            };
            let sent = session.send(input, &mut observe).await;
            sent.unwrap_or_else(|error| panic!("{place}: {error}"));
            status = session.to_rest(&mut observe).await.unwrap();
        }
        assert!(
            acts.next().is_none(),
            "{place}: the run is over before all is done to it"
        );
        let run = session.run();
        Came {
            end: run.state().end().cloned(),
            waits: run.waits().map(|wait| wait.address).collect(),
            trace: text.finish(),
        }
    })
}

trait ParseTime {
    fn parse_time(&self) -> Timestamp;
}

impl ParseTime for str {
    fn parse_time(&self) -> Timestamp {
        interpret::graph::parse_instant(self).unwrap()
    }
}
