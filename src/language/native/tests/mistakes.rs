//! What is said about mistakes.

use super::*;

#[test]
fn ten_mistakes_give_ten_findings() {
    let found = findings(
        "kind: Workflow
id: 1st
version: 1.0
timout: 5m
steps:
  - kind: andThn
    id: a
  - { kind: andThen, id: b, set: =input.x + }
  - { kind: andThen, id: b, set: 1 }
  - { kind: andWhen, id: c, condition: input.x > 1, set: 1 }
  - { kind: andSleep, id: d, duration: 30 }
  - { kind: andThen, id: e, http: { ulr: x } }
  - { kind: andThen, id: f, set: \"{{ input.x | uper }}\" }
outputSchema: { type: objekt }
",
    );
    let codes: Vec<_> = found.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(
        codes,
        [
            "invalid-id @ 1st",
            "wrong-type @ 1.0",
            "unknown-key @ timout",
            "unknown-kind @ andThn",
            codes[4],
            "duplicate-id @ b",
            "missing-equals @ input.x > 1",
            "invalid-duration @ 30",
            "unknown-key @ ulr",
            "unknown-function @ uper",
            "invalid-schema @ objekt",
        ],
        "{found:#?}"
    );
    assert!(codes[4].starts_with("expression-syntax @ "), "{found:#?}");
}

#[test]
fn mistakes_are_told_with_what_to_write() {
    let expected = [
        (
            "- { kind: andThn, id: a }",
            "unknown-kind @ andThn: there is no step kind `andThn` [did you mean `andThen`?]",
        ),
        (
            "- { kind: http, id: a }",
            "unknown-kind @ http: there is no step kind `http` [`http` is a unit of work: write `kind: andThen` and `http: ...`]",
        ),
        (
            "- { kind: parallel, id: a }",
            "unknown-kind @ parallel: there is no step kind `parallel` [what other systems call `parallel` is `andAll` here]",
        ),
        (
            "- { id: a, set: 1 }",
            "missing-key @ id: a step needs `kind` [a step with one unit of work is `kind: andThen`]",
        ),
        (
            "- { knd: andThen, id: a, set: 1 }",
            "unknown-key @ knd: a step begins with `kind`, not `knd` [did you mean `kind`?]",
        ),
        (
            "- { kind: andThen, set: 1 }",
            "missing-key @ andThen: an `andThen` step needs `id` [add for example `id: some-id`]",
        ),
        (
            "- { kind: andThen, id: a b, set: 1 }",
            "invalid-id @ a b: `a b` cannot be used as `id` [it must be a letter, then letters, digits, `_` or `-`] [write for example `id: a_b`]",
        ),
        (
            "- { kind: andThen, id: 7, set: 1 }",
            "wrong-type @ 7: `id` needs a text, but YAML reads this as a number [an id begins with a letter, as in `id: step-1`]",
        ),
        (
            "- { kind: andThen, id: a, name: =input.x, set: 1 }",
            "not-literal @ =input.x: `name` is taken as it is written; an expression is not evaluated here [write the value of `name` itself]",
        ),
        (
            "- { kind: andThen, id: a, name: , set: 1 }",
            "wrong-type @ : `name` needs a text, but is empty [write for example `name: some-text`]",
        ),
        (
            "- { kind: andWhen, id: a, set: 1 }",
            "missing-key @ andWhen: an `andWhen` step needs `condition` [add for example `condition: =input.amount > 100`]",
        ),
        (
            "- { kind: andWhen, id: a, condition: \"{{ input.x }}\", set: 1 }",
            "missing-equals @ \"{{ input.x }}\": `condition` needs a condition, and a template always gives text [write `condition: \"=input.x\"`]",
        ),
        (
            "- { kind: andWhen, id: a, condition: 5, set: 1 }",
            "wrong-type @ 5: `condition` needs a condition, but is a number [write for example `condition: =input.amount > 100`]",
        ),
        (
            "- { kind: andForEach, id: a, items: input.x, steps: [{ kind: andThen, id: b, set: 1 }] }",
            "missing-equals @ input.x: `items` needs a list, but this is a text: an expression begins with `=` [write `items: =input.x`]",
        ),
        (
            "- { kind: andTry, id: a, steps: [] }",
            "invalid-value @ []: `steps` is empty [write at least one step, as `- kind: andThen`]",
        ),
        (
            "- { kind: andTry, id: a, steps: { kind: andThen, id: b, set: 1 } }",
            "wrong-type @ { kind: andThen, id: b, set: 1 }: `steps` needs a list of steps, but is a mapping [put a dash before the step: `steps:` and below it `- kind: ...`]",
        ),
        (
            "- { kind: andAll, id: a, steps: [{ kind: andThen, id: b, set: 1 }], settle: yes }",
            "wrong-type @ yes: `settle` needs true or false, and YAML 1.2 reads `yes` as a text [write `settle: true`]",
        ),
        (
            "- { kind: andRace, id: a, until: succes, steps: [{ kind: andThen, id: b, set: 1 }] }",
            "invalid-value @ succes: `until` must be `settled` or `success`, not `succes` [did you mean `success`?]",
        ),
        (
            "- hello",
            "wrong-type @ hello: `steps` needs a step, but is a text [a step is a mapping: `- kind: andThen`, `  id: ...`]",
        ),
    ];
    for (step, says) in expected {
        assert_eq!(only(&format!("  {step}")), says);
    }
}

#[test]
fn rule_08_dashes_and_underscores_collide() {
    let (read, sources) = document(&workflow(
        "  - { kind: andThen, id: a-b, set: 1 }\n  - { kind: andThen, id: a_b, set: 1 }",
    ));
    let [finding] = &read.diagnostics[..] else {
        panic!("{:?}", read.diagnostics)
    };
    assert_eq!(
        finding.message,
        "the ids `a-b` and `a_b` mean the same step in expressions"
    );
    assert_eq!(sources.text(finding.labels[0].span), "a-b");
    // Words of the expression language may be ids: they follow a dot.
    good_steps("  - { kind: andThen, id: if, set: 1 }");
}

#[test]
fn rule_01_keys_and_names_are_literal() {
    for step in [
        "{ kind: =x, id: a }",
        "{ kind: andAgent, id: a, agent: =input.a, prompt: x }",
        "{ kind: andWorkflow, id: a, workflow: \"{{ input.w }}\" }",
        "{ kind: andThen, id: a, emit: { event: =input.e } }",
        "{ kind: andThen, id: a, http: { url: x, method: =input.m } }",
        "{ kind: andThen, id: a, set: 1, into: =input.k }",
    ] {
        let found = findings(&workflow(&format!("  - {step}")));
        assert!(found.iter().any(|line| line.starts_with("not-literal")), "{found:?}");
    }
}

#[test]
fn problems_point_inside_the_text() {
    let found = only("  - { kind: andThen, id: a, set: \"total: {{ input.x | frobnicate }}\" }");
    assert!(found.starts_with("unknown-function @ frobnicate: "), "{found}");
    let found = only("  - kind: andThen\n    id: a\n    set: >\n      =input.x |\n      frobnicate");
    assert!(found.starts_with("unknown-function @ frobnicate: "), "{found}");
}

#[test]
fn schemas_point_at_what_is_wrong() {
    let found = only(
        "  - { kind: andThen, id: a, set: 1, outputSchema: { type: object, properties: { n: { type: numbr } } } }",
    );
    assert!(found.starts_with("invalid-schema @ numbr: "), "{found}");
    let found = only_in(
        "kind: Workflow\nid: t\ninputSchema: { properties: { n: { type: integer, default: x } } }\nsteps: [{ kind: andThen, id: a, set: 1 }]\n",
    );
    assert!(found.starts_with("default-mismatch @ x: "), "{found}");
    let found = only_in(
        "kind: Workflow\nid: t\ninputSchema: { $ref: order.json }\nsteps: [{ kind: andThen, id: a, set: 1 }]\n",
    );
    assert!(
        found.starts_with("invalid-schema @ order.json: `order.json` cannot be read"),
        "{found}"
    );
    let found = only_in("kind: Workflow\nid: t\ninputSchema: text\nsteps: [{ kind: andThen, id: a, set: 1 }]\n");
    assert!(
        found.starts_with("wrong-type @ text: `inputSchema` needs a JSON Schema"),
        "{found}"
    );
}

#[test]
fn documents_of_other_languages_are_named() {
    let expected = [
        (
            "app: { name: x }\nworkflow: { graph: {} }\n",
            "unknown-document",
            "Dify",
        ),
        ("id: x\nsteps: []\n", "unknown-document", "add `kind: Workflow`"),
        ("kind: Workflw\n", "unknown-kind", "did you mean `Workflow`?"),
        ("kind: andThen\nid: a\n", "unknown-kind", "stands in the list `steps`"),
        ("- 1\n", "unknown-document", "begin with `kind: Workflow`"),
        ("Kind: Workflow\n", "unknown-document", "no `kind`"),
    ];
    for (text, code, says) in expected {
        let found = findings(text);
        assert!(
            found.len() == 1 && found[0].starts_with(code) && found[0].contains(says),
            "{found:?}"
        );
    }
}
