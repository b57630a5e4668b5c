use super::*;
use crate::data;
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Sources};

fn file() -> FileId {
    Sources::new().add("test.yaml", "")
}

fn read(text: &str) -> (Vec<Document>, Vec<Diagnostic>) {
    parse(file(), text, &Limits::default())
}

/// The only document of a text without mistakes.
fn good(text: &str) -> Node {
    let (mut documents, diagnostics) = read(text);
    assert_eq!(diagnostics, [], "{text}");
    assert_eq!(documents.len(), 1, "{text}");
    documents.remove(0).root
}

fn at(text: &str, span: Span) -> &str {
    &text[span.start as usize..span.end as usize]
}

/// Every finding as `code "place" message`.
fn findings(text: &str) -> Vec<String> {
    let (_, diagnostics) = read(text);
    let findings = diagnostics.iter().map(|diagnostic| {
        let place = diagnostic.span.map_or("", |span| at(text, span));
        format!("{} {place:?} {}", diagnostic.code, diagnostic.message)
    });
    findings.collect()
}

/// Checks that a text has one finding, a trap around `meant`, and that applying its fix gives a text without mistakes
/// that has `meant` as the value at a pointer.
#[track_caller]
fn trapped(text: &str, pointer: &str, meant: &str) {
    let (documents, diagnostics) = read(text);
    assert_eq!(diagnostics.len(), 1, "{text}: {diagnostics:#?}");
    assert_eq!(diagnostics[0].code.name(), "needs-quotes", "{text}");
    assert_eq!(at(text, diagnostics[0].span.unwrap()), meant, "{text}");
    let fix = diagnostics[0].fixes.first().expect(text);
    let mut fixed = text.to_owned();
    fixed.replace_range(fix.span.start as usize..fix.span.end as usize, &fix.replacement);
    let fixed = good(&fixed).data();
    assert_eq!(fixed.pointer(pointer), Some(&Data::from(meant)), "{fixed}");
    // Where the parser could go on, the tree is already the one that was meant.
    for document in documents {
        assert_eq!(document.root.data(), fixed);
    }
}

#[test]
fn values_and_places() {
    let text =
        "a: 1\nb:\n  - 'x y'   # c\n  - { c: null, d: [no, 1.5] }\n\ne: !!str 12\nf: &x |\n  two\n  lines\n\ng:\n";
    let root = good(text);
    let expected = data!({
        "a": 1, "b": ["x y", { "c": null, "d": ["no", 1.5] }], "e": "12", "f": "two\nlines\n", "g": null
    });
    assert_eq!(root.data(), expected);
    for (pointer, place) in [
        ("/a", "1"),
        ("/b", "- 'x y'   # c\n  - { c: null, d: [no, 1.5] }"),
        ("/b/0", "'x y'"),
        ("/b/1", "{ c: null, d: [no, 1.5] }"),
        ("/b/1/d", "[no, 1.5]"),
        ("/b/1/d/1", "1.5"),
        ("/b/1/nothing", "{ c: null, d: [no, 1.5] }"),
        ("/b/7", "- 'x y'   # c\n  - { c: null, d: [no, 1.5] }"),
        ("/e", "12"),
        ("/f", "|\n  two\n  lines"),
        ("/g", ""),
    ] {
        assert_eq!(at(text, root.locate(pointer)), place, "{pointer}");
    }
    assert_eq!(at(text, root.locate_key("/b/1/d")), "d");
    assert_eq!(at(text, root.locate_key("/b/1/d/0")), "no");
    assert_eq!(at(text, root.locate_key("/e/x")), "12");
    assert_eq!(root.locate("/g").start as usize, text.len() - 1);
    assert!(
        root.get("b").unwrap().as_list().unwrap()[1]
            .get("c")
            .unwrap()
            .as_scalar()
            .unwrap()
            .in_flow
    );
    assert!(!root.get("a").unwrap().as_scalar().unwrap().in_flow);
}

#[test]
fn characters_of_several_bytes_and_a_byte_order_mark() {
    let text = "\u{feff}grüße: 日本 # é\nb: [ä, \"ö\"]\n";
    let root = good(text);
    assert_eq!(root.data(), data!({ "grüße": "日本", "b": ["ä", "ö"] }));
    assert_eq!(at(text, root.locate("/grüße")), "日本");
    assert_eq!(at(text, root.locate("/b/1")), "\"ö\"");
}

