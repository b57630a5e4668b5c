//! From resolved nodes back to source for the virtual machine.
//!
//! The engine has no mode in which paths are strict except under `default` (rule 4), it orders a text against a
//! number without a word and bounds neither what `~` nor what `*` makes. So paths and these operators are written as
//! calls of helper functions. A map from what was written to the author's text keeps errors in their place.

use std::fmt::Write;
use std::ops::Range;

use super::helper;
use super::node::{Arg, Base, Kind, Link, Node, Path};
use super::shape::Operator;
use crate::data::Data;
use crate::expr::Root;

/// How tightly the result of a printed node binds; operands that bind less are put in brackets.
mod binding {
    pub const ANY: u8 = 0;
    pub const NOT: u8 = 3;
    pub const COMPARE: u8 = 4;
    pub const FILTER: u8 = 9;
    pub const ATOM: u8 = 10;
}

#[derive(Default)]
pub(super) struct Printer {
    pub text: String,
    /// Printed bytes and the author's bytes they stand for; inner ones come before outer ones.
    pub map: Vec<(Range<usize>, Range<usize>)>,
}

/// The name under which the virtual machine finds a root.
pub(super) fn root_name(root: &Root, number: usize) -> String {
    match root {
        Root::Step { .. } => format!("__step{number}"),
        Root::Now => "__now".to_owned(),
        root => root.to_string(),
    }
}

impl Printer {
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Prints a node anywhere an expression may stand.
    pub fn node(&mut self, node: &Node, roots: &[Root]) {
        self.operand(node, binding::ANY, roots);
    }

    /// Prints a text as a literal.
    pub fn quoted(&mut self, text: &str) {
        self.push("\"");
        for letter in text.chars() {
            match letter {
                '"' => self.push("\\\""),
                '\\' => self.push("\\\\"),
                // A raw line feed is fine, but `\r\n` would be read as one line feed.
                '\r' => self.push("\\r"),
                letter => self.text.push(letter),
            }
        }
        self.push("\"");
    }

    fn operand(&mut self, node: &Node, needed: u8, roots: &[Root]) {
        let start = self.text.len();
        let bracket = binding_of(&node.kind) < needed;
        if bracket {
            self.push("(");
        }
        self.kind(&node.kind, roots);
        if bracket {
            self.push(")");
        }
        self.map.push((start..self.text.len(), node.range.clone()));
    }

    fn kind(&mut self, kind: &Kind, roots: &[Root]) {
        match kind {
            Kind::Literal(data) => self.literal(data),
            Kind::Path(path) => self.path(path, roots),
            Kind::Secret(name) => {
                self.push(helper::SECRET);
                self.push("(");
                self.quoted(name);
                self.push(")");
            }
            Kind::Slice {
                base,
                start,
                stop,
                step,
            } => {
                self.operand(base, binding::ATOM, roots);
                self.push("[");
                for (separator, part) in [("", start), (":", stop), (":", step)] {
                    self.push(separator);
                    if let Some(part) = part {
                        self.node(part, roots);
                    }
                }
                self.push("]");
            }
            Kind::Not(inner) => {
                self.push("not ");
                self.operand(inner, binding::NOT, roots);
            }
            Kind::Negate(inner) => {
                self.push("(-");
                self.operand(inner, binding::ATOM, roots);
                self.push(")");
            }
            Kind::Binary {
                operator: Operator::Concatenate,
                left,
                right,
            } => {
                self.push(helper::CONCATENATE);
                self.push("(");
                self.concatenated(left, roots);
                self.push(",");
                self.node(right, roots);
                self.push(")");
            }
            Kind::Binary {
                operator: Operator::Multiply,
                left,
                right,
            } => {
                self.call(helper::MULTIPLY, &[left, right], roots);
            }
            Kind::Binary {
                operator: operator @ (Operator::In | Operator::NotIn),
                left,
                right,
            } => {
                if *operator == Operator::NotIn {
                    self.push("(not ");
                }
                self.call(helper::CONTAINS, &[left, right], roots);
                if *operator == Operator::NotIn {
                    self.push(")");
                }
            }
            Kind::Binary { operator, left, right } if operator.orders() => {
                self.push(helper::ORDER);
                let _ = write!(self.text, "(\"{}\",", operator.sign());
                self.node(left, roots);
                self.push(",");
                self.node(right, roots);
                self.push(")");
            }
            Kind::Binary { operator, left, right } => {
                let own = operator.precedence();
                // Comparisons do not associate: `(a == b) == c` is not `a == b == c`.
                let left_needs = if own == binding::COMPARE { own + 1 } else { own };
                self.operand(left, left_needs, roots);
                let _ = write!(self.text, " {} ", operator.sign());
                self.operand(right, own + 1, roots);
            }
            Kind::Chain { first, rest } => {
                self.push(helper::ORDER_CHAIN);
                self.push("(");
                self.node(first, roots);
                for (operator, node) in rest {
                    let _ = write!(self.text, ",\"{}\",", operator.sign());
                    self.node(node, roots);
                }
                self.push(")");
            }
            Kind::If {
                condition,
                then,
                otherwise,
            } => {
                self.operand(then, 1, roots);
                self.push(" if ");
                self.operand(condition, 1, roots);
                if let Some(otherwise) = otherwise {
                    self.push(" else ");
                    self.operand(otherwise, 1, roots);
                }
            }
            Kind::Filter { name, input, args } => {
                if let Some(input) = input {
                    self.operand(input, binding::FILTER, roots);
                    self.push("|");
                }
                self.push(name);
                if !args.is_empty() {
                    self.args(args, roots);
                }
            }
            Kind::Test { name, input, args } => {
                // In brackets, since an operator behind a test would be read as its argument.
                self.push("(");
                self.operand(input, binding::FILTER, roots);
                self.push(" is ");
                self.push(name);
                if !args.is_empty() {
                    self.args(args, roots);
                }
                self.push(")");
            }
            Kind::Call { name, args } => {
                self.push(name);
                self.args(args, roots);
            }
            Kind::Method { base, name, args } => {
                self.push(base);
                self.push(".");
                self.push(name);
                self.args(args, roots);
            }
            Kind::List(items) => {
                self.push("[");
                for item in items {
                    self.node(item, roots);
                    self.push(",");
                }
                self.push("]");
            }
            Kind::Map(entries) => {
                self.push("{");
                for (key, value) in entries {
                    self.node(key, roots);
                    self.push(":");
                    self.node(value, roots);
                    self.push(",");
                }
                self.push("}");
            }
            Kind::Invalid => self.push("none"),
        }
    }

