//! A graph for other eyes: drawings for people (Mermaid, DOT, SVG, a tree of text), and JSON for programs.
//!
//! All drawings show the same figure; [`Marks`] colour a run onto it.

mod dot;
mod figure;
mod json;
mod marks;
mod mermaid;
mod svg;
mod tree;

pub use dot::to_dot;
pub use json::to_json;
pub use marks::{Mark, Marks, Visit};
pub use mermaid::to_mermaid;
pub use svg::to_svg;
pub use tree::to_tree;
