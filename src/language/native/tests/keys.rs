//! Common keys.

use super::*;
use crate::expr::Build;
use crate::graph::{Keys, Millis, Timing};
use crate::language::native::outline::Field;

fn keys(graph: &Graph, id: &str) -> Keys {
    node(graph, id).keys.as_deref().cloned().unwrap_or_default()
}

#[test]
fn a_bare_step_has_no_keys() {
    let (graph, _) = good_steps("  - { kind: andThen, id: a, set: 1, name: A, purpose: none, x-note: { any: thing } }");
    let node = node(&graph, "a");
    assert!(node.keys.is_none());
    assert_eq!(
        (node.name.as_deref(), node.purpose.as_deref()),
        (Some("A"), Some("none"))
    );
}

#[test]
fn rule_10_output_into_and_set_state_are_kept_apart() {
    let (graph, outline) = good_steps(
        "  - { kind: andThen, id: a, set: { n: 1 }, inputSchema: {}, output: { m: =result.n }, \
         outputSchema: { type: object, properties: { m: { type: integer } } }, into: x, setState: { k: =output.m, l: 1 } }",
    );
    let keys = keys(&graph, "a");
    assert!(keys.input_schema.is_some() && keys.output_schema.is_some() && keys.output.is_some());
    assert_eq!(keys.into.as_deref(), Some("x"));
    assert_eq!(
        keys.set_state.iter().map(|(key, _)| &**key).collect::<Vec<_>>(),
        ["k", "l"]
    );
    let fields: Vec<_> = outline.sites.iter().map(|site| site.field).collect();
    assert_eq!(fields, [Field::Output, Field::SetState]);
    assert!(outline.steps[0].output.is_some() && outline.steps[0].into.is_some());
}

#[test]
fn rule_25_retry_has_bounds() {
    let (graph, _) = good_steps(
        "  - { kind: andThen, id: a, http: { url: x }, retry: { attempts: 5, delay: 1s, backoff: 2, maxDelay: PT30S, jitter: 0.2, on: [timeout, mcp.*, '*'] } }",
    );
    let retry = keys(&graph, "a").retry.unwrap();
    assert_eq!(
        (retry.attempts, retry.delay, retry.max_delay),
        (5, Millis(1_000), Some(Millis(30_000)))
    );
    assert_eq!((retry.backoff, retry.jitter), (2.0, 0.2));
    assert_eq!(retry.on.map(|on| on.len()), Some(3));
    let bad = |retry: &str| {
        only(&format!(
            "  - {{ kind: andThen, id: a, http: {{ url: x }}, retry: {retry} }}"
        ))
    };
    assert!(bad("3").contains("retry: { attempts: 3"));
    assert!(bad("{ delay: 1s }").contains("needs `attempts`"));
    assert!(bad("{ attempts: 0 }").contains("from 1"));
    assert!(bad("{ attempts: 2, backoff: 0.5 }").contains("at least 1"));
    assert!(bad("{ attempts: 2, jitter: 2 }").contains("from 0 to 1"));
    assert!(bad("{ attempts: 2, delay: 5 }").contains("`5` has no unit"));
    assert!(bad("{ attempts: 2, on: timeout }").contains("`on: [timeout]`"));
    assert!(bad("{ attempts: 2, on: ['http.*.x'] }").contains("not an error code"));
}

#[test]
fn rule_26_defaults_reach_only_calls() {
    let (graph, _) = good(
        "kind: Workflow\nid: t\ndefaults: { timeout: 5s, retry: { attempts: 3 } }\nsteps:\n  \
         - { kind: andThen, id: call, http: { url: x } }\n  - { kind: andThen, id: own, http: { url: x }, timeout: 1s, retry: { attempts: 1 } }\n  \
         - { kind: andThen, id: ask, suspend: }\n  - { kind: andAgent, id: agent, agent: x, prompt: y }\n  \
         - { kind: andTap, id: tap, exec: { command: [x] } }\n  - { kind: andTry, id: try, steps: [{ kind: andThen, id: inner, mcp: { server: a, tool: b } }] }\n  \
         - { kind: andThen, id: pure, set: 1, catch: [{ function: { name: f } }] }\n",
    );
    let timeout = |id: &str| match keys(&graph, id).timeout {
        Some(Timing::For(millis)) => millis.0,
        _ => 0,
    };
    assert_eq!(
        [
            "call",
            "own",
            "ask",
            "agent",
            "tap",
            "try",
            "inner",
            "pure",
            "pure/catch.0"
        ]
        .map(timeout),
        [5_000, 1_000, 0, 5_000, 5_000, 0, 5_000, 0, 5_000]
    );
    assert_eq!(keys(&graph, "own").retry.map(|retry| retry.attempts), Some(1));
    assert_eq!(keys(&graph, "inner").retry.map(|retry| retry.attempts), Some(3));
    assert!(keys(&graph, "ask").retry.is_none());
}

#[test]
fn rule_09_timeouts_are_durations_or_deadlines() {
    let timeout = |text: &str| {
        let (graph, _) = good_steps(&format!("  - {{ kind: andThen, id: a, set: 1, timeout: {text} }}"));
        keys(&graph, "a").timeout.unwrap()
    };
    assert!(matches!(timeout("90s"), Timing::For(Millis(90_000))));
    assert!(matches!(timeout("0"), Timing::For(Millis(0))));
    assert!(matches!(timeout("2030-01-01T00:00:00Z"), Timing::At(_)));
    assert!(matches!(timeout("=input.due"), Timing::Computed(Build::Expression(_))));
    let found = only("  - { kind: andThen, id: a, set: 1, timeout: 30 }");
    assert!(
        found.starts_with("invalid-duration @ 30: `timeout`: `30` has no unit; write for example `30s`"),
        "{found}"
    );
    let found = only("  - { kind: andThen, id: a, set: 1, timeout: soon }");
    assert!(found.starts_with("invalid-duration @ soon"), "{found}");
}

#[test]
fn rule_27_handlers_have_a_unit_or_steps() {
    let bad = |handler: &str| only(&format!("  - {{ kind: andThen, id: a, set: 1, catch: [{handler}] }}"));
    assert!(bad("{ on: [timeout] }").starts_with("missing-key @ on: a `catch` handler needs something to do"));
    assert!(bad("{ set: 1, steps: [{ kind: andThen, id: b, set: 1 }] }").starts_with("conflicting-keys @ set"));
    assert!(bad("{ set: 1, wen: =error.code }").contains("did you mean `when`?"));
    let found = only("  - { kind: andThen, id: a, set: 1, catch: { set: 1 } }");
    assert!(
        found.starts_with("wrong-type @ { set: 1 }: `catch` needs a list"),
        "{found}"
    );
}

#[test]
fn schemas_for_waits_are_useless_elsewhere() {
    let found = only("  - { kind: andThen, id: a, set: 1, resumeSchema: {} }");
    assert!(
        found.starts_with("invalid-value @ resumeSchema: `resumeSchema` has no effect"),
        "{found}"
    );
}
