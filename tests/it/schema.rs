//! The JSON Schema of the language: every example is valid, every mistake is found where it is, and the committed file is
//! in step.

use std::path::Path;

use interpret::language;
use interpret::source::Sources;
use interpret::yaml;
use jsonschema::Validator;
use serde_json::Value;

use crate::suites;

fn validator() -> Validator {
    jsonschema::validator_for(&language::schema()).unwrap()
}

fn documents(name: &str, text: &str) -> Vec<Value> {
    let file = Sources::new().add(name, text);
    let (documents, findings) = yaml::parse(file, text, &yaml::Limits::default());
    assert!(findings.is_empty(), "{name}: {findings:?}");
    let json = |document: &yaml::Document| serde_json::from_str(&document.root.data().to_string()).unwrap();
    documents.iter().map(json).collect()
}

#[test]
fn every_example_is_valid() {
    let validator = validator();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![here.join("workflows")];
    folders.extend(suites::folder("../design/example-workflows"));
    let mut files = vec![here.join("src/language/native/tests/every.yaml")];
    for folder in folders {
        files.extend(std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    }
    // Test files have a schema of their own; the configuration and the answers of scripts are no workflows.
    let name = |file: &Path| file.display().to_string();
    let others = [".test.yaml", ".answers.yaml", "interpret.yaml"];
    files.retain(|file| name(file).ends_with(".yaml") && !others.iter().any(|end| name(file).ends_with(end)));
    assert!(files.len() > 16);
    for file in files {
        let name = file.display().to_string();
        for document in documents(&name, &std::fs::read_to_string(&file).unwrap()) {
            let faults: Vec<String> = validator
                .iter_errors(&document)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(faults.is_empty(), "{name}: {faults:#?}");
        }
    }
}

#[test]
fn every_mistake_is_found_where_it_is() {
    let validator = validator();
    let steps = [
        ("{ kind: andThn, id: a }", "/steps/0/kind"),
        ("{ kind: andThen, id: a, set: 1, x-note: 1, timout: 5s }", "/steps/0"),
        ("{ kind: andThen, id: a }", "/steps/0"),
        ("{ kind: andThen, id: a, set: 1, assign: {} }", "/steps/0/assign"),
        ("{ kind: andThen, id: 1st, set: 1 }", "/steps/0/id"),
        ("{ kind: andThen, id: a, http: { ulr: x, url: x } }", "/steps/0/http"),
        (
            "{ kind: andThen, id: a, http: { url: x, accept: [oops] } }",
            "/steps/0/http/accept/0",
        ),
        (
            "{ kind: andThen, id: a, set: 1, retry: { attempts: 0 } }",
            "/steps/0/retry/attempts",
        ),
        ("{ kind: andThen, id: a, set: 1, retry: }", "/steps/0/retry"),
        (
            "{ kind: andThen, id: a, set: 1, catch: [{ set: 1, wen: =x }] }",
            "/steps/0/catch/0",
        ),
        (
            "{ kind: andWhen, id: a, condition: '{{ x }}', set: 1 }",
            "/steps/0/condition",
        ),
        (
            "{ kind: andWhen, id: a, condition: =x, set: 1, else: { st: 1 } }",
            "/steps/0/else",
        ),
        (
            "{ kind: andWhen, id: a, condition: =x, set: 1, else: [{ kind: andX, id: b }] }",
            "/steps/0/else/0/kind",
        ),
        (
            "{ kind: andAll, id: a, steps: { b: { kind: andX, id: b } } }",
            "/steps/0/steps/b/kind",
        ),
        (
            "{ kind: andAll, id: a, steps: [[{ kind: andX, id: b }]] }",
            "/steps/0/steps/0/0/kind",
        ),
        ("{ kind: andSleep, id: a, duration: 30 }", "/steps/0/duration"),
        ("{ kind: andSleepUntil, id: a, until: 30s }", "/steps/0/until"),
        (
            "{ kind: andGuardrail, id: a, rules: [{ require: =x, action: rewrite }] }",
            "/steps/0/rules/0",
        ),
        ("{ kind: andAgent, id: a, agent: b }", "/steps/0"),
        ("{ kind: andMap, id: a, map: =x }", "/steps/0/map"),
    ];
    let steps = steps.map(|(step, pointer)| (format!("kind: Workflow\nid: a\nsteps: [{step}]\n"), pointer));
    let rest = "id: a\nsteps: [{ kind: andThen, id: a, set: 1 }]";
    let whole = [
        (format!("kind: Workfow\n{rest}"), "/kind"),
        (format!("kind: Workflow\n{rest}\ntimout: 1s"), ""),
        (
            format!("kind: Workflow\n{rest}\ninputSchema: {{ type: objekt }}"),
            "/inputSchema/type",
        ),
        (
            format!("kind: Workflow\n{rest}\nevents: {{ E: {{ rol: start }} }}"),
            "/events/E",
        ),
        (
            format!("kind: Workflow\n{rest}\ntriggers: [{{ cron: {{ schedule: daily }} }}]"),
            "/triggers/0/cron/schedule",
        ),
        (
            "kind: Agent\nid: a\nmodel: m/n\ntools: [{ function: a, workflow: b }]".to_owned(),
            "/tools/0/function",
        ),
    ];
    for (text, pointer) in steps.into_iter().chain(whole) {
        let document = documents("mistake.yaml", &text).remove(0);
        let found: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| error.instance_path().to_string())
            .collect();
        assert!(
            !found.is_empty() && found.iter().all(|found| found == pointer),
            "{found:?}, not {pointer}: {text}"
        );
    }
}

#[test]
fn the_schema_says_of_durations_what_the_language_says() {
    let validator = validator();
    for text in [
        "0", "500ms", "30s", "1h30m", "1.5s", "2d", "2w", "PT30S", "P1DT2H", "P2W", "30", "", "soon", "5 s", "ms",
        "s5", "PT", "P", "30sec", "1.s.5",
    ] {
        let is_duration = interpret::graph::parse_duration(text).is_ok();
        let document = serde_json::json!({
            "kind": "Workflow", "id": "a", "steps": [{ "kind": "andSleep", "id": "a", "duration": text }],
        });
        // The schema may let pass what only looks like one, but must not refuse any.
        assert!(!is_duration || validator.is_valid(&document), "{text}");
        let odd = ["PT", "1.s.5"].contains(&text);
        assert!(is_duration || odd || !validator.is_valid(&document), "{text}");
    }
}

#[test]
fn the_committed_schema_is_in_step() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/workflow.schema.json");
    let text = std::fs::read_to_string(path).unwrap().replace("\r\n", "\n");
    let now = format!("{:#}\n", language::schema());
    assert!(
        text == now,
        "write it anew: cargo run -- schema > schema/workflow.schema.json"
    );
}
