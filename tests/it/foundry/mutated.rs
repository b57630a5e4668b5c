//! Loading never panics, whatever stands in a file of Foundry, and its findings point into it.

use interpret::load;
use proptest::prelude::*;

/// Everything that actions may have.
const TEXT: &str = include_str!("every.yaml");

const PIECES: &[&str] = &[
    "=",
    "={a: 1}",
    "={",
    "=Local.X",
    "{Local.X}",
    "{",
    "}",
    "'",
    "\"",
    "|-\n",
    ">",
    "- ",
    "  ",
    "\n",
    ": ",
    "#",
    "null",
    "[]",
    "{}",
    "kind: Foreach",
    "kind: GotoAction",
    "kind",
    "actions:",
    "conditions:",
    "\u{feff}",
    "é",
    "---\n",
    "\r\n",
    "id: a",
    "&a",
    "*a",
    "value: =\"",
    "text: {a}: {b}",
    "disabled: true",
    "0",
    "1e99",
];

fn changed(text: &str, changes: &[(usize, usize, u8)]) -> String {
    let mut text = text.to_owned();
    for (at, piece, how) in changes {
        let mut at = at % (text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        match how % 4 {
            0 => text.insert_str(at, PIECES[piece % PIECES.len()]),
            1 => text.replace_range(at..end, PIECES[piece % PIECES.len()]),
            2 => text.replace_range(at..end, ""),
            _ => text.truncate(at),
        }
    }
    text
}

proptest! {
    #[test]
    fn loading_a_changed_file_never_panics(
        changes in prop::collection::vec((any::<usize>(), any::<usize>(), any::<u8>()), 1..4),
    ) {
        let text = changed(TEXT, &changes);
        let loaded = load::load_text("flow.yaml", &text);
        for finding in &loaded.diagnostics {
            if let Some(span) = finding.span {
                prop_assert!(span.start <= span.end && span.end as usize <= text.len(), "{finding:?}");
            }
        }
        for graph in loaded.workflows() {
            // What loads can be linked, but for agents that are not there.
            if let Err(error) = loaded.program(&graph.header.id, None) {
                prop_assert!(error.to_string().contains("agent"), "{error}");
            }
        }
    }
}

#[test]
fn the_file_that_is_changed_is_whole() {
    let loaded = load::load_text("flow.yaml", TEXT);
    let codes: Vec<&str> = loaded.diagnostics.iter().map(|finding| finding.code.name()).collect();
    // What the portal exports does not hold its agents.
    assert_eq!(codes, ["unknown-agent"], "{:#?}", loaded.diagnostics);
}
