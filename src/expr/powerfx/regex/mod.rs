//! Regular expressions: those that mean the same in every engine that runs Power Fx.
//!
//! A pattern is parsed into a tree, on which what other engines see differently is refused, and written again in the words
//! of the engine that matches, with this language's own classes of characters.

mod check;
mod class;
mod parse;
mod write;

use std::sync::Arc;

/// How a pattern is read and matched.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub ignore_case: bool,
    pub multiline: bool,
    pub dot_all: bool,
    pub free_spacing: bool,
    /// Groups without a name are numbered sub matches.
    pub numbered: bool,
    pub begins: bool,
    pub ends: bool,
}

impl Flags {
    /// The flags that the letters of `MatchOptions` say.
    pub fn of(letters: &str) -> Flags {
        let has = |letter| letters.contains(letter);
        Flags {
            ignore_case: has('i'),
            multiline: has('m'),
            dot_all: has('s'),
            free_spacing: has('x'),
            numbered: has('N'),
            begins: has('^'),
            ends: has('$'),
        }
    }
}

/// A pattern that can be matched.
#[derive(Debug)]
pub(super) struct Pattern {
    pub engine: fancy_regex::Regex,
    /// The named groups, in their order.
    pub names: Vec<Arc<str>>,
    /// How many numbered sub matches there are; none if they were not asked for.
    pub numbered: Option<usize>,
}

impl Pattern {
    /// Reads a pattern, or says what is wrong with it.
    pub fn new(source: &str, flags: Flags) -> Result<Pattern, String> {
        let mut parser = parse::Parser::new(source, flags);
        let tree = parser.pattern()?;
        check::check(&tree)?;
        let flags = parser.flags;
        let translated = write::translated(&tree, flags);
        let engine = fancy_regex::RegexBuilder::new(&translated)
            .backtrack_limit(200_000)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Pattern {
            engine,
            names: parser.names,
            numbered: flags.numbered.then_some(parser.groups),
        })
    }
}

/// A part of a pattern.
#[derive(Debug)]
pub(super) enum Node {
    /// One character of a kind, in the words of the engine; two units of UTF-16 if `wide`.
    One {
        text: String,
        wide: bool,
    },
    Dot,
    Begin,
    End,
    /// `\b`, or `\B` if not.
    Boundary(bool),
    Sequence(Vec<Node>),
    Alternation(Vec<Node>),
    Group(Box<Group>),
    Repeat {
        of: Box<Node>,
        min: u32,
        max: Option<u32>,
        lazy: bool,
    },
    /// A group by its number in the order of the tree.
    Reference(usize),
}

#[derive(Debug)]
pub(super) struct Group {
    pub kind: GroupKind,
    pub inner: Node,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum GroupKind {
    Plain,
    /// A capture, with its number in the order of the tree, and its name if it has one.
    Capture(usize, Option<Arc<str>>),
    LookAhead(bool),
    LookBehind(bool),
}
