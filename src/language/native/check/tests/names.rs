use super::*;

#[test]
fn a_mistyped_name_is_suggested() {
    let text = workflow("  - { kind: andThen, id: a, set: =inptu.amount }\n");
    assert_eq!(findings(&text), ["unknown-name: inptu"]);
    assert!(fixed(&text).contains("=input.amount"));
}

#[test]
fn names_in_templates_are_checked_but_not_those_they_bind() {
    let text = "  - { kind: andThen, id: a, set: { x: \"{% for row in data %}{{ loop.index }} {{ row }} {{ rwo }}{% endfor %}\" } }\n";
    assert_eq!(in_steps(text), ["unknown-name: rwo"]);
}

#[test]
fn the_names_behind_a_result_are_known_only_there() {
    let steps = "  - { kind: andThen, id: a, http: { url: \"http://x/{{ result }}\" }, output: { a: =result, b: =response.status } }
  - { kind: andThen, id: b, exec: { command: [ls] }, output: =response.status }
  - { kind: andThen, id: c, set: 1, output: =resume }
  - { kind: andThen, id: d, suspend: { reason: =resume.x }, output: =resume }
  - { kind: andThen, id: e, set: 1, output: =winner, setState: { x: =output } }
  - { kind: andThen, id: f, set: =output }
";
    assert_eq!(
        in_steps(steps),
        [
            "unknown-name: result",
            "unknown-name: response",
            "unknown-name: resume",
            "unknown-name: resume",
            "unknown-name: winner",
            "unknown-name: output",
        ]
    );
}

#[test]
fn items_are_known_inside_their_loop() {
    let steps = "  - kind: andForEach
    id: each
    items: =input.orders
    as: order
    steps:
      - { kind: andThen, id: a, set: { a: =order, b: =order_index, c: =index, d: =item } }
  - { kind: andThen, id: b, set: { a: =order, i: =index } }
";
    let text = workflow(steps);
    assert_eq!(
        findings(&text),
        ["unknown-name: item", "unknown-name: order", "unknown-name: index"]
    );
    let (_, all) = read(&text);
    assert!(
        all[1].help[0].contains("inside the steps of `each`"),
        "{:?}",
        all[1].help
    );
}

