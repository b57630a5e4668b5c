use super::*;

#[test]
fn an_output_that_no_path_produces_is_found() {
    let text = "kind: Workflow
id: test
steps:
  - { kind: andThen, id: a, set: { aproved: true } }
outputSchema: { type: object, required: [approved], properties: { approved: { type: boolean } } }
";
    assert_eq!(findings(text), ["output-never-produced: approved"]);
    let text = "kind: Workflow
id: test
steps:
  - { kind: andWhen, id: a, condition: =input.x, set: { approved: true } }
outputSchema: { type: object, required: [approved] }
";
    assert_eq!(findings(text), NONE);
    let text = "kind: Workflow
id: test
steps:
  - { kind: andThen, id: a, set: { approved: 1 } }
outputSchema: { type: object, required: [approved], properties: { approved: { type: boolean } } }
";
    assert_eq!(findings(text), ["schema-mismatch: approved"]);
}

#[test]
fn a_written_output_is_compared_with_its_schema() {
    let text = "kind: Workflow
id: test
inputSchema: { type: object, properties: { name: { type: string } } }
steps:
  - { kind: andThen, id: a, set: { n: 1 } }
output: { count: \"{{ data.n }}\", total: =input.name, ok: 3 }
outputSchema:
  type: object
  required: [count, sum]
  properties: { count: { type: integer }, total: { type: number }, ok: { type: boolean } }
";
    assert_eq!(
        findings(text),
        [
            "missing-equals: \"{{ data.n }}\"",
            "schema-mismatch: =input.name",
            "schema-mismatch: 3",
            "output-never-produced: sum",
        ]
    );
}

#[test]
fn a_lone_template_has_a_fix() {
    let text = workflow(
        "  - { kind: andThen, id: a, set: { n: \"{{ input.n }}\" }, outputSchema: { type: object, properties: { n: { type: number } } } }\n",
    );
    assert_eq!(findings(&text), ["missing-equals: \"{{ input.n }}\""]);
    assert!(fixed(&text).contains("n: \"=input.n\""));
}

#[test]
fn literals_are_validated_as_a_whole() {
    let text = "kind: Workflow
id: test
events: { Progress: { role: progress, schema: { type: object, required: [done], properties: { done: { type: number, maximum: 1 } } } } }
stateSchema: { type: object, properties: { n: { type: integer } } }
state: { n: many }
steps:
  - { kind: andThen, id: a, emit: { event: Progress, data: { done: 3 } } }
  - { kind: andThen, id: b, emit: { event: Progress, data: { done: =input.x } } }
";
    assert_eq!(findings(text), ["schema-mismatch: many", "schema-mismatch: 3"]);
}

#[test]
fn what_a_wait_shows_is_compared_with_its_schema() {
    let text = "kind: Workflow
id: test
inputSchema: { type: object, properties: { name: { type: string } } }
events:
  Question: { role: request, schema: { type: object, required: [prompt], properties: { prompt: { type: string }, n: { type: number } } } }
steps:
  - { kind: andThen, id: a, suspend: { data: { n: =input.name } }, suspendSchema: { type: object, properties: { n: { type: number } } } }
  - { kind: andThen, id: b, suspend: { request: Question, data: { promt: Ship it? } } }
  - { kind: andThen, id: c, suspend: { request: Question } }
  - { kind: andThen, id: d, suspend: { request: Question, data: { prompt: =input.name, n: 1 } } }
  - { kind: andThen, id: e, suspend: { reason: why }, suspendSchema: { type: [object, 'null'] } }
  - kind: andWhen
    id: f
    condition: =input.name == 'x'
    set: 1
    else: { suspend: { data: { n: many } } }
    suspendSchema: { type: object, properties: { n: { type: number } } }
";
    assert_eq!(
        findings(text),
        [
            "schema-mismatch: =input.name",
            "schema-mismatch: promt",
            "schema-mismatch: suspend",
            "schema-mismatch: many",
        ]
    );
}

#[test]
fn what_an_end_gives_is_compared_with_the_schema_of_the_result() {
    let text = "kind: Workflow
id: test
inputSchema: { type: object, properties: { name: { type: string } } }
steps:
  - { kind: andThen, id: a, end: { when: =input.name == 'a', output: { total: =input.name } } }
  - { kind: andThen, id: b, end: { when: =input.name == 'b', output: { count: 1 } } }
  - { kind: andThen, id: c, end: { when: =input.name == 'c' } }
  - { kind: andThen, id: d, set: 1, catch: [{ end: { output: many } }] }
  - { kind: andThen, id: e, end: { output: { total: 1 } } }
outputSchema: { type: object, required: [total], properties: { total: { type: number } } }
";
    assert_eq!(
        findings(text),
        [
            "schema-mismatch: =input.name",
            "schema-mismatch: count",
            "schema-mismatch: end",
            "schema-mismatch: many",
        ]
    );
    let open = text.replace("type: object, required: [total]", "type: [object, 'null']");
    assert!(!findings(&open).contains(&"schema-mismatch: end".to_owned()));
}
