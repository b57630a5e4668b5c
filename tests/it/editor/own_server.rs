//! `interpret lsp`, spoken to as an editor does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::client::{Client, cursor};
use crate::cli::Folder;

const CALLER: &str = "\
kind: Workflow
id: caller
inputSchema:
  type: object
  properties:
    amount: { type: number, description: What is to be paid. }
    order: { type: object, properties: { lines: { type: array, items: { type: object, properties: { sku: { type: string } } } } } }
events: { Paid: { role: progress } }
permissions: { env: [SHOP_URL], secrets: [SHOP_TOKEN] }
steps:
  - { kind: andThen, id: first-one, set: { total: '=input.amount' } }
  - kind: andWorkflow
    id: child
    workflow: helper
    input: =data
  - kind: andForEach
    id: each
    items: =input.order.lines
    as: row
    steps:
      - kind: andThen
        id: inner
        set: { a: \"{{ steps.first_one.output.total }}\", b: \"=steps['first-one'].status\" }
  - kind: andThen
    id: last
    set: =steps.child.output.sum
";

const HELPER: &str = "\
kind: Workflow
id: helper
purpose: Adds up.
outputSchema: { type: object, properties: { sum: { type: number } } }
steps:
  - { kind: andThen, id: add, set: { sum: 1 } }
";

/// An editor with a folder open.
struct Editor {
    client: Client,
    folder: Folder,
}

impl Editor {
    fn start(files: &[(&str, &str)]) -> Editor {
        let folder = Folder::new(files);
        let client = Client::spawn_in(server(), json!({}), Some(&uri(folder.path())), &["utf-16"]);
        Editor { client, folder }
    }

    fn uri(&self, name: &str) -> String {
        uri(&self.folder.path().join(name))
    }

    fn open(&mut self, name: &str, text: &str) -> String {
        let uri = self.uri(name);
        self.client.open(&uri, "yaml", text);
        uri
    }

    /// Opens a text with a cursor, asks about it, and closes it again.
    fn ask(&mut self, name: &str, method: &str, text: &str, more: Value) -> Value {
        let (text, position) = cursor(text);
        let uri = self.open(name, &text);
        let mut params = json!({ "textDocument": { "uri": uri }, "position": position });
        params
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let answer = self.client.request(method, params);
        self.close(&uri);
        answer
    }

    fn close(&mut self, uri: &str) {
        self.client
            .notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    }

    fn offers(&mut self, text: &str) -> Vec<String> {
        let offered = self.ask("caller.yaml", "textDocument/completion", text, json!({}));
        let items = offered["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| item["label"].as_str().unwrap().to_owned())
            .collect()
    }

    fn shows(&mut self, text: &str) -> String {
        let shown = self.ask("caller.yaml", "textDocument/hover", text, json!({}));
        shown["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// Places as `file:line:column`, counted as the protocol does.
    fn places(&self, locations: &Value) -> Vec<String> {
        let root = format!("{}/", uri(self.folder.path()));
        let places = locations.as_array().unwrap().iter().map(|place| {
            let start = &place["range"]["start"];
            let name = place["uri"].as_str().unwrap().strip_prefix(&root).unwrap();
            format!("{name}:{}:{}", start["line"], start["character"])
        });
        places.collect()
    }
}

fn server() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interpret"));
    command.args(["lsp", "--stdio"]);
    command
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A change of the whole text.
fn change(client: &mut Client, uri: &str, version: i32, text: &str) {
    let document = json!({ "uri": uri, "version": version });
    let params = json!({ "textDocument": document, "contentChanges": [{ "text": text }] });
    client.notify("textDocument/didChange", params);
}

/// Findings as `severity code line:column-line:column message`, from 1 and in characters, as `validate` counts.
fn as_validate(text: &str, findings: &[Value]) -> Vec<String> {
    let lines: Vec<&str> = text.split('\n').collect();
    let place = |position: &Value| {
        let line = position["line"].as_u64().unwrap() as usize;
        let units = position["character"].as_u64().unwrap() as usize;
        let before: Vec<u16> = lines[line].encode_utf16().take(units).collect();
        format!(
            "{}:{}",
            line + 1,
            String::from_utf16(&before).unwrap().chars().count() + 1
        )
    };
    let shown = findings.iter().map(|finding| {
        let severity = if finding["severity"] == 1 { "error" } else { "warning" };
        let (start, end) = (place(&finding["range"]["start"]), place(&finding["range"]["end"]));
        let code = finding["code"].as_str().unwrap();
        let said = finding["message"].as_str().unwrap().replace("\nhelp: ", "\n");
        format!("{severity} {code} {start}-{end} {said}")
    });
    let mut shown: Vec<String> = shown.collect();
    shown.sort();
    shown
}

/// The same of `interpret validate --format json`, by file.
fn validated(path: &str) -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO_BIN_EXE_interpret"))
        .args(["validate", "--format", "json", path])
        .output()
        .unwrap();
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut by_file: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in findings.as_array().unwrap() {
        let [line, column, end_line, end_column] = ["line", "column", "endLine", "endColumn"].map(|key| &finding[key]);
        let mut said = finding["message"].as_str().unwrap().to_owned();
        if let Some(help) = finding["help"].as_str() {
            said += &format!("\n{help}");
        }
        let (severity, code) = (finding["severity"].as_str().unwrap(), finding["code"].as_str().unwrap());
        let text = format!("{severity} {code} {line}:{column}-{end_line}:{end_column} {said}");
        let file = finding["file"].as_str().unwrap_or_default().to_owned();
        by_file.entry(file).or_default().push(text);
    }
    by_file.values_mut().for_each(|findings| findings.sort());
    by_file
}

fn defects() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/defects");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn an_editor_shows_what_validate_says_of_every_defect() {
    let mut client = Client::spawn_in(server(), json!({}), None, &["utf-16"]);
    let mut compared = 0;
    for path in defects() {
        // What is no text cannot be in an editor.
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let uri = uri(&path);
        client.open(&uri, "yaml", &text);
        let shown = as_validate(&text, &client.diagnostics(&uri));
        let expected = validated(path.to_str().unwrap())
            .remove(path.to_str().unwrap())
            .unwrap_or_default();
        assert_eq!(shown, expected, "{}", path.display());
        assert!(!shown.is_empty(), "{}", path.display());
        client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
        assert_eq!(
            client.diagnostics(&uri),
            Vec::<Value>::new(),
            "gone when the file is closed"
        );
        compared += 1;
    }
    assert!(compared >= 60, "{compared} files");
}

#[test]
fn an_editor_with_a_folder_shows_what_validate_says_of_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/defects");
    let mut client = Client::spawn_in(server(), json!({}), Some(&uri(&folder)), &["utf-16"]);
    let expected = validated(folder.to_str().unwrap());
    let mut shown = BTreeMap::new();
    for _ in 0..expected.len() {
        let published = client.published();
        let path = published["uri"]
            .as_str()
            .unwrap()
            .strip_prefix("file://")
            .unwrap()
            .to_owned();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let findings = as_validate(&text, published["diagnostics"].as_array().unwrap());
        shown.insert(path, findings);
    }
    assert_eq!(shown, expected);
}

#[test]
fn findings_follow_what_is_typed_and_what_other_files_say() {
    let mut editor = Editor::start(&[("helper.yaml", HELPER)]);
    // Not on disk yet, and it calls what is.
    let uri = editor.open("caller.yaml", CALLER);
    assert_eq!(editor.client.diagnostics(&uri), Vec::<Value>::new());
    let broken = CALLER.replace("output.sum", "output.some");
    change(&mut editor.client, &uri, 2, &broken);
    let found = editor.client.diagnostics(&uri);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0]["code"].as_str(), found[0]["source"].as_str()),
        (Some("unknown-property"), Some("interpret"))
    );
    // An edit within the text, as most editors send it.
    let edit = json!({ "range": found[0]["range"], "text": "sum" });
    let document = json!({ "uri": uri, "version": 3 });
    let params = json!({ "textDocument": document, "contentChanges": [edit] });
    editor.client.notify("textDocument/didChange", params);
    assert_eq!(editor.client.diagnostics(&uri), Vec::<Value>::new());
    // The callee changes in its buffer only.
    let helper = editor.open("helper.yaml", &HELPER.replace("id: helper", "id: other"));
    let found = editor.client.diagnostics(&uri);
    assert_eq!(found[0]["code"], "unknown-workflow", "{found:?}");
    editor.close(&helper);
    assert_eq!(editor.client.diagnostics(&uri), Vec::<Value>::new());
    // Of many quick changes the last one counts.
    for version in 4..40 {
        change(&mut editor.client, &uri, version, &broken);
    }
    change(&mut editor.client, &uri, 40, CALLER);
    let document = json!({ "textDocument": { "uri": uri } });
    editor.client.request("textDocument/documentSymbol", document);
    let mut last = editor.client.published();
    while last["version"] != 40 {
        last = editor.client.published();
    }
    assert_eq!(last["diagnostics"], json!([]));
}

