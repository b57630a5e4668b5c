use super::*;

const INPUT: &str = "kind: Workflow
id: test
inputSchema:
  type: object
  properties:
    amount: { type: number }
    name: { type: string }
    tags: { type: array, items: { type: object, properties: { label: { type: string } } } }
    customer: { type: object, properties: { tier: { enum: [free, pro] } } }
    more: { type: object }
steps:
";

fn with_input(steps: &str) -> String {
    format!("{INPUT}{steps}")
}

#[test]
fn mistyped_properties_of_the_input_are_found() {
    let text = with_input(
        "  - { kind: andThen, id: a, set: { x: =input.amuont, y: \"{{ input.customer.teir }}\", z: \"=input.tags[0].lable\" } }\n",
    );
    assert_eq!(
        findings(&text),
        [
            "unknown-property: amuont",
            "unknown-property: teir",
            "unknown-property: lable"
        ]
    );
    let text = with_input("  - { kind: andThen, id: a, set: { x: \"=input['amuont']\", y: =input.more.anything } }\n");
    assert_eq!(findings(&text), ["unknown-property: ['amuont']"]);
    assert!(fixed(&text).contains("=input['amount']"));
}

#[test]
fn a_default_does_not_hide_a_typing_mistake() {
    let text = with_input(
        "  - { kind: andThen, id: a, set: { x: =input.amuont | default(1), y: =input.zzzzzz | default(1) } }\n",
    );
    assert_eq!(
        findings(&text),
        ["unknown-property: amuont", "[unknown-property: zzzzzz]"]
    );
}

#[test]
fn what_is_no_object_has_no_properties() {
    let text = with_input("  - { kind: andThen, id: a, set: { x: =input.amount.value, y: =input.tags.length } }\n");
    assert_eq!(findings(&text), ["unknown-property: value", "unknown-property: length"]);
}

#[test]
fn texts_are_not_ordered_against_numbers() {
    let text = with_input("  - { kind: andWhen, id: a, condition: =input.name > 3, set: 1 }\n");
    assert_eq!(findings(&text), ["type-mismatch: input.name > 3"]);
    let text = with_input("  - { kind: andWhen, id: a, condition: =input.tags > 3, set: 1 }\n");
    assert_eq!(findings(&text), ["type-mismatch: input.tags > 3"]);
    let text = with_input("  - { kind: andWhen, id: a, condition: =input.amount == '3', set: 1 }\n");
    assert_eq!(findings(&text), ["[type-mismatch: input.amount == '3']"]);
    let text = with_input(
        "  - { kind: andWhen, id: a, condition: =input.amount > 3 and input.name < 'm' and input.more.x < 3, set: 1 }\n",
    );
    assert_eq!(findings(&text), NONE);
}

#[test]
fn conditions_give_true_or_false() {
    let text = with_input("  - { kind: andWhen, id: a, condition: =input.tags, set: 1 }\n");
    assert_eq!(findings(&text), ["type-mismatch: input.tags"]);
    let text = with_input("  - { kind: andWhen, id: a, condition: =input.tags | length, set: 1 }\n");
    assert_eq!(findings(&text), ["type-mismatch: input.tags | length"]);
}

#[test]
fn items_are_a_list() {
    let each = |items: &str| {
        with_input(&format!(
            "  - {{ kind: andForEach, id: a, items: {items}, steps: [{{ kind: andThen, id: b, set: =item.lable }}] }}\n"
        ))
    };
    assert_eq!(findings(&each("=input.amount")), ["type-mismatch: input.amount"]);
    assert_eq!(findings(&each("=input.tags")), ["unknown-property: lable"]);
}

#[test]
fn arithmetic_needs_numbers() {
    let text = with_input(
        "  - { kind: andThen, id: a, set: { x: =input.name - 1, y: =input.name + input.amount, z: =input.amount * 2 } }\n",
    );
    assert_eq!(
        findings(&text),
        [
            "type-mismatch: input.name - 1",
            "type-mismatch: input.name + input.amount"
        ]
    );
}

#[test]
fn the_state_has_the_keys_it_begins_with_and_those_that_are_set() {
    let text = "kind: Workflow
id: test
state: { pages: 0 }
steps:
  - { kind: andThen, id: a, set: =state.pagse, setState: { rows: 1 } }
  - { kind: andThen, id: b, set: { x: =state.rows, y: =state.other | default(0) } }
";
    assert_eq!(findings(text), ["unknown-property: pagse"]);
}
