//! The JSON Schema in the YAML language server, which most editors use: what it says about mistakes, what it offers, and
//! what it shows.

use std::path::{Path, PathBuf};
use std::process::Command;

use interpret::language;
use serde_json::{Value, json};

use super::client::{Client, cursor};
use crate::npm;

const STEPS: &str = "kind: Workflow\nid: test\nsteps:\n";

/// An editor in which the schema belongs to every YAML file.
struct Editor {
    client: Client,
    opened: u32,
}

impl Editor {
    /// None where npm is not there; with `CI` set that is a failure.
    fn start() -> Option<Editor> {
        let server = npm::install("yaml-language-server")?;
        let schema = format!("file://{}/schema/workflow.schema.json", env!("CARGO_MANIFEST_DIR"));
        let mut schemas = json!({});
        schemas[schema] = json!("/*.yaml");
        let settings = json!({ "yaml": {
            "validate": true, "hover": true, "completion": true, "schemas": schemas, "schemaStore": { "enable": false },
        } });
        let mut command = Command::new("node");
        command
            .arg(server.join("node_modules/yaml-language-server/bin/yaml-language-server"))
            .arg("--stdio");
        Some(Editor {
            client: Client::spawn(command, settings),
            opened: 0,
        })
    }

    fn open(&mut self, text: &str) -> String {
        self.opened += 1;
        let uri = format!("file:///project/{}.yaml", self.opened);
        self.client.open(&uri, "yaml", text);
        uri
    }

    /// The findings about a text: at which part of it, and what.
    fn findings(&mut self, text: &str) -> Vec<(String, String)> {
        let uri = self.open(text);
        let found = self.client.diagnostics(&uri);
        let place = |range: &Value| {
            let at = |end: &str| {
                (
                    range[end]["line"].as_u64().unwrap() as usize,
                    range[end]["character"].as_u64().unwrap() as usize,
                )
            };
            let ((line, from), (last, to)) = (at("start"), at("end"));
            assert_eq!(line, last, "a finding on one line");
            text.lines().nth(line).unwrap()[from..to].to_owned()
        };
        found
            .iter()
            .map(|one| (place(&one["range"]), one["message"].as_str().unwrap().to_owned()))
            .collect()
    }

