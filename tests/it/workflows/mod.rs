//! The examples in `workflows/`: each runs along its interesting paths under virtual time, and does what its comment
//! says.
//!
//! A path is an input, answers of the outside world, and what people do at each rest. Its trace is a snapshot in
//! `tests/it/snapshots/`, named `WORKFLOW--PATH`; `INSTA_UPDATE=always cargo test workflows` writes them anew.

mod agents;
mod calls;
mod header;
mod people;
mod readme;

pub(crate) use header::words;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use interpret::data::Data;
use interpret::diagnostic::render;
use interpret::drive::{Clock, Driver, Session, VirtualClock};
use interpret::graph::{Millis, Program, Timestamp};
use interpret::load;
use interpret::permit::Permit;
use interpret::provider::{Configured, Mocks, Providers};
use interpret::run::{Event, Input, Run, RunEnd, Start, Status, Target, TraceText, Tracer};
use interpret::secret::Secrets;
use interpret::store::Memory;
use interpret::yaml;

/// One way through a workflow.
struct Story {
    workflow: &'static str,
    path: &'static str,
    input: Data,
    mocks: Data,
    acts: Vec<Act>,
}

/// What happens when the run rests.
pub(crate) enum Act {
    /// Somebody answers the wait of a step.
    Resume(&'static str, Data),
    /// An event arrives.
    Deliver(&'static str, Data),
    /// Nobody does anything until a time limit.
    Pass,
    /// Somebody cancels the run.
    Cancel,
}

/// What became of a run.
pub(crate) struct Told {
    trace: String,
    pub(crate) end: Option<RunEnd>,
    took: Millis,
}

impl Story {
    fn of(workflow: &'static str, path: &'static str, input: Data) -> Story {
        Story {
            workflow,
            path,
            input,
            mocks: Data::Null,
            acts: Vec::new(),
        }
    }

    /// Answers of the outside world, as in a file for `--mocks`.
    fn mocks(self, mocks: Data) -> Story {
        Story { mocks, ..self }
    }

    /// The answers of a file in `tests/mocks/`, which is not in `workflows/` because all YAML files there are loaded.
    fn mocks_of(self, name: &str) -> Story {
        self.mocks(mocks_file(&format!("tests/mocks/{name}.yaml")))
    }

    fn then(mut self, act: Act) -> Story {
        self.acts.push(act);
        self
    }

    fn resume(self, step: &'static str, payload: Data) -> Story {
        self.then(Act::Resume(step, payload))
    }

    /// Runs it and compares the trace with the snapshot.
    #[track_caller]
    fn check(self) {
        let program = program(self.workflow);
        // Only `sort` is really there: whatever else has no mock is not permitted.
        let permit = Permit::nothing().allow_exec(Some("sort"));
        let told = block_on(run(program, self.input, &self.mocks, permit, self.acts));
        let mut text = told.trace;
        let status = match &told.end {
            None => "suspended",
            Some(RunEnd::Completed(_)) => "completed",
            Some(RunEnd::Failed(_)) => "error",
            Some(RunEnd::Cancelled(_)) => "cancelled",
        };
        let _ = write!(text, "=> {status} after {}", time(told.took));
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_path("../snapshots");
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(format!("{}--{}", self.workflow, self.path), text));
    }
}

/// Runs a program until it is over, or waits and nothing more happens.
async fn run(program: Arc<Program>, input: Data, mocks: &Data, permit: Permit, acts: Vec<Act>) -> Told {
    run_from(program, Start::new("r1", input), mocks, permit, acts).await
}

pub(crate) async fn run_from(
    program: Arc<Program>,
    start: Start,
    mocks: &Data,
    permit: Permit,
    acts: Vec<Act>,
) -> Told {
    let clock = Arc::new(VirtualClock::starting_at(Timestamp(0)));
    let secrets = Arc::new(Secrets::new(|_| Ok(None)));
    let mocks = Mocks::from_data(mocks).unwrap();
    let permit = Arc::new(permit);
    let configured = Configured::find(&[PathBuf::from("workflows")]);
    assert!(!configured.has_errors(), "{:?}", configured.diagnostics);
    let providers = Providers::new(permit, secrets, clock.clone());
    let models = configured.models(&providers);
    let providers = providers.with_models(models).with_mocks(mocks);
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
    let mut session = driver.open(program, start, &mut observe).await.unwrap();
    let mut status = session.to_rest(&mut observe).await.unwrap();
    for act in acts {
        assert_eq!(status, Status::Suspended, "the run is over and cannot be told more");
        let input = act.input(&session, &clock);
        session.send(input, &mut observe).await.unwrap();
        status = session.to_rest(&mut observe).await.unwrap();
    }
    Told {
        end: session.run().state().end().cloned(),
        took: clock.now().since(Timestamp(0)),
        trace: text.finish(),
    }
}

impl Act {
    fn input(self, session: &Session, clock: &VirtualClock) -> Input {
        match self {
            Act::Resume(step, payload) => Input::Resume {
                target: Some(Target::Step(step.into())),
                payload,
            },
            Act::Deliver(event, data) => Input::Deliver {
                event: event.into(),
                data,
            },
            Act::Cancel => Input::Cancel { reason: None },
            Act::Pass => {
                let limit = session.run().wake_at().expect("nothing has a time limit");
                let mut sleeper = clock.sleep_until(limit);
                assert!((&mut sleeper).now_or_never().is_none());
                clock.idle(1);
                Input::Tick
            }
        }
    }
}

fn program(workflow: &str) -> Arc<Program> {
    let found = load::find(workflow).unwrap();
    Arc::new(found.loaded.program(workflow, None).unwrap())
}

fn mocks_file(path: &str) -> Data {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut sources = interpret::source::Sources::new();
    let file = sources.add(path, text.as_str());
    let (documents, findings) = yaml::parse(file, &text, &yaml::Limits::default());
    assert!(
        findings.is_empty(),
        "{}",
        render::text::render(&findings, &sources, false)
    );
    documents[0].root.data()
}

fn time(took: Millis) -> String {
    let Millis(took) = took;
    match took {
        0 => "no time".to_owned(),
        took if took % 3_600_000 == 0 => format!("{} h", took / 3_600_000),
        took @ ..1000 => format!("{took} ms"),
        took => format!("{} s", took as f64 / 1000.0),
    }
}

/// Runs a future on a runtime of its own; one that never ends is a failure.
#[track_caller]
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let limited = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), future).await });
    limited.expect("the run neither ends nor rests")
}

