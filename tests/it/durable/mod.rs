//! What outlives a process: runs in a file, whatever happens to who drives them.

mod again;
mod commands;
mod faults;
#[cfg(target_os = "linux")]
mod fsync;
#[cfg(unix)]
mod kill;
#[cfg(unix)]
mod others;
mod recover;
#[cfg(unix)]
mod tools;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use interpret::clock::Clock;
use interpret::drive::Driver;
use interpret::graph::Program;
use interpret::load;
use interpret::provider::Provider;
use interpret::store::{Definition, Sqlite, Store};

/// A folder for the file of a store; it is gone when the test is over.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let place = std::env::temp_dir().join(format!("interpret-durable-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        Place(place)
    }

    fn file(&self) -> PathBuf {
        self.0.join("runs.sqlite")
    }

    fn open(&self) -> Arc<Sqlite> {
        Arc::new(Sqlite::open(&self.file()).unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program of a text, and its definition.
fn define(text: &str) -> (Arc<Program>, Definition) {
    let loaded = load::load_text("workflow.yaml", text);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let id = loaded.workflows().next().unwrap().header.id.clone();
    let program = loaded.program(&id, None).unwrap();
    let definition = loaded.definition(&program);
    (Arc::new(program), definition)
}

/// A driver that finds programs by what its store keeps.
fn driver(store: Arc<dyn Store>, provider: Arc<dyn Provider>, clock: Arc<dyn Clock>) -> Driver {
    let programs = |definition: &Definition| {
        let reloaded = load::reload(definition);
        reloaded.map(|(program, _)| program).map_err(|error| error.to_string())
    };
    Driver::new(store, provider, clock).with_programs(Arc::new(programs))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