#[test]
fn line_ends_of_windows() {
    let text = "a: |\r\n  x\r\n  y\r\nb: - 1\r\n".replace("b: - 1", "b: \"p\r\n  q\"");
    let root = good(&text);
    assert_eq!(root.data(), data!({ "a": "x\ny\n", "b": "p q" }));
    assert_eq!(at(&text, root.get("a").unwrap().place(&text, 2..3)), "y");
}

#[test]
fn several_documents() {
    let (documents, diagnostics) = read("a: 1\n---\n- 2\n...\n--- 3\n---\n");
    assert_eq!(diagnostics, []);
    let all: Vec<Data> = documents.iter().map(|document| document.root.data()).collect();
    assert_eq!(all, [data!({ "a": 1 }), data!([2]), data!(3), data!(null)]);
    assert!(read("").0.is_empty());
    assert!(read("# only a comment\n").0.is_empty());
}

#[test]
fn documents_before_a_syntax_error_are_kept() {
    let text = "a: 1\n---\nb: [1\n---\nc: 3\n";
    let (documents, diagnostics) = read(text);
    assert_eq!(documents.len(), 1);
    assert_eq!(diagnostics.len(), 1);
}

#[test]
fn all_mistakes_of_meaning_are_found() {
    assert_eq!(
        findings(
            "a: 1\nb: 2\na: 3\n? [x]\n: 4\n<<: {}\nc: !foo 5\nd: .inf\ne: !!int x\nf: &f [*f]\ng: 99999999999999999999\n"
        ),
        [
            "duplicate-key \"a\" the key `a` stands twice in this mapping",
            "bad-key \"[x]\" a key must be a text, not a list",
            "unsupported-yaml \"<<\" the merge key `<<` is not supported",
            "unsupported-yaml \"5\" the tag `!foo` has no meaning here",
            "invalid-value \".inf\" `.inf` is a number that JSON cannot hold",
            "invalid-value \"x\" this is no `!!int`",
            "unsupported-yaml \"*f\" this alias stands inside the value it stands for",
            "invalid-value \"99999999999999999999\" this number is too large to be kept exactly",
        ]
    );
    assert_eq!(
        findings("a: &a 1\n---\nb: *a\n"),
        ["unsupported-yaml \"*a\" the anchor of this alias is in another document"]
    );
}

#[test]
fn a_duplicate_key_shows_the_first() {
    let text = "a: 1\nb: 2\n\"a\": 3\n";
    let (documents, diagnostics) = read(text);
    assert_eq!(diagnostics[0].labels[0].span.start, 0);
    assert_eq!(diagnostics[0].span.unwrap().start, 10);
    assert_eq!(documents[0].root.data(), data!({ "a": 1, "b": 2 }));
}

#[test]
fn tags_of_the_core_schema() {
    let root = good("[!!str 1, ! 2, !!int '3', !!float 4, !!bool 'true', !!null '', !!seq [], !!map {}, !!str , ! {}]");
    assert_eq!(root.data(), data!(["1", "2", 3, 4.0, true, null, [], {}, "", {}]));
    assert!(matches!(root.as_list().unwrap()[3].data(), Data::Float(_)));
    assert_eq!(good("!<tag:yaml.org,2002:str> 1").data(), data!("1"));
}

#[test]
fn aliases_are_copies() {
    let text = "a: &a { x: [1, 2] }\nb: *a\nc: [*a, *a]\n";
    let root = good(text);
    assert_eq!(root.data().pointer("/c/1/x/0"), Some(&data!(1)));
    assert_eq!(at(text, root.locate("/b/x/1")), "2");
    assert_eq!(root.locate("/b/x").start, root.locate("/a/x").start);
}

#[test]
fn unquoted_templates() {
    trapped("a: {{ x }}\nb: 1\n", "/a", "{{ x }}");
    trapped(
        "a: {{ f(x, x) | default('y') }}\n",
        "/a",
        "{{ f(x, x) | default('y') }}",
    );
    trapped("a: {{ x }}/path\n", "/a", "{{ x }}/path");
    trapped("- {{ x }}: {{ y }}\n", "/0", "{{ x }}: {{ y }}");
    trapped("- {{ x['y'] }} z # c\n", "/0", "{{ x['y'] }} z");
    trapped("{ a: {{ x }}, b: 1 }\n", "/a", "{{ x }}");
    trapped("[{{ x }}]\n", "/0", "{{ x }}");
    trapped("a: {% if x %}1{% endif %}\n", "/a", "{% if x %}1{% endif %}");
    trapped("a: Note: {{ x }}\n", "/a", "Note: {{ x }}");
    trapped("{ a: Hello {{ x }}, b: 1 }\n", "/a", "Hello {{ x }}");
    trapped("a: {{ \"x\" ~ y }}\n", "/a", "{{ \"x\" ~ y }}");
    trapped("- Hello {{ {'a': 1}.a }}\n", "/0", "Hello {{ {'a': 1}.a }}");
    trapped("a: Hi {{ x == ' #1' }}\n", "/a", "Hi {{ x == ' #1' }}");
}