#[test]
fn a_finding_points_to_the_other_places_it_is_about() {
    let mut editor = Editor::start(&[]);
    let text =
        "kind: Workflow\nid: a\nsteps:\n  - { kind: andThen, id: x, set: 1 }\n  - { kind: andThen, id: x, set: 2 }\n";
    let uri = editor.open("a.yaml", text);
    let found = editor.client.diagnostics(&uri);
    assert_eq!(found.len(), 1);
    let related = &found[0]["relatedInformation"][0];
    assert_eq!(related["message"], "`x` is here first");
    assert_eq!(
        related["location"]["range"]["start"],
        json!({ "line": 3, "character": 25 })
    );
    assert!(found[0]["message"].as_str().unwrap().contains("help: "), "{}", found[0]);
}

#[test]
fn completion_knows_the_language() {
    let mut editor = Editor::start(&[("caller.yaml", CALLER), ("helper.yaml", HELPER)]);
    let start = "kind: Workflow\nid: test\nsteps:\n";
    let offered = editor.offers(&format!("{start}  - kind: |\n"));
    let kinds: Vec<&str> = interpret::language::step_kinds().map(|(kind, _)| kind).collect();
    assert!(
        kinds.iter().all(|kind| offered.iter().any(|offer| offer == kind)),
        "{offered:?}"
    );
    assert_eq!(editor.offers("kind: |\n"), ["Workflow", "Agent", "WorkflowTest"]);
    assert_eq!(editor.offers("|\n"), ["kind"]);

    // Keys: those of the kind, the required ones first, none that is there.
    let offered = editor.offers(&format!("{start}  - kind: andSleep\n    |\n"));
    assert_eq!(offered[..2], ["id", "duration"], "{offered:?}");
    for absent in ["kind", "http", "items"] {
        assert!(!offered.iter().any(|key| key == absent), "{absent}: {offered:?}");
    }
    let offered = editor.offers(&format!(
        "{start}  - kind: andThen\n    id: a\n    |\n    http: {{ url: x }}\n"
    ));
    assert!(offered.iter().any(|key| key == "retry"), "{offered:?}");
    assert!(!offered.iter().any(|key| key == "http" || key == "id"), "{offered:?}");
    let offered = editor.offers(&format!("{start}  - {{ kind: andForEach, id: a, | }}\n"));
    assert_eq!(offered[0], "items", "{offered:?}");
    let offered = editor.offers(&format!("{start}  - |\n"));
    assert_eq!(offered[0], "kind", "{offered:?}");
    let offered = editor.offers("kind: Workflow\n|\nsteps: []\n");
    assert!(offered.iter().any(|key| key == "inputSchema"), "{offered:?}");

    // Words.
    let http = format!("{start}  - kind: andThen\n    id: a\n    http:\n      url: x\n");
    assert_eq!(editor.offers(&format!("{http}      method: |\n"))[..2], ["GET", "POST"]);
    let offered = editor.offers(&format!("{http}    retry:\n      on: [|]\n"));
    assert!(
        ["http.*", "http.status", "timeout"]
            .iter()
            .all(|code| offered.iter().any(|offer| offer == code))
    );
    let wait = CALLER.replace("set: =steps.child.output.sum", "waitFor: { event: | }");
    assert_eq!(editor.offers(&wait), ["Paid"]);
    let call = CALLER.replace("workflow: helper", "workflow: |");
    assert_eq!(editor.offers(&call), ["caller", "helper"]);
    let agent = "kind: Agent\nid: writer\nmodel: openai/gpt-4o\n---\n";
    let ask = format!("{agent}{start}  - kind: andAgent\n    id: a\n    agent: wr|\n");
    // The file itself is only known once it was looked at.
    editor.open("agents.yaml", agent.trim_end_matches("---\n"));
    let uri = editor.uri("agents.yaml");
    editor.client.diagnostics(&uri);
    assert_eq!(editor.offers(&ask), ["writer"]);
}

