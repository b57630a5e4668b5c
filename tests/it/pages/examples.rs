//! Every example runs and gives what the page shows.
//!
//! The line before a block says by its first word what the block is: `Input`, `Context`, `Variables` (of the environment),
//! `Mocks`; `Answer`, the answers to waits by step; `Event`, events by name; then `Result`, `Error` (of which the keys that
//! stand there have to agree), `Waits` (a list of steps) or `Trace`. A YAML block that begins with `kind:` is the workflow
//! of what follows it. An `Input`, `Context`, `Variables` or `Mocks` behind an outcome begins another run.

use std::path::Path;

use interpret::data::Data;
use interpret::language;
use interpret::run::RunEnd;

use super::markdown::{Block, blocks, codes, outside_blocks};
use super::play::{Act, Came, Given, load, play, value};
use super::{pages, read};

/// Pages whose YAML and JSON is run, below `docs/`.
fn runs(path: &Path) -> bool {
    let named = [
        "docs/expressions.md",
        "docs/data-flow.md",
        "docs/documents.md",
        "docs/foundry.md",
    ];
    path.starts_with("docs/steps") || path.starts_with("docs/units") || named.iter().any(|name| path == Path::new(name))
}

/// What the examples of a page have come to: how many outcomes were compared.
fn check(path: &Path) -> usize {
    let page = read(path);
    let mut workflow: Option<Block> = None;
    let mut given = Given::default();
    // The run whose outcomes are being looked at, and whether it was left waiting.
    let mut came: Option<(Came, bool)> = None;
    let mut compared = 0;
    for block in blocks(&page) {
        let place = format!("{}:{}", path.display(), block.line);
        let word = block
            .label
            .split(|letter: char| !letter.is_alphabetic())
            .next()
            .unwrap_or_default();
        // What the rows of a table are evaluated on, see `builtins`.
        if block.label.starts_with("The `input`") {
            continue;
        }
        if ["text", "sh", "console", "rust", "diff"].contains(&&*block.language) && word != "Trace" {
            continue;
        }
        if block.text.starts_with("kind: ") {
            load(&place, &block.text);
            (workflow, given, came) = (Some(block), Given::default(), None);
            continue;
        }
        if ["Input", "Context", "Variables", "Mocks", "Answer", "Event"].contains(&word) && came.take().is_some() {
            given = Given::default();
        }
        let data = || value(&place, &block.text);
        let acts = |act: fn(String, Data) -> Act| {
            let Data::Map(map) = data() else {
                panic!("{place}: an object is needed")
            };
            Vec::from_iter(map.iter().map(|(name, data)| act(name.to_string(), data.clone())))
        };
        match word {
            "Input" => given.input = data(),
            "Context" => given.context = data(),
            "Variables" => given.env = data(),
            "Mocks" => given.mocks = data(),
            "Answer" => given.acts.extend(acts(Act::Answer)),
            "Event" => given.acts.extend(acts(Act::Event)),
            "Result" | "Error" | "Waits" | "Trace" | "Cancelled" => {
                let workflow = workflow
                    .as_ref()
                    .unwrap_or_else(|| panic!("{place}: no workflow stands before it"));
                let wait = word == "Waits";
                if !came
                    .as_ref()
                    .is_some_and(|(_, waits)| *waits == wait || word == "Trace")
                {
                    let loaded = load(&place, &workflow.text);
                    came = Some((play(&place, &loaded, &given, wait), wait));
                }
                let Some((came, _)) = &came else { continue };
                compare(&place, word, &block.text, came);
                compared += 1;
            }
            _ => panic!("{place}: `{}` does not say what this block is", block.label),
        }
    }
    compared
}

#[track_caller]
fn compare(place: &str, word: &str, shown: &str, came: &Came) {
    match (word, &came.end) {
        ("Result", Some(RunEnd::Completed(result))) => assert_eq!(*result, value(place, shown), "{place}"),
        ("Error", Some(RunEnd::Failed(failure))) => {
            let Data::Map(shown) = value(place, shown) else {
                panic!("{place}: an object is needed")
            };
            let is: Data = serde_json::from_value(serde_json::to_value(failure).unwrap()).unwrap();
            for (key, value) in shown.iter() {
                assert_eq!(is.get(key), Some(value), "{place}: {key}");
            }
        }
        ("Cancelled", Some(RunEnd::Cancelled(reason))) => {
            let reason = reason
                .as_ref()
                .map_or(Data::Null, |reason| Data::from(reason.to_string()));
            assert_eq!(reason, value(place, shown), "{place}");
        }
        ("Waits", None) => {
            let waits: Data = came
                .waits
                .iter()
                .map(|step| Data::from(step.as_str()))
                .collect::<Vec<_>>()
                .into();
            assert_eq!(waits, value(place, shown), "{place}");
        }
        ("Trace", _) => assert_eq!(came.trace.trim_end(), shown.trim_end(), "{place}"),
        _ => panic!("{place}: {:?} waits {:?}", came.end, came.waits),
    }
}

#[test]
fn every_example_gives_what_the_page_shows() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for path in pages().iter().filter(|path| runs(path)) {
        match std::panic::catch_unwind(|| check(path)) {
            Ok(count) => compared += count,
            Err(_) => wrong.push(path.clone()),
        }
    }
    assert!(wrong.is_empty(), "see above: {wrong:?}");
    assert!(compared > 60, "the examples were not found: {compared}");
}

#[test]
fn every_kind_and_unit_has_a_page_with_an_example() {
    let kinds = language::step_kinds().map(|(name, _)| ("steps", name));
    // Other names of `andAgent` and `andWorkflow`.
    let kinds = kinds.filter(|(_, name)| !["agent", "workflow"].contains(name));
    let units = language::units().map(|(name, _)| ("units", name));
    let mut expected = Vec::new();
    for (folder, name) in kinds.chain(units) {
        let path = format!("docs/{folder}/{name}.md");
        let page = read(&path);
        assert!(page.starts_with(&format!("# `{name}`\n\n")), "{path} has another title");
        for heading in ["Keys", "When", "Errors", "Watch out"] {
            assert!(
                page.contains(&format!("\n## {heading}")),
                "{path} says nothing of: {heading}"
            );
        }
        assert!(check(Path::new(&path)) > 0, "{path} has no example");
        expected.push(path);
    }
    for path in pages() {
        let of_list = path.starts_with("docs/steps") || path.starts_with("docs/units");
        let known = expected.iter().any(|page| path == Path::new(page)) || path.ends_with("README.md");
        assert!(!of_list || known, "{} is about nothing", path.display());
    }
}

#[test]
fn every_code_that_a_page_names_exists() {
    let known: Vec<&str> = interpret::run::FAILURE_CODES.iter().map(|(code, _)| *code).collect();
    let groups: Vec<&str> = known.iter().filter_map(|code| Some(code.split_once('.')?.0)).collect();
    let mut named = 0;
    for path in pages().iter().filter(|path| runs(path)) {
        let page = outside_blocks(&read(path));
        for code in codes(&page) {
            let Some((group, rest)) = code.split_once('.') else {
                continue;
            };
            if groups.contains(&group) && !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphabetic()) {
                assert!(known.contains(&code), "{}: `{code}`", path.display());
                named += 1;
            }
        }
    }
    assert!(named > 30, "the codes were not found: {named}");
}
