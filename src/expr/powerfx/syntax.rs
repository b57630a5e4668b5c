//! The syntax tree of a formula, with the bytes of every part.

use std::ops::Range;
use std::sync::Arc;

/// A part of a formula.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub kind: NodeKind,
    pub span: Range<usize>,
    /// How deep the tree below is; the parser bounds it, since all later passes recurse.
    pub depth: u16,
}

/// A name and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ident {
    pub name: Arc<str>,
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum NodeKind {
    /// A number as it is written; what type it has is a matter of the options.
    Number(Arc<str>),
    Text(Arc<str>),
    Boolean(bool),
    Name(Ident),
    /// `[@name]`: a global name, whatever the rows call their columns.
    Global(Ident),
    Dot(Box<Node>, Ident),
    Call(Ident, Vec<Node>),
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    /// Operators that are written in chains: `&`, `&&`, `||`, `;`.
    Many(Many, Vec<Node>),
    Record(Vec<(Ident, Node)>),
    Table(Vec<Node>),
    As(Box<Node>, Ident),
    /// `$"…{x}…"`
    Interpolated(Vec<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Minus,
    Not,
    Percent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    ExactIn,
}

impl Binary {
    /// The operator as it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Multiply => "*",
            Binary::Divide => "/",
            Binary::Power => "^",
            Binary::Equal => "=",
            Binary::NotEqual => "<>",
            Binary::Less => "<",
            Binary::LessEqual => "<=",
            Binary::Greater => ">",
            Binary::GreaterEqual => ">=",
            Binary::In => "in",
            Binary::ExactIn => "exactin",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Many {
    Concat,
    And,
    Or,
    Chain,
}

impl Node {
    pub fn new(kind: NodeKind, span: Range<usize>) -> Node {
        let below = match &kind {
            NodeKind::Number(_)
            | NodeKind::Text(_)
            | NodeKind::Boolean(_)
            | NodeKind::Name(_)
            | NodeKind::Global(_) => 0,
            NodeKind::Dot(of, _) | NodeKind::Unary(_, of) | NodeKind::As(of, _) => of.depth,
            NodeKind::Binary(_, left, right) => left.depth.max(right.depth),
            NodeKind::Call(_, parts)
            | NodeKind::Many(_, parts)
            | NodeKind::Table(parts)
            | NodeKind::Interpolated(parts) => parts.iter().map(|part| part.depth).max().unwrap_or(0),
            NodeKind::Record(fields) => fields.iter().map(|(_, value)| value.depth).max().unwrap_or(0),
        };
        Node {
            kind,
            span,
            depth: below.saturating_add(1),
        }
    }
}
