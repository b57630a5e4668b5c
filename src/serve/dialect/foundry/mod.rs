//! What clients of Microsoft Foundry's projects speak: OpenAI's responses and conversations, with a workflow in the place
//! of the agent.
//!
//! Such clients put what they ask for behind an address that people choose, so paths are known by their ends.

mod agents;
mod body;
mod compose;
mod conversations;
mod failure;
mod items;
mod output;
mod path;
mod responses;
mod routes;
mod start;
mod stream;
mod token;

pub(super) use path::Place;
pub(super) use routes::{answer, router};
pub(in crate::serve) use token::IDENTITY;
