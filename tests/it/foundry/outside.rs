//! Agents, conversations, HTTP and MCP.

use super::*;
use crate::drive::witness::{Witness, response};

#[test]
fn agents_talk_in_the_conversation_of_the_run() {
    let world = World::said("2+2?")
        .agent("Student", &[data!("Is it 5?")])
        .agent("Teacher", &[data!("No."), data!("CONGRATULATIONS")]);
    let played = world.play(&flow(
        "
    - { kind: InvokeAzureAgent, id: student, conversationId: =System.ConversationId, agent: { name: Student } }
    - kind: InvokeAzureAgent
      id: teacher
      conversationId: =System.ConversationId
      agent: { name: Teacher }
      output: { messages: Local.Answer, autoSend: false }
    - kind: ConditionGroup
      conditions:
        - condition: =!IsBlank(Find(\"CONGRATULATIONS\", Upper(MessageText(Local.Answer))))
          actions: [{ kind: SendActivity, activity: Gold }]
      elseActions: [{ kind: GotoAction, actionId: student }]
",
    ));
    // What is said in the conversation of the run is seen, whatever `autoSend` says.
    assert_eq!(played.shown, ["Is it 5?", "No.", "Is it 5?", "CONGRATULATIONS", "Gold"]);
    let (teacher, last) = played.told.last().unwrap();
    assert_eq!(teacher, "Teacher");
    assert_eq!(*last, ["2+2?", "Is it 5?", "No.", "Is it 5?"]);
    let kept = conversation(&played, "conv_r1");
    assert_eq!(kept, ["2+2?", "Is it 5?", "No.", "Is it 5?", "CONGRATULATIONS"]);
}

#[test]
fn what_an_agent_says_elsewhere_is_shown_and_copied_unless_it_is_not() {
    let world = World::said("hello")
        .agent("writer", &[data!("a draft")])
        .agent("judge-of-drafts", &[data!({ "ok": true, "score": 7 })]);
    let played = world.play(&flow(
        "
    - { kind: InvokeAzureAgent, id: a, agent: { name: Writer }, input: { messages: =UserMessage(\"write\") } }
    - kind: InvokeAzureAgent
      id: b
      agent: { name: Judge of_Drafts }
      input: { messages: =Local.Unset, arguments: { strict: true } }
      output: { autoSend: false, responseObject: Local.Verdict }
    - { kind: SendActivity, activity: \"{Local.Verdict.ok} {Local.Verdict.score}\" }
",
    ));
    assert_eq!(played.shown, ["a draft", "True 7"]);
    assert_eq!(played.told[0].1, ["write"]);
    assert_eq!(played.told[1].1, ["Inputs: {\"strict\":true}", "hello"]);
    assert_eq!(conversation(&played, "conv_r1"), ["hello", "a draft"]);
}

#[test]
fn an_answer_that_is_no_json_leaves_the_variable_as_it_was() {
    let world = World::said("x").agent("a", &[data!("just words")]);
    let played = world.play(&flow(
        "
    - { kind: SetVariable, variable: Local.Object, value: before }
    - { kind: InvokeAzureAgent, id: a, agent: { name: a }, output: { responseObject: Local.Object } }
",
    ));
    assert_eq!(played.variable("Local.Object"), data!("before"));
}

#[test]
fn the_user_talks_to_an_agent_until_a_condition_fails() {
    let actions = "
    - kind: InvokeAzureAgent
      id: desk
      agent: { name: desk }
      input:
        externalLoop: { when: '=Upper(System.LastMessage.Text) <> \"EXIT\"' }
    - { kind: SendActivity, activity: Bye }
";
    let world = World::said("hi").agent("desk", &[data!("one"), data!("two"), data!("three")]);
    let played = world.answers(&[data!("more"), data!("exit")]).play(&flow(actions));
    assert_eq!(played.shown, ["one", "two", "three", "Bye"]);
    assert_eq!(played.told[2].1, ["hi", "one", "more", "two", "exit"]);
    assert_eq!(played.waits.len(), 2);
}

#[test]
fn the_agent_may_be_chosen_by_a_formula() {
    let actions = "
    - kind: InvokeAzureAgent
      id: ask
      agent: { name: =First(Local.Next).name }
      input: { messages: =UserMessage(\"go\") }
      output: { messages: Local.Answer }
    - { kind: SetVariable, variable: Local.Text, value: =MessageText(Local.Answer) }
";
    let choose = |name: &str| {
        flow(&format!(
            "    - {{ kind: SetVariable, variable: Local.Next, value: '=[{{name: \"{name}\"}}]' }}{actions}"
        ))
    };
    let world = || {
        World::said("x")
            .agent("one", &[data!("1")])
            .agent("the-other", &[data!("2")])
    };
    let played = world().play(&choose("The Other"));
    assert_eq!(played.shown, ["2"]);
    assert_eq!(played.variable("Local.Text"), data!("2"));
    let failure = world().play(&choose("third"));
    assert_eq!(&*failure.failure().code, "agent.unknown");
    assert!(failure.failure().message.contains("`third`"));
}

#[test]
fn messages_are_added_to_conversations_and_read_again() {
    let played = World::said("x").play(&flow(
        "
    - { kind: CreateConversation, id: make, conversationId: Local.Talk }
    - kind: AddConversationMessage
      id: add
      message: Local.Added
      conversationId: =Local.Talk
      role: Agent
      content: [{ type: Text, value: \"Hello {System.LastMessageText}\" }]
    - { kind: CopyConversationMessages, id: copy, conversationId: =Local.Talk, messages: =UserMessage(\"second\") }
    - { kind: RetrieveConversationMessages, id: list, messages: Local.All, conversationId: =Local.Talk, sortOrder: NewestFirst, limit: 1 }
    - { kind: RetrieveConversationMessage, id: one, message: Local.One, conversationId: =Local.Talk, messageId: =Local.Added.Id }
    - { kind: SendActivity, activity: \"{MessageText(Local.All)} {Local.One.Text} {Local.One.Role}\" }
",
    ));
    assert_eq!(played.shown, ["second Hello x Agent"]);
    let id = played.variable("Local.Talk").to_text();
    assert_eq!(conversation(&played, &id), ["Hello x", "second"]);
}

#[test]
fn requests_are_sent_and_their_answers_read() {
    let server = Witness::new(|request, _| {
        let answer = match request.starts_with("GET /good?day=1 ") {
            true => response(
                "200 OK",
                "content-type: application/json\r\nx-seen: yes\r\n",
                "{\"a\": [1, 2]}",
            ),
            false => response("404 Not Found", "", "nothing here"),
        };
        Some(answer.into_bytes())
    });
    let actions = |path: &str| {
        flow(&format!(
            "
    - kind: HttpRequestAction
      id: fetch
      url: =Concatenate(\"{}\", \"{path}\")
      queryParameters: {{ day: =1 }}
      headers: {{ Accept: application/json }}
      response: Local.Answer
      responseHeaders: Local.Headers
    - {{ kind: SendActivity, activity: \"{{Last(Local.Answer.a).Value}} {{Local.Headers.'x-seen'}}\" }}
",
            server.url()
        ))
    };
    assert_eq!(World::default().play(&actions("good")).shown, ["2 yes"]);
    assert_eq!(&*World::default().play(&actions("bad")).failure().code, "http.status");
}
