//! The reader and the JSON Schema know the same keys.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document;
use crate::language::native::step::StepKind;
use crate::language::native::syntax::schema;
use crate::language::native::unit::UnitKind;

/// What the reader knew of a mapping when it was done with it.
#[derive(Clone, Debug, Default)]
struct Known {
    keys: BTreeSet<&'static str>,
    required: BTreeSet<&'static str>,
    /// Keys of which one is required.
    one_of: BTreeSet<&'static str>,
}

thread_local! {
    static NOTED: RefCell<BTreeMap<String, Known>> = RefCell::default();
}

/// Is told of each mapping that was read, by what messages call it.
pub(in crate::language::native) fn note<'m>(
    what: &str,
    keys: &[&'static str],
    missing: impl Iterator<Item = &'m Vec<&'static str>>,
) {
    let mut known = Known {
        keys: keys.iter().copied().collect(),
        ..Known::default()
    };
    for names in missing {
        match names[..] {
            [name] => known.required.insert(name),
            _ => {
                known.one_of.extend(names);
                true
            }
        };
    }
    NOTED.with_borrow_mut(|noted| noted.insert(what.to_owned(), known));
}

/// What the reader knows of a mapping of a document that says as little as possible.
fn known(text: &str, what: &str) -> Known {
    NOTED.with_borrow_mut(BTreeMap::clear);
    document(text);
    let noted = NOTED.with_borrow(BTreeMap::clone);
    noted
        .get(what)
        .unwrap_or_else(|| panic!("{what} was not read: {:?}", noted.keys()))
        .clone()
}

/// What a definition says of a mapping.
fn told<'s>(definition: &'s Value) -> (BTreeSet<&'s str>, BTreeSet<&'s str>, BTreeSet<&'s str>) {
    let texts = |list: &'s Value| -> BTreeSet<&'s str> {
        let items = list.as_array().into_iter().flatten();
        items.filter_map(Value::as_str).collect()
    };
    let keys = definition["properties"].as_object().unwrap().keys();
    let mut required = texts(&definition["required"]);
    if definition["if"]["not"]["required"].is_array() {
        required.extend(texts(&definition["then"]["required"]));
    }
    let one_of = definition["anyOf"].as_array().into_iter().flatten();
    let one_of = one_of.flat_map(|case| texts(&case["required"])).collect();
    (keys.map(String::as_str).collect(), required, one_of)
}

#[test]
fn the_schema_tells_the_keys_that_the_reader_knows() {
    let schema = schema();
    let definitions = schema["definitions"].as_object().unwrap();
    let step = |step: &str| format!("kind: Workflow\nid: a\nsteps: [{{ id: a, {step} }}]\n");
    let top = |key: &str| format!("kind: Workflow\n{key}\n");
    let agent = |key: &str| format!("kind: Agent\n{key}\n");
    let mut places: Vec<(&str, String, String)> = vec![
        ("Workflow", "kind: Workflow".to_owned(), "a workflow".to_owned()),
        ("Agent", "kind: Agent".to_owned(), "an agent".to_owned()),
        ("defaults", top("defaults: {}"), "`defaults`".to_owned()),
        ("retry", top("defaults: { retry: {} }"), "`retry`".to_owned()),
        ("limits", top("limits: {}"), "`limits`".to_owned()),
        ("permissions", top("permissions: {}"), "`permissions`".to_owned()),
        ("event", top("events: { a: {} }"), "an event".to_owned()),
        ("trigger", top("triggers: [{}]"), "a trigger".to_owned()),
        ("cron", top("triggers: [{ cron: {} }]"), "`cron`".to_owned()),
        ("webhook", top("triggers: [{ webhook: {} }]"), "`webhook`".to_owned()),
        ("tool", agent("tools: [{}]"), "a tool".to_owned()),
        ("parameters", agent("parameters: {}"), "`parameters`".to_owned()),
        ("agentLimits", agent("limits: {}"), "`limits`".to_owned()),
        (
            "inlineAgent",
            step("kind: andAgent, agent: {}"),
            "an agent in a step".to_owned(),
        ),
        ("mcpTool", agent("tools: [{ mcp: {} }]"), "`mcp`".to_owned()),
        (
            "handler",
            step("kind: andThen, catch: [{}]"),
            "a `catch` handler".to_owned(),
        ),
        ("arm", step("kind: andBranch, branches: [{}]"), "a branch".to_owned()),
        ("rule", step("kind: andGuardrail, rules: [{}]"), "a rule".to_owned()),
        ("unit", step("kind: andWhen, else: {}"), "`else`".to_owned()),
        (
            "action",
            step("kind: andThen, suspend: { actions: [{}] }"),
            "an action".to_owned(),
        ),
    ];
    for kind in StepKind::ALL {
        places.push((
            kind.tag(),
            step(&format!("kind: {}", kind.tag())),
            format!("an `{}` step", kind.tag()),
        ));
    }
    for kind in UnitKind::ALL {
        // `set` and `assign` have no keys of their own.
        if definitions.contains_key(kind.key()) {
            let text = step(&format!("kind: andThen, {}: {{}}", kind.key()));
            places.push((kind.key(), text, format!("`{}`", kind.key())));
        }
    }
    for (name, text, what) in &places {
        let known = known(text, what);
        let (keys, required, mut one_of) = told(&definitions[*name]);
        assert_eq!(keys, known.keys, "the keys of `{name}`");
        // The `id` of the steps above is there already.
        let there = known
            .keys
            .iter()
            .filter(|key| text.contains(&format!("{key}: ")) && required.contains(*key));
        let known_required: BTreeSet<&str> = known.required.iter().chain(there).copied().collect();
        assert_eq!(required, known_required, "the required keys of `{name}`");
        // For the reader the units stand in for one another, `steps` does not.
        if known.one_of.contains("set") {
            one_of.remove("steps");
        }
        assert_eq!(one_of, known.one_of, "the keys of `{name}` of which there must be one");
    }
    let compared: BTreeSet<&str> = places.iter().map(|(name, ..)| *name).collect();
    let others: BTreeSet<&str> = definitions
        .keys()
        .map(String::as_str)
        .filter(|name| !compared.contains(name))
        .collect();
    assert_eq!(
        others,
        BTreeSet::from(["body", "branches", "common", "otherwise", "schema", "step", "steps"]),
        "definitions that were not compared"
    );
}

#[test]
fn every_key_has_a_documentation() {
    let schema = schema();
    for (name, definition) in schema["definitions"].as_object().unwrap() {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            // Each kind of step says what it does; a reference leads to a key that is looked at where it stands.
            if name == "step" || property.get("$ref").is_some() {
                continue;
            }
            let text = property["description"].as_str().unwrap_or_default();
            assert!(text.ends_with('.'), "`{key}` of `{name}` says {text:?}");
            assert!(
                !text.contains('\n') || !text.replace("\n\n", "").contains('\n'),
                "{text:?}"
            );
        }
    }
}
