//! Files and folders: what is found, what is refused, and the checks across files.
#![allow(clippy::disallowed_methods, reason = "the tests write the folders that they load")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use interpret::diagnostic::Code;
use interpret::load::{self, Loaded, ProgramError};

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "interpret-load-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = Folder(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&folder.0).unwrap();
        for (path, text) in files {
            folder.write(path, text.as_bytes());
        }
        folder
    }

    fn write(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn load(&self) -> Loaded {
        load::load(&[&self.0])
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn workflow(id: &str) -> String {
    format!("kind: Workflow\nid: {id}\nsteps:\n  - {{ kind: andThen, id: a, set: 1 }}\n")
}

fn calling(id: &str, step: &str) -> String {
    format!("kind: Workflow\nid: {id}\nsteps:\n  - {step}\n")
}

fn lines(loaded: &Loaded) -> Vec<String> {
    let one = |finding: &interpret::diagnostic::Diagnostic| {
        let place = finding.span.map_or("", |span| loaded.sources.text(span));
        format!(
            "{} @ {place}: {} {}",
            finding.code,
            finding.message,
            finding.help.join("; ")
        )
    };
    loaded.diagnostics.iter().map(one).collect()
}

#[track_caller]
fn only(loaded: &Loaded) -> String {
    let lines = lines(loaded);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines.into_iter().next().unwrap()
}

fn ids(loaded: &Loaded) -> Vec<String> {
    loaded.workflows().map(|graph| graph.header.id.to_string()).collect()
}

#[test]
fn a_folder_is_loaded_as_a_whole() {
    let folder = Folder::new(&[
        ("b.yaml", &workflow("b")),
        ("a.yml", &format!("{}---\n{}", workflow("a1"), workflow("a2"))),
        ("deep/er/c.yaml", &workflow("c")),
        ("skipped.test.yaml", "kind: WorkflowTest\n"),
        (".hidden.yaml", "nonsense: true\n"),
        (".git/x.yaml", "nonsense: true\n"),
        ("interpret.yaml", "connections: {}\n"),
        ("readme.md", "# nothing\n"),
        ("comments.yaml", "# nothing yet\n"),
        ("tests.yaml", "kind: WorkflowTest\nworkflow: a1\n"),
    ]);
    let loaded = folder.load();
    assert_eq!(lines(&loaded), Vec::<String>::new());
    assert_eq!(ids(&loaded), ["a1", "a2", "b", "c"]);
    assert_eq!(loaded.tests().count(), 1);
    let behind = load::load_text("test", &format!("---\n{}---\n", workflow("a")));
    assert_eq!(lines(&behind), Vec::<String>::new());
    assert!(only(&load::load_text("test", "# nothing\n")).starts_with("unknown-document"));
    // Twice the same file is once.
    let twice = load::load(&[folder.0.clone(), folder.0.join("b.yaml")]);
    assert_eq!(lines(&twice), Vec::<String>::new());
}

#[test]
fn what_is_not_a_workflow_is_a_warning_in_a_folder_and_an_error_by_name() {
    let folder = Folder::new(&[("a.yaml", &workflow("a")), ("compose.yaml", "services: {}\n")]);
    let loaded = folder.load();
    assert!(only(&loaded).starts_with("unknown-document @ services"));
    assert!(!loaded.has_errors());
    assert!(load::load(&[folder.0.join("compose.yaml")]).has_errors());
}

#[test]
fn paths_that_hold_nothing_are_named() {
    let folder = Folder::new(&[("orders.yaml", &workflow("a")), ("empty/readme.md", "")]);
    let found = only(&load::load(&[folder.0.join("order.yaml")]));
    assert!(
        found.starts_with("unreadable @ : there is no file or folder") && found.ends_with("orders.yaml?"),
        "{found}"
    );
    let found = only(&load::load(&[folder.0.join("nowhere/x.yaml")]));
    assert!(found.contains("does not exist either"), "{found}");
    let found = only(&load::load(&[folder.0.join("empty")]));
    assert!(found.starts_with("no-workflows"), "{found}");
    let empty: [&Path; 0] = [];
    assert!(load::load(&empty).diagnostics.is_empty());
}

#[test]
fn large_files_are_refused_before_they_are_read() {
    let folder = Folder::new(&[]);
    let path = folder.0.join("large.yaml");
    // A file with a hole: it takes no space, and reading it would take long.
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let start = std::time::Instant::now();
    let found = only(&load::load(&[&path]));
    assert!(
        found.starts_with("too-large @ : ") && found.contains("16 MiB"),
        "{found}"
    );
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn bytes_that_are_no_text_are_shown_in_their_line() {
    let folder = Folder::new(&[]);
    let path = folder.write("latin.yaml", b"kind: Workflow\nid: a\nname: caf\xe9\n");
    let loaded = load::load(&[&path]);
    let [finding] = &loaded.diagnostics[..] else {
        panic!("{:?}", loaded.diagnostics)
    };
    assert_eq!(finding.code, Code::NotUtf8);
    assert!(finding.message.contains("0xe9"), "{}", finding.message);
    let span = finding.span.unwrap();
    let place = loaded.sources.file(span.file).line_column(span.start);
    assert_eq!((place.line, place.column), (3, 10));
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("kind: x".bytes().flat_map(|byte| [byte, 0]))
        .collect();
    let found = only(&load::load(&[folder.write("wide.yaml", &utf16)]));
    assert!(found.contains("UTF-16"), "{found}");
}

#[test]
fn rule_42_ids_are_unique_for_each_version() {
    let versioned =
        |version: &str| workflow("a").replace("id: a\nsteps", &format!("id: a\nversion: \"{version}\"\nsteps"));
    let folder = Folder::new(&[
        ("1.yaml", &versioned("1.9")),
        ("2.yaml", &versioned("1.10")),
        ("3.yaml", &versioned("1.9")),
    ]);
    let loaded = folder.load();
    let [finding] = &loaded.diagnostics[..] else {
        panic!("{:?}", loaded.diagnostics)
    };
    assert_eq!(
        finding.message,
        "there are two workflows with the id `a` in version 1.9"
    );
    assert!(finding.labels[0].message.ends_with("1.yaml"), "{:?}", finding.labels);
    let highest = loaded.workflow("a", None).unwrap();
    assert_eq!(highest.header.version.as_deref(), Some("1.10"));
    assert!(loaded.workflow("a", Some("1.9")).is_some());
    assert!(loaded.workflow("a", Some("3")).is_none());
}

#[test]
fn references_between_files_are_checked() {
    let folder = Folder::new(&[
        (
            "main.yaml",
            &calling("main", "{ kind: andWorkflow, id: c, workflow: chlid }"),
        ),
        ("child.yaml", &workflow("child")),
        (
            "agent.yaml",
            &calling("asks", "{ kind: andAgent, id: c, agent: riter, prompt: x }"),
        ),
        ("writer.yaml", "kind: Agent\nid: writer\nmodel: m/n\n"),
        (
            "versions.yaml",
            &calling(
                "versions",
                "{ kind: andWorkflow, id: c, workflow: child, version: \"2\" }",
            ),
        ),
    ]);
    let loaded = folder.load();
    let found = lines(&loaded);
    assert_eq!(
        found,
        [
            "unknown-agent @ riter: there is no agent `riter` among the loaded files did you mean `writer`?",
            "unknown-workflow @ chlid: there is no workflow `chlid` among the loaded files did you mean `child`?",
            "unknown-workflow @ child: there is no version 2 of the workflow `child` it has no version; leave `version` out",
        ]
    );
    assert_eq!(ids(&loaded), ["child"]);
}

#[test]
fn endless_recursion_is_found_and_bounded_recursion_allowed() {
    let load = |texts: &[String]| load::load_text("test", &texts.join("---\n"));
    let call = |id: &str, other: &str| calling(id, &format!("{{ kind: andWorkflow, id: c, workflow: {other} }}"));
    let found = only(&load(&[call("a", "a")]));
    assert!(found.starts_with("endless-recursion @ "), "{found}");
    assert!(
        found.contains("the workflow `a` calls itself without an end"),
        "{found}"
    );
    let found = only(&load(&[call("a", "b"), call("b", "c"), call("c", "a")]));
    assert!(found.contains("the workflows `a`, `b`, `c` call each other"), "{found}");
    let nested =
        "{ kind: andTry, id: t, steps: [{ kind: andAll, id: l, steps: [{ kind: andWorkflow, id: c, workflow: a }] }] }";
    assert!(only(&load(&[calling("a", nested)])).starts_with("endless-recursion"));
    for bounded in [
        "{ kind: andWhen, id: w, condition: =input.n > 0, steps: [{ kind: andWorkflow, id: c, workflow: a }] }",
        "{ kind: andForEach, id: w, items: =input.list, steps: [{ kind: andWorkflow, id: c, workflow: a }] }",
        "{ kind: andThen, id: e, end: { when: =input.n == 0 } }\n  - { kind: andWorkflow, id: c, workflow: a }",
        "{ kind: andThen, id: e, set: 1, catch: [{ steps: [{ kind: andWorkflow, id: c, workflow: a }] }] }",
        "{ kind: andBranch, id: b, branches: [{ condition: =input.n > 0, steps: { kind: andWorkflow, id: c, workflow: a } }] }",
    ] {
        let loaded = load(&[calling("a", bounded)]);
        assert_eq!(lines(&loaded), Vec::<String>::new(), "{bounded}");
    }
}

#[test]
fn rule_29_a_workflow_called_for_cleaning_up_does_not_wait() {
    let text = |unit: &str| {
        let steps = "{ kind: andTry, id: t, steps: [{ kind: andThen, id: s, set: 1 }], \
                     finally: [{ kind: andWorkflow, id: c, workflow: outer }] }";
        let outer = calling("outer", "{ kind: andWorkflow, id: c, workflow: inner }");
        let inner = calling("inner", &format!("{{ kind: andThen, id: w, {unit} }}"));
        format!("{}---\n{outer}---\n{inner}", calling("main", steps))
    };
    assert_eq!(lines(&load::load_text("test", &text("set: 1"))), Vec::<String>::new());
    let found = only(&load::load_text("test", &text("waitFor: { event: A }")));
    assert!(found.starts_with("wait-not-allowed @ "), "{found}");
}

#[test]
fn schemas_may_stand_in_files_of_the_folder() {
    let uses = "kind: Workflow\nid: a\ninputSchema: { $ref: ../schemas/order.json }\n\
                steps: [{ kind: andThen, id: s, set: \"=input.lines[0].name\" }]\n";
    let folder = Folder::new(&[
        ("flows/a.yaml", uses),
        (
            "schemas/order.json",
            r##"{"type": "object", "required": ["lines"], "properties": {"lines": {"type": "array", "items": {"$ref": "line.json#/$defs/line"}}, "parent": {"$ref": "#"}}}"##,
        ),
        (
            "schemas/line.json",
            r#"{"$defs": {"line": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}}}"#,
        ),
    ]);
    let loaded = folder.load();
    assert_eq!(lines(&loaded), Vec::<String>::new());
    let graph = loaded.workflow("a", None).unwrap();
    let schema = graph.header.input_schema.as_ref().unwrap();
    let good = interpret::data!({ "lines": [{ "name": "x" }], "parent": { "lines": [] } });
    assert_eq!(schema.validate(&good), Ok(()));
    for bad in [
        interpret::data!({ "lines": [{ "name": 1 }] }),
        interpret::data!({ "lines": [], "parent": {} }),
    ] {
        assert!(schema.validate(&bad).is_err(), "{bad}");
    }
    // What a schema file says is a part of the definition.
    let before = graph.header.hash.clone();
    folder.write("schemas/line.json", br#"{"$defs": {"line": {}}}"#);
    assert_ne!(folder.load().workflow("a", None).unwrap().header.hash, before);
    // Alone, the file's own folder is the limit.
    let found = only(&load::load(&[folder.0.join("flows/a.yaml")]));
    assert!(found.contains("lies outside the folder"), "{found}");
    folder.write("flows/a.yaml", uses.replace("order.json", "ordr.json").as_bytes());
    let found = only(&folder.load());
    assert!(
        found.starts_with("invalid-schema @ ../schemas/ordr.json: `../schemas/ordr.json` does not exist"),
        "{found}"
    );
    folder.write(
        "flows/a.yaml",
        uses.replace("../schemas/order.json", "https://x.org/o.json").as_bytes(),
    );
    assert!(only(&folder.load()).contains("never fetched"));
}

#[test]
fn a_program_is_made_of_what_has_no_errors() {
    let text = format!(
        "{}---\n{}---\nkind: Workflow\nid: broken\nsteps: []\n",
        calling("main", "{ kind: andWorkflow, id: c, workflow: broken }"),
        workflow("child"),
    );
    let loaded = load::load_text("test", &text);
    assert!(loaded.program("child", None).is_ok());
    assert_eq!(
        loaded.program("main", None).unwrap_err(),
        ProgramError::Broken("broken".into())
    );
    assert_eq!(
        loaded.program("broken", None).unwrap_err(),
        ProgramError::Broken("broken".into())
    );
    let error = loaded.program("chld", None).unwrap_err();
    assert_eq!(error.to_string(), "there is no workflow `chld`; did you mean `child`?");
}

#[test]
fn a_workflow_is_found_by_its_file_with_the_files_it_refers_to() {
    let folder = Folder::new(&[
        (
            "main.yaml",
            &calling("main", "{ kind: andWorkflow, id: c, workflow: child }"),
        ),
        ("child.yaml", &workflow("child")),
        ("other.yaml", "kind: Workflow\nid: other\nsteps: []\n"),
    ]);
    let found = load::find(folder.0.join("main.yaml").to_str().unwrap()).unwrap();
    assert_eq!(lines(&found.loaded), Vec::<String>::new());
    assert_eq!(found.id.as_deref(), Some("main"));
    assert!(found.graph().is_some());
    assert!(found.loaded.program("main", None).is_ok());
    let message = load::find(folder.0.join("mian.yaml").to_str().unwrap()).unwrap_err();
    assert!(
        message.contains("did you mean") && message.contains("main.yaml"),
        "{message}"
    );
    assert!(load::find(folder.0.to_str().unwrap()).is_err());
}