#[test]
fn unquoted_expressions() {
    trapped("{ a: =f(1, 2) }\n", "/a", "=f(1, 2)");
    trapped("{ a: =f(1, 2), b: 3 }\n", "/a", "=f(1, 2)");
    trapped("[=f(1, 2, 3), 4]\n", "/0", "=f(1, 2, 3)");
    trapped("{ a: =x['b'].c, d: 1 }\n", "/a", "=x['b'].c");
    trapped("{ a: =f(x, [1, 2]) }\n", "/a", "=f(x, [1, 2])");
    trapped("a: ={'k': 1}['k']\n", "/a", "={'k': 1}['k']");
    trapped("- =f({'k': 1})\n- 2\n", "/0", "=f({'k': 1})");
    trapped("- k: =f({'k': 1})\n", "/0/k", "=f({'k': 1})");
    trapped("a: =x == 'b #1' and y\n", "/a", "=x == 'b #1' and y");
    trapped("a: =x == \"b #1\"\n", "/a", "=x == \"b #1\"");
    trapped("{ a: =x == \"it's #1\" }\n", "/a", "=x == \"it's #1\"");
}

#[test]
fn reading_goes_on_behind_a_missing_pair_of_quotes() {
    let text = concat!(
        "a: {{ x }}/path\n",
        "b: { c: =f(x, [1]), d: =x['é #1'], e: =x == 'a #1' }\n",
        "f: Note: {{ x }}\n",
        "g: 1\n",
        "g: 2\n",
        "---\n",
        "h: ={'k': 1}\n",
    );
    let (documents, diagnostics) = read(text);
    let places: Vec<&str> = diagnostics.iter().map(|found| at(text, found.span.unwrap())).collect();
    assert_eq!(
        places,
        [
            "{{ x }}/path",
            "=f(x, [1])",
            "=x['é #1']",
            "=x == 'a #1'",
            "Note: {{ x }}",
            "g",
            "={'k': 1}"
        ]
    );
    assert_eq!(
        documents[0].root.data(),
        data!({
            "a": "{{ x }}/path",
            "b": { "c": "=f(x, [1])", "d": "=x['é #1']", "e": "=x == 'a #1'" },
            "f": "Note: {{ x }}",
            "g": 1
        })
    );
    assert_eq!(documents[1].root.data(), data!({ "h": "={'k': 1}" }));
}

#[test]
fn a_value_that_only_seems_to_need_quotes_is_still_an_error() {
    for text in ["foo, =a: b: c\n", "a: foo, =b: c\n", "a: \"x\" {{ y }}\n"] {
        assert_ne!(findings(text), [""; 0], "{text}");
    }
}

#[test]
fn traps_among_other_entries() {
    for text in [
        "- =f({'k': 1})\n  b: 2\n",
        "- {{ x }}: 1\n  b: 2\n",
        "{{a: 1}: 2, b: 3}\n",
        "{ =f({'k': 1}): 2, b: 3}\n",
    ] {
        let findings = findings(text);
        assert!(
            !findings.is_empty() && findings[0].starts_with("needs-quotes"),
            "{text}: {findings:?}"
        );
    }
}

#[test]
fn no_traps() {
    good("a: =x # a comment\nb: { c: =x.y, d: =f(1) }\n");
    good("a: =x > 1 and\n  y[0] == 'b'\nb: Hello {{ f(x, 1) }}\n");
    // Not YAML's doing: the expression check finds it.
    good("a: =f(1\n");
    good("{ a: '{{ x }}', b: \"=f(1, 2)\" }");
    good("a: |\n  {{ x }}: y # z\n");
    assert!(findings("a: Order #{{ n }}\n")[0].starts_with("needs-quotes \"#{{ n }}\""));
    let (_, diagnostics) = read("a: Order #{{ n }}\n");
    assert!(!diagnostics[0].is_error());
}

#[test]
fn a_trap_without_a_certain_end_has_no_fix() {
    let (_, diagnostics) = read("{ a: =f(1,\n  2) }\n");
    assert_eq!(diagnostics[0].code.name(), "needs-quotes");
    assert_eq!(diagnostics[0].fixes, []);
    assert_eq!(findings("{ a: =f([1,\n  2]) }\n").len(), 1);
}

