//! The parser of patterns.

use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use super::class::{category, literal, shorthand};
use super::{Flags, Group, GroupKind, Node};

/// How deep groups may nest.
const DEPTH: usize = 31;

type Parsed<T = Node> = Result<T, String>;

pub(super) struct Parser<'a> {
    chars: Peekable<Chars<'a>>,
    pub flags: Flags,
    /// The names of groups, in their order.
    pub names: Vec<Arc<str>>,
    /// How many captures there are.
    pub groups: usize,
    /// For every capture, its name or number, and whether it is closed.
    captures: Vec<(String, bool)>,
    depth: usize,
}

/// A character of a pattern: itself, or what an escape stands for.
enum Escape {
    Char(char),
    /// The inside of a class, and whether it is negated.
    Class(String, bool),
}

fn is_new_line(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

impl<'a> Parser<'a> {
    pub fn new(source: &'a str, flags: Flags) -> Parser<'a> {
        Parser {
            chars: source.chars().peekable(),
            flags,
            names: Vec::new(),
            groups: 0,
            captures: Vec::new(),
            depth: 0,
        }
    }

    pub fn pattern(&mut self) -> Parsed {
        self.options()?;
        let node = self.alternation()?;
        match self.chars.next() {
            None => Ok(node),
            Some(_) => Err("a `)` closes nothing".to_owned()),
        }
    }

    /// Whether the rest begins with a text, which is taken.
    fn eat(&mut self, text: &str) -> bool {
        let mut ahead = self.chars.clone();
        let found = text.chars().all(|c| ahead.next() == Some(c));
        if found {
            self.chars = ahead;
        }
        found
    }

    /// `(?imsnx)` at the beginning.
    fn options(&mut self) -> Parsed<()> {
        let before = self.chars.clone();
        if !self.eat("(?") {
            return Ok(());
        }
        let mut letters = String::new();
        while let Some(c) = self.chars.next_if(|c| "imsnx".contains(*c)) {
            if letters.contains(c) {
                return Err(format!("the option `{c}` stands twice"));
            }
            letters.push(c);
        }
        if letters.is_empty() || !self.eat(")") {
            self.chars = before;
            return Ok(());
        }
        let has = |letter| letters.contains(letter);
        if has('n') && self.flags.numbered {
            return Err("the option `n` contradicts numbered sub matches".to_owned());
        }
        self.flags.ignore_case |= has('i');
        self.flags.multiline |= has('m');
        self.flags.dot_all |= has('s');
        self.flags.free_spacing |= has('x');
        Ok(())
    }

    fn alternation(&mut self) -> Parsed {
        let mut parts = vec![self.sequence()?];
        while self.eat("|") {
            parts.push(self.sequence()?);
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Node::Alternation(parts),
        })
    }

    /// Skips what does not count: comments, and in free spacing white space.
    fn skip(&mut self) -> Parsed<()> {
        loop {
            if self.eat("(?#") {
                loop {
                    match self.chars.next() {
                        Some(')') => break,
                        Some(_) => {}
                        None => return Err("a comment does not end".to_owned()),
                    }
                }
            } else if self.flags.free_spacing && self.chars.next_if(|c| c.is_whitespace()).is_some() {
            } else if self.flags.free_spacing && self.eat("#") {
                while self.chars.next_if(|c| !is_new_line(*c)).is_some() {}
            } else {
                return Ok(());
            }
        }
    }

    fn sequence(&mut self) -> Parsed {
        let mut parts: Vec<Node> = Vec::new();
        loop {
            self.skip()?;
            match self.chars.peek() {
                None | Some('|' | ')') => return Ok(Node::Sequence(parts)),
                Some('*' | '+' | '?') => return Err("a quantifier has nothing before it".to_owned()),
                Some(_) => {}
            }
            if matches!(self.chars.peek(), Some('{')) {
                return Err(
                    "a brace is escaped with `\\`, or has a number between itself and the closing one".to_owned(),
                );
            }
            let atom = self.atom()?;
            self.skip()?;
            parts.push(self.quantified(atom)?);
        }
    }

    fn quantified(&mut self, atom: Node) -> Parsed {
        let (min, max, exact) = match self.chars.peek() {
            Some('*') => (0, None, false),
            Some('+') => (1, None, false),
            Some('?') => (0, Some(1), false),
            Some('{') => return self.counted(atom),
            _ => return Ok(atom),
        };
        self.chars.next();
        self.repeat(atom, min, max, exact)
    }

    fn counted(&mut self, atom: Node) -> Parsed {
        self.chars.next();
        let malformed = || "a quantifier is `{2}`, `{2,}` or `{2,4}`; other braces are escaped with `\\`".to_owned();
        let min = self.number()?.ok_or_else(malformed)?;
        let (max, exact) = match self.eat(",") {
            true => (self.number()?, false),
            false => (Some(min), true),
        };
        if !self.eat("}") {
            return Err(malformed());
        }
        if max.is_some_and(|max| max < min) {
            return Err("the quantifier's numbers are in the wrong order".to_owned());
        }
        self.repeat(atom, min, max, exact)
    }

    fn number(&mut self) -> Parsed<Option<u32>> {
        let mut digits = String::new();
        while let Some(c) = self.chars.next_if(char::is_ascii_digit) {
            digits.push(c);
        }
        match digits.is_empty() {
            true => Ok(None),
            false => digits.parse().map(Some).map_err(|_| "a number is too large".to_owned()),
        }
    }

    fn repeat(&mut self, of: Node, min: u32, max: Option<u32>, exact: bool) -> Parsed {
        if matches!(of, Node::Begin | Node::End | Node::Boundary(_)) {
            return Err("a quantifier has nothing before it".to_owned());
        }
        let lazy = match self.chars.peek() {
            Some('?') if exact => return Err("an exact quantifier is neither lazy nor greedy".to_owned()),
            Some('?') => {
                self.chars.next();
                true
            }
            Some('+') => return Err("possessive quantifiers are not supported".to_owned()),
            _ => false,
        };
        self.skip()?;
        if matches!(self.chars.peek(), Some('*' | '+' | '?' | '{')) {
            return Err("a quantifier stands behind another one".to_owned());
        }
        let of = Box::new(of);
        Ok(Node::Repeat { of, min, max, lazy })
    }

    fn atom(&mut self) -> Parsed {
        let Some(c) = self.chars.next() else {
            return Ok(Node::Sequence(Vec::new()));
        };
        Ok(match c {
            '(' => return self.group(),
            '[' => return self.class(),
            '\\' => return self.escape(),
            '.' => Node::Dot,
            '^' => Node::Begin,
            '$' => Node::End,
            ']' => return Err("`]` is escaped with `\\`".to_owned()),
            '}' => return Err("`}` is escaped with `\\`".to_owned()),
            c => one(c),
        })
    }

    fn group(&mut self) -> Parsed {
        if self.depth >= DEPTH {
            return Err("groups nest too deeply".to_owned());
        }
        let kind = if self.eat("?:") {
            GroupKind::Plain
        } else if self.eat("?=") {
            GroupKind::LookAhead(true)
        } else if self.eat("?!") {
            GroupKind::LookAhead(false)
        } else if self.eat("?<=") {
            GroupKind::LookBehind(true)
        } else if self.eat("?<!") {
            GroupKind::LookBehind(false)
        } else if self.eat("?<") {
            self.named()?
        } else if matches!(self.chars.peek(), Some('?' | '*' | '+')) {
            return Err("this kind of group is not supported".to_owned());
        } else if self.flags.numbered {
            self.groups += 1;
            self.captures.push((self.groups.to_string(), false));
            GroupKind::Capture(self.captures.len() - 1, None)
        } else {
            GroupKind::Plain
        };
        self.depth += 1;
        let inner = self.alternation()?;
        self.depth -= 1;
        if !self.eat(")") {
            return Err("a group is not closed with `)`".to_owned());
        }
        if let GroupKind::Capture(number, _) = &kind {
            self.captures[*number].1 = true;
        }
        Ok(Node::Group(Box::new(Group { kind, inner })))
    }

    fn named(&mut self) -> Parsed<GroupKind> {
        let mut name = String::new();
        while let Some(c) = self.chars.next_if(|c| *c != '>') {
            name.push(c);
            if name.len() > 200 {
                break;
            }
        }
        let begins = name.starts_with(|c: char| c == '_' || c.is_alphabetic());
        let word = name.chars().all(|c| c == '_' || c.is_alphanumeric());
        if !self.eat(">") || !begins || !word {
            return Err("the name of a sub match is a word that does not begin with a digit".to_owned());
        }
        if name.encode_utf16().count() > 62 {
            return Err("the name of a sub match is too long".to_owned());
        }
        if self.flags.numbered {
            return Err("sub matches have names or numbers, not both".to_owned());
        }
        if self.captures.iter().any(|(known, _)| *known == name) {
            return Err(format!("there are two sub matches of the name `{name}`"));
        }
        self.captures.push((name.clone(), false));
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        Ok(GroupKind::Capture(self.captures.len() - 1, Some(name)))
    }

    fn reference(&self, name: &str) -> Parsed {
        let found = self.captures.iter().position(|(known, _)| known == name);
        match found {
            None => Err(format!("there is no sub match `{name}` before this")),
            Some(at) if !self.captures[at].1 => Err(format!("the sub match `{name}` refers to itself")),
            Some(at) => Ok(Node::Reference(at)),
        }
    }

    /// What follows `\` outside a class.
    fn escape(&mut self) -> Parsed {
        match self.chars.peek().copied() {
            Some('b') => {
                self.chars.next();
                Ok(Node::Boundary(true))
            }
            Some('B') => {
                self.chars.next();
                Ok(Node::Boundary(false))
            }
            Some('k') => {
                if !self.eat("k<") {
                    return Err("a sub match is referred to with `\\k<name>`".to_owned());
                }
                let mut name = String::new();
                while let Some(c) = self.chars.next_if(|c| *c == '_' || c.is_alphanumeric()) {
                    name.push(c);
                }
                if !self.eat(">") || name.is_empty() {
                    return Err("a sub match is referred to with `\\k<name>`".to_owned());
                }
                if self.flags.numbered {
                    return Err("sub matches have names or numbers, not both".to_owned());
                }
                self.reference(&name)
            }
            Some('1'..='9') => {
                let number = self.number()?.unwrap_or(0);
                match self.flags.numbered {
                    true => self.reference(&number.to_string()),
                    false => Err("sub matches have no numbers without `MatchOptions.NumberedSubMatches`".to_owned()),
                }
            }
            Some(c) if "&-!%,;:<=>@`~".contains(c) => Err(format!("`\\{c}` is for classes only")),
            _ => Ok(match self.escaped()? {
                Escape::Char(c) => one(c),
                Escape::Class(inside, negated) => Node::One {
                    text: format!("[{}{inside}]", if negated { "^" } else { "" }),
                    wide: false,
                },
            }),
        }
    }

    /// An escape that stands for one character or a class.
    fn escaped(&mut self) -> Parsed<Escape> {
        let Some(c) = self.chars.next() else {
            return Err("the pattern ends with `\\`".to_owned());
        };
        Ok(match c {
            'd' | 'w' | 's' | 'D' | 'W' | 'S' => {
                Escape::Class(shorthand(c).unwrap_or_default().to_owned(), c.is_ascii_uppercase())
            }
            'p' | 'P' => {
                if !self.eat("{") {
                    return Err("a category of characters is written `\\p{L}`".to_owned());
                }
                let mut name = String::new();
                while let Some(c) = self.chars.next_if(|c| *c != '}' && !c.is_whitespace()) {
                    name.push(c);
                }
                if !self.eat("}") {
                    return Err("a category of characters is written `\\p{L}`".to_owned());
                }
                Escape::Class(category(&name, false)?, c == 'P')
            }
            'f' => Escape::Char('\u{c}'),
            'n' => Escape::Char('\n'),
            'r' => Escape::Char('\r'),
            't' => Escape::Char('\t'),
            'x' => Escape::Char(char::from_u32(self.hex(2)?).unwrap_or('\0')),
            'u' => Escape::Char(self.unicode()?),
            c if "^$\\.*+?()[]{}|/# ".contains(c) => Escape::Char(c),
            c => return Err(format!("there is no escape `\\{c}`")),
        })
    }

    fn hex(&mut self, digits: usize) -> Parsed<u32> {
        let mut text = String::new();
        while text.len() < digits {
            match self.chars.next_if(char::is_ascii_hexdigit) {
                Some(c) => text.push(c),
                None => return Err("an escape has too few hexadecimal digits".to_owned()),
            }
        }
        u32::from_str_radix(&text, 16).map_err(|_| "an escape is malformed".to_owned())
    }

    /// `uHHHH`, two of them for a pair, or `u{H…}`.
    fn unicode(&mut self) -> Parsed<char> {
        let half = || "half a pair of UTF-16 is no character".to_owned();
        if self.eat("{") {
            let mut text = String::new();
            while let Some(c) = self.chars.next_if(char::is_ascii_hexdigit) {
                text.push(c);
            }
            if !self.eat("}") || text.is_empty() || text.len() > 8 {
                return Err("an escape is malformed".to_owned());
            }
            let code = u32::from_str_radix(&text, 16).map_err(|_| "a number is too large".to_owned())?;
            return char::from_u32(code).ok_or_else(half);
        }
        let first = self.hex(4)?;
        if let Some(c) = char::from_u32(first) {
            return Ok(c);
        }
        if first >= 0xdc00 || !self.eat("\\u") {
            return Err(half());
        }
        let second = self.hex(4)?;
        let units = [first as u16, second as u16];
        let decoded: Option<String> = String::from_utf16(&units).ok();
        decoded.and_then(|text| text.chars().next()).ok_or_else(half)
    }

    /// A class, behind its `[`.
    fn class(&mut self) -> Parsed {
        let negated = self.eat("^");
        let mut inside = String::new();
        let mut before: Option<char> = None;
        let mut empty = true;
        let mut previous = ' ';
        loop {
            let Some(c) = self.chars.next() else {
                return Err("a class is not closed with `]`".to_owned());
            };
            let repeats = previous == c && "&!#%,;:<=>@`~^*+?.$".contains(c);
            previous = c;
            match c {
                ']' if empty => return Err("a class is not empty".to_owned()),
                ']' => break,
                '-' => {
                    let low = before
                        .take()
                        .ok_or("`-` is escaped with `\\` in a class, unless it is between two characters")?;
                    let high = match self.chars.next() {
                        Some('\\') => match self.in_class()? {
                            Escape::Char(c) => c,
                            Escape::Class(..) => return Err("a class is no end of a range".to_owned()),
                        },
                        None | Some('-' | ']' | '[' | '(' | ')' | '{' | '}' | '/' | '|') => {
                            return Err(
                                "`-` is escaped with `\\` in a class, unless it is between two characters".to_owned(),
                            );
                        }
                        Some(c) => c,
                    };
                    if high < low {
                        return Err("the ends of a range are in the wrong order".to_owned());
                    }
                    if high as u32 > 0xffff {
                        return Err("characters of two units are not supported in classes".to_owned());
                    }
                    inside.push('-');
                    inside.push_str(&literal(high));
                    previous = ' ';
                }
                '\\' => {
                    previous = ' ';
                    match self.in_class()? {
                        Escape::Char(c) => {
                            self.member(&mut inside, c)?;
                            before = Some(c);
                        }
                        Escape::Class(_, true) if negated => {
                            return Err("a negated class has no negated class in it".to_owned());
                        }
                        Escape::Class(class, class_negated) => {
                            inside.push_str(&format!("[{}{class}]", if class_negated { "^" } else { "" }));
                            before = None;
                            if self.chars.peek() == Some(&'-') {
                                return Err("a class is no end of a range".to_owned());
                            }
                        }
                    }
                }
                '[' | '(' | ')' | '{' | '}' | '/' | '|' => {
                    return Err(format!("`{c}` is escaped with `\\` in a class"));
                }
                _ if repeats => return Err(format!("`{c}` stands twice in a class; escape it with `\\`")),
                '^' => return Err("`^` is escaped with `\\` in a class".to_owned()),
                c => {
                    self.member(&mut inside, c)?;
                    before = Some(c);
                }
            }
            empty = false;
        }
        let text = format!("[{}{inside}]", if negated { "^" } else { "" });
        Ok(Node::One { text, wide: false })
    }

    fn member(&self, inside: &mut String, c: char) -> Parsed<()> {
        if c as u32 > 0xffff {
            return Err("characters of two units are not supported in classes".to_owned());
        }
        inside.push_str(&literal(c));
        Ok(())
    }

    /// What follows `\` in a class.
    fn in_class(&mut self) -> Parsed<Escape> {
        match self.chars.peek().copied() {
            Some('b' | 'B' | 'k' | '0'..='9') => Err("this escape is not for classes".to_owned()),
            Some(c) if "&-!%,;:<=>@`~".contains(c) => {
                self.chars.next();
                Ok(Escape::Char(c))
            }
            _ => self.escaped(),
        }
    }
}

/// A character that stands for itself.
fn one(c: char) -> Node {
    Node::One {
        text: literal(c),
        wide: c as u32 > 0xffff,
    }
}
