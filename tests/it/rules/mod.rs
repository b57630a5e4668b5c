//! The rules of the language as authors rely on them: each test plays a workflow written in YAML.

mod agents;
mod blocks;
mod cleanup;
mod declarations;
mod failure;
mod flow;
mod play;
mod running;
mod units;
mod values;
mod waiting;
