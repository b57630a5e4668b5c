//! What is found in files before they run.

use interpret::diagnostic::Diagnostic;

use super::*;

fn findings(text: &str) -> Vec<Diagnostic> {
    load::load_text("flow.yaml", text).diagnostics
}

/// The code of the only finding, what its place holds, and its message with the help.
fn found(text: &str) -> (&'static str, String, String, bool) {
    let loaded = load::load_text("flow.yaml", text);
    let [finding] = &loaded.diagnostics[..] else {
        panic!("{:#?}", loaded.diagnostics);
    };
    let place = loaded.sources.text(finding.span.unwrap()).to_owned();
    let message = format!("{}; {}", finding.message, finding.help.join("; "));
    (finding.code.name(), place, message, finding.is_error())
}

#[test]
fn mistakes_are_found_at_their_places() {
    let cases: &[(&str, &str, &str, &str, bool)] = &[
        (
            "- { kind: SendActivty, activity: x }",
            "unknown-kind",
            "SendActivty",
            "did you mean `SendActivity`?",
            true,
        ),
        (
            "- { kind: BeginDialog, dialog: x }",
            "unknown-kind",
            "BeginDialog",
            "go there with `GotoAction`",
            true,
        ),
        (
            "- { kind: SetVariable, value: 1 }",
            "missing-key",
            "SetVariable",
            "needs `variable`",
            true,
        ),
        (
            "- { kind: SendActivity, activity: x, activty: y }",
            "unknown-key",
            "activty",
            "did you mean `activity`?",
            false,
        ),
        (
            "- { kind: GotoAction, id: go, actionId: begn }\n    - { kind: EndWorkflow, id: begin }",
            "unknown-step",
            "begn",
            "did you mean `begin`?",
            true,
        ),
        (
            "- { kind: GotoAction, id: go, actionId: go }",
            "invalid-value",
            "go",
            "goes to itself",
            true,
        ),
        (
            "- { kind: EndWorkflow, id: a }\n    - { kind: EndWorkflow, id: a }",
            "duplicate-id",
            "a",
            "two things",
            true,
        ),
        (
            "- { kind: SetVariable, variable: System.X, value: 1 }",
            "invalid-value",
            "System.X",
            "cannot be written",
            true,
        ),
        (
            "- { kind: SetVariable, variable: Local.X, value: =Locl.Y }",
            "unknown-name",
            "Locl.Y",
            "did you mean `Local`?",
            true,
        ),
        (
            "- { kind: SetVariable, variable: Local.X, value: =System.LastMessge }",
            "unknown-name",
            "LastMessge",
            "did you mean `LastMessage`?",
            true,
        ),
        (
            "- { kind: SetVariable, variable: Local.X, value: =Uper(Local.Y) }",
            "unknown-function",
            "Uper",
            "did you mean `Upper`?",
            true,
        ),
        (
            "- { kind: SendActivity, activity: \"{Upper(\" }",
            "expression-syntax",
            "{",
            "the brace stays text",
            false,
        ),
        (
            "- { kind: BreakLoop, id: out }",
            "invalid-value",
            "{ kind: BreakLoop, id: out }",
            "stands in no `Foreach`",
            false,
        ),
        (
            "- { kind: EndWorkflow, id: a, disabled: true }",
            "unreachable",
            "disabled",
            "ends the run",
            false,
        ),
    ];
    for (action, code, place, message, error) in cases {
        let (found_code, found_place, found_message, is_error) = found(&flow(&format!("    {action}\n")));
        assert_eq!(
            (found_code, &*found_place, is_error),
            (*code, *place, *error),
            "{action}"
        );
        assert!(found_message.contains(message), "{action}: {found_message}");
    }
}

#[test]
fn places_behind_raw_formulas_are_those_of_the_author() {
    // A formula that YAML would not take, and a mistake in it and one behind it.
    let text = flow(
        "
    - { kind: SetVariable, id: a, variable: Local.X }
    - kind: SetVariable
      value: ={id: 7, 'x': Uper(\"a: #\")}
      variable: Local.X
    - kind: SetVariable
      variable: Local.X
      value: ={id: 7}
      nam: 'x'
",
    );
    let loaded = load::load_text("flow.yaml", &text);
    let places: Vec<(&str, &str, usize)> = loaded
        .diagnostics
        .iter()
        .map(|finding| {
            let span = finding.span.unwrap();
            let at = loaded.sources.file(span.file).line_column(span.start);
            (finding.code.name(), loaded.sources.text(span), at.column)
        })
        .collect();
    assert_eq!(places, [("unknown-function", "Uper", 28), ("unknown-key", "nam", 7)]);
}

#[test]
fn a_file_is_named_by_itself_its_name_or_its_trigger() {
    let id = |text: &str| {
        load::load_text("flow.yaml", text)
            .workflows()
            .next()
            .unwrap()
            .header
            .id
            .to_string()
    };
    let actions = "  actions: [{ kind: EndWorkflow }]\n";
    let trigger = format!("kind: workflow\ntrigger:\n  kind: OnConversationStart\n  id: start\n{actions}");
    assert_eq!(id(&trigger), "start");
    assert_eq!(id(&format!("{trigger}id: \"\"\nname: my-flow\n")), "my-flow");
    assert_eq!(id(&format!("{trigger}id: own\nname: my-flow\n")), "own");
    let folder = Folder::new(&[("order-triage.workflow.yaml", &trigger)]);
    let loaded = load::load(&[folder.path()]);
    assert_eq!(&*loaded.workflows().next().unwrap().header.id, "order-triage");
}

#[test]
fn what_the_root_lacks_is_told() {
    let no_id = "kind: workflow\ntrigger:\n  kind: OnConversationStart\n  actions: []\n";
    assert!(
        findings(no_id)
            .iter()
            .any(|finding| finding.code.name() == "missing-key")
    );
    let no_actions = "kind: workflow\ntrigger: { kind: OnConversationStart, id: a }\n";
    assert!(
        findings(no_actions)
            .iter()
            .any(|finding| finding.message.contains("`actions`"))
    );
}

#[test]
fn every_action_stands_on_its_page() {
    let page = std::fs::read_to_string("docs/foundry.md").unwrap();
    let table = page
        .split("<!-- actions -->")
        .nth(1)
        .and_then(|rest| rest.split("<!-- end -->").next())
        .unwrap();
    for (names, _) in interpret::language::actions() {
        for name in names {
            assert!(table.contains(&format!("`{name}`")), "{name}");
        }
    }
}
