//! Texts made to hurt: reading them must end soon, without a panic, with a diagnostic or a tree within the limits.

use std::time::{Duration, Instant};

use interpret::diagnostic::{Code, Diagnostic};
use interpret::source::Sources;
use interpret::yaml::{self, Document, Limits, Node, Value};
use proptest::prelude::*;

const WORKFLOW: &str = r##"# yaml-language-server: $schema=../schema/workflow.schema.json
kind: Workflow
id: order-approval
purpose: Prüft Bestellungen
inputSchema:
  type: object
  required: [orderId, amount]
  properties: { orderId: { type: string }, amount: { type: number, minimum: 0.5 } }
defaults: &defaults
  retry: { attempts: 3, delay: 200ms }
steps:
  - kind: andThen
    id: check
    set:
      total: =input.amount * 2   # doubled
      label: "Order {{ input.orderId }} \u00e9"
      note: 'it''s'
    retry: *defaults
  - { kind: andWhen, id: big, condition: "=input.amount > 1000", emit: { x: [1, ~, true] } }
  - kind: andAgent
    prompt: |
      Rate {{ data | tojson }}:

        - well
    text: >-
      folded
      text
...
---
kind: Agent
? id
: !!str 12
"##;

fn read(text: &str) -> (Vec<Document>, Vec<Diagnostic>) {
    let mut sources = Sources::new();
    let file = sources.add("hostile.yaml", text);
    yaml::parse(file, text, &Limits::default())
}

/// Reads and checks what holds for every text.
fn check(text: &str) {
    let (documents, diagnostics) = read(text);
    for span in diagnostics.iter().filter_map(|diagnostic| diagnostic.span) {
        assert!(
            text.get(span.start as usize..span.end as usize).is_some(),
            "{span:?} in {text:?}"
        );
    }
    for fix in diagnostics.iter().flat_map(|diagnostic| &diagnostic.fixes) {
        assert!(text.get(fix.span.start as usize..fix.span.end as usize).is_some());
    }
    for document in &documents {
        check_node(&document.root, text, 0);
        let data = document.root.data();
        assert!(data.depth() <= Limits::default().depth);
    }
}

fn check_node(node: &Node, text: &str, depth: usize) {
    let slice = text.get(node.span.start as usize..node.span.end as usize);
    assert!(slice.is_some(), "{:?} in {text:?}", node.span);
    assert!(depth <= Limits::default().depth);
    match &node.value {
        Value::Scalar(scalar) => {
            let length = scalar.text.len();
            for range in [0..length, 0..1, length / 2..length, length..length + 3] {
                let span = node.place(text, range);
                assert!(text.get(span.start as usize..span.end as usize).is_some());
                assert!(node.span.start <= span.start && span.end <= node.span.end.max(span.start));
            }
        }
        Value::List(items) => items.iter().for_each(|item| check_node(item, text, depth + 1)),
        Value::Map(entries) => {
            for entry in entries {
                assert!(
                    text.get(entry.key_span.start as usize..entry.key_span.end as usize)
                        .is_some()
                );
                check_node(&entry.value, text, depth + 1);
            }
        }
    }
}

/// Reads a text that a limit must stop soon.
fn refused(text: &str) {
    let start = Instant::now();
    let (documents, diagnostics) = read(text);
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
    let codes: Vec<Code> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::TooLarge], "{diagnostics:?}");
    assert!(documents.is_empty());
}

#[test]
fn deep_nesting_is_refused() {
    refused(&"[".repeat(100_000));
    refused(&"{a: ".repeat(100_000));
    refused(&"- ".repeat(100_000));
    refused(&"? ".repeat(100_000));
    refused(
        &"a:\n"
            .lines()
            .cycle()
            .take(2000)
            .enumerate()
            .fold(String::new(), |mut text, (level, line)| {
                text.push_str(&" ".repeat(level));
                text.push_str(line);
                text.push('\n');
                text
            }),
    );
    refused(&format!("{}{}", "[".repeat(200), "]".repeat(200)));
}

