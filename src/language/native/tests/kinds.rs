//! Step kinds.

use super::*;
use crate::data;
use crate::expr::Build;
use crate::graph::{Join, OnLimit, Op, Sleep, Timing};
use crate::language::native::outline::{Part, ResultOutline};
use crate::language::native::step::StepKind;

const SET: &str = "{ kind: andThen, id: a, set: 1 }";

#[test]
fn kinds_have_tags_and_a_documentation_each() {
    for kind in StepKind::ALL {
        assert!(kind.tag().starts_with("and"), "{kind:?}");
        assert!(kind.summary().ends_with('.'), "{kind:?}");
    }
}

#[test]
fn when_puts_its_condition_on_what_runs() {
    let (graph, outline) = good_steps("  - { kind: andWhen, id: w, condition: =input.x > 1, set: 2, output: =result }");
    assert_eq!(shape(&graph), "w:set?");
    assert!(outline.steps[0].conditional);
    let (graph, outline) = good_steps(&format!(
        "  - {{ kind: andWhen, id: w, condition: true, steps: [{SET}] }}"
    ));
    assert_eq!(shape(&graph), "w:block? [a:set]");
    assert_eq!(outline.steps[1].parent.map(|(_, part)| part), Some(Part::Steps));
}

#[test]
fn rule_16_when_with_else_chooses_and_its_keys_wrap_both() {
    let (graph, outline) = good_steps(&format!(
        "  - {{ kind: andWhen, id: w, condition: =input.x, set: 2, else: [{SET}], into: chosen }}"
    ));
    assert_eq!(shape(&graph), "w:choose [input.x: w/then:set] [else: a:set]");
    assert!(node(&graph, "w").keys.as_ref().unwrap().into.is_some());
    assert!(!node(&graph, "w/then").named);
    assert!(node(&graph, "w/then").keys.is_none());
    assert!(!outline.steps[0].conditional);
    let parts: Vec<_> = outline
        .steps
        .iter()
        .map(|step| step.parent.map(|(_, part)| part))
        .collect();
    assert_eq!(parts, [None, Some(Part::Arm(0)), Some(Part::Arm(1))]);
    let (graph, _) = good_steps(&format!(
        "  - {{ kind: andWhen, id: w, condition: =input.x, steps: [{SET}], else: {{ fail: {{ code: NO }} }} }}"
    ));
    assert_eq!(shape(&graph), "w:choose [input.x: a:set] [else: w/else:fail]");
    let (graph, _) = good_steps(&format!(
        "  - {{ kind: andWhen, id: w, condition: =input.x, set: 2, else: {SET} }}"
    ));
    assert_eq!(shape(&graph), "w:choose [input.x: w/then:set] [else: a:set]");
}

#[test]
fn rule_17_branch_runs_all_that_match_or_the_first() {
    let branches = "branches: [{ condition: =input.x, steps: [{ kind: andThen, id: a, set: 1 }] }, \
                    { condition: =input.y, steps: { kind: andThen, id: b, set: 2 } }]";
    let (graph, outline) = good_steps(&format!("  - {{ kind: andBranch, id: r, {branches} }}"));
    assert_eq!(shape(&graph), "r:all [input.x: a:set] [input.y: b:set]");
    assert!(matches!(
        outline.steps[0].result,
        ResultOutline::Branches {
            keys: None,
            settle: false
        }
    ));
    assert_eq!(outline.steps[2].parent.map(|(_, part)| part), Some(Part::Branch(1)));
    let other = "else: [{ kind: andThen, id: c, set: 3 }]";
    let (graph, outline) = good_steps(&format!(
        "  - {{ kind: andBranch, id: r, match: first, {branches}, {other} }}"
    ));
    assert_eq!(
        shape(&graph),
        "r:choose [input.x: a:set] [input.y: b:set] [else: c:set]"
    );
    assert_eq!(outline.steps[3].parent.map(|(_, part)| part), Some(Part::Arm(2)));
    let (graph, _) = good_steps(&format!(
        "  - {{ kind: andBranch, id: r, match: all, {branches}, {other} }}"
    ));
    let Op::Fork(fork) = &node(&graph, "r").op else {
        panic!()
    };
    assert!(fork.otherwise.is_some());
}

