//! The settings that `interpret init` writes, in the YAML language server.

use std::process::Command;

use serde_json::{Value, json};

use super::client::Client;
use crate::cli::Folder;
use crate::npm;

#[test]
fn workflows_and_their_tests_each_have_their_schema() {
    let Some(server) = npm::install("yaml-language-server") else {
        return;
    };
    let folder = Folder::new(&[]);
    assert_eq!(folder.run(&["init"]).code, Some(0));
    let read = |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap();
    let settings: Value = serde_json::from_str(&read(".vscode/settings.json")).unwrap();
    // VS Code resolves the paths of its settings in the folder.
    let root = folder.path().display().to_string();
    let schemas = settings["yaml.schemas"].as_object().unwrap().iter();
    let schemas: Value = schemas
        .map(|(path, globs)| (format!("file://{root}/{}", &path[2..]), globs.clone()))
        .collect();
    let settings = json!({ "yaml": { "validate": true, "schemas": schemas, "schemaStore": { "enable": false } } });
    let mut command = Command::new("node");
    command
        .arg(server.join("node_modules/yaml-language-server/bin/yaml-language-server"))
        .arg("--stdio");
    let mut client = Client::spawn(command, settings);
    for (name, right, wrong) in [
        ("expense-approval.yaml", "timeout: 3d", "timeut: 3d"),
        ("expense-approval.test.yaml", "snapshot: result", "snapsot: result"),
    ] {
        let text = read(&format!("workflows/{name}")).replace("took: 2h", "took: 2h\n    snapshot: result");
        let uri = format!("file://{root}/workflows/{name}");
        client.open(&uri, "yaml", &text);
        assert_eq!(client.diagnostics(&uri), Vec::<Value>::new(), "{name}");
        let uri = format!("file://{root}/workflows/wrong-{name}");
        client.open(&uri, "yaml", &text.replace(right, wrong));
        assert_eq!(client.diagnostics(&uri).len(), 1, "{name}");
    }
}
