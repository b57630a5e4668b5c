//! Properties that hold for every source and all data.

use proptest::prelude::*;

use super::*;

fn any_number() -> impl Strategy<Value = Data> {
    prop_oneof![
        any::<i64>().prop_map(Data::from),
        (-9i64..9).prop_map(Data::from),
        any::<u64>().prop_map(Data::from),
        (-9i64..9).prop_map(|n| Data::from(n as f64 / 2.0)),
        any::<f64>().prop_map(Data::from),
    ]
}

fn any_value() -> impl Strategy<Value = Data> {
    let leaf = prop_oneof![
        4 => any_number(),
        2 => any::<bool>().prop_map(Data::from),
        1 => Just(Data::Null),
        2 => "[a-c\"]{0,3}".prop_map(Data::from),
    ];
    leaf.prop_recursive(2, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Data::from),
            proptest::collection::vec(("[a-c]", inner), 0..3).prop_map(|entries| entries
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect::<Data>()),
        ]
    })
}

/// Sources that parse, mostly.
fn any_source() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("input".to_owned()),
        Just("data.a".to_owned()),
        Just("data.b".to_owned()),
        Just("data.a.b".to_owned()),
        Just("data.c[0]".to_owned()),
        Just("data.c[-1].a".to_owned()),
        Just("steps.x.output.a".to_owned()),
        Just("true".to_owned()),
        Just("none".to_owned()),
        Just("'a'".to_owned()),
        Just("1.5".to_owned()),
        (0u64..20).prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "and", "or", "in"]);
        prop_oneof![
            4 => (inner.clone(), operator, inner.clone()).prop_map(|(a, operator, b)| format!("({a}) {operator} ({b})")),
            2 => (inner.clone(), prop::sample::select(vec!["+", "-", "*", "<", "and", "or", "~"]), inner.clone())
                .prop_map(|(a, operator, b)| format!("{a} {operator} {b}")),
            1 => inner.clone().prop_map(|a| format!("not ({a})")),
            1 => inner.clone().prop_map(|a| format!("-({a})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a}) if ({b}) else ({c})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{'a': {a}, 'b': {b}}}")),
            2 => (prop::sample::select(vec!["data.z", "resume.x.y", "data.a.b.c", "data.c[3]", "data.a"]), inner.clone())
                .prop_map(|(path, b)| format!("({path} | default({b}))")),
            1 => prop::sample::select(vec!["data.z", "data.a", "data.a.b", "input.a"]).prop_map(|path| format!("({path} is defined)")),
            1 => inner.clone().prop_map(|a| format!("data[{a}]")),
            1 => (inner, prop::sample::select(vec!["string", "length", "abs", "tojson", "list", "first", "upper"]))
                .prop_map(|(a, filter)| format!("({a} | {filter})")),
        ]
    })
}

fn fragment() -> impl Strategy<Value = String> {
    let pieces = vec![
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "if",
        "else",
        "endif",
        "for",
        "in",
        "endfor",
        "set",
        "endset",
        "macro",
        "x",
        "endmacro",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "|",
        ".",
        "-",
        "+",
        "*",
        "**",
        "//",
        "~",
        "'",
        "\"",
        "\\",
        "=",
        "==",
        "<",
        "not",
        "and",
        "is",
        "defined",
        "none",
        "input",
        "data.a",
        "steps",
        "steps.a-b.output",
        "secrets.K",
        "loop",
        "now()",
        "range(9)",
        "default",
        "map",
        "upper",
        "1",
        "2.5e3",
        "é",
        "\u{FDD0}",
        "\n",
        " ",
        "call",
        "endcall",
        "raw",
        "endraw",
        "filter",
        "with",
        "recursive",
        "elif",
        "do",
        "self",
        "__path",
        "namespace()",
        "0x",
        "1_",
    ];
    proptest::collection::vec(
        (prop::sample::select(pieces), prop::sample::select(vec!["", " "])),
        0..24,
    )
    .prop_map(|parts| parts.into_iter().map(|(piece, gap)| format!("{piece}{gap}")).collect())
}

