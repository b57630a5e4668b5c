//! Agents with models behind the protocols of their providers, over real connections.

mod bounds;
mod cassettes;
mod failures;
mod same;
mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use interpret::clock::{Clock, SystemClock, VirtualClock};
use interpret::data::Data;
use interpret::drive::Driver;
use interpret::graph::{Program, Timestamp};
use interpret::load;
use interpret::permit::Permit;
use interpret::provider::{Configured, DeltaSink, Providers, Tape};
use interpret::run::{Failure, RunEnd, Start};
use interpret::secret::Secrets;
use interpret::store::Memory;

use server::{Server, Then, Turn};

/// The kinds of connections.
const KINDS: [&str; 3] = ["chat-completions", "responses", "anthropic"];

/// What providers are told to know us by.
const KEY: &str = "s3cr3t-t0ken/of+one";

/// A workflow in which a clerk answers with whatever it likes.
const PLAIN: &str = "
kind: Workflow
id: test
steps: [{ kind: andAgent, id: desk, agent: { model: one/m }, prompt: Go }]
";

fn program(text: &str) -> Arc<Program> {
    let loaded = load::load_text("test.yaml", text);
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    Arc::new(loaded.program("test", None).unwrap())
}

/// A folder that is gone with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("interpret-wire-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How a run is made.
struct Setting {
    kind: &'static str,
    /// Further keys of the connection.
    more: &'static str,
    permit: Permit,
    tape: Option<Tape>,
    sink: Option<DeltaSink>,
    clock: Arc<dyn Clock>,
}

impl Setting {
    fn new(kind: &'static str) -> Setting {
        Setting {
            kind,
            more: "",
            permit: Permit::nothing().allow_net(Some("127.0.0.1")).unwrap(),
            tape: None,
            sink: None,
            clock: Arc::new(VirtualClock::starting_at(Timestamp(0))),
        }
    }

    /// The same in real time, which a server that stalls takes.
    fn in_real_time(mut self) -> Setting {
        self.clock = Arc::new(SystemClock);
        self
    }

    fn driver(self, port: u16) -> Driver {
        let folder = Folder::new();
        let kind = self.kind;
        let more = self.more;
        folder.write(
            "interpret.yaml",
            &format!(
                "connections:\n  one:\n    kind: {kind}\n    baseUrl: http://127.0.0.1:{port}/v1/\n    key: =secrets.KEY\n{more}"
            ),
        );
        let configured = Configured::find(std::slice::from_ref(&folder.0)).with_tape(self.tape);
        assert!(!configured.has_errors(), "{:?}", configured.diagnostics);
        let secrets = Secrets::new(|name| Ok((name == "KEY").then(|| KEY.into())));
        let providers = Providers::new(Arc::new(self.permit), Arc::new(secrets), self.clock.clone());
        let mut models = configured.models(&providers);
        if let Some(sink) = self.sink {
            models = models.with_deltas(sink);
        }
        let providers = providers.with_models(models);
        Driver::new(Arc::new(Memory::default()), Arc::new(providers), self.clock)
    }
}

fn start() -> Start {
    Start::new("r1", Data::Null)
}

/// How a run ends.
async fn end(driver: &Driver, text: &str) -> RunEnd {
    driver.start(program(text), start()).await.unwrap().end().await.unwrap()
}

async fn failure(driver: &Driver, text: &str) -> Arc<Failure> {
    match end(driver, text).await {
        RunEnd::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// All that is kept of the run, as it is written.
async fn journal(driver: &Driver) -> String {
    let batches = driver.store().load(&"r1".into(), 0).await.unwrap();
    let events = batches.iter().flat_map(|batch| batch.events.iter());
    events
        .map(|event| serde_json::to_string(event).unwrap() + "\n")
        .collect()
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}
