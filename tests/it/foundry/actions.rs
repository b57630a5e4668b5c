//! Actions that compute and steer.

use super::*;

#[test]
fn variables_are_set_and_shown() {
    let played = play(
        "
    - { kind: SetVariable, id: a, variable: Local.Count, value: =Local.Count + 1 }
    - kind: SETVARIABLE
      id: b
      variable: Local.Person
      value: ={name: \"Ada\", age: 36}
    - { kind: SetTextVariable, variable: Topic.Text, value: \"{Local.Person.name} is {Local.Person.age}\" }
    - kind: SetMultipleVariables
      assignments:
        - { variable: Global.X, value: 2 }
        - { variable: Global.Y, value: =Global.X * 3 }
    - { kind: SetVariable, variable: Local.Person.name, value: Grace }
    - { kind: SendActivity, activity: \"{Local.Text}; {Global.Y}; {Local.Person.name}; {Local.Gone}; {1 = 1}\" }
",
    );
    assert_eq!(played.shown, ["Ada is 36; 6; Grace; ; True"]);
    assert_eq!(*played.result(), data!("Ada is 36; 6; Grace; ; True"));
    assert_eq!(played.variable("Local.Count"), data!(1));
}

#[test]
fn variables_are_cleared() {
    let played = play(
        "
    - { kind: SetVariable, variable: Local.A, value: 1 }
    - { kind: SetVariable, variable: Local.B, value: 2 }
    - { kind: SetVariable, variable: Global.C, value: 3 }
    - { kind: ResetVariable, variable: Local.A }
    - { kind: SendActivity, activity: \"{Local.A}{Local.B}{Global.C}\" }
    - { kind: ClearAllVariables, variables: ConversationScopedVariables }
    - { kind: SendActivity, activity: \"{Local.A}{Local.B}{Global.C}\" }
    - { kind: ClearAllVariables, variables: AllGlobalVariables }
    - { kind: SendActivity, activity: \"[{IsBlank(Global.C)}]\" }
",
    );
    assert_eq!(played.shown, ["23", "3", "[True]"]);
}

#[test]
fn texts_are_read_as_values() {
    let played = play(
        "
    - { kind: ParseValue, variable: Local.N, value: \"12.5\", valueType: Number }
    - { kind: ParseValue, variable: Local.B, value: \"TRUE\", valueType: Boolean }
    - kind: ParseValue
      variable: Local.R
      valueType: { kind: Record, properties: { category: String, confidence: Number } }
      value: |-
        ```json
        {\"category\": \"Billing\", \"confidence\": \"0.7\"}
        ```
    - { kind: ParseValue, variable: Local.T, value: \"[{\\\"a\\\": 1}, {\\\"a\\\": 2}]\", valueType: Table }
    - { kind: SendActivity, activity: \"{Local.N + 1} {Local.B} {Local.R.confidence * 10} {Sum(Local.T, a)}\" }
    - { kind: ParseValue, id: bad, variable: Local.X, value: many, valueType: Number }
",
    );
    assert_eq!(played.shown, ["13.5 True 7 3"]);
    let failure = played.failure();
    assert_eq!(&*failure.code, "expression.type");
    assert!(
        failure.message.contains("`many` cannot be read as a number"),
        "{failure:?}"
    );
}

#[test]
fn tables_are_changed() {
    let played = play(
        "
    - { kind: SetVariable, variable: Local.T, value: '=[1, 2]' }
    - { kind: EditTableV2, itemsVariable: Local.T, changeType: { kind: AddItemOperation, value: =3 } }
    - { kind: EditTable, itemsVariable: Local.T, changeType: TakeFirst, resultVariable: Local.First }
    - { kind: EditTable, itemsVariable: Local.T, changeType: Remove, value: \"={Value: 2}\" }
    - { kind: SendActivity, activity: \"{CountRows(Local.T)} {Local.First.Value} {First(Local.T).Value}\" }
    - { kind: EditTableV2, itemsVariable: Local.T, changeType: { kind: ClearItemsOperation } }
    - { kind: SendActivity, activity: \"{CountRows(Local.T)}\" }
    - { kind: EditTable, itemsVariable: Local.No, changeType: Clear }
",
    );
    assert_eq!(played.shown, ["1 1 3", "0"]);
    assert_eq!(&*played.failure().code, "expression.type");
}

#[test]
fn the_first_condition_that_holds_counts() {
    let actions = |n: &str| {
        format!(
            "
    - {{ kind: SetVariable, variable: Local.N, value: {n} }}
    - kind: ConditionGroup
      id: group
      conditions:
        - condition: =Local.N > 10
          id: big
          actions:
            - {{ kind: SendActivity, activity: big }}
        - condition: =Local.N > 5
          actions:
            - kind: If
              condition: =Local.N = 7
              then:
                - {{ kind: SendActivity, activity: seven }}
              else:
                - {{ kind: SendActivity, activity: some }}
      elseActions:
        - {{ kind: SendActivity, activity: small }}
    - {{ kind: SendActivity, activity: done }}
"
        )
    };
    for (n, shown) in [
        ("11", "big"),
        ("7", "seven"),
        ("6", "some"),
        ("1", "small"),
        ("=Blank()", "small"),
    ] {
        assert_eq!(play(&actions(n)).shown, [shown, "done"], "{n}");
    }
    let wrong = play("\n    - kind: ConditionGroup\n      conditions:\n        - { condition: =\"maybe\" }\n");
    assert_eq!(&*wrong.failure().code, "expression.type");
}

#[test]
fn loops_go_through_rows_and_can_be_left() {
    let played = play(
        "
    - kind: Foreach
      id: outer
      items: '=[\"a\", \"b\", \"c\", \"d\"]'
      value: Local.Item
      index: Local.At
      actions:
        - kind: ConditionGroup
          conditions:
            - condition: =Local.Item = \"b\"
              actions: [{ kind: ContinueLoop }]
            - condition: =Local.Item = \"d\"
              actions: [{ kind: BreakLoop }]
        - kind: Foreach
          items: ={x: 1, y: 2}
          value: Local.Inner
          actions:
            - { kind: SendActivity, activity: \"{Local.At}{Local.Item}{Local.Inner.y}\" }
    - { kind: SendActivity, activity: \"[{Local.Item}{Local.At}]\" }
    - { kind: Foreach, items: '=Local.Unset', value: Local.X, actions: [{ kind: SendActivity, activity: never }] }
",
    );
    assert_eq!(played.shown, ["0a2", "2c2", "[]"]);
}

#[test]
fn gotos_lead_anywhere_and_end() {
    let played = play(
        "
    - { kind: GotoAction, actionId: middle }
    - { kind: SendActivity, id: skipped, activity: skipped }
    - kind: ConditionGroup
      id: group
      conditions:
        - condition: =false
          id: branch
          actions:
            - { kind: SendActivity, id: middle, activity: \"round {Local.N}\" }
            - { kind: SetVariable, id: count, variable: Local.N, value: =Local.N + 1 }
    - kind: ConditionGroup
      id: again
      conditions:
        - condition: =Local.N < 3
          actions: [{ kind: GotoAction, id: back, actionId: branch }]
    - { kind: EndWorkflow, id: end }
    - { kind: SendActivity, id: never, activity: never }
",
    );
    assert_eq!(played.shown, ["round", "round 1", "round 2"]);
    assert_eq!(*played.result(), data!("round 2"));
}

#[test]
fn an_endless_loop_is_stopped() {
    let text = flow(
        "
    - { kind: SetVariable, id: a, variable: Local.N, value: =Local.N + 1 }
    - { kind: GotoAction, id: b, actionId: a }
",
    );
    let played = World::default().play(&text.replacen("trigger:", "maxTurns: 20\ntrigger:", 1));
    assert_eq!(&*played.failure().code, "loop.limit");
    assert_eq!(played.variable("Local.N"), data!(21));
}

#[test]
fn a_disabled_action_ends_the_run_as_upstream() {
    let played = play(
        "
    - { kind: SendActivity, activity: first }
    - { kind: SendActivity, activity: second, disabled: true }
    - { kind: SendActivity, activity: third }
",
    );
    assert_eq!(played.shown, ["first"]);
    assert_eq!(*played.result(), data!("first"));
}

#[test]
fn the_system_tells_of_the_run_and_of_the_user() {
    let world = World {
        env: objects(&[("CITY", data!("Vienna"))]),
        ..World::said("hello")
    };
    let played = world.play(&flow(
        "
    - { kind: SendActivity, activity: \"{System.LastMessage.Text}|{System.LastMessageText}|{System.ConversationId}\" }
    - { kind: SendActivity, activity: \"{Env.CITY}|{Workflow.Inputs.input}|{MessageText(System.LastMessage)}\" }
",
    ));
    assert_eq!(played.shown, ["hello|hello|conv_r1", "Vienna|hello|hello"]);
}

#[test]
fn definitions_may_be_json_or_have_their_actions_at_the_root() {
    let json = r#"{"kind": "workflow", "trigger": {"kind": "OnConversationStart", "id": "t",
        "actions": [{"kind": "SendActivity", "id": "a", "activity": "Hi {System.LastMessageText}"}]}}"#;
    assert_eq!(World::said("Ada").play(json).shown, ["Hi Ada"]);
    let root = "kind: workflow\ntrigger: { kind: OnConversationStart, id: t }\nactions:\n  - { kind: SendMessage, message: Hi }\n";
    assert_eq!(World::default().play(root).shown, ["Hi"]);
}
