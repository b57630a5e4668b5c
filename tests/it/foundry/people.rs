//! Questions, inputs and approvals.

use super::*;

const AGE: &str = "
    - kind: Question
      id: ask
      variable: Local.Age
      prompt: How old are you?
      entity: NumberPrebuiltEntity
      invalidPrompt: A number, please
      repeatCount: 2
      defaultValue: 18
      defaultValueResponse: \"Then {Local.Age}\"
    - { kind: SendActivity, activity: \"Age {Local.Age + 1}, said {System.LastMessageText}\" }
";

#[test]
fn a_question_is_asked_until_the_answer_is_one_or_often_enough() {
    let played = World::said("x").answers(&[data!("old"), data!("36")]).play(&flow(AGE));
    let shown = [
        "How old are you?",
        "A number, please",
        "How old are you?",
        "Age 37, said 36",
    ];
    assert_eq!(played.shown, shown);
    assert_eq!(played.waits[0].get("type"), Some(&data!("question")));
    assert_eq!(played.waits[0].get("prompt"), Some(&data!("How old are you?")));

    let message = data!({ "messages": [{ "role": "user", "text": "old" }] });
    let played = World::said("x").answers(&[message.clone(), message]).play(&flow(AGE));
    assert_eq!(played.shown.last().unwrap(), "Age 19, said x");
    assert!(played.shown.contains(&"Then 18".to_owned()));

    let played = World::said("x").play(&flow(AGE));
    assert!(played.end.is_none());
    assert_eq!(played.waits.len(), 1);
}

#[test]
fn a_question_whose_variable_has_a_value_is_skipped_as_it_says() {
    let question = |mode: &str| {
        format!(
            "
    - {{ kind: SetVariable, variable: Local.Name, value: Ada }}
    - {{ kind: Question, id: ask, variable: Local.Name, prompt: Name?, skipQuestionMode: {mode} }}
    - {{ kind: SetVariable, variable: Local.N, value: =Local.N + 1 }}
    - kind: ConditionGroup
      conditions:
        - condition: =Local.N < 2
          actions: [{{ kind: GotoAction, actionId: ask }}]
    - {{ kind: SendActivity, activity: \"{{Local.Name}}\" }}
"
        )
    };
    let played = |mode| {
        World::said("x")
            .answers(&[data!("Bo"), data!("Cy")])
            .play(&flow(&question(mode)))
    };
    assert_eq!(played("SkipOnFirstExecutionIfVariableHasValue").shown, ["Name?", "Bo"]);
    assert_eq!(played("AlwaysSkipIfVariableHasValue").shown, ["Ada"]);
    assert_eq!(played("AlwaysAsk").shown, ["Name?", "Name?", "Cy"]);
}

#[test]
fn what_a_user_says_unasked_is_a_table_of_messages() {
    let played = World::said("x").answers(&[data!("first line")]).play(&flow(
        "
    - { kind: RequestExternalInput, id: more, variable: Local.Said }
    - { kind: SendActivity, activity: \"{MessageText(Local.Said)} {First(Local.Said).Role} {System.LastMessage.Text}\" }
",
    ));
    assert_eq!(played.shown, ["first line User first line"]);
    assert_eq!(played.waits[0], data!({ "type": "input", "action": "more" }));
}

#[test]
fn a_tool_is_called_only_once_it_is_allowed() {
    let actions = "
    - kind: InvokeFunctionTool
      id: specials
      functionName: GetSpecials
      requireApproval: true
      arguments: { day: =\"Monday\" }
      output: { result: Local.Specials, messages: Local.Messages }
    - { kind: SendActivity, activity: \"Got {Local.Specials}\" }
";
    let world = |answer: Data| {
        World::said("x")
            .function("GetSpecials", data!("soup"))
            .answers(&[answer])
    };
    let played = world(data!({ "approved": true })).play(&flow(actions));
    assert_eq!(played.shown, ["soup", "Got soup"]);
    let asked = data!({
        "type": "approval", "action": "specials", "prompt": "May `GetSpecials` be called?",
        "name": "GetSpecials", "arguments": { "day": "Monday" }
    });
    assert_eq!(played.waits, [asked]);
    let played = world(data!({ "approved": false })).play(&flow(actions));
    assert_eq!(played.shown, ["Got Error: the call was not approved"]);
}

#[test]
fn a_function_that_is_not_registered_is_run_by_the_host() {
    let played = World::said("x")
        .answers(&[data!({ "result": { "total": 12 } })])
        .play(&flow(
            "
    - kind: InvokeFunctionTool
      id: sum
      functionName: total
      arguments: { of: 3 }
      output: { result: Local.Sum, autoSend: false }
    - { kind: SendActivity, activity: \"{Local.Sum.total}\" }
",
        ));
    assert_eq!(played.shown, ["12"]);
    let asked = data!({
        "type": "function", "action": "sum", "prompt": "`total` is to be called",
        "name": "total", "arguments": { "of": 3 }
    });
    assert_eq!(played.waits, [asked]);
}
