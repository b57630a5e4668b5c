//! The one way to indent: two spaces, lists inside their keys, no blank at the end of a line.
//!
//! Formatting moves lines and never rewrites what stands in them: values, quotes, flow collections and comments stay as
//! they were written. The result is read again and compared with what was read before; where they differ, nothing is
//! changed.

use std::collections::BTreeMap;

use super::{Document, Limits, Node, Value, parse};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::FileId;

/// How far what is inside stands to the right of what it is inside of.
const STEP: usize = 2;

/// Why a text stays as it is.
#[derive(Debug)]
pub enum Unformatted {
    /// It is not YAML that can be read.
    Unreadable(Vec<Diagnostic>),
    /// It has something in it (such as `? key`) that would have to be rewritten, not moved.
    Unusual,
}

/// A YAML text in its usual form: two spaces for each level, lists inside their keys, one blank line at most, no blanks at
/// the ends of lines, one newline at the end. Formatting twice is formatting once.
///
/// # Errors
///
/// The findings that keep the text from being read, or that it cannot be formatted without changing its meaning.
///
/// ```
/// use interpret::{source::Sources, yaml};
/// let text = "steps:\n- kind: andThen   \n  set:\n      a: 1 # one\n";
/// let file = Sources::new().add("a.yaml", text);
/// let formatted = yaml::format(file, text).expect("it is YAML");
/// assert_eq!(formatted, "steps:\n  - kind: andThen\n    set:\n      a: 1 # one\n");
/// ```
pub fn format(file: FileId, text: &str) -> Result<String, Unformatted> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let before = read(file, &text)?;
    let mut plan = Plan::new(&text);
    for document in &before {
        plan.visit(&document.root);
    }
    let formatted = plan.write().ok_or(Unformatted::Unusual)?;
    let after = read(file, &formatted).map_err(|_| Unformatted::Unusual)?;
    let same = before.len() == after.len() && before.iter().zip(&after).all(|(a, b)| a.root.data() == b.root.data());
    match same {
        true => Ok(formatted),
        false => Err(Unformatted::Unusual),
    }
}

fn read(file: FileId, text: &str) -> Result<Vec<Document>, Unformatted> {
    let (documents, mut diagnostics) = parse(file, text, &Limits::default());
    diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
    match diagnostics.is_empty() {
        true => Ok(documents),
        false => Err(Unformatted::Unreadable(diagnostics)),
    }
}

/// What is known of the lines before any is moved.
struct Plan<'t> {
    lines: Vec<&'t str>,
    starts: Vec<usize>,
    /// Whether a line is the continuation of a value that began above it.
    inside: Vec<bool>,
    /// The first key of a block mapping in each line: where it begins and ends in the text.
    keys: BTreeMap<usize, (usize, usize)>,
}

/// A list or mapping around the current line.
struct Level {
    kind: Kind,
    /// The column it was written at, and the one it gets.
    old: usize,
    new: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    List,
    Map,
}

