//! The resolved tree of an expression: what the author's text means, with owned names and exact ranges.
//!
//! Everything else is made from it: the [`Shape`](super::Shape) for static checks, the shortcut, the source for the
//! virtual machine.

use std::ops::Range;
use std::sync::Arc;

use super::shape::Operator;
use crate::data::Data;

pub(super) struct Node {
    pub range: Range<usize>,
    pub kind: Kind,
}

pub(super) enum Kind {
    Literal(Data),
    Path(Path),
    /// `secrets.NAME` where it is allowed.
    Secret(Arc<str>),
    Slice {
        base: Box<Node>,
        start: Option<Box<Node>>,
        stop: Option<Box<Node>>,
        step: Option<Box<Node>>,
    },
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary {
        operator: Operator,
        left: Box<Node>,
        right: Box<Node>,
    },
    /// `a < b < c`
    Chain {
        first: Box<Node>,
        rest: Vec<(Operator, Node)>,
    },
    If {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Option<Box<Node>>,
    },
    Filter {
        name: Arc<str>,
        /// Absent in the chain of a filter block.
        input: Option<Box<Node>>,
        args: Vec<Arg>,
    },
    Test {
        name: Arc<str>,
        input: Box<Node>,
        args: Vec<Arg>,
    },
    Call {
        name: Arc<str>,
        args: Vec<Arg>,
    },
    /// A call on the `loop` object, the only one with methods.
    Method {
        base: Arc<str>,
        name: Arc<str>,
        args: Vec<Arg>,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    /// Stands where a problem was reported.
    Invalid,
}

/// A path: a base and its links.
pub(super) struct Path {
    /// Position in [`Analysis::paths`](super::lower::Analysis).
    pub number: usize,
    pub base: Base,
    pub links: Vec<Link>,
    pub optional: bool,
}

pub(super) enum Base {
    /// Position in [`Analysis::roots`](super::lower::Analysis).
    Root(usize),
    /// A name bound in the template.
    Bound(Arc<str>),
    Node(Box<Node>),
}

pub(super) enum Link {
    Key(Arc<str>),
    Index(i64),
    Dynamic(Box<Node>),
}

pub(super) enum Arg {
    Positional(Node),
    Named(Arc<str>, Node),
    Spread(Node),
    NamedSpread(Node),
}

impl Arg {
    pub fn node(&self) -> &Node {
        match self {
            Arg::Positional(node) | Arg::Named(_, node) | Arg::Spread(node) | Arg::NamedSpread(node) => node,
        }
    }
}
