//! The parser: operator precedence over [`token`](super::lexer::token), by hand (docs/decisions/004-power-fx.md).

use std::ops::Range;
use std::sync::Arc;

use super::lexer::{Symbol, Token, token};
use super::limits;
use super::syntax::{Binary, Ident, Many, Node, NodeKind, Unary};
use crate::expr::{Problem, ProblemKind};

/// How tightly operators bind, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Chain,
    Or,
    And,
    In,
    Compare,
    Concat,
    Add,
    Multiply,
    As,
    Prefix,
    Power,
    Postfix,
}

impl Level {
    /// The level above, for the right side of an operator that groups to the left.
    fn tighter(self) -> Level {
        match self {
            Level::Chain => Level::Or,
            Level::Or => Level::And,
            Level::And => Level::In,
            Level::In => Level::Compare,
            Level::Compare => Level::Concat,
            Level::Concat => Level::Add,
            Level::Add => Level::Multiply,
            Level::Multiply => Level::As,
            Level::As => Level::Prefix,
            Level::Prefix => Level::Power,
            Level::Power | Level::Postfix => Level::Postfix,
        }
    }
}

enum Infix {
    Binary(Binary),
    Many(Many),
    As,
    Percent,
}

/// Words that other languages use for what is written otherwise here.
const RESERVED: &[&str] = &[
    "blank",
    "null",
    "empty",
    "none",
    "nothing",
    "undefined",
    "is",
    "this",
    "child",
    "children",
    "siblings",
];

/// Words with a meaning in the grammar; they are functions, too, or values.
fn is_keyword(name: &str) -> bool {
    matches!(
        name,
        "true" | "false" | "And" | "Or" | "Not" | "in" | "exactin" | "As" | "Self" | "Parent"
    )
}

pub(super) fn is_reserved(name: &str) -> bool {
    is_keyword(name) || RESERVED.contains(&&*name.to_lowercase())
}

/// Parses a whole formula.
pub(super) fn parse(source: &str) -> Result<Node, Problem> {
    if source.len() > limits::SOURCE {
        return Err(problem(
            0..source.len(),
            ProblemKind::TooLarge,
            format!("the formula is longer than {} bytes", limits::SOURCE),
        ));
    }
    let mut parser = Parser::new(source, 0);
    let node = parser.expression(Level::Chain)?;
    match parser.next {
        Token::End => Ok(node),
        _ => Err(parser.unexpected("an operator or the end of the formula")),
    }
}

/// Parses one expression that ends before `}`: a segment of a template. Gives the position of the brace.
pub(super) fn parse_segment(source: &str, from: usize) -> Result<(Node, usize), Problem> {
    let mut parser = Parser::new(source, from);
    let node = parser.expression(Level::Chain)?;
    match parser.next {
        Token::Symbol(Symbol::CloseBrace) => Ok((node, parser.span.start)),
        _ => Err(parser.unexpected("`}`")),
    }
}

pub(super) fn problem(range: Range<usize>, kind: ProblemKind, message: impl Into<String>) -> Problem {
    Problem {
        range,
        kind,
        message: message.into(),
        help: None,
        fix: None,
    }
}

struct Parser<'a> {
    source: &'a str,
    next: Token,
    span: Range<usize>,
    /// The end of the token before `next`.
    behind: usize,
    depth: u16,
}

