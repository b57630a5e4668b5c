use std::collections::{HashMap, hash_map};
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::core::{self, Unrepresentable};
use super::offsets::Offsets;
use super::trap::{self, Trap};
use super::{Document, Entry, Limits, Node, Scalar, Style, Value, syntax};
use crate::data::Data;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// Reads all documents of a text.
///
/// Mistakes of meaning are diagnostics and the documents are complete but for what was refused; behind a syntax error
/// or an exceeded limit nothing more is read, and the document it stands in is not given.
///
/// ```
/// use interpret::{source::Sources, yaml};
/// let mut sources = Sources::new();
/// let file = sources.add("a.yaml", "id: a\n---\nid: b\n");
/// let (documents, diagnostics) = yaml::parse(file, sources.file(file).text(), &yaml::Limits::default());
/// assert!(diagnostics.is_empty());
/// assert_eq!(documents[1].root.get("id").and_then(|id| id.as_str()), Some("b"));
/// ```
pub fn parse(file: FileId, text: &str, limits: &Limits) -> (Vec<Document>, Vec<Diagnostic>) {
    if let Some(diagnostic) = too_large(file, text, limits) {
        return (Vec::new(), vec![diagnostic]);
    }
    let mut loader = Loader::new(file, text, limits);
    for event in Parser::new_from_str(text) {
        let more = match event {
            Ok((event, span)) => {
                let start = loader.offsets.byte(span.start.index());
                let end = loader.offsets.byte(span.end.index()).max(start);
                loader.event(event, start, end)
            }
            Err(error) => {
                let offset = loader.offsets.byte(error.marker().index());
                // What follows a value that was already reported as cut short is not a second mistake.
                if offset >= loader.swallowed.end && !loader.mute {
                    loader.diagnostics.push(syntax::diagnostic(file, text, &error, offset));
                }
                false
            }
        };
        if !more {
            break;
        }
    }
    (loader.documents, loader.diagnostics)
}

/// Checks what can be told before parsing.
fn too_large(file: FileId, text: &str, limits: &Limits) -> Option<Diagnostic> {
    let start = Span::new(file, 0, 0);
    if text.len() > limits.bytes {
        let message = format!("the file has {} bytes; at most {} are read", text.len(), limits.bytes);
        return Some(Diagnostic::error(Code::TooLarge, start, message));
    }
    // The parser buffers a flow collection whole before it tells of its first value, so its size must be bounded here.
    if text.bytes().filter(|byte| *byte == b',').count() > limits.nodes {
        return Some(too_many_values(start, limits));
    }
    None
}

fn too_many_values(span: Span, limits: &Limits) -> Diagnostic {
    let message = format!("the file holds more than {} values", limits.nodes);
    Diagnostic::error(Code::TooLarge, span, message)
}

/// A finished node with its size.
#[derive(Clone)]
struct Built {
    node: Node,
    nodes: usize,
    height: usize,
}

/// A list or mapping whose end was not seen yet.
struct Frame {
    start: usize,
    /// Whether it has its own brackets.
    bracketed: bool,
    /// Whether it or something around it has.
    in_flow: bool,
    anchor: usize,
    nodes: usize,
    height: usize,
    /// How many diagnostics there were before it.
    diagnostics: usize,
    /// The text that this mapping really is.
    meant: Option<Trap>,
    kids: Kids,
}

enum Kids {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        seen: HashMap<Arc<str>, Span>,
        key: Key,
    },
}

enum Key {
    /// The next node is a key.
    Awaited,
    /// The next node is the value of this key.
    Read(Arc<str>, Span),
    /// The next node is the value of a key that was refused.
    Refused,
}

struct Loader<'a> {
    file: FileId,
    text: &'a str,
    limits: &'a Limits,
    offsets: Offsets<'a>,
    documents: Vec<Document>,
    diagnostics: Vec<Diagnostic>,
    frames: Vec<Frame>,
    root: Option<Node>,
    /// The finished anchors of this document.
    anchors: HashMap<usize, Built>,
    nodes: usize,
    alias_nodes: usize,
    /// Where the last event's text ended.
    end: usize,
    /// What stands inside this range belongs to the value at its start, which was reported as cut short.
    swallowed: Range<usize>,
    /// Whether a syntax error would only be a consequence of what was reported.
    mute: bool,
}

