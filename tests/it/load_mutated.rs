//! Loading never panics, whatever stands in the file, and its findings point into it.

use interpret::load;
use proptest::prelude::*;

pub const TEXT: &str = include_str!("../../src/language/native/tests/every.yaml");

/// Pieces that mean something somewhere in a workflow.
pub const PIECES: &[&str] = &[
    "=",
    "==",
    "=input",
    "=data.x",
    "\"{{ x }}\"",
    "{{ x",
    "{% if",
    "null",
    "~",
    "[]",
    "{}",
    "[1]",
    "{ a: 1 }",
    "0",
    "-1",
    "1e99",
    "true",
    "5s",
    "2030-01-01T00:00:00Z",
    "kind: andThen",
    "kind: andTry",
    "kind",
    "id: begin",
    "set: 1",
    "steps: []",
    "- ",
    "  ",
    "\n",
    "---\n",
    ": ",
    "#",
    "'",
    "\"",
    "|\n",
    "&a",
    "*a",
    "<<: ",
    "x-y: 1",
    "$ref: \"#\"",
    "$ref: x.json",
    "type: objekt",
    "default: x",
    "é",
    "\u{feff}",
    "\t",
    "suspend:",
    "end:",
    "fail: =error",
    "catch: [{}]",
    "finally: [{}]",
    "actions: [{}]",
    "branches: [{}]",
    "rules: [{}]",
    "else: {}",
];

#[derive(Clone, Debug)]
pub enum Change {
    /// A line is gone.
    Drop(usize),
    /// A line stands twice.
    Double(usize),
    /// A line moves to the right or left.
    Indent(usize, bool),
    /// A piece is written at a place.
    Insert(usize, usize),
    /// What is behind the colon of a line becomes a piece.
    Value(usize, usize),
    /// The text ends here.
    Cut(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<usize>();
    prop_oneof![
        any::<usize>().prop_map(Change::Drop),
        any::<usize>().prop_map(Change::Double),
        (at, any::<bool>()).prop_map(|(at, right)| Change::Indent(at, right)),
        (any::<usize>(), any::<usize>()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (any::<usize>(), any::<usize>()).prop_map(|(at, piece)| Change::Value(at, piece)),
        any::<usize>().prop_map(Change::Cut),
    ]
}

pub fn apply(text: &str, change: &Change) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return text.to_owned();
    }
    let line = |at: &usize| at % lines.len();
    let piece = |at: &usize| PIECES[at % PIECES.len()];
    match change {
        Change::Drop(at) => {
            let at = line(at);
            lines.remove(at);
        }
        Change::Double(at) => {
            let at = line(at);
            lines.insert(at, lines[at].clone());
        }
        Change::Indent(at, right) => {
            let at = line(at);
            lines[at] = match right {
                true => format!("  {}", lines[at]),
                false => lines[at].strip_prefix("  ").unwrap_or(&lines[at]).to_owned(),
            };
        }
        Change::Insert(at, new) => {
            let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
            let place = places[at % places.len()];
            return format!("{}{}{}", &text[..place], piece(new), &text[place..]);
        }
        Change::Value(at, new) => {
            // Any colon of the line: flow mappings have several.
            let row = line(at);
            let colons: Vec<usize> = lines[row].match_indices(": ").map(|(place, _)| place).collect();
            if !colons.is_empty() {
                let from = colons[at / lines.len() % colons.len()] + 2;
                let until = lines[row][from..]
                    .find([',', '}'])
                    .map_or(lines[row].len(), |place| from + place);
                lines[row].replace_range(from..until, piece(new));
            }
        }
        Change::Cut(at) => {
            let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
            return text[..places[at % places.len()]].to_owned();
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn loading_never_panics(changes in prop::collection::vec(change(), 1..6)) {
        let text = changes.iter().fold(TEXT.to_owned(), |text, change| apply(&text, change));
        let loaded = load::load_text("test.yaml", &text);
        for finding in &loaded.diagnostics {
            prop_assert!(!finding.message.is_empty());
            let places = finding.span.into_iter().chain(finding.labels.iter().map(|label| label.span));
            for span in places {
                prop_assert!(span.start <= span.end && span.end as usize <= text.len(), "{finding:?}");
                prop_assert!(text.is_char_boundary(span.start as usize) && text.is_char_boundary(span.end as usize), "{finding:?}");
            }
        }
        // What has no finding runs, and what has errors is not there.
        for graph in loaded.workflows() {
            let _ = loaded.program(&graph.header.id, graph.header.version.as_deref());
        }
        let _ = interpret::diagnostic::render::text::render(&loaded.diagnostics, &loaded.sources, false);
    }
}

#[test]
fn the_text_that_is_mutated_has_no_findings() {
    let loaded = load::load_text("test.yaml", TEXT);
    let shown = interpret::diagnostic::render::text::render(&loaded.diagnostics, &loaded.sources, false);
    assert!(loaded.diagnostics.is_empty(), "{shown}");
    assert_eq!(loaded.workflows().count(), 2);
}
