//! What is too large is refused, at compile or at run time.

use super::*;

#[test]
fn numbers_stay_exact_or_are_refused() {
    assert_eq!(value("data.max + 0"), data!(i64::MAX));
    assert!(matches!(value("data.max + 1"), Data::UInt(n) if n == 1 << 63));
    assert!(matches!(value("data.big"), Data::UInt(u64::MAX)));
    assert_eq!(code("data.big + 1"), EvalError::LIMIT);
    assert_eq!(code("data.max * data.max * data.max * data.max"), EvalError::LIMIT);
    assert_eq!(code("1e308 * 10"), EvalError::FAILED);
    assert_eq!(value("7 / 2"), data!(3.5));
    assert_eq!(value("7 // 2"), data!(3));
    assert!(matches!(
        eval("1 / 0").unwrap_err().code,
        EvalError::FAILED | EvalError::TYPE
    ));
    assert_eq!(value("-7 % 3 ** 2"), value("(-7) % 9"));
    assert_eq!(problem("99999999999999999999999").kind, ProblemKind::TooLarge);
}

#[test]
fn evaluations_are_bounded() {
    for source in [
        "'aaaaaaaaaa' * 10000000",
        "[1] * 100000000",
        "range(1000000000) | list",
        "data.list | batch(1000000000, 0) | list",
        "('a' * 10000000) ~ ('a' * 10000000)",
        "('a' * 10000) | replace('a', 'b' * 10000)",
        "'x' | indent(100000000, true)",
        "'%999999999d' | format(1)",
        "'%*d' | format(999999999, 1)",
        "([[0] * 1000] * 100000) | list",
    ] {
        assert_eq!(code(source), EvalError::LIMIT, "{source}");
    }
    for source in [
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=1) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}",
        "{% for i in range(99999) %}{% set ns = namespace(x=[ns.x | default(1)]) %}{% endfor %}",
        "{{ range(100000) | map('string') | map('indent', 90000, true) | list | length }}{% if 1 %}{% endif %}",
        "{% set l = range(100000) | list %}{% for i in range(99999) %}{{ -1 in l }}{% endfor %}",
        "{% set l = range(100000) | list %}{% for i in range(99999) %}{{ l | sort | first }}{% endfor %}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = ns.l + [i] %}{% endfor %}",
        "{% macro m(x) %}{{ m([x]) }}{% endmacro %}{{ m(1) }}",
    ] {
        let error = Text::compile(source).unwrap().eval(&names).expect_err(source);
        assert_eq!(error.code, EvalError::LIMIT, "{source}: {error:?}");
    }
    let long = format!("{{% for i in range(99999) %}}{}{{% endfor %}}", "x".repeat(1000));
    assert_eq!(
        Text::compile(&long).unwrap().eval(&names).unwrap_err().code,
        EvalError::LIMIT
    );
}

#[test]
fn long_and_deep_sources_are_refused() {
    let too_large = |source: &str| {
        assert!(
            matches!(problem(source).kind, ProblemKind::TooLarge | ProblemKind::Syntax),
            "{source:.40}"
        );
    };
    too_large(&"1+".repeat(5_000_000));
    too_large(&format!("1{}", "+1".repeat(20_000)));
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{'a':", "}"),
        ("not ", ""),
        ("-", ""),
        ("x(", ")"),
        ("a[", "]"),
    ] {
        too_large(&format!("{}1{}", open.repeat(8_000), close.repeat(8_000)));
    }
    too_large(&format!("a{}", ".b".repeat(20_000)));
    too_large(&format!("a{}", "|d".repeat(20_000)));
    too_large(&format!("1{}", " if 1 else 1".repeat(4_000)));
    for source in [
        "{% if 1 %}".repeat(5_000),
        format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(4_000)),
    ] {
        assert!(matches!(
            template_problem(&source).kind,
            ProblemKind::TooLarge | ProblemKind::Syntax
        ));
    }
    assert_eq!(value(&format!("1{}", "+1".repeat(300))), data!(301));
    assert_eq!(value(&format!("'a'{}", "~'a'".repeat(300))), data!("a".repeat(301)));
    let wide = format!("[{}]", vec!["data.n + 1 if data.ok else data.object.b"; 300].join(","));
    assert_eq!(value(&wide).as_list().unwrap().len(), 300);
    let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
    assert_eq!(value(&deep).depth(), 70);
}