impl<'a> Loader<'a> {
    fn new(file: FileId, text: &'a str, limits: &'a Limits) -> Loader<'a> {
        Loader {
            file,
            text,
            limits,
            offsets: Offsets::new(text),
            documents: Vec::new(),
            diagnostics: Vec::new(),
            frames: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            nodes: 0,
            alias_nodes: 0,
            end: 0,
            swallowed: 0..0,
            mute: false,
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Takes one event; false when a limit forbids to go on.
    fn event(&mut self, event: Event<'_>, start: usize, end: usize) -> bool {
        match event {
            Event::DocumentStart(_) => {
                self.anchors.clear();
                self.mute = false;
                self.end = end;
                true
            }
            Event::DocumentEnd => {
                if let Some(root) = self.root.take() {
                    self.documents.push(Document { root });
                }
                true
            }
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(&text, style, tag.as_deref(), anchor > 0 || tag.is_some(), start, end);
                let built = Built {
                    node,
                    nodes: 1,
                    height: 0,
                };
                if anchor > 0 {
                    self.anchors.insert(anchor, built.clone());
                }
                self.put(built)
            }
            Event::Alias(anchor) => {
                self.end = end;
                match self.alias(anchor, self.span(start, end)) {
                    Some(built) => self.put(built),
                    None => false,
                }
            }
            Event::SequenceStart(anchor, tag) => self.open(Kids::List(Vec::new()), anchor, tag.as_deref(), start, end),
            Event::MappingStart(anchor, tag) => {
                let kids = Kids::Map {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    key: Key::Awaited,
                };
                self.open(kids, anchor, tag.as_deref(), start, end)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(start),
            Event::Nothing | Event::StreamStart | Event::StreamEnd => true,
        }
    }

    fn open(&mut self, kids: Kids, anchor: usize, tag: Option<&Tag>, start: usize, end: usize) -> bool {
        if self.frames.len() >= self.limits.depth {
            let message = format!(
                "lists and mappings are nested more than {} levels deep",
                self.limits.depth
            );
            self.diagnostics
                .push(Diagnostic::error(Code::TooLarge, self.span(start, start), message));
            return false;
        }
        let mut content = match anchor > 0 || tag.is_some() {
            true => skip_properties(self.text, start, end),
            false => start,
        };
        let inside = self.frames.last().is_some_and(|frame| frame.in_flow);
        let bracketed = content < end && self.slice(content, end).starts_with(['[', '{']);
        if !bracketed && matches!(kids, Kids::List(_)) {
            content = dash(self.text, content);
        }
        if let Some(tag) = tag {
            let name = core_tag(tag);
            let fits = match &kids {
                Kids::List(_) => matches!(name.as_deref(), Some("seq" | "!")),
                Kids::Map { .. } => matches!(name.as_deref(), Some("map" | "!")),
            };
            if !fits {
                self.refuse_tag(tag, self.span(start, content.max(start)));
            }
        }
        self.end = content;
        self.frames.push(Frame {
            start: content,
            bracketed,
            in_flow: inside || bracketed,
            anchor,
            nodes: 1,
            height: 0,
            diagnostics: self.diagnostics.len(),
            meant: None,
            kids,
        });
        true
    }

    fn close(&mut self, start: usize) -> bool {
        let Some(frame) = self.frames.pop() else {
            return true;
        };
        if frame.bracketed {
            self.end = (start + 1).min(self.text.len());
        }
        let end = self.end.max(frame.start);
        let node = match (frame.meant, frame.kids) {
            (Some(trap), Kids::Map { entries, .. }) if entries.is_empty() => {
                // Nothing that was found inside is a mistake of the author's.
                self.diagnostics.truncate(frame.diagnostics);
                let in_flow = self.frames.last().is_some_and(|parent| parent.in_flow);
                let trap = match trap.cause {
                    trap::Cause::Braces => trap::braces(self.text, frame.start..end, in_flow),
                    _ => trap,
                };
                self.recover(&trap, in_flow)
            }
            (_, Kids::List(items)) => Node {
                span: self.span(frame.start, end),
                value: Value::List(items),
            },
            (meant, Kids::Map { entries, .. }) => {
                if let Some(trap) = meant {
                    self.report_among_entries(trap, frame.diagnostics);
                }
                Node {
                    span: self.span(frame.start, end),
                    value: Value::Map(entries),
                }
            }
        };
        let built = Built {
            node,
            nodes: frame.nodes,
            height: frame.height + 1,
        };
        if frame.anchor > 0 {
            self.anchors.insert(frame.anchor, built.clone());
        }
        self.put(built)
    }

    /// Reports a trap in a mapping that has other entries and so stays one.
    fn report_among_entries(&mut self, trap: Trap, since: usize) {
        let reported = self.diagnostics[since..]
            .iter()
            .any(|diagnostic| diagnostic.code == Code::NeedsQuotes);
        if !reported {
            let trap = Trap {
                complete: false,
                ..trap
            };
            self.diagnostics.push(trap.diagnostic(self.file, self.text));
        }
    }

    /// Reports a trap and gives the text that was meant, so that the checks behind see no follow-up mistakes.
    fn recover(&mut self, trap: &Trap, in_flow: bool) -> Node {
        self.diagnostics.push(trap.diagnostic(self.file, self.text));
        if trap.complete {
            self.swallowed = trap.range.clone();
        }
        // The comment also hides the closing bracket, and the parser will miss it.
        self.mute |= in_flow && trap.cause == trap::Cause::Comment;
        let text: Arc<str> = self.slice(trap.range.start, trap.range.end).into();
        Node {
            span: self.span(trap.range.start, trap.range.end),
            value: Value::Scalar(Scalar {
                data: Data::Text(text.clone()),
                text,
                style: Style::Plain,
                in_flow,
            }),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        properties: bool,
        start: usize,
        end: usize,
    ) -> Node {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let (from, to) = self.extent(text, style, properties, start, end);
        self.end = self.end.max(to);
        let in_flow = self.frames.last().is_some_and(|frame| frame.in_flow);
        let span = self.span(from, to);
        let is_value = self
            .frames
            .last()
            .is_none_or(|frame| !matches!(frame.kids, Kids::Map { key: Key::Awaited, .. }));
        if style == Style::Plain && is_value && from >= self.swallowed.end {
            if let Some(trap) = trap::after_scalar(self.text, from..to, text, in_flow) {
                return self.recover(&trap, in_flow);
            }
            self.warn_of_comment(to);
        }
        let text: Arc<str> = text.into();
        let data = match tag {
            Some(tag) => self.tagged(&text, style, tag, span),
            None if style == Style::Plain && is_value => self.plain(&text, span),
            None => Data::Text(text.clone()),
        };
        Node {
            span,
            value: Value::Scalar(Scalar {
                text,
                data,
                style,
                in_flow,
            }),
        }
    }

    /// Where a scalar stands in the source, without its properties and the white space the parser counts to it.
    fn extent(&self, text: &str, style: Style, properties: bool, start: usize, end: usize) -> (usize, usize) {
        let content = match properties {
            true => skip_properties(self.text, start, end),
            false => start,
        };
        match style {
            Style::Plain if text.is_empty() => {
                let at = match () {
                    () if properties => start + self.slice(start, end).trim_end().len(),
                    // The parser places a missing value at the next token, which may be lines below.
                    () if self.slice(self.end, start).contains('\n') => self.end,
                    () if self.slice(start, start + 1) == ":" => start + 1,
                    () => start,
                };
                (at, at)
            }
            Style::Plain => (content, content + self.slice(content, end).trim_end().len()),
            Style::SingleQuoted | Style::DoubleQuoted => {
                let quoted = self.slice(content, end);
                (content, content + quoted_length(quoted))
            }
            Style::Literal | Style::Folded => {
                // The parser's place begins behind the header.
                let from = if properties { start } else { self.end };
                let header = skip_properties(self.text, skip_indicators(self.text, from), end);
                let header = match self.slice(header, header + 1) {
                    "|" | ">" => header,
                    _ => content,
                };
                (header, header + self.slice(header, end).trim_end().len())
            }
        }
    }

    fn plain(&mut self, text: &Arc<str>, span: Span) -> Data {
        core::resolve(text).unwrap_or_else(|reason| {
            self.refuse_number(text, reason, span);
            Data::Text(text.clone())
        })
    }

    fn refuse_number(&mut self, text: &str, reason: Unrepresentable, span: Span) {
        let message = match reason {
            Unrepresentable::NotFinite => format!("`{text}` is a number that JSON cannot hold"),
            Unrepresentable::TooLarge => "this number is too large to be kept exactly".to_owned(),
        };
        let quoted = trap::quoted(text);
        self.diagnostics
            .push(Diagnostic::error(Code::InvalidValue, span, message).help(format!("write {quoted} if it is a text")));
    }

    fn tagged(&mut self, text: &Arc<str>, style: Style, tag: &Tag, span: Span) -> Data {
        let name = core_tag(tag);
        let data = match name.as_deref() {
            Some("str" | "!") => Some(Ok(Data::Text(text.clone()))),
            Some("null") => core::null(text).map(Ok),
            Some("bool") => core::bool(text).map(Ok),
            Some("int") => core::int(text),
            Some("float") => core::float(text),
            _ => {
                self.refuse_tag(tag, span);
                return match style {
                    Style::Plain => self.plain(text, span),
                    _ => Data::Text(text.clone()),
                };
            }
        };
        match data {
            Some(Ok(data)) => data,
            Some(Err(reason)) => {
                self.refuse_number(text, reason, span);
                Data::Text(text.clone())
            }
            None => {
                let message = format!("this is no `!!{}`", name.unwrap_or_default());
                self.diagnostics
                    .push(Diagnostic::error(Code::InvalidValue, span, message));
                Data::Text(text.clone())
            }
        }
    }

    fn refuse_tag(&mut self, tag: &Tag, span: Span) {
        let shown = match core_tag(tag) {
            Some(name) => format!("!!{name}"),
            None => format!("{}{}", tag.handle, tag.suffix),
        };
        let mut diagnostic = Diagnostic::error(
            Code::UnsupportedYaml,
            span,
            format!("the tag `{shown}` has no meaning here"),
        )
        .help("remove the tag");
        if tag.handle == "!" {
            diagnostic = diagnostic.help("put quotes around a text that begins with `!`");
        }
        self.diagnostics.push(diagnostic);
    }

    /// `Order #{{ n }}` loses its template silently; a comment that begins so is more often a mistake than meant.
    fn warn_of_comment(&mut self, end: usize) {
        let rest = &self.text[end..];
        let comment = rest.trim_start_matches([' ', '\t']);
        if comment.len() < rest.len() && comment.starts_with("#{{") {
            let start = end + rest.len() - comment.len();
            let length = comment.find(['\n', '\r']).unwrap_or(comment.len());
            self.diagnostics.push(
                Diagnostic::warning(
                    Code::NeedsQuotes,
                    self.span(start, start + length),
                    "this template is a comment, because ` #` begins one",
                )
                .help("put quotes around the whole text; a comment reads better with a space behind `#`"),
            );
        }
    }

    /// The copy that an alias stands for; none when a limit forbids it.
    fn alias(&mut self, anchor: usize, span: Span) -> Option<Built> {
        let Some(built) = self.anchors.get(&anchor) else {
            let message = match self.frames.iter().any(|frame| frame.anchor == anchor) {
                true => "this alias stands inside the value it stands for",
                false => "the anchor of this alias is in another document",
            };
            self.diagnostics
                .push(Diagnostic::error(Code::UnsupportedYaml, span, message));
            return Some(Built {
                node: null(span),
                nodes: 1,
                height: 0,
            });
        };
        self.alias_nodes = self.alias_nodes.saturating_add(built.nodes);
        let message = if self.alias_nodes > self.limits.alias_nodes {
            format!("the aliases expand to more than {} values", self.limits.alias_nodes)
        } else if self.frames.len() + built.height > self.limits.depth {
            format!(
                "with its aliases this is nested more than {} levels deep",
                self.limits.depth
            )
        } else {
            return Some(built.clone());
        };
        self.diagnostics.push(Diagnostic::error(Code::TooLarge, span, message));
        None
    }

    /// Puts a finished node where it belongs; false when a limit forbids to go on.
    fn put(&mut self, built: Built) -> bool {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            self.diagnostics.push(too_many_values(built.node.span, self.limits));
            return false;
        }
        let Some(mut frame) = self.frames.pop() else {
            self.root = Some(built.node);
            return true;
        };
        frame.nodes += built.nodes;
        frame.height = frame.height.max(built.height);
        let start = built.node.span.start as usize;
        let swallowed = frame.in_flow && self.swallowed.start < start && start < self.swallowed.end;
        match &mut frame.kids {
            Kids::List(items) => {
                if !swallowed {
                    items.push(built.node);
                }
            }
            Kids::Map { entries, seen, key } => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => {
                    *key = match swallowed {
                        true => Key::Refused,
                        false => self.key(
                            built.node,
                            seen,
                            &mut frame.meant,
                            frame.start,
                            frame.bracketed,
                            frame.in_flow,
                        ),
                    }
                }
                Key::Read(name, key_span) => entries.push(Entry {
                    key: name,
                    key_span,
                    value: built.node,
                }),
                Key::Refused => {}
            },
        }
        self.frames.push(frame);
        true
    }