#[test]
fn test_files_are_served_too() {
    let mut editor = Editor::start(&[("helper.yaml", HELPER)]);
    let text = "kind: WorkflowTest\nworkflow: helper\ncases:\n  - name: it adds\n    expect: { status: completed }\n";
    let uri = editor.open("helper.test.yaml", text);
    assert_eq!(editor.client.diagnostics(&uri), Vec::<Value>::new());
    change(&mut editor.client, &uri, 2, &text.replace("expect:", "expects:"));
    let found = editor.client.diagnostics(&uri);
    assert_eq!(found[0]["code"], "unknown-key", "{found:?}");
    editor.close(&uri);
    let mut ask = |method: &str, old: &str, new: &str| {
        let text = text.replace(old, new);
        editor.ask(
            "helper.test.yaml",
            method,
            &text,
            json!({ "context": { "triggerKind": 1 } }),
        )
    };
    let labels = |offered: Value| -> Vec<String> {
        let items = offered["items"].as_array().unwrap().iter();
        items.map(|item| item["label"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        labels(ask("textDocument/completion", "workflow: helper", "workflow: |")),
        ["helper"]
    );
    let keys = labels(ask("textDocument/completion", "    expect", "    |\n    expect"));
    assert!(
        keys.iter().any(|key| key == "input") && !keys.iter().any(|key| key == "name"),
        "{keys:?}"
    );
    let shown = ask("textDocument/definition", "workflow: helper", "workflow: hel|per");
    assert!(shown[0]["uri"].as_str().unwrap().ends_with("/helper.yaml"), "{shown}");
}

#[test]
fn completion_knows_what_is_in_expressions() {
    let mut editor = Editor::start(&[("caller.yaml", CALLER), ("helper.yaml", HELPER)]);
    let uri = editor.open("caller.yaml", CALLER);
    editor.client.diagnostics(&uri);
    let mut last = |expression: &str| editor.offers(&CALLER.replace("=steps.child.output.sum", expression));
    assert_eq!(last("=input.|"), ["amount", "order"]);
    assert_eq!(last("=input.am|"), ["amount", "order"], "the editor filters");
    assert_eq!(last("=input.order.lines[0].|"), ["sku"]);
    assert_eq!(last("'{{ input.order.| }}'"), ["lines"]);
    assert_eq!(last("'{{ input.order.|'"), ["lines"]);
    assert_eq!(last("=1 + steps.|"), ["first_one", "child", "each"]);
    assert_eq!(last("=steps['|']"), ["first-one", "child", "each"]);
    assert_eq!(last("=steps.child.|"), ["output", "input", "status", "error"]);
    assert_eq!(last("=steps.child.output.|"), ["sum"], "of the called workflow");
    assert_eq!(last("=steps.first_one.output.|"), ["total"]);
    assert_eq!(last("=env.|"), ["SHOP_URL"]);
    assert!(last("=input.amount | ro‸").iter().any(|offer| offer == "round"));
    assert!(last("=input.amount is |").iter().any(|offer| offer == "defined"));
    let names = last("=|");
    assert!(
        ["input", "data", "steps", "now", "range"]
            .iter()
            .all(|name| names.iter().any(|offer| offer == name))
    );
    assert!(!names.iter().any(|name| name == "row" || name == "error"), "{names:?}");
    assert_eq!(last("some text|"), Vec::<String>::new());
    assert_eq!(last("=input.amount |"), Vec::<String>::new(), "an operator is next");
    assert!(last("=input.amount + |").iter().any(|offer| offer == "input"));
    let inside = CALLER.replace("{{ steps.first_one.output.total }}", "{{ row.| }}");
    assert_eq!(editor.offers(&inside), ["sku"]);
    // Everything behind the line may be broken.
    let broken = CALLER.replace("input: =data\n", "input: =input.|\n    {\n");
    assert_eq!(editor.offers(&broken), ["amount", "order"]);
}

#[test]
fn what_is_chosen_replaces_what_was_typed() {
    let mut editor = Editor::start(&[("helper.yaml", HELPER)]);
    let text = CALLER.replace("=steps.child.output.sum", "'é😀 {{ input.am| }}'");
    let offered = editor.ask("caller.yaml", "textDocument/completion", &text, json!({}));
    let edit = &offered["items"][0]["textEdit"];
    assert_eq!(edit["newText"], "amount");
    let line = text.lines().position(|line| line.contains('😀')).unwrap();
    // Four blanks, `set: '`, one unit for é and two for the emoji.
    let start = "    set: '".len() + 3 + " {{ input.".len();
    let range =
        json!({ "start": { "line": line, "character": start }, "end": { "line": line, "character": start + 2 } });
    assert_eq!(edit["range"], range);
    assert_eq!(offered["items"][0]["detail"], "number");
    assert_eq!(offered["items"][0]["documentation"]["value"], "What is to be paid.");
}

#[test]
fn hover_shows_types_and_documentation() {
    let mut editor = Editor::start(&[("helper.yaml", HELPER)]);
    let cases = [
        (
            "input.amount",
            "input.am|ount",
            &["`amount`: number", "What is to be paid."][..],
        ),
        (
            "items: =input",
            "it|ems: =input",
            &["`items`", "The list.", "`items: =input.items`"],
        ),
        ("kind: andForEach", "kind: andFor|Each", &["Runs steps for each item"]),
        (
            "id: inner",
            "id: in|ner",
            &["the step `inner`, `andThen`", "object with a, b"],
        ),
        (
            "steps.first_one.output.total",
            "steps.first_|one.output.total",
            &["`first_one`: andThen", "object with total"],
        ),
        (
            "=steps.child.output.sum",
            "=steps.chi|ld.output.sum",
            &["`child`: andWorkflow", "object with sum"],
        ),
        (
            "=steps.child.output.sum",
            "=steps.child.output.s|um",
            &["`sum`: number"],
        ),
        (
            "=steps.child.output.sum",
            "=input.amount | rou‸nd",
            &["`| round`", "rounded"],
        ),
        (
            "workflow: helper",
            "workflow: hel|per",
            &["the workflow `helper`", "Adds up.", "object with sum"],
        ),
        (
            "=steps.child.output.sum",
            "=steps.child.output.s|ome",
            &["**unknown-property**"],
        ),
    ];
    for (old, new, expected) in cases {
        let shown = editor.shows(&CALLER.replace(old, new));
        for part in expected {
            assert!(shown.contains(part), "{new}: {shown}");
        }
    }
    let nothing = editor.shows(&CALLER.replace("a: \"{{", "|a: \"{{"));
    assert_eq!(nothing, "");
}

#[test]
fn names_lead_to_where_they_are_declared_and_used() {
    let mut editor = Editor::start(&[("caller.yaml", CALLER), ("sub/helper.yaml", HELPER)]);
    let mut go = |method: &str, old: &str, new: &str| {
        let answer = editor.ask(
            "caller.yaml",
            method,
            &CALLER.replacen(old, new, 1),
            json!({ "context": { "includeDeclaration": true } }),
        );
        if answer.is_null() {
            Vec::new()
        } else {
            editor.places(&answer)
        }
    };
    let definition = "textDocument/definition";
    assert_eq!(
        go(definition, "workflow: helper", "workflow: hel|per"),
        ["sub/helper.yaml:1:4"]
    );
    assert_eq!(
        go(definition, "steps.first_one", "steps.first|_one"),
        ["caller.yaml:10:25"]
    );
    assert_eq!(
        go(definition, "steps['first-one']", "steps['fir|st-one']"),
        ["caller.yaml:10:25"]
    );
    assert_eq!(
        go(definition, "kind: Workflow", "ki|nd: Workflow"),
        Vec::<String>::new()
    );
    let references = "textDocument/references";
    let uses = ["caller.yaml:10:25", "caller.yaml:22:28", "caller.yaml:22:68"];
    assert_eq!(go(references, "id: first-one", "id: first|-one"), uses);
    assert_eq!(go(references, "steps.first_one", "steps.first|_one"), uses);
    assert_eq!(
        go(references, "workflow: helper", "workflow: hel|per"),
        ["caller.yaml:13:14", "sub/helper.yaml:1:4"]
    );
}

#[test]
fn a_renamed_step_is_renamed_everywhere() {
    let mut editor = Editor::start(&[("helper.yaml", HELPER)]);
    let text = CALLER.replace("id: first-one", "id: fi|rst-one");
    let prepared = editor.ask("caller.yaml", "textDocument/prepareRename", &text, json!({}));
    assert_eq!(prepared["placeholder"], "first-one");
    let edit = editor.ask(
        "caller.yaml",
        "textDocument/rename",
        &text,
        json!({ "newName": "paid-sum" }),
    );
    let edits = &edit["changes"][editor.uri("caller.yaml")];
    let renamed = apply(CALLER, edits.as_array().unwrap());
    let expected = CALLER
        .replace("id: first-one", "id: paid-sum")
        .replace("steps.first_one", "steps.paid_sum")
        .replace("steps['first-one']", "steps['paid-sum']");
    assert_eq!(renamed, expected);
    let uri = editor.open("caller.yaml", &renamed);
    assert_eq!(editor.client.diagnostics(&uri), Vec::<Value>::new());
    editor.close(&uri);
    // What would not be an id, or not one step's.
    for (name, why) in [
        ("a b", "cannot be an id"),
        ("", "cannot be an id"),
        ("last", "another step"),
        ("in-ner", "-"),
    ] {
        let (text, position) = cursor(&text);
        let uri = editor.open("caller.yaml", &text);
        let params = json!({ "textDocument": { "uri": uri }, "position": position, "newName": name });
        let answer = editor.client.ask("textDocument/rename", params);
        editor.close(&uri);
        match why {
            "-" => assert!(answer["error"].is_null(), "{answer}"),
            why => assert!(answer["error"]["message"].as_str().unwrap().contains(why), "{answer}"),
        }
    }
    // An expression that cannot be read may name the step, too.
    let unread = text.replace("=steps.child.output.sum", "=steps.first_one.output +");
    let (unread, position) = cursor(&unread);
    let uri = editor.open("caller.yaml", &unread);
    let params = json!({ "textDocument": { "uri": uri }, "position": position, "newName": "x" });
    let answer = editor.client.ask("textDocument/rename", params);
    assert!(
        answer["error"]["message"].as_str().unwrap().contains("line 26"),
        "{answer}"
    );
}

/// A text after some edits.
fn apply(text: &str, edits: &[Value]) -> String {
    let offset = |position: &Value| {
        let line = position["line"].as_u64().unwrap() as usize;
        let units = position["character"].as_u64().unwrap() as usize;
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let mut left = units;
        let rest = text[start..].char_indices();
        let at = rest.take_while(|(_, letter)| {
            let before = left > 0;
            left = left.saturating_sub(letter.len_utf16());
            before
        });
        start + at.map(|(_, letter)| letter.len_utf8()).sum::<usize>()
    };
    let mut sorted: Vec<(usize, usize, &str)> = edits
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            (
                offset(&range["start"]),
                offset(&range["end"]),
                edit["newText"].as_str().unwrap(),
            )
        })
        .collect();
    sorted.sort_unstable();
    let mut text = text.to_owned();
    for (start, end, new) in sorted.into_iter().rev() {
        text.replace_range(start..end, new);
    }
    text
}