#[test]
fn rule_15_a_branch_is_a_step_or_a_list_in_lists_and_mappings() {
    let list =
        format!("  - {{ kind: andAll, id: all, steps: [{SET}, [{{ kind: andThen, id: b, set: 2 }}]], settle: true }}");
    let (graph, _) = good_steps(&list);
    assert_eq!(shape(&graph), "all:all [0: a:set] [1: b:set]");
    let Op::Fork(fork) = &node(&graph, "all").op else {
        panic!()
    };
    assert_eq!((fork.join, fork.keyed, fork.concurrency), (Join::Settle, false, None));
    let mapping = format!(
        "  - {{ kind: andAll, id: all, concurrency: 1, steps: {{ x: {SET}, y: [{{ kind: andThen, id: b, set: 2 }}] }} }}"
    );
    let (graph, outline) = good_steps(&mapping);
    assert_eq!(shape(&graph), "all:all [x: a:set] [y: b:set]");
    let Op::Fork(fork) = &node(&graph, "all").op else {
        panic!()
    };
    assert_eq!((fork.join, fork.keyed, fork.concurrency), (Join::All, true, Some(1)));
    let ResultOutline::Branches { keys: Some(keys), .. } = &outline.steps[0].result else {
        panic!()
    };
    assert_eq!(keys.len(), 2);
}

#[test]
fn rule_30_a_race_ends_with_the_first_settled_or_the_first_success() {
    for (until, join) in [
        ("", Join::FirstSettled),
        (", until: settled", Join::FirstSettled),
        (", until: success", Join::FirstSuccess),
    ] {
        let (graph, _) = good_steps(&format!("  - {{ kind: andRace, id: r, steps: {{ x: {SET} }}{until} }}"));
        let Op::Fork(fork) = &node(&graph, "r").op else {
            panic!()
        };
        assert_eq!((fork.join, fork.keyed), (join, true));
    }
    assert!(only("  - { kind: andRace, id: r, steps: [] }").starts_with("invalid-value @ []: `steps` is empty"));
    assert!(only("  - { kind: andAll, id: r, steps: {} }").starts_with("invalid-value @ {}: `steps` is empty"));
}

#[test]
fn a_tap_is_a_key_of_what_it_does() {
    let (graph, outline) = good_steps("  - { kind: andTap, id: t, exec: { command: [logger] } }");
    assert_eq!(shape(&graph), "t:exec~");
    assert!(matches!(outline.steps[0].result, ResultOutline::Nothing));
    let (graph, _) = good_steps(&format!("  - {{ kind: andTap, id: t, steps: [{SET}] }}"));
    assert_eq!(shape(&graph), "t:block~ [a:set]");
}

#[test]
fn rule_14_loops_have_a_limit_and_say_when_they_end() {
    let (graph, _) = good_steps(&format!(
        "  - {{ kind: andDoWhile, id: l, steps: [{SET}], condition: =index < 3 }}"
    ));
    let Op::Loop(repeat) = &node(&graph, "l").op else {
        panic!()
    };
    assert_eq!((repeat.ends_on, repeat.on_limit), (false, OnLimit::Fail));
    assert!(matches!(&repeat.max_iterations, Build::Literal(limit) if *limit == data!(1000)));
    let (graph, _) = good_steps(&format!(
        "  - {{ kind: andDoUntil, id: l, steps: [{SET}], condition: =data == 1, maxIterations: =input.rounds, onLimit: continue }}"
    ));
    let Op::Loop(repeat) = &node(&graph, "l").op else {
        panic!()
    };
    assert_eq!((repeat.ends_on, repeat.on_limit), (true, OnLimit::Continue));
    assert!(matches!(&repeat.max_iterations, Build::Expression(_)));
    for bad in ["0", "-1", "1.5"] {
        let found = only(&format!(
            "  - {{ kind: andDoWhile, id: l, steps: [{SET}], condition: true, maxIterations: {bad} }}"
        ));
        assert!(
            found.starts_with(&format!(
                "invalid-value @ {bad}: `maxIterations` must be a whole number"
            )),
            "{found}"
        );
    }
}