    /// Judges a node in the place of a key.
    fn key(
        &mut self,
        node: Node,
        seen: &mut HashMap<Arc<str>, Span>,
        meant: &mut Option<Trap>,
        start: usize,
        bracketed: bool,
        in_flow: bool,
    ) -> Key {
        let span = node.span;
        let Value::Scalar(scalar) = node.value else {
            let braces = bracketed && span.start as usize == start + 1 && self.slice(start, start + 2) == "{{";
            if braces {
                *meant = Some(trap::braces(self.text, start..span.end as usize, in_flow));
            } else {
                self.diagnostics.push(
                    Diagnostic::error(
                        Code::BadKey,
                        span,
                        format!(
                            "a key must be a text, not a {}",
                            match node.value {
                                Value::List(_) => "list",
                                _ => "mapping",
                            }
                        ),
                    )
                    .help("put quotes around the key if it is a text"),
                );
            }
            return Key::Refused;
        };
        if scalar.style == Style::Plain {
            // Only a recovered template begins so; its mapping began with it.
            if scalar.text.starts_with('{') && !in_flow {
                *meant = Some(trap::braces(self.text, start..span.end as usize, in_flow));
                return Key::Refused;
            }
            if let Some(trap) = trap::at_key(self.text, span.start as usize..span.end as usize, &scalar.text, in_flow) {
                if trap.range.end > span.end as usize {
                    match bracketed || meant.is_some() {
                        // Between brackets the other entries stay, so the mapping stays one.
                        true => drop(self.recover(&trap, in_flow)),
                        false => *meant = Some(trap),
                    }
                    return Key::Refused;
                }
            }
            if &*scalar.text == "<<" {
                self.diagnostics.push(
                    Diagnostic::error(Code::UnsupportedYaml, span, "the merge key `<<` is not supported")
                        .help("repeat the keys; `*name` as a whole value works")
                        .help("write \"<<\" for a key of that name"),
                );
                return Key::Refused;
            }
        }
        match seen.entry(scalar.text.clone()) {
            hash_map::Entry::Occupied(first) => {
                let message = format!("the key `{}` stands twice in this mapping", shortened(&scalar.text));
                self.diagnostics.push(
                    Diagnostic::error(Code::DuplicateKey, span, message)
                        .here("second")
                        .label(*first.get(), "first"),
                );
                Key::Refused
            }
            hash_map::Entry::Vacant(entry) => {
                entry.insert(span);
                Key::Read(scalar.text, span)
            }
        }
    }
}