#[test]
fn a_quick_fix_mends_its_finding() {
    let mut editor = Editor::start(&[]);
    // A character of two units before the place, and the lines of Windows.
    let text = "kind: Workflow\r\nid: test\r\nsteps:\r\n  - { name: 😀, kind: andThn, id: a, set: 1 }\r\n";
    let uri = editor.open("a.yaml", text);
    let found = editor.client.diagnostics(&uri);
    let place = json!({ "start": { "line": 3, "character": 22 }, "end": { "line": 3, "character": 28 } });
    assert_eq!((found.len(), &found[0]["range"]), (1, &place), "{found:?}");
    let context = json!({ "diagnostics": found });
    let params = json!({ "textDocument": { "uri": uri }, "range": found[0]["range"], "context": context });
    let actions = editor.client.request("textDocument/codeAction", params);
    assert_eq!(actions[0]["title"], "replace `andThn` by `andThen`");
    assert_eq!(
        (&actions[0]["kind"], &actions[0]["diagnostics"]),
        (&json!("quickfix"), &json!(found))
    );
    let mended = apply(text, actions[0]["edit"]["changes"][&uri].as_array().unwrap());
    assert_eq!(mended, text.replace("andThn", "andThen"));
    change(&mut editor.client, &uri, 2, &mended);
    assert_eq!(editor.client.diagnostics(&uri), Vec::<Value>::new());
}

