#![forbid(unsafe_code)]
#![warn(missing_docs)]
//! Workflows as YAML files: load, check, run.

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

pub mod permit;

pub mod secret;

pub mod store;

pub mod clock;

pub mod provider;

pub mod drive;

pub mod cli;
