//! The integration tests: one binary, one module per subject, because every binary links the whole crate again.

mod drive;
mod examples_of_design;
mod load;
mod load_mutated;
mod rules;
mod sim;
mod suites;
mod tidy;
mod yaml_hostile;
mod yaml_suite;