fn null(span: Span) -> Node {
    Node {
        span,
        value: Value::Scalar(Scalar {
            text: "".into(),
            data: Data::Null,
            style: Style::Plain,
            in_flow: false,
        }),
    }
}

/// The name of a tag of the core schema, or `!` for the tag that means "no other type".
fn core_tag(tag: &Tag) -> Option<String> {
    let full = format!("{}{}", tag.handle, tag.suffix);
    if full == "!" {
        return Some(full);
    }
    full.strip_prefix("tag:yaml.org,2002:").map(str::to_owned)
}

/// The offset of the content behind anchors and tags, at most `end`.
fn skip_properties(text: &str, start: usize, end: usize) -> usize {
    let Some(source) = text.get(start..end) else {
        return start;
    };
    let mut rest = source;
    loop {
        rest = rest.trim_start();
        if rest.starts_with('#') && rest.len() < source.len() {
            rest = rest.find('\n').map_or("", |at| &rest[at..]);
        } else if rest.starts_with(['&', '!']) {
            // A verbatim tag `!<...>` may hold any character but white space, so this also ends it.
            rest = rest.find(char::is_whitespace).map_or("", |at| &rest[at..]);
        } else {
            return start + source.len() - rest.len();
        }
    }
}

/// The offset behind the `:`, `-`, `?` and `---` that may stand between a value and what precedes it.
fn skip_indicators(text: &str, start: usize) -> usize {
    let source = text.get(start..).unwrap_or_default();
    let mut rest = source;
    loop {
        rest = rest.trim_start();
        if rest.starts_with('#') {
            rest = rest.find('\n').map_or("", |at| &rest[at..]);
        } else if rest.starts_with([':', '-', '?']) {
            rest = &rest[1..];
        } else {
            return start + source.len() - rest.len();
        }
    }
}

/// The offset of the `-` of the first item: the parser places some lists at the item itself.
fn dash(text: &str, start: usize) -> usize {
    let before = text.get(..start).unwrap_or_default().trim_end_matches([' ', '\t']);
    let on_dash = text
        .get(start..)
        .is_some_and(|rest| rest.starts_with("- ") || rest.starts_with("-\n"));
    match before.ends_with('-') && !on_dash {
        true => before.len() - 1,
        false => start,
    }
}

/// The length of the quoted scalar that a text begins with.
fn quoted_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let Some(quote) = bytes.first() else {
        return 0;
    };
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'\\' if *quote == b'"' => 2,
            b'\'' if *quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => 2,
            byte if byte == quote => return at + 1,
            _ => 1,
        };
    }
    text.len()
}

/// Enough of a text to recognise it.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
