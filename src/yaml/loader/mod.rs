//! From the parser's events to the tree.

mod key;
mod scalar;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScanError, Tag};

use self::scalar::{core_tag, skip_properties};
use super::offsets::Offsets;
use super::trap::{self, Trap};
use super::{Document, Entry, Limits, Node, Scalar, Style, Value, syntax};
use crate::data::Data;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// Reads all documents of a text.
///
/// Mistakes of meaning are diagnostics and the documents are complete but for what was refused; behind a syntax error
/// or an exceeded limit nothing more is read, and the document it stands in is not given. A syntax error that is only a
/// missing pair of quotes around an expression or template is reported as that, and reading goes on.
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
    let mut patches = Vec::new();
    let mut patched = text.to_owned();
    loop {
        let mut loader = Loader::new(file, text, &patched, &patches, limits);
        match loader.run() {
            Some(trap) if may_patch(&trap, &patches, text) => {
                patched.replace_range(trap.range.clone(), &"x".repeat(trap.range.len()));
                patches.push(trap);
            }
            _ => {
                loader.report_patches();
                return (loader.documents, loader.diagnostics);
            }
        }
    }
}

/// How often a text is read again after what stopped the parser was replaced.
const MOST_PATCHES: usize = 50;

/// Texts above this size are read once.
const LARGEST_PATCHED: usize = 1024 * 1024;

/// Whether to go on as if the value that stopped the parser had been quoted, in order to find the mistakes behind it.
fn may_patch(trap: &Trap, patches: &[Trap], text: &str) -> bool {
    let overlaps = |patch: &Trap| patch.range.start < trap.range.end && trap.range.start < patch.range.end;
    trap.complete
        && !trap.range.is_empty()
        && patches.len() < MOST_PATCHES
        && text.len() <= LARGEST_PATCHED
        && !patches.iter().any(overlaps)
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
    /// The keys so far.
    keys: HashMap<Arc<str>, Span>,
    kids: Kids,
}

enum Kids {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Key },
}

impl Frame {
    fn expect(&mut self, next: Key) {
        if let Kids::Map { key, .. } = &mut self.kids {
            *key = next;
        }
    }
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
    /// The text as it was written.
    source: &'a str,
    /// The text as it is read: of the same length, with harmless values in place of those that stop the parser.
    text: &'a str,
    /// What was replaced.
    patches: &'a [Trap],
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
    /// The last value that was reported as needing quotes.
    last_trap: Option<Trap>,
}

impl<'a> Loader<'a> {
    fn new(file: FileId, source: &'a str, text: &'a str, patches: &'a [Trap], limits: &'a Limits) -> Loader<'a> {
        Loader {
            file,
            source,
            text,
            patches,
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
            last_trap: None,
        }
    }

    /// Reads all documents, or up to a syntax error or an exceeded limit; gives the trap that explains a syntax error.
    fn run(&mut self) -> Option<Trap> {
        for event in Parser::new_from_str(self.text) {
            let more = match event {
                Ok((event, span)) => {
                    let start = self.offsets.byte(span.start.index());
                    let end = self.offsets.byte(span.end.index()).max(start);
                    self.event(event, start, end)
                }
                Err(error) => {
                    let offset = self.offsets.byte(error.marker().index());
                    return self.syntax_error(&error, offset);
                }
            };
            if !more {
                break;
            }
        }
        None
    }

    fn syntax_error(&mut self, error: &ScanError, offset: usize) -> Option<Trap> {
        // What follows a value that was already reported as cut short is not a second mistake.
        if offset < self.swallowed.end || self.mute {
            return self.last_trap.take();
        }
        let trap = syntax::trap(self.text, error, offset);
        self.diagnostics.push(match &trap {
            Some(trap) => trap.diagnostic(self.file, self.source),
            None => syntax::diagnostic(self.file, self.source, error, offset, self.limits),
        });
        trap
    }

    /// Reports the replaced values that no scalar of the tree began with, so that none goes unnoticed.
    fn report_patches(&mut self) {
        let reported = |patch: &Trap, diagnostics: &[Diagnostic]| {
            diagnostics.iter().any(|diagnostic| {
                let start = diagnostic.span.map(|span| span.start as usize);
                diagnostic.code == Code::NeedsQuotes && start == Some(patch.range.start)
            })
        };
        for patch in self.patches {
            if !reported(patch, &self.diagnostics) {
                self.diagnostics.push(patch.diagnostic(self.file, self.source));
            }
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
            self.diagnostics
                .push(syntax::too_deep(self.span(start, start), self.limits));
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
            keys: HashMap::new(),
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
            self.diagnostics.push(trap.diagnostic(self.file, self.source));
        }
    }

    /// Reports a trap and gives the text that was meant, so that the checks behind see no follow-up mistakes.
    fn recover(&mut self, trap: &Trap, in_flow: bool) -> Node {
        // The comment also hides the closing bracket, and the parser will miss it.
        self.mute |= in_flow && (trap.cause == trap::Cause::Comment || !trap.complete);
        if trap.complete {
            self.swallowed = trap.range.clone();
        }
        self.last_trap = Some(trap.clone());
        self.meant(trap, in_flow)
    }

    /// Reports a trap and gives the text that was meant.
    fn meant(&mut self, trap: &Trap, in_flow: bool) -> Node {
        self.diagnostics.push(trap.diagnostic(self.file, self.source));
        let text: Arc<str> = self.source.get(trap.range.clone()).unwrap_or_default().into();
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
        let finding = Diagnostic::error(Code::TooLarge, span, message);
        self.diagnostics
            .push(finding.help("use fewer aliases, or compute what is large with an expression"));
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
            Kids::List(_) if swallowed => {}
            Kids::List(items) => items.push(built.node),
            Kids::Map { entries, key } => match std::mem::replace(key, Key::Refused) {
                Key::Awaited if swallowed => {}
                Key::Awaited => {
                    let judged = self.key(built.node, &mut frame);
                    frame.expect(judged);
                }
                Key::Read(key, key_span) => {
                    entries.push(Entry {
                        key,
                        key_span,
                        value: built.node,
                    });
                    frame.expect(Key::Awaited);
                }
                Key::Refused => frame.expect(Key::Awaited),
            },
        }
        self.frames.push(frame);
        true
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
