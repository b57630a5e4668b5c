//! From the text of a Foundry file to YAML.
//!
//! Foundry takes two things that YAML takes otherwise: a plain scalar that begins with `=` is a formula to the end of its
//! line, whatever colons, braces and hashes are in it, and `{Local.X}` where a text belongs is a template, not a mapping.
//! [`Source::of`] puts quotes around both before YAML sees them, and [`Source::restore`] gives every place back to the
//! text as it was written.

use std::borrow::Cow;

use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::yaml::{Document, Node, Style, Value};

/// Keys whose values are texts with formulas between braces.
const TEMPLATES: [&str; 9] = [
    "activity",
    "value",
    "prompt",
    "text",
    "message",
    "question",
    "invalidPrompt",
    "unrecognizedPrompt",
    "defaultValueResponse",
];

/// Whether a document of a text looks like a Foundry workflow: the cheap look before YAML is parsed.
///
/// At its top level it has `trigger` or `actions`, no `steps`, and no other `kind` than `workflow`.
pub(crate) fn sniff(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut look = Look::default();
    for line in text.lines() {
        if line.starts_with("---") {
            if look.is_foundry() {
                return true;
            }
            look = Look::default();
        }
        look.at(line);
    }
    look.is_foundry()
}

/// What is known of a document by the keys at its top level.
#[derive(Default)]
struct Look {
    workflow: Option<bool>,
    started: bool,
    native: bool,
}

impl Look {
    fn at(&mut self, line: &str) {
        let begins = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'"' | b'\'');
        if !line.as_bytes().first().is_some_and(begins) {
            return;
        }
        let Some((key, value)) = line.split_once(':') else {
            return;
        };
        match key.trim().trim_matches(['"', '\'']) {
            "kind" => {
                let value = value.split('#').next().unwrap_or_default().trim();
                self.workflow = Some(is_workflow(value.trim_matches(['"', '\''])));
            }
            "trigger" | "actions" => self.started = true,
            "steps" => self.native = true,
            _ => {}
        }
    }

    fn is_foundry(&self) -> bool {
        self.started && !self.native && self.workflow != Some(false)
    }
}

/// Whether a kind is that of a workflow; the old name of it, too.
pub(super) fn is_workflow(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("workflow") || kind.eq_ignore_ascii_case("adaptivedialog")
}

/// The text that YAML reads, and what it has more than the text as it was written.
#[derive(Debug)]
pub(crate) struct Source {
    /// With quotes.
    pub text: String,
    /// Where in `text` the quotes are that were put in, each a byte, in order.
    inserted: Vec<u32>,
    /// Where in `text` quoted scalars begin.
    quoted: Vec<u32>,
}

impl Source {
    /// Puts quotes around what needs them.
    pub fn of(text: &str) -> Source {
        let mut scanner = Scanner {
            text,
            source: Source {
                text: String::with_capacity(text.len() + text.len() / 16),
                inserted: Vec::new(),
                quoted: Vec::new(),
            },
            copied: 0,
        };
        scanner.scan();
        scanner.source
    }

    /// Gives all places back to the text as it was written.
    pub fn restore(&self, documents: &mut [Document], diagnostics: &mut [Diagnostic]) {
        for document in documents {
            self.restore_node(&mut document.root);
        }
        for diagnostic in diagnostics {
            let labels = diagnostic.labels.iter_mut().map(|label| &mut label.span);
            let fixes = diagnostic.fixes.iter_mut().map(|edit| &mut edit.span);
            for span in labels.chain(fixes).chain(diagnostic.span.as_mut()) {
                *span = self.original(*span);
            }
        }
    }

    fn restore_node(&self, node: &mut Node) {
        let quoted = self.quoted.binary_search(&node.span.start).is_ok();
        node.span = self.original(node.span);
        match &mut node.value {
            // As it was written it is plain, and places inside are looked for there.
            Value::Scalar(scalar) if quoted => scalar.style = Style::Plain,
            Value::Scalar(_) => {}
            Value::List(items) => items.iter_mut().for_each(|item| self.restore_node(item)),
            Value::Map(entries) => {
                for entry in entries {
                    entry.key_span = self.original(entry.key_span);
                    self.restore_node(&mut entry.value);
                }
            }
        }
    }

    fn original(&self, span: Span) -> Span {
        Span {
            start: self.offset(span.start),
            end: self.offset(span.end),
            ..span
        }
    }

