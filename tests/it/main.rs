//! The integration tests: one binary, one module per subject, because every binary links the whole crate again.
#![allow(
    clippy::disallowed_methods,
    reason = "tests read files, the environment and the clock"
)]

mod agents_wire;
mod api;
mod cli;
mod defects;
mod docs;
mod drawings;
mod drive;
mod durable;
mod editor;
mod errors;
mod examples_of_design;
mod formatting;
mod foundry;
mod fuzz;
mod init;
mod llamaindex;
mod load;
mod load_mutated;
mod npm;
mod pages;
mod powerfx;
mod python;
mod rules;
mod sarif;
mod schema;
mod secrets;
mod serve;
mod sim;
mod suites;
#[cfg(all(unix, feature = "otel"))]
mod telemetry;
mod testing;
mod tidy;
mod trigger;
mod vellum;
mod workflows;
mod yaml_hostile;
mod yaml_suite;