#[test]
fn positions_are_in_bytes_where_the_editor_wants_that() {
    let folder = Folder::new(&[]);
    let mut client = Client::spawn_in(server(), json!({}), Some(&uri(folder.path())), &["utf-16", "utf-8"]);
    assert_eq!(client.capabilities["positionEncoding"], "utf-8");
    let uri = uri(&folder.path().join("a b.yaml")).replace(' ', "%20");
    client.open(
        &uri,
        "yaml",
        "kind: Workflow\nid: test\nsteps:\n  - { name: 😀, kind: andThn, id: a, set: 1 }\n",
    );
    let found = client.diagnostics(&uri);
    assert_eq!(found[0]["range"]["start"], json!({ "line": 3, "character": 24 }));
}

#[test]
fn symbols_are_the_tree_of_steps_and_formatting_is_that_of_fmt() {
    let mut editor = Editor::start(&[("helper.yaml", HELPER)]);
    let uri = editor.open("caller.yaml", CALLER);
    let symbols = editor
        .client
        .request("textDocument/documentSymbol", json!({ "textDocument": { "uri": uri } }));
    fn tree(symbols: &Value) -> String {
        let names = symbols
            .as_array()
            .into_iter()
            .flatten()
            .map(|symbol| match &symbol["children"] {
                Value::Null => symbol["name"].as_str().unwrap().to_owned(),
                children => format!("{}({})", symbol["name"].as_str().unwrap(), tree(children)),
            });
        names.collect::<Vec<_>>().join(" ")
    }
    assert_eq!(tree(&symbols), "caller(first-one child each(inner) last)");
    let options = json!({ "tabSize": 2, "insertSpaces": true });
    let params = json!({ "textDocument": { "uri": uri }, "options": options });
    assert_eq!(
        editor.client.request("textDocument/formatting", params.clone()),
        json!([])
    );
    let untidy = "kind: Workflow\r\nid: a  \r\nsteps:\r\n- kind: andThen\r\n  id: b\r\n  set: 1\r\n";
    change(&mut editor.client, &uri, 2, untidy);
    let edits = editor.client.request("textDocument/formatting", params);
    let tidy = "kind: Workflow\r\nid: a\r\nsteps:\r\n  - kind: andThen\r\n    id: b\r\n    set: 1\r\n";
    assert_eq!(apply(untidy, edits.as_array().unwrap()), tidy);
}