#[test]
fn alias_bombs_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let alias = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 9].join(", ")));
    }
    refused(&bomb);
    let chain: String = (1..500)
        .map(|level| format!("- &a{level} [*a{}]\n", level - 1))
        .collect();
    refused(&format!("- &a0 []\n{chain}"));
}

#[test]
fn large_texts_are_refused() {
    refused(&"a".repeat(Limits::default().bytes + 1));
    refused(&format!("[{}]", "a,".repeat(1_500_000)));
    refused(&"- a\n".repeat(1_500_000));
}

#[test]
fn large_texts_within_the_limits_are_read_soon() {
    let start = Instant::now();
    let list = format!("[{}]", "1, ".repeat(200_000));
    let keys: String = (0..100_000).map(|key| format!("k{key}: =f({key}\n")).collect();
    let block = format!("a: |\n{}", "  text\n".repeat(200_000));
    let quoted = format!("a: \"{}\"", "\\u00e9".repeat(200_000));
    for text in [list, keys, block, quoted] {
        let (documents, diagnostics) = read(&text);
        assert_eq!(diagnostics, []);
        assert_eq!(documents.len(), 1);
    }
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
}

#[test]
fn many_mistakes_are_read_soon() {
    let start = Instant::now();
    for text in [
        "- {{ x }}\n",
        "- [=f(1, 2)]\n",
        "- !x a\n",
        "- {[]: 1}\n",
        "- =x == 'a #1'\n",
    ] {
        let (_, diagnostics) = read(&text.repeat(20_000));
        assert_eq!(diagnostics.len(), 20_000);
    }
    let same_key = read(&"a: 1\n".repeat(20_000)).1;
    assert_eq!(same_key.len(), 19_999);
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
}

#[test]
fn control_characters_and_odd_ends() {
    for text in [
        "\0",
        "a: \0",
        "\u{feff}",
        "\u{feff}\u{feff}a",
        "a: \"\\",
        "'",
        "|",
        ">1",
        "a: !<",
        "%",
        "%TAG",
        "*",
        "&",
        "a: {{",
        "{{",
        "=",
        "{=",
        "- =(",
        "\r",
        "\u{85}",
        "\u{2028}a: b",
        "a: =\\",
        "{a: ='\\",
        "? !!str",
        "&a",
        "--- |",
        "!!map",
        "{{}}",
    ] {
        check(text);
    }
}

#[test]
fn the_workflow_is_good() {
    let (documents, diagnostics) = read(WORKFLOW);
    assert_eq!(diagnostics, []);
    assert_eq!(documents.len(), 2);
    check(WORKFLOW);
}

/// Pieces that mean something to YAML or to the traps.
fn pieces() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a",
        "b: ",
        ": ",
        "- ",
        "? ",
        "\n",
        "\n  ",
        "\n    ",
        "  ",
        "\t",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "{{ x }}",
        "{% if %}",
        "=f(1, 2)",
        "=x['a #1']",
        "={'k': 1}",
        " # c",
        "#",
        "\"",
        "'",
        "\\",
        "|\n",
        ">-\n",
        "&a ",
        "*a",
        "!!str ",
        "!x ",
        "---\n",
        "...\n",
        "<<: ",
        "é",
        "日",
        "\u{feff}",
        "1",
        "null",
        "\r\n",
        "%TAG ! x\n",
        "\\n",
        "\\u00e9",
        "''",
        "|2\n",
        "\0",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "(?s).{0,200}") {
        check(&text);
    }

    #[test]
    fn text_of_meaningful_pieces(pieces in prop::collection::vec(pieces(), 0..40)) {
        check(&pieces.concat());
    }

    #[test]
    fn mutated_workflows(edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..20, pieces()), 1..6)) {
        let mut text = WORKFLOW.to_owned();
        for (at, removed, inserted) in edits {
            let start = text.floor_char_boundary(at.index(text.len()));
            let end = text.ceil_char_boundary((start + removed).min(text.len()));
            text.replace_range(start..end, &inserted);
        }
        check(&text);
    }
}