impl<'a> Parser<'a> {
    fn new(source: &'a str, from: usize) -> Parser<'a> {
        let (next, span) = token(source, from);
        Parser {
            source,
            next,
            span,
            behind: from,
            depth: 0,
        }
    }

    fn advance(&mut self) -> Token {
        let (next, span) = token(self.source, self.span.end);
        self.behind = self.span.end;
        self.span = span;
        std::mem::replace(&mut self.next, next)
    }

    fn is(&self, symbol: Symbol) -> bool {
        self.next == Token::Symbol(symbol)
    }

    fn eat(&mut self, symbol: Symbol) -> bool {
        let found = self.is(symbol);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, symbol: Symbol) -> Result<(), Problem> {
        match self.eat(symbol) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("`{}`", symbol.text()))),
        }
    }

    fn unexpected(&self, wanted: &str) -> Problem {
        let (what, help) = match &self.next {
            Token::End => (format!("the formula ends where {wanted} is expected"), None),
            Token::Unclosed("text") => ("the text does not end".to_owned(), Some("close it with `\"`")),
            Token::Unclosed("name") => ("the quoted name does not end".to_owned(), Some("close it with `'`")),
            Token::Unclosed(_) => ("the comment does not end".to_owned(), Some("close it with `*/`")),
            Token::Unknown(c) => (format!("`{c}` has no meaning here"), None),
            _ => {
                let found = &self.source[self.span.clone()];
                let help = match found {
                    "=" if self.source[..self.span.start].ends_with(['=', '!']) => {
                        Some("write `=` to compare and `<>` for unequal")
                    }
                    "|" => Some("write `||` or `Or`"),
                    _ => None,
                };
                (format!("`{found}` stands where {wanted} is expected"), help)
            }
        };
        Problem {
            help: help.map(str::to_owned),
            ..problem(self.span.clone(), ProblemKind::Syntax, what)
        }
    }

    fn node(&self, kind: NodeKind, start: usize) -> Result<Node, Problem> {
        let node = Node::new(kind, start..self.behind.max(start));
        match node.depth > limits::DEPTH {
            true => Err(self.too_deep()),
            false => Ok(node),
        }
    }

    fn too_deep(&self) -> Problem {
        Problem {
            help: Some("compute it in several steps".to_owned()),
            ..problem(self.span.clone(), ProblemKind::TooLarge, "the formula nests too deeply")
        }
    }

    fn expression(&mut self, level: Level) -> Result<Node, Problem> {
        self.depth += 1;
        if self.depth > limits::DEPTH {
            return Err(self.too_deep());
        }
        let node = self.climb(level);
        self.depth -= 1;
        node
    }

    fn climb(&mut self, level: Level) -> Result<Node, Problem> {
        let start = self.span.start;
        let mut left = self.prefix()?;
        while let Some((infix, at)) = self.infix().filter(|(_, at)| *at >= level) {
            self.advance();
            let kind = match infix {
                Infix::Percent => NodeKind::Unary(Unary::Percent, Box::new(left)),
                Infix::As => NodeKind::As(Box::new(left), self.ident()?),
                // `;` may stand behind the last expression.
                Infix::Many(Many::Chain) if matches!(self.next, Token::End) => return Ok(left),
                Infix::Many(many) => {
                    let mut parts = match left.kind {
                        // What stands in parentheses is one operand.
                        NodeKind::Many(of, parts) if of == many && left.span.start == start_of(&parts) => parts,
                        _ => vec![left],
                    };
                    parts.push(self.expression(at.tighter())?);
                    NodeKind::Many(many, parts)
                }
                // A power groups to the right, and its exponent may have a sign.
                Infix::Binary(Binary::Power) => {
                    NodeKind::Binary(Binary::Power, Box::new(left), Box::new(self.expression(Level::Prefix)?))
                }
                Infix::Binary(operator) => {
                    NodeKind::Binary(operator, Box::new(left), Box::new(self.expression(at.tighter())?))
                }
            };
            left = self.node(kind, start)?;
        }
        Ok(left)
    }

    fn infix(&self) -> Option<(Infix, Level)> {
        let binary = |operator, level| Some((Infix::Binary(operator), level));
        match &self.next {
            Token::Name(name, false) => match &**name {
                "And" => Some((Infix::Many(Many::And), Level::And)),
                "Or" => Some((Infix::Many(Many::Or), Level::Or)),
                "in" => binary(Binary::In, Level::In),
                "exactin" => binary(Binary::ExactIn, Level::In),
                "As" => Some((Infix::As, Level::As)),
                _ => None,
            },
            Token::Symbol(symbol) => match symbol {
                Symbol::AndAnd => Some((Infix::Many(Many::And), Level::And)),
                Symbol::OrOr => Some((Infix::Many(Many::Or), Level::Or)),
                Symbol::Ampersand => Some((Infix::Many(Many::Concat), Level::Concat)),
                Symbol::Semicolon => Some((Infix::Many(Many::Chain), Level::Chain)),
                Symbol::Percent => Some((Infix::Percent, Level::Postfix)),
                Symbol::Equal => binary(Binary::Equal, Level::Compare),
                Symbol::NotEqual => binary(Binary::NotEqual, Level::Compare),
                Symbol::Less => binary(Binary::Less, Level::Compare),
                Symbol::LessEqual => binary(Binary::LessEqual, Level::Compare),
                Symbol::Greater => binary(Binary::Greater, Level::Compare),
                Symbol::GreaterEqual => binary(Binary::GreaterEqual, Level::Compare),
                Symbol::Plus => binary(Binary::Add, Level::Add),
                Symbol::Minus => binary(Binary::Subtract, Level::Add),
                Symbol::Star => binary(Binary::Multiply, Level::Multiply),
                Symbol::Slash => binary(Binary::Divide, Level::Multiply),
                Symbol::Caret => binary(Binary::Power, Level::Power),
                _ => None,
            },
            _ => None,
        }
    }

    fn prefix(&mut self) -> Result<Node, Problem> {
        let start = self.span.start;
        let operator = match &self.next {
            Token::Symbol(Symbol::Minus) => Unary::Minus,
            Token::Symbol(Symbol::Bang) => Unary::Not,
            Token::Name(name, false) if &**name == "Not" && !self.calls() => Unary::Not,
            _ => return self.postfix(),
        };
        self.advance();
        let of = self.expression(Level::Prefix)?;
        self.node(NodeKind::Unary(operator, Box::new(of)), start)
    }

    /// Whether a parenthesis follows the name that is next.
    fn calls(&self) -> bool {
        token(self.source, self.span.end).0 == Token::Symbol(Symbol::Open)
    }

    fn postfix(&mut self) -> Result<Node, Problem> {
        let start = self.span.start;
        let mut node = self.primary()?;
        loop {
            let kind = if self.eat(Symbol::Dot) {
                NodeKind::Dot(Box::new(node), self.ident()?)
            } else if self.is(Symbol::OpenBracket) && token(self.source, self.span.end).0 == Token::Symbol(Symbol::At) {
                self.advance();
                self.advance();
                let name = self.ident()?;
                self.expect(Symbol::CloseBracket)?;
                NodeKind::Dot(Box::new(node), name)
            } else {
                return Ok(node);
            };
            node = self.node(kind, start)?;
        }
    }

    fn ident(&mut self) -> Result<Ident, Problem> {
        let Token::Name(name, quoted) = &self.next else {
            return Err(self.unexpected("a name"));
        };
        if !quoted && !self.calls() && is_reserved(name) {
            let message = format!("`{name}` is a reserved word");
            let mut problem = problem(self.span.clone(), ProblemKind::Syntax, message);
            problem.help = match &*name.to_lowercase() {
                "blank" | "null" | "nothing" | "undefined" | "empty" | "none" => Some("write `Blank()`"),
                _ => Some("put it between single quotes to use it as a name"),
            }
            .map(str::to_owned);
            return Err(problem);
        }
        let ident = Ident {
            name: name.clone(),
            span: self.span.clone(),
        };
        self.advance();
        Ok(ident)
    }

    fn primary(&mut self) -> Result<Node, Problem> {
        let start = self.span.start;
        let kind = match self.next.clone() {
            Token::Number(text) => {
                self.advance();
                NodeKind::Number(text)
            }
            Token::Text(text) => {
                self.advance();
                NodeKind::Text(text)
            }
            Token::Interpolated => NodeKind::Interpolated(self.interpolated()?),
            Token::Name(name, quoted) => return self.name(name, quoted),
            Token::Symbol(Symbol::Open) => {
                self.advance();
                let mut node = self.expression(Level::Chain)?;
                self.expect(Symbol::Close)?;
                // The parentheses belong to it, and keep `(a & b) & c` apart from a chain.
                node.span = start..self.behind;
                return Ok(node);
            }
            Token::Symbol(Symbol::OpenBrace) => NodeKind::Record(self.record()?),
            Token::Symbol(Symbol::OpenBracket) => {
                self.advance();
                if self.eat(Symbol::At) {
                    let name = self.ident()?;
                    self.expect(Symbol::CloseBracket)?;
                    NodeKind::Global(name)
                } else {
                    NodeKind::Table(self.list(Symbol::CloseBracket)?)
                }
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.node(kind, start)
    }

    fn name(&mut self, name: Arc<str>, quoted: bool) -> Result<Node, Problem> {
        let start = self.span.start;
        let ident = match quoted || !is_keyword(&name) {
            true => self.ident()?,
            false => {
                let span = self.span.clone();
                self.advance();
                Ident {
                    name: name.clone(),
                    span,
                }
            }
        };
        if self.eat(Symbol::Open) {
            let arguments = self.list(Symbol::Close)?;
            return self.node(NodeKind::Call(ident, arguments), start);
        }
        let kind = match &*name {
            "true" | "false" if !quoted => NodeKind::Boolean(&*name == "true"),
            "And" | "Or" | "in" | "exactin" | "As" if !quoted => {
                let message = format!("`{name}` stands where a value is expected");
                return Err(problem(ident.span, ProblemKind::Syntax, message));
            }
            _ => NodeKind::Name(ident),
        };
        self.node(kind, start)
    }

    /// Expressions up to the closing symbol.
    fn list(&mut self, close: Symbol) -> Result<Vec<Node>, Problem> {
        let mut items = Vec::new();
        if self.eat(close) {
            return Ok(items);
        }
        loop {
            // A table may end with a comma.
            if close == Symbol::CloseBracket && !items.is_empty() && self.eat(close) {
                return Ok(items);
            }
            items.push(self.expression(Level::Chain)?);
            if self.eat(close) {
                return Ok(items);
            }
            if !self.eat(Symbol::Comma) {
                return Err(self.unexpected(&format!("`,` or `{}`", close.text())));
            }
        }
    }

    fn record(&mut self) -> Result<Vec<(Ident, Node)>, Problem> {
        self.expect(Symbol::OpenBrace)?;
        let mut fields: Vec<(Ident, Node)> = Vec::new();
        if self.eat(Symbol::CloseBrace) {
            return Ok(fields);
        }
        loop {
            let name = self.ident()?;
            self.expect(Symbol::Colon)?;
            let value = self.expression(Level::Or)?;
            if fields.iter().any(|(known, _)| known.name == name.name) {
                let message = format!("the field `{}` stands twice", name.name);
                return Err(problem(name.span, ProblemKind::Syntax, message));
            }
            fields.push((name, value));
            if self.eat(Symbol::CloseBrace) {
                return Ok(fields);
            }
            if !self.eat(Symbol::Comma) {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    /// The parts of `$"…"`, from its `$`.
    fn interpolated(&mut self) -> Result<Vec<Node>, Problem> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let (opened, mut at) = (self.span.clone(), self.span.end);
        let mut from = at;
        loop {
            let mut chars = self.source[at..].chars();
            let (c, next) = (chars.next(), chars.next());
            match (c, next) {
                (None, _) => {
                    let message = "the text does not end";
                    return Err(problem(opened, ProblemKind::Syntax, message));
                }
                (Some('"'), Some('"')) | (Some('{'), Some('{')) | (Some('}'), Some('}')) => {
                    text.extend(c);
                    at += 2;
                }
                (Some('"'), _) | (Some('{'), _) => {
                    if !text.is_empty() {
                        let text = std::mem::take(&mut text);
                        parts.push(Node::new(NodeKind::Text(text.into()), from..at));
                    }
                    (self.next, self.span) = token(self.source, at + 1);
                    self.behind = at + 1;
                    if c == Some('"') {
                        return Ok(parts);
                    }
                    parts.push(self.expression(Level::Chain)?);
                    if !self.is(Symbol::CloseBrace) {
                        return Err(self.unexpected("`}`"));
                    }
                    at = self.span.end;
                    from = at;
                }
                (Some('}'), _) => {
                    let mut problem = problem(at..at + 1, ProblemKind::Syntax, "`}` closes nothing");
                    problem.help = Some("write `}}` for a brace in the text".to_owned());
                    return Err(problem);
                }
                (Some(c), _) => {
                    text.push(c);
                    at += c.len_utf8();
                }
            }
        }
    }
}

fn start_of(parts: &[Node]) -> usize {
    parts.first().map_or(0, |part| part.span.start)
}
