#![forbid(unsafe_code)]
#![warn(missing_docs)]
//! Workflows as YAML files: loaded to a checked graph, run by a pure interpreter that answers with events.
//!
//! From text to events:
//!
//! ```
//! use std::sync::Arc;
//!
//! use interpret::graph::Timestamp;
//! use interpret::run::{Input, Run, RunEnd, Start};
//! use interpret::{data, load};
//!
//! let loaded = load::load_text("hello.yaml", "
//! kind: Workflow
//! id: hello
//! steps:
//!   - { kind: andThen, id: greet, set: { text: 'Hello, {{ input.name }}' } }
//! ");
//! assert!(loaded.diagnostics.is_empty());
//! let mut run = Run::new(Arc::new(loaded.program("hello", None)?));
//! let mut events = Vec::new();
//! let start = Start::new("run-1", data!({ "name": "Ada" }));
//! run.handle(Timestamp(0), Input::Start(start), &mut events)?;
//! assert_eq!(run.state().end(), Some(&RunEnd::Completed(data!({ "text": "Hello, Ada" }))));
//! assert_eq!(Run::replay(run.program().clone(), &events)?.state(), run.state());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The modules are the pipeline, in its order: [`source`] and [`diagnostic`] say what is where and what is wrong with
//! it; [`yaml`] reads text, [`expr`] expressions, [`contract`] schemas; [`language`] makes a [`graph`] of a document and
//! [`load`] checks files against each other; [`run`] interprets; [`config`], [`permit`], [`secret`] and
//! [`provider`] reach outside,
//! [`store`] keeps events, in memory or in a file, and [`drive`] makes a run and the outside world one, `telemetry`
//! tells of it. [`testing`] runs test files, [`lsp`] serves editors, and [`cli`] is the program.

// In the order of the pipeline; the blank lines keep it.
pub mod source;

pub mod diagnostic;

pub mod data;

pub mod yaml;

pub mod expr;

pub mod contract;

pub mod graph;

pub mod language;

pub mod load;

pub mod run;

pub mod config;

pub mod permit;

pub mod secret;

pub mod store;

pub mod clock;

pub mod provider;

pub mod drive;

#[cfg(feature = "otel")]
pub mod telemetry;

pub mod testing;

pub mod lsp;

pub mod serve;

pub mod cli;