#[test]
fn for_each_takes_items_one_after_the_other_unless_told() {
    let (graph, outline) = good_steps(&format!(
        "  - {{ kind: andForEach, id: f, items: =input.list, steps: [{SET}] }}"
    ));
    let Op::ForEach(each) = &node(&graph, "f").op else {
        panic!()
    };
    assert_eq!((&*each.item, each.concurrency, each.settle), ("item", 1, false));
    assert_eq!(outline.steps[0].item.as_deref(), Some("item"));
    assert_eq!(outline.steps[1].parent.map(|(_, part)| part), Some(Part::Item));
    let (graph, _) = good_steps(&format!(
        "  - {{ kind: andForEach, id: f, items: [1, 2], steps: [{SET}], concurrency: 3 }}"
    ));
    let Op::ForEach(each) = &node(&graph, "f").op else {
        panic!()
    };
    assert_eq!(each.items.eval(&|_: &crate::expr::Root| None), Ok(data!([1, 2])));
    let found = only(&format!(
        "  - {{ kind: andForEach, id: f, items: =input.list, steps: [{SET}], concurrency: 0 }}"
    ));
    assert!(
        found.starts_with("invalid-value @ 0: `concurrency` must be a whole number from 1"),
        "{found}"
    );
}

#[test]
fn rule_08_the_name_of_an_item_is_neither_a_keyword_nor_in_scope() {
    for (name, says) in [
        ("if", "a word of the expression language"),
        ("data", "already means something"),
        ("order", "already a name of the loop around"),
        ("order_index", "already a name of the loop around"),
        ("a-b", "cannot be used as `as`"),
    ] {
        let found = only(&format!(
            "  - kind: andForEach\n    id: f\n    items: =input.list\n    as: order\n    steps:\n      - {{ kind: andForEach, id: g, as: {name}, items: =order.lines, steps: [{SET}] }}"
        ));
        assert!(found.starts_with("invalid-id @ ") && found.contains(says), "{found}");
    }
}

#[test]
fn map_sleep_and_guardrail_are_single_operations() {
    let (graph, outline) = good_steps(
        "  - { kind: andMap, id: m, map: { x: =input.x, y: 2 } }\n  - { kind: andSleep, id: s, duration: 1h30m }\n  \
         - { kind: andSleep, id: t, duration: =input.pause }\n  - { kind: andSleepUntil, id: u, until: =input.due }\n  \
         - { kind: andGuardrail, id: g, rules: [{ require: =data.x, message: no }, { require: =data.y == 2, action: rewrite, value: {} }] }",
    );
    assert_eq!(shape(&graph), "m:set s:sleep t:sleep u:sleep g:guard");
    assert!(matches!(&node(&graph, "s").op, Op::Sleep(Sleep::For(Timing::For(millis))) if millis.0 == 5_400_000));
    assert!(matches!(
        &node(&graph, "t").op,
        Op::Sleep(Sleep::For(Timing::Computed(_)))
    ));
    assert!(matches!(
        &node(&graph, "u").op,
        Op::Sleep(Sleep::Until(Build::Expression(_)))
    ));
    let Op::Guard(rules) = &node(&graph, "g").op else {
        panic!()
    };
    assert_eq!(
        rules.iter().map(|rule| rule.rewrite.is_some()).collect::<Vec<_>>(),
        [false, true]
    );
    assert!(matches!(outline.steps[0].result, ResultOutline::Value(_)));
    assert!(only("  - { kind: andMap, id: m, map: =input }").contains("`set`"));
    assert!(only("  - { kind: andSleepUntil, id: u, until: soon }").starts_with("invalid-duration @ soon"));
    assert!(only("  - { kind: andSleep, id: u, duration: 2030-01-01T09:00:00Z }").contains("andSleepUntil"));
    assert!(
        only("  - { kind: andGuardrail, id: g, rules: [{ require: =data, value: 1 }] }").contains("action: rewrite")
    );
    assert!(
        only("  - { kind: andGuardrail, id: g, rules: [{ require: =data, action: rewrite }] }")
            .contains("needs `value`")
    );
}