#[test]
fn errors_are_known_in_handlers() {
    let steps = "  - kind: andTry
    id: t
    steps: [{ kind: andThen, id: a, http: { url: http://x } }]
    catch:
      - { on: [timeout], when: =error.attempt > 1, set: { why: =error.message } }
      - steps: [{ kind: andThen, id: h, set: =error.mesage }]
  - { kind: andThen, id: b, set: =error }
";
    assert_eq!(in_steps(steps), ["unknown-property: mesage", "unknown-name: error"]);
}

#[test]
fn a_name_that_is_never_known_may_have_a_default() {
    let steps = "  - { kind: andThen, id: a, set: { a: =resume.x | default(1), b: =index | default(0), c: =nope | default(0) } }\n";
    assert_eq!(in_steps(steps), ["[unknown-name: index]", "unknown-name: nope"]);
}

#[test]
fn events_and_arguments_are_known_where_they_are_looked_at() {
    let steps = "  - { kind: andThen, id: a, waitFor: { event: Paid, where: =event.order == input.order } }
  - { kind: andThen, id: b, set: =event.order }
  - { kind: andAgent, id: c, agent: x, prompt: hi, tools: [{ function: f, approval: =arguments.amount > 3 }], output: =arguments }
";
    let text = format!("kind: Workflow\nid: test\nevents: {{ Paid: {{ role: progress }} }}\nsteps:\n{steps}");
    assert_eq!(findings(&text), ["unknown-name: event", "unknown-name: arguments"]);
}

#[test]
fn before_the_first_step_there_is_only_the_start() {
    let text = "kind: Workflow
id: test
state: { n: =input.n, d: =data.x, s: =steps.a.output }
triggers:
  - cron: { schedule: \"0 2 * * *\" }
    input: { day: =trigger.scheduledAt, i: =input.x }
steps:
  - { kind: andThen, id: a, set: =trigger.body }
output: { a: =steps.a.output, x: =index }
";
    assert_eq!(
        findings(text),
        [
            "unknown-name: data",
            "step-not-readable: steps.a.output",
            "unknown-name: input",
            "unknown-name: trigger",
            "unknown-name: index",
        ]
    );
}

#[test]
fn a_property_or_step_without_its_root_is_told_where_it_is() {
    let text = "kind: Workflow
id: test
inputSchema: { type: object, properties: { amount: { type: number } } }
steps:
  - { kind: andThen, id: lookup, set: =amount }
";
    assert!(fixed(text).contains("set: =input.amount"));
    let text = workflow("  - { kind: andThen, id: lookup, set: 1 }\n  - { kind: andThen, id: b, set: =lookup }\n");
    assert_eq!(
        only(&text).help,
        ["`lookup` is a step: read its output as `steps.lookup.output`"]
    );
}

#[test]
fn a_name_with_a_dash_is_no_subtraction() {
    let text = workflow("  - kind: andThen\n    id: a\n    set: =data.first-name\n");
    assert_eq!(findings(&text), ["unknown-name: data.first-name"]);
    assert!(fixed(&text).contains("=data['first-name']"));
    let text = workflow("  - { kind: andThen, id: a, set: '=data.first-name' }\n");
    assert!(fixed(&text).contains("'=data[''first-name'']'"));
    // What can be meant is.
    assert_eq!(
        in_steps("  - { kind: andThen, id: a, set: =data.total-input.paid }\n"),
        NONE
    );
}

#[test]
fn secrets_stand_only_where_calls_send_them() {
    let steps = "  - { kind: andThen, id: a, http: { url: http://x, headers: { Authorization: \"Bearer {{ secrets.KEY }}\" } } }
  - { kind: andThen, id: b, set: { key: =secrets.KEY } }
";
    assert_eq!(in_steps(steps), ["secret-not-allowed: secrets.KEY"]);
}

#[test]
fn variables_and_secrets_are_asked_for() {
    let text = |permissions: &str| {
        format!(
            "kind: Workflow\nid: test\n{permissions}steps:\n  - {{ kind: andThen, id: a, http: {{ url: \"{{{{ env.SHOP_URL }}}}\", \
             body: =secrets.KEY }} }}\n"
        )
    };
    assert_eq!(findings(&text("")), NONE);
    assert_eq!(
        findings(&text("permissions: { env: [OTHER], http: [\"*\"] }\n")),
        ["not-permitted: SHOP_URL", "not-permitted: KEY"]
    );
    let mistyped = text("permissions: { env: [SHOP_URI], secrets: [KEY], http: [\"*\"] }\n");
    assert!(fixed(&mistyped).contains("env.SHOP_URI"));
    let similar = text("permissions: { env: [\"SHOP_UR*\"], secrets: [KEY], http: [\"*\"] }\n");
    assert_eq!(findings(&similar), NONE);
    let missing = only(&text("permissions: { env: [OTHER], secrets: [KEY], http: [\"*\"] }\n"));
    assert!(missing.help[0].contains("`env: [OTHER, SHOP_URL]`"), "{missing:?}");
    assert_eq!(missing.fixes, [], "to ask for more is for the author to decide");
}

#[test]
fn an_agent_sees_no_step() {
    let text = "kind: Agent
id: writer
model: openai/gpt-4o
instructions: \"Write {{ input.topic }} for {{ data.reader }}, {{ inputs }}, {{ steps.a.output }}, {{ secrets.KEY }}\"
tools:
  - { function: send, approval: =arguments.amount > 10 and state.strict }
  - { function: drop, approval: =argument.amount > context.limit }
";
    assert_eq!(
        findings(text),
        [
            "unknown-name: data",
            "unknown-name: inputs",
            "unknown-step: a",
            "secret-not-allowed: secrets.KEY",
            "unknown-name: state",
            "unknown-name: argument",
        ]
    );
}