#[test]
fn places_inside_scalars() {
    let text = concat!(
        "plain: =input.a + b\n",
        "single: 'it''s =x'\n",
        "double: \"a\\tb \\u00e9 c \\\n   d\"\n",
        "literal: |\n",
        "\n",
        "    one {{ x }}\n",
        "      two {{ y }}\n",
        "folded: >- # comment\n",
        "  one {{ x }}\n",
        "  two\n",
        "\n",
        "  three\n",
        "multi: one\n",
        "  two   three\n",
        "tagged: !!str &a four\n",
    );
    let root = good(text);
    for (key, words) in [
        ("plain", &["input.a", "b"][..]),
        ("single", &["=x"]),
        ("double", &["b", "c", "d"]),
        ("literal", &["x", "{{ y }}", "two"]),
        ("folded", &["{{ x }}", "two", "three"]),
        ("multi", &["one", "two", "three"]),
        ("tagged", &["four", "our"]),
    ] {
        let node = root.get(key).unwrap();
        let scalar = node.as_scalar().unwrap();
        for word in words {
            let start = scalar.text.find(word).expect(word);
            let span = node.place(text, start..start + word.len());
            assert_eq!(at(text, span), *word, "{key}");
            assert!(node.span.start <= span.start && span.end <= node.span.end, "{key}");
        }
    }
    let double = root.get("double").unwrap();
    let escape = double.as_scalar().unwrap().text.find('é').unwrap();
    assert_eq!(at(text, double.place(text, escape..escape + 2)), "\\u00e9");
    let single = root.get("single").unwrap();
    assert_eq!(at(text, single.place(text, 2..3)), "''");
    // Beyond the end it is the end, and in another text the whole value.
    assert!(double.place(text, 1000..1001).start <= double.span.end);
    assert_eq!(double.place("", 0..1), double.span);
}

#[test]
fn syntax_errors_in_plain_words() {
    for (text, finding) in [
        ("a: b: c\n", "syntax \":\" a `: ` cannot stand here"),
        ("a: 1\nfoo\nb: 2\n", "syntax \"foo\" expected `key: value`"),
        ("a: [1, 2\nb: 3\n", "syntax \":\" a `:` cannot stand here"),
        ("a:\n\t- b\n", "syntax \"-\" a tab stands"),
        ("a: \"x\n", "syntax \"\\\"\" this quote is never closed"),
        ("a: \"x\" y\n", "syntax \"y\" nothing may follow"),
        ("a: @x\n", "syntax \"@\" no unquoted value"),
        ("a: *x\n", "unsupported-yaml \"*\" no anchor"),
        ("a: \"\\q\"\n", "syntax \"\\\"\" this backslash"),
        ("a: - b\n", "syntax \"-\" a `- ` item"),
        (
            "a: 1\n  b: 2\n",
            "syntax \"b\" `b` is indented further than the key above",
        ),
        (
            "a: 1\nb:2\nc: 3\n",
            "syntax \"b:2\" `:` ends a key only with a space behind it",
        ),
        (
            "- { a: [1, 2 }\n- b\n",
            "syntax \"- { a: [1, 2 }\" a `[` or `{` is not closed",
        ),
    ] {
        let findings = findings(text);
        assert!(
            findings.len() == 1 && findings[0].starts_with(finding),
            "{text:?}: {findings:?}"
        );
    }
}

#[test]
fn limits() {
    let small = Limits {
        bytes: 100,
        depth: 4,
        nodes: 20,
        alias_nodes: 10,
    };
    let check = |text: &str, message: &str| {
        let (_, diagnostics) = parse(file(), text, &small);
        assert_eq!(diagnostics.len(), 1, "{text}");
        assert_eq!(diagnostics[0].code.name(), "too-large");
        assert!(diagnostics[0].message.contains(message), "{}", diagnostics[0].message);
    };
    check(&"a".repeat(101), "101 bytes");
    check("[[[[[]]]]]", "4 levels");
    check("- - - - - a", "4 levels");
    check(&"- a\n".repeat(25), "20 values");
    check(&format!("[{}]", ",".repeat(25)), "20 values");
    check("- &a [1, 2, 3]\n- *a\n- *a\n- *a\n", "expand to more than 10");
    check("- &a [[[]]]\n- [[*a]]\n", "with its aliases");
    let (documents, diagnostics) = parse(file(), "[[[[1, 2]]]]\n", &small);
    assert!(diagnostics.is_empty() && documents.len() == 1);
}
