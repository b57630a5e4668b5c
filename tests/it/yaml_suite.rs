//! The YAML test suite: what is not YAML must fail, what is must have the value that the suite gives as JSON.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use interpret::data::Data;
use interpret::diagnostic::{Code, Diagnostic};
use interpret::source::Sources;
use interpret::yaml::{self, Limits};

use crate::suites;

/// Cases whose result differs from the suite's, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("2JQS", "the empty key stands twice; the suite looks at syntax only"),
    (
        "ZYU8/2",
        "the parser refuses `%YAML 1.1 1.2`; the suite advises to skip the file",
    ),
];

/// Valid cases with tags that have no meaning here. They are refused, and still have the value that the suite gives.
const TAGS: &[&str] = &[
    "2XXW", "565N", "5TYM", "6CK3", "6WLZ", "7FWL", "9WXW", "C4HZ", "CC74", "CUP7", "J7PZ", "M5C3", "P76L", "UGM3",
    "Z67P", "Z9M4",
];

/// Valid cases with lists or mappings as keys, which are refused.
const KEYS: &[&str] = &[
    "4FJ6", "6BFJ", "6PBE", "9MMW", "KK5P", "LX3P", "M2N8/0", "M2N8/1", "M5DY", "Q9WF", "RZP5", "SBG9", "V9D5", "X38W",
    "XW4D",
];

#[test]
fn every_case_gives_the_expected_value() {
    let Some(folder) = suites::folder("yaml-test-suite") else {
        return;
    };
    let mut failures = Vec::new();
    let mut seen = BTreeSet::new();
    for case in cases(&folder.join("src")) {
        if let Err(failure) = check(&case) {
            failures.push(format!("{}: {failure}", case.name));
        }
        assert!(seen.insert(case.name), "case names are unique");
    }
    assert!(seen.len() > 400, "only {} cases found", seen.len());
    assert!(
        failures.is_empty(),
        "{} failures\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// One case of the suite, its visible markers decoded.
struct Case {
    name: String,
    text: String,
    fail: bool,
    json: Option<String>,
}

fn check(case: &Case) -> Result<(), String> {
    let exception = EXCEPTIONS.iter().any(|(name, _)| *name == case.name);
    match (exception, verdict(case)) {
        (true, Ok(())) => Err("is listed as an exception but gives the expected result".to_owned()),
        (true, Err(_)) => Ok(()),
        (false, result) => result,
    }
}

fn verdict(case: &Case) -> Result<(), String> {
    let (values, diagnostics) = read(&case.text);
    let codes: BTreeSet<Code> = diagnostics.iter().map(|found| found.code).collect();
    if case.fail {
        return match diagnostics.iter().any(Diagnostic::is_error) {
            true => Ok(()),
            false => Err(format!("must fail, but gives {values:?}")),
        };
    }
    let bad_keys = KEYS.contains(&case.name.as_str());
    let expected_codes = match (TAGS.contains(&case.name.as_str()), bad_keys) {
        (true, _) => BTreeSet::from([Code::UnsupportedYaml]),
        (_, true) => BTreeSet::from([Code::BadKey]),
        _ => BTreeSet::new(),
    };
    if codes != expected_codes {
        return Err(format!("expected {expected_codes:?}, found {diagnostics:?}"));
    }
    let Some(json) = case.json.as_ref().filter(|_| !bad_keys) else {
        return Ok(());
    };
    let expected: Vec<Data> = serde_json::Deserializer::from_str(json)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the suite's JSON: {error}"))?;
    match expected == values {
        true => Ok(()),
        false => Err(format!("expected {expected:?}, found {values:?}")),
    }
}

fn read(text: &str) -> (Vec<Data>, Vec<Diagnostic>) {
    let mut sources = Sources::new();
    let file = sources.add("case.yaml", text);
    let (documents, diagnostics) = yaml::parse(file, text, &Limits::default());
    (
        documents.iter().map(|document| document.root.data()).collect(),
        diagnostics,
    )
}

fn cases(folder: &Path) -> Vec<Case> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().flat_map(|path| cases_of(path)).collect()
}

fn cases_of(path: &Path) -> Vec<Case> {
    let (documents, diagnostics) = read(&fs::read_to_string(path).unwrap());
    assert_eq!(diagnostics, [], "{}", path.display());
    let stem = path.file_stem().unwrap().to_string_lossy();
    let entries = documents[0].as_list().unwrap();
    let mut cases: Vec<Case> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let text = |key: &str| entry.get(key).and_then(Data::as_str).map(str::to_owned);
        // A case that does not show its own result has that of the case before it.
        let inherited = match entry.get("tree") {
            None => cases.last().and_then(|case| case.json.clone()),
            Some(_) => None,
        };
        cases.push(Case {
            name: match entries.len() {
                1 => stem.to_string(),
                _ => format!("{stem}/{index}"),
            },
            text: visible(&text("yaml").unwrap()),
            fail: entry.get("fail").and_then(Data::as_bool).unwrap_or(false),
            json: text("json").or(inherited),
        });
    }
    cases
}

/// Replaces the suite's visible markers by what they stand for.
fn visible(text: &str) -> String {
    let markers = [
        ("␣", " "),
        ("—", ""),
        ("»", "\t"),
        ("↵", ""),
        ("∎\n", ""),
        ("←", "\r"),
        ("⇔", "\u{feff}"),
    ];
    markers
        .iter()
        .fold(text.to_owned(), |text, (marker, meaning)| text.replace(marker, meaning))
}
