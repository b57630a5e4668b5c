//! Formulas and templates of real Foundry workflows: all of them are read and evaluated.

use std::fs;
use std::path::{Path, PathBuf};

use interpret::data;
use interpret::data::Data;
use interpret::expr::powerfx::{Context, Formula, Globals, Options, Template};

/// The one formula that its authors did not close.
const BROKEN: &str = "DeepResearch.yaml";

fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("INTERPRET_SUITES")?;
    Some(PathBuf::from(root).join("samples/foundry"))
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

fn options() -> Options {
    let names = [
        "Local", "Topic", "Global", "System", "Env", "Workflow", "inputs", "turn",
    ];
    Options {
        globals: Globals::Named(names.iter().map(|name| (*name).into()).collect()),
        number_is_float: false,
    }
}

/// The scalars of a file, as far as its lines show them: plain, quoted, and those that go on in deeper lines.
fn scalars(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((key, value)) = line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, ""))) else {
            continue;
        };
        if key.trim_start().starts_with('#') {
            continue;
        }
        let value = value.trim();
        found.push(match value {
            "" | "|" | "|-" | ">" | ">-" => {
                let first = lines.get(at + 1).map_or(0, |next| indent(next));
                let inside =
                    |line: &&&str| line.trim().is_empty() || indent(line) >= first && first > indent(lines[at]);
                let block: Vec<&str> = lines[at + 1..].iter().take_while(inside).copied().collect();
                let block = block.join("\n");
                // A block of keys has scalars of its own.
                if value.is_empty() && !block.trim_start().starts_with('=') {
                    continue;
                }
                block.trim().to_owned()
            }
            _ if value.starts_with('"') => serde_json::from_str(value).unwrap_or_default(),
            _ if value.starts_with('\'') => value.trim_matches('\'').replace("''", "'"),
            _ => value.to_owned(),
        });
    }
    found
}

/// Values for what the samples read, as far as it is not blank at first.
fn values(name: &str) -> Option<Data> {
    let agents = data!([
        { "name": "WeatherAgent", "description": "Knows the weather" },
        { "name": "CoderAgent", "description": "Writes code" }
    ]);
    Some(match name {
        "Local" => data!({
            "AvailableAgents": agents,
            "TurnCount": 2,
            "TeacherResponse": [{ "Text": "Congratulations!", "Role": "Agent" }],
            "ProgressLedger": { "next_speaker": { "answer": "coder" }, "is_in_loop": { "answer": false } },
            "Tickets": [{ "Value": "a" }]
        }),
        "System" => data!({ "ConversationId": "conv_1", "LastMessage": { "Text": "exit" } }),
        _ => return None,
    })
}

fn context() -> Context<'static> {
    Context {
        globals: &values,
        now: "2026-01-02T03:04:05Z".parse().unwrap(),
        zone: jiff::tz::TimeZone::UTC,
        locale: "en-US",
        seed: 1,
    }
}

#[test]
fn every_formula_of_the_samples_is_read_and_evaluated() {
    let Some(folder) = folder() else {
        println!("skipped: the samples need INTERPRET_SUITES, the folder that holds samples/foundry");
        return;
    };
    let mut paths = Vec::new();
    below(&folder, &mut paths);
    let (mut formulas, mut templates, mut wrong) = (0, 0, Vec::new());
    for path in &paths {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for scalar in scalars(&fs::read_to_string(path).unwrap()) {
            if let Some(formula) = scalar.strip_prefix('=') {
                formulas += 1;
                match Formula::compile_with(formula, &options()) {
                    Ok(formula) => {
                        if let Err(error) = formula.evaluate(&context()) {
                            wrong.push(format!("{file}: {scalar}: {error}"));
                        }
                    }
                    Err(_) if file == BROKEN && scalar.contains("UserMessage(") => {}
                    Err(problems) => wrong.push(format!("{file}: {scalar}: {problems:?}")),
                }
            } else if scalar.contains('{') {
                let (template, _) = Template::compile(&scalar, &options());
                templates += usize::from(template.has_formulas());
                if let Err(error) = template.render(&context()) {
                    wrong.push(format!("{file}: {scalar}: {error}"));
                }
            }
        }
    }
    println!("{formulas} formulas and {templates} templates in {} files", paths.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        formulas > 150 && templates > 15,
        "{formulas} formulas, {templates} templates"
    );
}

/// What some of them come to with the values above.
#[test]
fn formulas_of_samples_give_what_they_are_for() {
    let evaluate = |formula: &str| {
        let formula = Formula::compile_with(formula, &options()).unwrap();
        formula.evaluate(&context()).unwrap()
    };
    assert_eq!(
        evaluate("Concat(ForAll(Local.AvailableAgents, $\"- \" & name & $\": \" & description), Value, \"\n\")"),
        data!("- WeatherAgent: Knows the weather\n- CoderAgent: Writes code")
    );
    assert_eq!(
        evaluate("Search(Local.AvailableAgents, Local.ProgressLedger.next_speaker.answer, name)"),
        data!([{ "name": "CoderAgent", "description": "Writes code" }])
    );
    assert_eq!(
        evaluate("!IsBlank(Find(\"CONGRATULATIONS\", Upper(MessageText(Local.TeacherResponse))))"),
        data!(true)
    );
    assert_eq!(evaluate("Local.TurnCount + 1"), data!(3));
    assert_eq!(evaluate("Local.Unset + 1"), data!(1));
    assert_eq!(evaluate("Local.Unset < 4"), data!(true));
    assert_eq!(evaluate("Upper(System.LastMessage.Text) <> \"EXIT\""), data!(false));
    assert_eq!(evaluate("Concat(\"a\", Local.TurnCount, \"!\")"), data!("a2!"));
    assert_eq!(evaluate("UserMessage(\"\")"), Data::Null);
}
