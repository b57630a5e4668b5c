//! Whole documents.

use super::*;
use crate::data;
use crate::graph::{EventRole, Millis, Timing};
use crate::language::native::outline::Field;

#[test]
fn the_header_holds_what_is_declared() {
    let (graph, outline) = good(include_str!("every.yaml"));
    let header = &graph.header;
    assert_eq!((&*header.id, header.version.as_deref()), ("every", Some("1.2.0")));
    assert!(matches!(header.timeout, Some(Timing::For(Millis(7_200_000)))));
    assert_eq!(header.limits.cleanup, Millis(10_000));
    assert_eq!(header.permissions.exec.len(), 1);
    assert_eq!(header.events["Question"].role, EventRole::Request);
    assert_eq!(header.events["Progress"].role, EventRole::Progress);
    assert!(header.input_schema.is_some() && header.state.is_some() && header.output.is_some());
    assert_eq!(header.hash.len(), 64);
    let of = |field: Field| outline.sites.iter().filter(|site| site.field == field).count();
    assert_eq!(
        (
            of(Field::Webhook),
            of(Field::TriggerSecret),
            of(Field::WorkflowOutput),
            of(Field::Where)
        ),
        (2, 1, 2, 1)
    );
    assert_eq!(
        (of(Field::HandlerWhen), of(Field::LoopCondition), of(Field::Guard)),
        (1, 2, 3)
    );
}

#[test]
fn the_hash_is_that_of_the_documents_own_text() {
    let text = "kind: Workflow\nid: a\nsteps: [{ kind: andThen, id: b, set: 1 }]\n";
    let hash = |text: &str| good(text).0.header.hash.clone();
    assert_eq!(hash(text), hash(&format!("# a comment\n{text}---\nkind: Agent\n")));
    assert_ne!(hash(text), hash(&text.replace("set: 1", "set: 2")));
}

#[test]
fn what_starts_and_stops_a_workflow_has_its_schemas() {
    let (graph, _) = good(
        "kind: Workflow\nid: t\ninputSchema: { type: object }\noutputSchema: { type: number }\n\
         events: { Order: { role: start }, Done: { role: stop, schema: { type: integer } } }\nsteps: [{ kind: andThen, id: b, set: 1 }]\n",
    );
    let schema = |name: &str| {
        graph.header.events[name]
            .schema
            .as_ref()
            .map(|schema| schema.source().clone())
    };
    assert_eq!(schema("Order"), Some(data!({ "type": "object" })));
    assert_eq!(schema("Done"), Some(data!({ "type": "integer" })));
}

#[test]
fn top_level_keys_are_checked() {
    let bad = |line: &str| {
        only_in(&format!(
            "kind: Workflow\nid: t\n{line}\nsteps: [{{ kind: andThen, id: b, set: 1 }}]\n"
        ))
    };
    assert!(bad("limits: { cleanup: 30 }").starts_with("invalid-duration @ 30"));
    assert!(bad("limits: { clean: 30s }").starts_with("unknown-key @ clean"));
    assert!(bad("permissions: { env: HOME }").contains("`env: [HOME]`"));
    assert!(bad("permissions: { network: all }").starts_with("unknown-key @ network"));
    assert!(bad("state: 5").starts_with("wrong-type @ 5: `state` needs an object"));
    assert!(
        bad("events: { A: { role: ask } }").contains("must be `start`, `stop`, `request`, `response` or `progress`")
    );
    assert!(bad("triggers: [{ cron: { schedule: \"0 2 * *\" } }]").contains("5 fields"));
    assert!(bad("triggers: [{ webhook: { path: hooks } }]").contains("not the path of a webhook"));
    assert!(bad("triggers: [{ input: 1 }]").contains("needs `cron` or `webhook`"));
    assert!(bad("triggers: [{ cron: { schedule: '* * * * *', timezone: 'Berlin!' } }]").contains("time zone"));
    assert!(bad("triggers: [{ crn: { schedule: '* * * * *' } }]").contains("did you mean `cron`?"));
    let found = only_in("kind: Workflow\nid: t\n");
    assert!(
        found.starts_with("missing-key @ Workflow: a workflow needs `steps`"),
        "{found}"
    );
    let found = only_in("kind: Workflow\nsteps: [{ kind: andThen, id: b, set: 1 }]\n");
    assert!(
        found.starts_with("missing-key @ Workflow: a workflow needs `id`"),
        "{found}"
    );
}

#[test]
fn rule_42_agents_are_documents() {
    let text = include_str!("every.yaml").rsplit("---\n").next().unwrap();
    let (read, _) = document(text);
    let Some(Definition::Agent(agent)) = read.definition else {
        panic!("{:?}", read.diagnostics)
    };
    assert_eq!(
        (&*agent.id, agent.models[0].to_string(), agent.limits.turns),
        ("writer", "openai/gpt-4o".to_owned(), 4)
    );
    let tools: Vec<(&str, &str)> = agent
        .tools
        .iter()
        .map(|tool| {
            let last = agent.graph.block(tool.block).last().copied().unwrap();
            (&*tool.name, agent.graph.node(last).op.label())
        })
        .collect();
    assert_eq!(tools, [("search", "mcp"), ("other", "workflow"), ("price", "function")]);
    let bad = |line: &str| only_in(&format!("kind: Agent\nid: a\nmodel: m/n\n{line}\n"));
    assert!(bad("tools: [{ mcp: { server: a, tool: b }, function: c }]").starts_with("conflicting-keys @ function"));
    assert!(
        bad("tools: [{ approval: true }]").contains("a tool needs `mcp`, `workflow`, `function`, `http` or `exec`")
    );
    assert!(bad("temperature: 3").contains("from 0 to 2"));
    assert!(bad("maxTurns: 0").contains("from 1"));
    assert!(only_in("kind: Agent\nid: a\n").contains("an agent needs `model`"));
}
