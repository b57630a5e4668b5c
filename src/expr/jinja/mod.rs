//! Jinja: the expressions and templates of native workflows.
//!
//! A source goes through the engine's parser into the tree of `node`, where names are resolved and problems found.
//! From there come the references and the [`Shape`] for static checks, a shortcut for plain expressions (`fast`),
//! and the source that the engine's virtual machine runs ([`print`]).

mod builtin;
mod dash;
mod error;
mod expression;
mod fast;
mod filter;
mod helper;
mod limits;
mod lower;
pub mod manual;
mod node;
mod output;
mod path;
mod print;
mod scope;
mod shape;
mod template;
mod text;
mod time;
mod value;

#[cfg(test)]
mod tests;

pub use builtin::{Builtin, builtins};
pub use dash::Subtraction;
pub use expression::Expression;
pub use shape::{Operator, Shape};
pub use text::Text;
pub(super) use value::check_size;