#[test]
fn rule_21_an_agents_schema_is_checked_on_the_raw_answer() {
    let schema_of = |keys: &str| {
        let (graph, _) = good_steps(&format!(
            "  - {{ kind: andAgent, id: a, agent: writer, prompt: Go, {keys} }}"
        ));
        let Op::Agent(ask) = &node(&graph, "a").op else {
            panic!()
        };
        ask.schema.as_ref().map(|schema| schema.source().clone())
    };
    assert_eq!(schema_of("schema: { type: string }"), Some(data!({ "type": "string" })));
    assert_eq!(
        schema_of("outputSchema: { type: number }"),
        Some(data!({ "type": "number" }))
    );
    assert_eq!(schema_of("outputSchema: { type: number }, output: =1"), None);
    assert_eq!(
        schema_of("schema: { type: string }, outputSchema: { type: number }, output: =1"),
        Some(data!({ "type": "string" }))
    );
    assert!(only("  - { kind: andAgent, id: a, agent: writer }").contains("needs `prompt`"));
    let (graph, outline) = good_steps("  - { kind: agent, id: a, agent: writer, messages: =input.turns }");
    assert_eq!(node(&graph, "a").kind, "andAgent");
    assert_eq!(outline.steps[0].agent.as_ref().map(|(id, _)| &**id), Some("writer"));
}

#[test]
fn a_child_workflow_is_entered() {
    let (graph, outline) =
        good_steps("  - { kind: andWorkflow, id: c, workflow: other, version: \"2\", input: { x: =input.y } }");
    let Op::Enter(enter) = &node(&graph, "c").op else {
        panic!()
    };
    assert_eq!((&*enter.workflow, enter.version.as_deref()), ("other", Some("2")));
    let calls = outline.steps[0].calls.as_ref().unwrap();
    assert!(calls.input_node.is_some());
    assert!(matches!(outline.steps[0].result, ResultOutline::Child));
}

#[test]
fn rule_29_try_catches_and_cleans_up() {
    let (graph, outline) = good_steps(&format!(
        "  - kind: andTry\n    id: t\n    steps: [{SET}]\n    catch:\n      - {{ on: [timeout, http.*], set: late }}\n      \
         - {{ when: =error.code == 'X', steps: [{{ kind: andThen, id: h, fail: =error }}] }}\n    \
         finally: [{{ kind: andThen, id: z, set: 0 }}]"
    ));
    assert_eq!(
        shape(&graph),
        "t:block [a:set] [catch timeout, http.*: t/catch.0:set] [catch 1: h:fail] [finally: z:set]"
    );
    let ids: Vec<_> = outline.steps.iter().map(|step| &*step.id).collect();
    assert_eq!(ids, ["t", "a", "t/catch.0", "h", "z"]);
    assert!(outline.steps[0].catches);
    // Only `andTry` has `finally`.
    let found = only(&format!("  - {{ kind: andThen, id: t, set: 1, finally: [{SET}] }}"));
    assert!(found.starts_with("unknown-key @ finally"), "{found}");
}

#[test]
fn the_graph_and_the_outline_have_the_same_order() {
    let text = include_str!("every.yaml");
    let (read, _) = document(text);
    let Some(Definition::Workflow(graph)) = read.definition else {
        panic!()
    };
    let walked: Vec<_> = graph.walk().into_iter().map(|id| graph.node(id).id.clone()).collect();
    let noted: Vec<_> = read.outline.unwrap().steps.iter().map(|step| step.id.clone()).collect();
    assert_eq!(walked, noted);
}