    /// The labels that are offered at the cursor, and whether each has a documentation.
    fn offers(&mut self, text: &str) -> Vec<String> {
        let (text, position) = cursor(text);
        let uri = self.open(&text);
        let params = json!({ "textDocument": { "uri": uri }, "position": position });
        let offered = self.client.request("textDocument/completion", params);
        let items = offered["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["label"].as_str().unwrap().to_owned())
            .collect()
    }

    fn shows(&mut self, text: &str) -> String {
        let (text, position) = cursor(text);
        let uri = self.open(&text);
        let params = json!({ "textDocument": { "uri": uri }, "position": position });
        let hover = self.client.request("textDocument/hover", params);
        hover["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }
}

#[test]
fn the_yaml_language_server_knows_the_language() {
    let Some(mut editor) = Editor::start() else { return };
    mistakes(&mut editor);
    completion(&mut editor);
    hover(&mut editor);
    examples(&mut editor);
}

fn mistakes(editor: &mut Editor) {
    let cases = [
        (
            "  - kind: andThn\n    id: a\n    set: 1\n",
            "andThn",
            "Value is not accepted. Valid values: \"andThen\"",
        ),
        (
            "  - kind: andAll\n    id: a\n    steps: { one: [{ kind: andThn, id: b }] }\n",
            "andThn",
            "Value is not accepted",
        ),
        (
            "  - { kind: andThen, id: a, set: 1, retri: { attempts: 3 } }\n",
            "retri",
            "Property retri is not allowed",
        ),
        (
            "  - { kind: andForEach, id: a, items: =input, step: [], steps: [{ kind: andThen, id: b, set: 1 }] }\n",
            "step",
            "not allowed",
        ),
        (
            "  - { kind: andThen, id: a, set: 1, http: { url: x } }\n",
            "http",
            "only one of these can be there, and there is `set` already",
        ),
        (
            "  - { kind: andThen, id: a, http: { url: x, method: get } }\n",
            "get",
            "Valid values: \"GET\"",
        ),
        (
            "  - { kind: andWhen, id: a, condition: input.x, set: 1 }\n",
            "input.x",
            "begins with `=`",
        ),
        (
            "  - { kind: andSleep, id: a, duration: 30 }\n",
            "30",
            "a duration has a unit",
        ),
        (
            "  - { kind: andThen, id: a, set: 1, timeout: soon }\n",
            "soon",
            "a duration such as `30s`",
        ),
        (
            "  - { kind: andAgent, id: a, agent: =input.agent, prompt: x }\n",
            "=input.agent",
            "taken as it is written",
        ),
        ("  - { kind: andThen, id: a b, set: 1 }\n", "a b", "an id is a letter"),
    ];
    for (steps, place, message) in cases {
        let found = editor.findings(&format!("{STEPS}{steps}"));
        let [(at, says)] = &found[..] else {
            panic!("{steps}: {found:?}")
        };
        assert_eq!(at, place, "{steps}: {says}");
        assert!(says.contains(message), "{steps}: {says}");
    }
    let found = editor.findings("kind: Workfow\nid: a\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "Workfow");
}

fn completion(editor: &mut Editor) {
    let tags: Vec<&str> = language::step_kinds().map(|(tag, _)| tag).collect();
    let mut offered = editor.offers(&format!("{STEPS}  - kind: |\n"));
    offered.retain(|label| !["agent", "workflow"].contains(&label.as_str()));
    assert_eq!(offered, tags, "the kinds, besides the short names of two");
    assert_eq!(editor.offers("kind: |\n"), ["Workflow", "Agent"]);

    let offered = editor.offers(&format!("{STEPS}  - kind: andSleep\n    |\n"));
    let has = |offered: &[String], key: &str| offered.iter().any(|label| label == key);
    for key in ["id", "duration", "catch"] {
        assert!(has(&offered, key), "`{key}` in {offered:?}");
    }
    // `andSleepUntil` begins with the same word.
    for key in ["until", "items", "set", "steps"] {
        assert!(!has(&offered, key), "`{key}` in {offered:?}");
    }
    let offered = editor.offers(&format!("{STEPS}  - kind: andThen\n    id: a\n    |\n"));
    for (unit, _) in language::units() {
        assert!(has(&offered, unit), "`{unit}` in {offered:?}");
    }
    let offered = editor.offers(&format!("{STEPS}  - |\n"));
    assert!(has(&offered, "kind") && !has(&offered, "items"), "{offered:?}");
    let offered = editor.offers(&format!(
        "{STEPS}  - kind: andThen\n    id: a\n    http:\n      method: |\n"
    ));
    assert!(has(&offered, "POST"), "{offered:?}");
}

fn hover(editor: &mut Editor) {
    let cases = [
        (
            "  - ki|nd: andForEach\n    id: a\n    items: =input\n",
            "Runs steps for each item of a list.",
        ),
        (
            "  - kind: andForEach\n    id: a\n    concur|rency: 4\n",
            "How many items are worked on at once. The default is 1.",
        ),
        (
            "  - kind: andThen\n    id: a\n    ht|tp: { url: x }\n",
            "Sends an HTTP request.",
        ),
        (
            "  - kind: andThen\n    id: a\n    http: { acc|ept: [404] }\n",
            "The statuses that are a success. The default is `[2xx]`",
        ),
        (
            "  - kind: andThen\n    id: a\n    retry: { jit|ter: 0.1 }\n",
            "Which share of each wait is left to chance",
        ),
    ];
    for (steps, documentation) in cases {
        let shown = editor.shows(&format!("{STEPS}{steps}"));
        assert!(shown.contains(documentation), "{steps}: {shown}");
    }
}

fn examples(editor: &mut Editor) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join("workflows"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    // Test files have a schema of their own; the configuration and the answers of scripts are no workflows.
    let name = |file: &PathBuf| file.display().to_string();
    let others = [".test.yaml", ".answers.yaml", "interpret.yaml"];
    files.retain(|file| name(file).ends_with(".yaml") && !others.iter().any(|end| name(file).ends_with(end)));
    files.push(folder.join("src/language/native/tests/every.yaml"));
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let found = editor.findings(&text);
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
}
