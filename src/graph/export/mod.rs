//! A graph for other eyes: as a Mermaid drawing, as JSON.

mod json;
mod mermaid;

pub use json::to_json;
pub use mermaid::to_mermaid;