#[test]
fn what_is_malformed_does_not_end_the_session() {
    let mut editor = Editor::start(&[("caller.yaml", CALLER)]);
    let uri = editor.uri("caller.yaml");
    for method in [
        "textDocument/hover",
        "textDocument/completion",
        "textDocument/rename",
        "textDocument/codeAction",
    ] {
        for params in [
            json!(null),
            json!({}),
            json!({ "textDocument": { "uri": "no uri" }, "position": {} }),
            json!([1]),
        ] {
            let answer = editor.client.ask(method, params);
            assert_eq!(answer["error"]["code"], -32602, "{method}: {answer}");
        }
    }
    assert_eq!(editor.client.ask("no/such/method", json!({}))["error"]["code"], -32601);
    editor.client.notify("no/such/notification", json!({}));
    editor
        .client
        .notify("textDocument/didOpen", json!({ "textDocument": 1 }));
    editor.client.notify(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": "file:///x", "version": 1 } }),
    );
    editor.client.write(b"Content-Length: 7\r\n\r\n{\"id\": ");
    editor.client.write(b"Content-Length: 2\r\n\r\n[]");
    editor.client.write(b"\r\n\r\nnonsense\r\n");
    // Places that are nowhere, in files that are not there.
    for (uri, line) in [
        (uri.as_str(), 4_000_000_000_u32),
        (uri.as_str(), 3),
        ("file:///no/such.yaml", 0),
        ("untitled:x", 0),
    ] {
        let position = json!({ "line": line, "character": 4_000_000_000_u32 });
        let params = json!({ "textDocument": { "uri": uri }, "position": position, "context": { "includeDeclaration": true, "triggerKind": 1 } });
        for method in [
            "hover",
            "completion",
            "definition",
            "references",
            "prepareRename",
            "documentSymbol",
        ] {
            let answer = editor.client.ask(&format!("textDocument/{method}"), params.clone());
            assert!(answer["error"].is_null(), "{method} {uri}: {answer}");
        }
    }
    assert_eq!(
        editor.offers(&CALLER.replace("=steps.child.output.sum", "=input.|")),
        ["amount", "order"]
    );
}