/// The files in `workflows/`.
fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("workflows").unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let name = |path: &PathBuf| path.display().to_string();
    let beside = [".test.yaml", ".answers.yaml", "/interpret.yaml"];
    files.retain(|path| name(path).ends_with(".yaml") && !beside.iter().any(|end| name(path).ends_with(end)));
    files.sort();
    files
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap()
}

#[test]
fn the_folder_loads_without_a_finding() {
    let loaded = load::load(&["workflows"]);
    let findings = render::text::render(&loaded.diagnostics, &loaded.sources, false);
    assert!(loaded.diagnostics.is_empty(), "{findings}");
    assert!(loaded.workflows().count() >= 10);
}

#[test]
fn every_file_is_named_after_its_workflow_and_has_a_snapshot() {
    let entries = std::fs::read_dir("tests/it/snapshots").unwrap();
    let snapshots: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let told: BTreeSet<&str> = snapshots
        .iter()
        .filter_map(|path| Some(stem(path).split_once("--")?.0))
        .collect();
    let files = files();
    let named: BTreeSet<&str> = files.iter().map(|file| stem(file)).collect();
    assert_eq!(told, named, "the workflows with a snapshot, and all workflows");
    let loaded = load::load(&["workflows"]);
    let ids: BTreeSet<&str> = loaded.workflows().map(|graph| &*graph.header.id).collect();
    // What only a tool of an agent calls stands in the file of the agent.
    let missing: Vec<_> = named.difference(&ids).collect();
    assert!(missing.is_empty(), "files without a workflow of that name: {missing:?}");
}

#[test]
fn every_mock_is_for_a_step() {
    let loaded = load::load(&["workflows"]);
    for entry in std::fs::read_dir("tests/mocks").unwrap() {
        let path = entry.unwrap().path();
        let mocks = Mocks::from_data(&mocks_file(path.to_str().unwrap())).unwrap();
        let program = loaded.program(stem(&path), None).unwrap();
        let unmatched = mocks.unmatched(program.steps.iter().map(|step| &*step.node.id));
        assert!(unmatched.is_empty(), "{}: {unmatched:?}", path.display());
    }
}