fn scope(input: Data, a: Data, b: Data, c: Vec<Data>) -> impl Fn(&Root) -> Option<Data> {
    let step = a.clone();
    let data = data!({ "a": a, "b": b, "c": c });
    move |root| match root {
        Root::Input => Some(input.clone()),
        Root::Data => Some(data.clone()),
        Root::Step { .. } => Some(data!({ "a": step.clone() })),
        Root::Now => Some(data!("2026-01-01T00:00:00Z")),
        _ => None,
    }
}

/// Runs all that a source can run through; ranges must lie in the source.
fn exercise(source: &str, names: &dyn Fn(&Root) -> Option<Data>) {
    let names = &|root: &Root| names(root);
    let check_range = |range: &std::ops::Range<usize>| {
        assert!(
            source.get(range.clone()).is_some() || range.end > source.len() - source.len().min(1),
            "{range:?} in {source:?}"
        );
        assert!(
            range.start <= range.end && range.end <= source.len(),
            "{range:?} in {source:?}"
        );
    };
    let result = match Build::from_scalar(source) {
        Ok(build) => {
            for reference in build.references() {
                check_range(&reference.range);
                check_range(&reference.name);
                assert_eq!(reference.segments.len(), reference.path.len());
                reference.segments.iter().for_each(check_range);
            }
            let sealed = build.eval_sealed(names);
            assert_eq!(sealed, build.eval_sealed(names));
            sealed.map(|_| ())
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            problems.iter().for_each(|problem| check_range(&problem.range));
            Ok(())
        }
    };
    if let Err(error) = result {
        error.range.iter().for_each(check_range);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 2000 } else { 20_000 }))]

    #[test]
    fn the_shortcut_equals_the_machine(
        source in any_source(),
        input in any_value(), a in any_value(), b in any_value(), c in proptest::collection::vec(any_value(), 0..3),
    ) {
        let Ok(expression) = Expression::compile(&source) else { return Ok(()) };
        let names = scope(input, a, b, c);
        if let Some(shortcut) = expression.shortcut(&names) {
            let machine = expression.run(&names);
            prop_assert_eq!(machine.as_ref().map(Data::to_string), Ok(shortcut.to_string()), "{}", source);
        }
    }

    #[test]
    fn no_source_makes_a_panic(source in fragment(), a in any_value(), b in any_value()) {
        let names = scope(a.clone(), a, b.clone(), vec![b]);
        exercise(&source, &names);
        exercise(&format!("={source}"), &names);
        exercise(&format!("{{{{ {source} }}}}"), &names);
        exercise(&format!("{{% if true %}}{{{{ {source} }}}}{{% endif %}}"), &names);
        exercise(&format!("{{% for x in {source} %}}{{{{ x }}}}{{% endfor %}}"), &names);
        exercise(&format!("{{% set x = {source} %}}{{{{ x }}}}"), &names);
    }

    #[test]
    fn no_text_makes_a_panic(source in ".{0,40}") {
        exercise(&source, &|_| None);
        exercise(&format!("={source}"), &|_| None);
        exercise(&format!("{{{{{source}}}}}"), &|_| None);
    }

    #[test]
    fn programs_and_pieces_render_alike(source in any_source(), a in any_value(), b in any_value()) {
        let names = scope(a.clone(), a, b.clone(), vec![b]);
        let pieces = Text::compile(&format!("<{{{{ {source} }}}}>"));
        let program = Text::compile(&format!("{{% if true %}}<{{{{ {source} }}}}>{{% endif %}}"));
        if let (Ok(pieces), Ok(program)) = (pieces, program) {
            let (pieces, program) = (pieces.eval(&names), program.eval(&names));
            prop_assert_eq!(pieces.map_err(|error| error.code), program.map_err(|error| error.code), "{}", source);
        }
    }
}
