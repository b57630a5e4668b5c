//! Simulation.
pub mod flow;
pub mod oracle;
pub mod world;