impl<'t> Plan<'t> {
    fn new(text: &'t str) -> Plan<'t> {
        let lines: Vec<&str> = text.split('\n').collect();
        let mut starts = Vec::with_capacity(lines.len());
        let mut at = 0;
        for line in &lines {
            starts.push(at);
            at += line.len() + 1;
        }
        Plan {
            inside: vec![false; lines.len()],
            lines,
            starts,
            keys: BTreeMap::new(),
        }
    }

    fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    // Depth is bounded by the limits of the reader.
    fn visit(&mut self, node: &Node) {
        let (start, end) = (node.span.start as usize, node.span.end as usize);
        let flow = |open| self.lines[self.line_of(start)][start - self.starts[self.line_of(start)]..].starts_with(open);
        match &node.value {
            Value::List(items) if !flow('[') => items.iter().for_each(|item| self.visit(item)),
            Value::Map(entries) if !flow('{') => {
                for entry in entries {
                    let (from, to) = (entry.key_span.start as usize, entry.key_span.end as usize);
                    let line = self.line_of(from);
                    let first = self.keys.entry(line).or_insert((from, to));
                    if from < first.0 {
                        *first = (from, to);
                    }
                    self.visit(&entry.value);
                }
            }
            _ if end > start => {
                let (first, mut last) = (self.line_of(start), self.line_of(end - 1));
                // `|+` and `>+` keep the empty lines behind them.
                let header = &self.lines[first][start - self.starts[first]..];
                if header.starts_with("|+") || header.starts_with(">+") {
                    last += self.lines[last + 1..]
                        .iter()
                        .take_while(|line| line.trim().is_empty())
                        .count();
                }
                self.inside[first + 1..=last].fill(true);
            }
            _ => {}
        }
    }

    fn write(&self) -> Option<String> {
        let mut out = String::new();
        let mut levels: Vec<Level> = Vec::new();
        // How far the line moved in which the current value began.
        let mut shift = 0_isize;
        let mut blank = true;
        for (at, line) in self.lines.iter().enumerate() {
            if self.inside[at] {
                blank = false;
                match line.trim().is_empty() {
                    // Blanks in an empty line of a block can be part of it.
                    true if line.is_empty() => {}
                    true => out.push_str(&moved(line, shift).unwrap_or_default()),
                    false => out.push_str(&moved(line, shift)?),
                }
                out.push('\n');
                continue;
            }
            let content = line.trim();
            if content.is_empty() {
                if !blank {
                    out.push('\n');
                }
                blank = true;
                continue;
            }
            blank = false;
            let column = line.len() - line.trim_start_matches(' ').len();
            if line.starts_with("---") || line.starts_with("...") || line.starts_with('%') {
                if line.starts_with("--- ") {
                    return None;
                }
                levels.clear();
                out.push_str(content);
            } else if content.starts_with('#') {
                out.push_str(&" ".repeat(self.comment(at, column, &levels)));
                out.push_str(content);
            } else {
                shift = self.structure(at, &mut levels, &mut out)?;
            }
            out.push('\n');
        }
        // What a block keeps at its end is its own; the last line of a text has nothing in it.
        match self.inside.last() {
            Some(true) => drop(out.pop()),
            _ => {
                out.truncate(out.trim_end_matches('\n').len());
                out.push('\n');
            }
        }
        Some(out)
    }

    /// A line that begins with a dash, a key or a value; gives how far it moves.
    fn structure(&self, at: usize, levels: &mut Vec<Level>, out: &mut String) -> Option<isize> {
        let line = self.lines[at];
        let (start, mut column) = (self.starts[at], line.len() - line.trim_start_matches(' ').len());
        let mut new = None;
        let mut shift = 0;
        loop {
            let rest = &line[column..];
            if rest.starts_with("? ") || rest == "?" || rest.starts_with('\t') {
                return None;
            }
            if rest != "-" && !rest.starts_with("- ") {
                break;
            }
            let to = enter(levels, Kind::List, column);
            put(out, &mut new, to, "-");
            shift = to as isize - column as isize;
            let gap = rest[1..].len() - rest[1..].trim_start_matches(' ').len();
            column += 1 + gap;
            if rest[1..].trim().is_empty() || rest[1..].trim_start().starts_with('#') {
                // Only a comment follows, if anything.
                let rest = rest[1..].trim_end();
                out.push_str(rest);
                return Some(shift);
            }
        }
        let rest = line[column..].trim_end();
        let key = self.keys.get(&at).filter(|(from, _)| {
            let before = &line[column..from.saturating_sub(start).max(column)];
            before.split_whitespace().all(|word| word.starts_with(['&', '!']))
        });
        let Some((_, end)) = key else {
            // A value on a line of its own, or behind a dash.
            let to = levels.last().map_or(0, |level| level.new + STEP);
            put(out, &mut new, to, rest);
            return Some(match new {
                Some(_) if line.trim_start().starts_with("- ") => shift,
                _ => to as isize - column as isize,
            });
        };
        let to = enter(levels, Kind::Map, column);
        let (head, tail) = rest.split_at_checked(end - start - column)?;
        put(out, &mut new, to, head);
        let value = tail.trim_start().strip_prefix(':')?;
        out.push(':');
        match value.trim_start() {
            "" => {}
            comment if comment.starts_with('#') => out.push_str(value),
            value => {
                out.push(' ');
                out.push_str(value);
            }
        }
        Some(to as isize - column as isize)
    }

    /// Where a comment goes: to what follows, unless it stands further to the right, with something above it.
    fn comment(&self, at: usize, column: usize, levels: &[Level]) -> usize {
        let structural = |line: &usize| {
            let content = self.lines[*line].trim();
            !self.inside[*line] && !content.is_empty() && !content.starts_with('#')
        };
        let known = |column: usize| {
            levels
                .iter()
                .rev()
                .find(|level| level.old == column)
                .map(|level| level.new)
        };
        let next = (at + 1..self.lines.len()).find(structural);
        let Some(next) = next.filter(|next| !self.lines[*next].starts_with("---")) else {
            return known(column).unwrap_or(0);
        };
        let line = self.lines[next];
        let follows = line.len() - line.trim_start_matches(' ').len();
        if column != follows
            && let Some(new) = known(column)
        {
            return new;
        }
        // The line below has not been placed yet: it is placed on a copy.
        let mut levels: Vec<Level> = levels.iter().map(|level| Level { ..*level }).collect();
        let kind = match line.trim_start().starts_with("- ") || line.trim() == "-" {
            true => Kind::List,
            false => Kind::Map,
        };
        enter(&mut levels, kind, follows)
    }
}

/// Goes to the list or mapping that has an entry at a column, and gives the column the entry gets.
fn enter(levels: &mut Vec<Level>, kind: Kind, column: usize) -> usize {
    while levels.last().is_some_and(|level| {
        // A list may stand right below its key, so a key at its column ends it.
        level.old > column || (level.old == column && level.kind == Kind::List && kind == Kind::Map)
    }) {
        levels.pop();
    }
    if let Some(level) = levels.last()
        && level.old == column
        && level.kind == kind
    {
        return level.new;
    }
    let new = levels.last().map_or(0, |level| level.new + STEP);
    levels.push(Level { kind, old: column, new });
    new
}

/// Writes a word at a column, or behind the dash before it.
fn put(out: &mut String, reached: &mut Option<usize>, column: usize, word: &str) {
    match reached {
        None => out.push_str(&" ".repeat(column)),
        Some(_) => out.push(' '),
    }
    *reached = Some(column);
    out.push_str(word);
}

/// A line of a value, moved; none if it would have to go beyond the left edge.
fn moved(line: &str, by: isize) -> Option<String> {
    let column = line.len() - line.trim_start_matches(' ').len();
    let to = column.checked_add_signed(by)?;
    Some(format!("{}{}", " ".repeat(to), &line[column..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    fn formatted(text: &str) -> String {
        let file = Sources::new().add("a.yaml", text);
        let once = format(file, text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        let twice = format(file, &once).unwrap_or_else(|error| panic!("{error:?}\n{once}"));
        assert_eq!(once, twice, "formatting is not stable");
        once
    }

    #[test]
    fn lists_stand_inside_their_keys() {
        assert_eq!(formatted("a:\n- 1\n-   2\nb: 1\n"), "a:\n  - 1\n  - 2\nb: 1\n");
        assert_eq!(
            formatted("a:\n    - b:   1\n      c:\n          - 2\n"),
            "a:\n  - b: 1\n    c:\n      - 2\n"
        );
        assert_eq!(formatted("- - 1\n  - 2\n-\n  a: 1\n"), "- - 1\n  - 2\n-\n  a: 1\n");
    }

    #[test]
    fn comments_stay_with_what_they_are_about() {
        let text = "# top\na:\n    # one\n    b: 1   # aligned\n    # after b\n# c is next\nc: 2\n# end\n";
        let wanted = "# top\na:\n  # one\n  b: 1   # aligned\n  # after b\n# c is next\nc: 2\n# end\n";
        assert_eq!(formatted(text), wanted);
        assert_eq!(formatted("a:\n# item\n- 1\n"), "a:\n  # item\n  - 1\n");
    }

    #[test]
    fn what_stands_in_values_is_not_touched() {
        let text = "a:\n    b: |\n        one\n          two  \n\n        three\n    c: 'x\n      y'\n    d: { e:   1,\n         f: 2 }\n    g: >+\n      kept\n\n";
        let wanted = "a:\n  b: |\n      one\n        two  \n\n      three\n  c: 'x\n    y'\n  d: { e:   1,\n       f: 2 }\n  g: >+\n    kept\n\n";
        assert_eq!(formatted(text), wanted);
    }

    #[test]
    fn blank_lines_and_ends_of_lines_are_tidied() {
        assert_eq!(formatted("\n\na: 1  \r\n\r\n\r\n\r\nb: 2\n\n\n"), "a: 1\n\nb: 2\n");
        assert_eq!(formatted("a: 1"), "a: 1\n");
        assert_eq!(formatted("a: 1\n---\nb:\n- 2\n"), "a: 1\n---\nb:\n  - 2\n");
    }

    #[test]
    fn anchors_and_quoted_keys_keep_their_places() {
        assert_eq!(
            formatted("a: &x\n    \"b c\":   1\nd: *x\ne:\n    &y f: !!str 2\n"),
            "a: &x\n  \"b c\": 1\nd: *x\ne:\n  &y f: !!str 2\n"
        );
    }

    #[test]
    fn what_cannot_be_read_stays() {
        let file = Sources::new().add("a.yaml", "");
        assert!(matches!(format(file, "a: [1"), Err(Unformatted::Unreadable(_))));
        assert!(matches!(format(file, "? a\n: b\n"), Err(Unformatted::Unusual)));
    }
}