    /// The place in the text as it was written.
    fn offset(&self, at: u32) -> u32 {
        at - self.inserted.partition_point(|quote| *quote < at) as u32
    }
}

struct Scanner<'t> {
    text: &'t str,
    source: Source,
    /// How much of the text has been taken over.
    copied: usize,
}

/// A line that has something on it.
struct Line<'t> {
    /// Where it begins in the text.
    start: usize,
    /// Without its end.
    text: &'t str,
    /// The column at which its innermost key or item begins.
    indent: usize,
    /// The key before the value, if there is one.
    key: Option<&'t str>,
    /// The column of the value.
    value: usize,
}

impl<'t> Scanner<'t> {
    fn scan(&mut self) {
        let all = lines(self.text);
        for document in all.chunk_by(|_, (_, next)| !next.starts_with("---")) {
            let mut look = Look::default();
            for (_, line) in document {
                look.at(line.trim_start_matches('\u{feff}'));
            }
            if look.is_foundry() {
                self.document(document);
            }
        }
        self.copy(self.text.len());
    }

    fn document(&mut self, lines: &[(usize, &str)]) {
        let mut at = 0;
        while let Some((start, line)) = lines.get(at).copied() {
            at += 1;
            let Some(line) = Line::of(start, line) else { continue };
            let value = line.text[line.value..].trim_end();
            let rest = &lines[at..];
            match value.bytes().next() {
                Some(b'=') => {
                    let more = continued(rest, line.indent);
                    let last = more.checked_sub(1).map(|last| rest[last]);
                    let end = match last {
                        Some((start, text)) => start + text.trim_end().len(),
                        None => line.start + line.value + value.len(),
                    };
                    self.quote(line.start + line.value, end);
                    at += more;
                }
                Some(b'{') if line.key.is_some_and(|key| TEMPLATES.contains(&key)) => match template(value) {
                    Some(length) => self.quote(line.start + line.value, line.start + line.value + length),
                    None => at += open_flow(value, rest),
                },
                Some(b'{' | b'[') => at += open_flow(value, rest),
                Some(quote @ (b'"' | b'\'')) => at += open_quote(value, quote, rest),
                Some(b'|' | b'>') => at += deeper(rest, line.indent),
                _ => {}
            }
        }
    }

    fn copy(&mut self, until: usize) {
        self.source.text.push_str(&self.text[self.copied..until]);
        self.copied = until;
    }

    fn insert(&mut self) {
        self.source.inserted.push(self.source.text.len() as u32);
        self.source.text.push('\'');
    }

    /// Takes over a part in single quotes.
    fn quote(&mut self, start: usize, end: usize) {
        self.copy(start);
        self.source.quoted.push(self.source.text.len() as u32);
        self.insert();
        while let Some(found) = self.text[self.copied..end].find('\'') {
            self.copy(self.copied + found + 1);
            self.insert();
        }
        self.copy(end);
        self.insert();
    }
}

impl<'t> Line<'t> {
    /// None where nothing stands, or only a comment.
    fn of(start: usize, text: &'t str) -> Option<Line<'t>> {
        // A mark at the beginning of a file is no column.
        let mark = text.len() - text.trim_start_matches('\u{feff}').len();
        let mut at = mark;
        let spaces = |at: usize| text[at..].len() - text[at..].trim_start_matches([' ', '\t']).len();
        at += spaces(at);
        if text[at..].is_empty() || text[at..].starts_with('#') {
            return None;
        }
        let mut indent = at - mark;
        while text[at..].starts_with("- ") {
            indent = at - mark;
            at += 1;
            at += spaces(at);
        }
        let mut line = Line {
            start,
            text,
            indent,
            key: None,
            value: at,
        };
        if let Some((key, behind)) = key(&text[at..]) {
            line.key = Some(key);
            line.indent = at - mark;
            line.value = at + behind + spaces(at + behind);
        }
        Some(line)
    }
}

/// The key that a text begins with, without quotes, and the position behind its colon.
fn key(text: &str) -> Option<(&str, usize)> {
    let (key, rest) = match text.as_bytes().first()? {
        quote @ (b'"' | b'\'') => {
            let end = text[1..].find(char::from(*quote))? + 1;
            (&text[1..end], end + 1)
        }
        b'=' | b'{' | b'[' | b'|' | b'>' | b'&' | b'*' | b'!' | b'%' | b'@' | b'`' => return None,
        _ => {
            let end = text.find(':')?;
            (text[..end].trim_end(), end)
        }
    };
    let behind = text.get(rest..)?.strip_prefix(':')?;
    (behind.is_empty() || behind.starts_with([' ', '\t'])).then_some((key, rest + 1))
}

/// The lines of a text with where they begin, without their ends.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let begin = start;
            start += line.len();
            (begin, line.trim_end_matches(['\n', '\r']))
        })
        .collect()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// How many lines go on with a plain scalar: those that are indented deeper, without the empty ones behind the last.