    fn literal(&mut self, data: &Data) {
        match data {
            Data::Text(text) => self.quoted(text),
            Data::Null => self.push("none"),
            // JSON's numbers and booleans are the same, and no literal of the source is a list or map.
            other => {
                let _ = write!(self.text, "{other}");
            }
        }
    }

    fn path(&mut self, path: &Path, roots: &[Root]) {
        self.push(if path.optional {
            helper::OPTIONAL_PATH
        } else {
            helper::PATH
        });
        let _ = write!(self.text, "({},", path.number);
        match &path.base {
            Base::Root(number) => self.push(&root_name(&roots[*number], *number)),
            Base::Bound(name) => self.push(name),
            Base::Node(node) => self.node(node, roots),
        }
        for link in &path.links {
            self.push(",");
            match link {
                Link::Key(key) => self.quoted(key),
                Link::Index(index) => {
                    let _ = write!(self.text, "{index}");
                }
                Link::Dynamic(node) => self.node(node, roots),
            }
        }
        self.push(")");
    }

    /// `a ~ b ~ c` becomes one call, which nests less and copies less.
    fn concatenated(&mut self, node: &Node, roots: &[Root]) {
        if let Kind::Binary {
            operator: Operator::Concatenate,
            left,
            right,
        } = &node.kind
        {
            self.concatenated(left, roots);
            self.push(",");
            self.node(right, roots);
        } else {
            self.node(node, roots);
        }
    }

    fn call(&mut self, name: &str, args: &[&Node], roots: &[Root]) {
        self.push(name);
        self.push("(");
        for arg in args {
            self.node(arg, roots);
            self.push(",");
        }
        self.push(")");
    }

    pub fn args(&mut self, args: &[Arg], roots: &[Root]) {
        self.push("(");
        for arg in args {
            match arg {
                Arg::Positional(_) => {}
                Arg::Named(name, _) => {
                    self.push(name);
                    self.push("=");
                }
                Arg::Spread(_) => self.push("*"),
                Arg::NamedSpread(_) => self.push("**"),
            }
            self.node(arg.node(), roots);
            self.push(",");
        }
        self.push(")");
    }

    /// The author's bytes behind printed ones: those of the smallest node that holds them.
    pub fn author_range(map: &[(Range<usize>, Range<usize>)], printed: &Range<usize>) -> Option<Range<usize>> {
        map.iter()
            .filter(|(text, _)| text.start <= printed.start && printed.end <= text.end)
            .min_by_key(|(text, _)| text.len())
            .map(|(_, author)| author.clone())
    }
}

fn binding_of(kind: &Kind) -> u8 {
    match kind {
        Kind::Binary { operator, .. } if operator.orders() => binding::ATOM,
        Kind::Binary {
            operator: Operator::Concatenate | Operator::Multiply | Operator::In | Operator::NotIn,
            ..
        } => binding::ATOM,
        Kind::Binary { operator, .. } => operator.precedence(),
        Kind::Not(_) => binding::NOT,
        Kind::If { .. } => binding::ANY,
        Kind::Filter { .. } => binding::FILTER,
        _ => binding::ATOM,
    }
}