#[test]
fn every_prefix_of_a_file_is_answered() {
    let mut editor = Editor::start(&[("helper.yaml", HELPER)]);
    let uri = editor.open("caller.yaml", "");
    for (end, _) in CALLER.char_indices().step_by(7) {
        let (text, position) = cursor(&format!("{}|", &CALLER[..end]));
        change(&mut editor.client, &uri, end as i32 + 2, &text);
        let params = json!({ "textDocument": { "uri": uri }, "position": position });
        editor.client.request("textDocument/completion", params.clone());
        editor.client.request("textDocument/hover", params);
    }
}

#[test]
fn a_session_ends_as_the_protocol_says() {
    let mut client = Client::spawn_in(server(), json!({}), None, &[]);
    client.request("shutdown", json!(null));
    let late = client.ask("textDocument/hover", json!({}));
    assert_eq!(late["error"]["code"], -32600, "{late}");
    client.notify("exit", json!(null));
    assert_eq!(client.wait(), Some(0));

    let mut client = Client::spawn_in(server(), json!({}), None, &[]);
    client.notify("exit", json!(null));
    assert_eq!(client.wait(), Some(1), "without `shutdown`");

    let mut client = Client::spawn_in(server(), json!({}), None, &[]);
    client.hang_up();
    assert_eq!(client.wait(), Some(1), "without a word");
}