fn continued(rest: &[(usize, &str)], indented: usize) -> usize {
    let mut count = 0;
    for (at, (_, line)) in rest.iter().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        if indent(line) <= indented || line.trim_start().starts_with('#') {
            break;
        }
        count = at + 1;
    }
    count
}

/// How many lines belong to a block scalar.
fn deeper(rest: &[(usize, &str)], indented: usize) -> usize {
    let inside = |line: &&(usize, &str)| line.1.trim().is_empty() || indent(line.1) > indented;
    rest.iter().take_while(inside).count()
}

/// The length of a template that YAML would take for a mapping, or could not read; none where a mapping is meant.
fn template(value: &str) -> Option<usize> {
    let close = closing(value)?;
    let inside = value[1..close].trim();
    let rest = value[close + 1..].trim();
    if !rest.is_empty() && !rest.starts_with('#') {
        return Some(value.len());
    }
    let mapping = inside.is_empty() || unquoted(inside).contains(": ") || unquoted(inside).ends_with(':');
    (!mapping).then_some(close + 1)
}

/// Where the brace that a text begins with is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// A text without what stands between quotes.
fn unquoted(text: &str) -> Cow<'_, str> {
    if !text.contains(['"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut quote = None;
    Cow::Owned(
        text.chars()
            .filter(|c| match (quote, *c) {
                (Some(open), c) => {
                    if open == c {
                        quote = None;
                    }
                    false
                }
                (None, '"' | '\'') => {
                    quote = Some(*c);
                    false
                }
                (None, _) => true,
            })
            .collect(),
    )
}

/// How many further lines a mapping or list in brackets takes.
fn open_flow(value: &str, rest: &[(usize, &str)]) -> usize {
    let mut depth = 0i64;
    let mut quote = None;
    let lines = std::iter::once(value).chain(rest.iter().map(|(_, line)| *line));
    for (count, line) in lines.enumerate() {
        for c in line.chars() {
            match (quote, c) {
                (Some(open), c) if open == c => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(c),
                (None, '{' | '[') => depth += 1,
                (None, '}' | ']') => depth -= 1,
                _ => {}
            }
        }
        if depth <= 0 && quote.is_none() {
            return count;
        }
    }
    0
}

/// How many further lines a text in quotes takes.
fn open_quote(value: &str, quote: u8, rest: &[(usize, &str)]) -> usize {
    let mut lines = std::iter::once(&value[1..]).chain(rest.iter().map(|(_, line)| *line));
    let closes = |line: &str| {
        let mut bytes = line.bytes().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\\' if quote == b'"' => drop(bytes.next()),
                b'\'' if quote == b'\'' && bytes.peek() == Some(&b'\'') => drop(bytes.next()),
                byte if byte == quote => return true,
                _ => {}
            }
        }
        false
    };
    lines.position(closes).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;
    use crate::yaml;

    /// A text with what makes it one of Foundry behind it.
    fn of(text: &str) -> String {
        match text.starts_with('-') {
            true => format!("actions:\n{text}"),
            false => format!("{text}\nactions: 0"),
        }
    }

    /// The document, with places as they were written, and what YAML finds.
    fn parse(text: &str) -> (Node, Vec<Diagnostic>) {
        let text = &of(text);
        let file = Sources::new().add("a.yaml", text.as_str());
        let source = Source::of(text);
        let (mut documents, mut diagnostics) = yaml::parse(file, &source.text, &yaml::Limits::default());
        source.restore(&mut documents, &mut diagnostics);
        (documents.remove(0).root, diagnostics)
    }

    fn value(text: &str) -> String {
        let (root, diagnostics) = parse(text);
        assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
        match text.starts_with('-') {
            true => root.get("actions").unwrap().data().to_string(),
            false => root.data().to_string().replace(r#","actions":0}"#, "}"),
        }
    }

    #[test]
    fn formulas_are_taken_raw_to_the_end_of_their_line() {
        assert_eq!(value("value: ={id: 7}\n"), r#"{"value":"={id: 7}"}"#);
        assert_eq!(
            value("- value: =\"a # b\" & 'c'\n  x: 1"),
            r##"[{"value":"=\"a # b\" & 'c'","x":1}]"##
        );
        assert_eq!(value("- =Local.A: 1"), r#"["=Local.A: 1"]"#);
        assert_eq!(value("when: =a\n  And b\nx: 1"), r#"{"when":"=a And b","x":1}"#);
        assert_eq!(value("a: =1\r\nb: =2\r\n"), r#"{"a":"=1","b":"=2"}"#);
    }

    #[test]
    fn texts_with_braces_are_no_mappings() {
        assert_eq!(value("activity: {Local.X}"), r#"{"activity":"{Local.X}"}"#);
        assert_eq!(
            value("activity: {Local.X}: {Local.Y}"),
            r#"{"activity":"{Local.X}: {Local.Y}"}"#
        );
        assert_eq!(value("value: {Text(\"a: b\")} # c"), r#"{"value":"{Text(\"a: b\")}"}"#);
        assert_eq!(value("value: {a: 1}"), r#"{"value":{"a":1}}"#);
        assert_eq!(value("value: {}"), r#"{"value":{}}"#);
        assert_eq!(value("input: {a}"), r#"{"input":{"a":null}}"#);
    }

    #[test]
    fn what_is_no_formula_stays_as_it_is() {
        for text in [
            "a: |-\n  b: =1\n  c: {d}\ne: 1\n",
            "a: \"x\n  b: =1\"\nc: 2\n",
            "a: 'it''s\n  =1'\n",
            "a: {\n  b: 1\n}\n",
            "# value: =1\na: b=c\n",
            "- - a: 1\n",
        ] {
            assert_eq!(Source::of(&of(text)).text, of(text));
        }
    }

    #[test]
    fn places_are_those_of_the_text_as_it_was_written() {
        let text = "a:\n  value: ={id: 'x'}\n  other: 1\n";
        let (root, _) = parse(text);
        let a = root.get("a").unwrap();
        let slice = |span: Span| &text[span.start as usize..span.end as usize];
        let value = a.get("value").unwrap();
        assert_eq!(slice(value.span), "={id: 'x'}");
        assert_eq!(slice(value.place(text, 6..9)), "'x'");
        assert_eq!(slice(a.entry("other").unwrap().key_span), "other");
        // A mistake behind a formula on the same line, inside it.
        let (_, found) = parse("b: 1\na: ={x: 'y'}\nb: 2\n");
        assert_eq!(found.len(), 1);
        let span = found[0].span.unwrap();
        assert_eq!(
            &"b: 1\na: ={x: 'y'}\nb: 2\n"[span.start as usize..span.end as usize],
            "b"
        );
        assert_eq!(span.start, 18);
    }

    #[test]
    fn documents_of_others_stay_as_they_are() {
        let text = "kind: Agent\na: =1 # b\n---\nactions:\n- a: =1 # b\n--- # c\nid: =2 # d\n";
        let expected = "kind: Agent\na: =1 # b\n---\nactions:\n- a: '=1 # b'\n--- # c\nid: =2 # d\n";
        assert_eq!(Source::of(text).text, expected);
    }

    #[test]
    fn foundry_is_known_by_its_top_level() {
        for text in [
            "kind: workflow\ntrigger:\n  id: a\n",
            "\u{feff}#\nkind: WORKFLOW # x\ntrigger: {}\n",
            "name: a\nactions:\n  - kind: SendActivity\n",
            "\"kind\": \"Workflow\"\n\"trigger\":\n",
        ] {
            assert!(sniff(text), "{text}");
        }
        assert!(sniff(
            "kind: Agent\n---\nkind: workflow\ntrigger: {}\n---\nkind: Agent\n"
        ));
        for text in [
            "kind: Workflow\nid: a\nsteps: []\n",
            "kind: Agent\nactions: 1\n",
            "kind: Workflow\n  trigger: 1\n",
            "kind: Workflow\ntrigger: {}\nsteps: []\n",
            "",
        ] {
            assert!(!sniff(text), "{text}");
        }
    }
}
