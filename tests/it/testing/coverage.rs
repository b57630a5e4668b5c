//! What cases cover, and how it is told.

use std::collections::BTreeMap;
use std::path::Path;

use interpret::load;
use interpret::testing::{self, Coverage, Mode};

use super::{Folder, results, suites};

const PARTS: &str = "\
kind: Workflow
id: parts
inputSchema: { type: object, properties: { n: { type: number } } }
permissions: { http: ['*.example.com'] }
steps:
  - kind: andWhen
    id: big
    condition: =input.n > 10
    set: { n: 10 }
  - kind: andTry
    id: try
    steps:
      - { kind: andThen, id: fetch, http: { url: https://a.example.com/ } }
    catch:
      - on: [http.status]
        set: { n: 0 }
    finally:
      - { kind: andThen, id: tidy, set: 1 }
  - kind: andRace
    id: race
    steps:
      left: { kind: andThen, id: left, http: { url: https://l.example.com/ } }
      right: { kind: andThen, id: right, http: { url: https://r.example.com/ } }
  - kind: andThen
    id: stop
    end: { when: =input.n == 3 }
  - kind: andThen
    id: last
    set: { done: true }
";

const CASES: &str = "\
kind: WorkflowTest
workflow: parts
mocks: { fetch: { output: 1 }, left: { output: 1, after: 1s }, right: { output: 2, after: 2s } }
cases:
  - { name: small, input: { n: 1 } }
";

const MORE: &str = "
  - { name: big, input: { n: 11 }, mocks: { left: { output: 1, after: 3s } } }
  - { name: ends, input: { n: 3 }, mocks: { fetch: { error: { code: http.status } } } }
";

#[test]
fn what_the_cases_leave_out_is_shown_with_its_line() {
    let folder = Folder::new(&[("parts.yaml", PARTS), ("parts.test.yaml", CASES)]);
    let ended = folder.test(&["--coverage"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let (_, shown) = ended.err.split_once("coverage:\n").unwrap();
    assert_eq!(
        shown,
        "\
  66.6 %  parts.yaml (parts)
          parts.yaml:8: big: `input.n > 10` was never true
          parts.yaml:16: try: its `catch` of http.status was never entered
          parts.yaml:16: try/catch.0: never ran
          parts.yaml:23: race: the branch `right` never won
          parts.yaml:26: stop: `input.n == 3` was never true
66.6 %  in all: 12 of 18
"
    );
    folder.write("parts.test.yaml", &(CASES.to_owned() + MORE.trim_start_matches('\n')));
    let ended = folder.test(&["--coverage"]);
    assert!(
        ended
            .err
            .ends_with("coverage:\n 100 %  parts.yaml (parts)\n 100 %  in all: 18 of 18\n"),
        "{}",
        ended.err
    );
}

#[test]
fn too_little_is_a_failure() {
    let folder = Folder::new(&[("parts.yaml", PARTS), ("parts.test.yaml", CASES)]);
    assert_eq!(folder.test(&["--fail-under", "66"]).code, Some(0));
    let ended = folder.test(&["--fail-under", "67%"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .err
            .contains("% is covered, which is less than 67 % (--fail-under)"),
        "{}",
        ended.err
    );
    assert_eq!(folder.test(&["--fail-under", "101"]).code, Some(2));
}

#[test]
fn a_workflow_without_tests_counts() {
    let folder = Folder::new(&[
        ("parts.yaml", PARTS),
        ("parts.test.yaml", CASES),
        (
            "other.yaml",
            "kind: Workflow\nid: other\nsteps:\n  - { kind: andThen, id: one, set: 1 }\n",
        ),
    ]);
    let ended = folder.test(&["--coverage-format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&told["covered"], &told["all"]), (&12.into(), &19.into()));
    assert_eq!(told["workflows"][0]["workflow"], "other");
    assert_eq!(told["workflows"][0]["uncovered"][0]["message"], "never ran");
    assert_eq!(told["workflows"][1]["uncovered"][0]["what"], "condition-true");
    assert_eq!(told["workflows"][1]["uncovered"][0]["line"], 8);
    // Only what was asked for: the tests of one workflow.
    let ended = folder.test(&["parts.yaml", "--coverage-format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(told["all"], 18);
    assert_eq!(
        folder.test(&["--format", "json", "--coverage-format", "json"]).code,
        Some(2)
    );
}

#[test]
fn lcov_names_lines_and_branches() {
    let folder = Folder::new(&[("parts.yaml", PARTS), ("parts.test.yaml", CASES)]);
    let ended = folder.test(&["--coverage-format", "lcov", "--coverage-out", "lcov.info"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let text = folder.read("lcov.info");
    let mut lines = BTreeMap::new();
    let mut branches = Vec::new();
    let mut totals = BTreeMap::new();
    for line in text.lines() {
        let (key, rest) = line.split_once(':').unwrap_or((line, ""));
        let numbers: Vec<&str> = rest.split(',').collect();
        match key {
            "TN" | "end_of_record" => {}
            "SF" => assert_eq!(rest, "parts.yaml"),
            "DA" => drop(lines.insert(numbers[0].parse::<u32>().unwrap(), numbers[1].parse::<u32>().unwrap())),
            "BRDA" => branches.push((numbers[0].parse::<u32>().unwrap(), numbers[3].to_owned())),
            "LF" | "LH" | "BRF" | "BRH" => drop(totals.insert(key.to_owned(), rest.parse::<usize>().unwrap())),
            other => panic!("{other}"),
        }
    }
    assert_eq!(totals["LF"], lines.len());
    assert_eq!(totals["LH"], lines.values().filter(|hits| **hits > 0).count());
    assert_eq!(totals["BRF"], branches.len());
    assert_eq!(
        totals["BRH"],
        branches
            .iter()
            .filter(|(_, taken)| taken != "-" && taken != "0")
            .count()
    );
    // The step that was skipped, its condition, the handler, the step behind.
    assert_eq!((lines[&6], lines[&8], lines[&16], lines[&27]), (0, 1, 0, 1));
    assert!(
        branches.contains(&(8, "0".to_owned())) && branches.contains(&(8, "1".to_owned())),
        "{branches:?}"
    );
    assert!(
        branches.iter().all(|(line, _)| lines.contains_key(line)),
        "a branch needs a line: {text}"
    );
}

/// Of examples, what would be missing without some of their cases.
#[test]
fn every_kind_of_gap_in_the_examples_is_found() {
    let workflows = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    let missing = |workflow: &str, left_out: &[&str]| -> Vec<String> {
        let mut suites = suites(&workflows);
        suites.retain(|suite| *suite.program.main().header.id == *workflow);
        for suite in &mut suites {
            let before = suite.cases.len();
            suite.cases.retain(|case| !left_out.contains(&&*case.name));
            assert_eq!(before - suite.cases.len(), left_out.len(), "{workflow}: {left_out:?}");
        }
        let loaded = load::load_tests(&[&workflows]);
        let results = results(&suites, Mode::Check, 1);
        let graphs = loaded
            .workflows()
            .map(|graph| &**graph)
            .filter(|graph| *graph.header.id == *workflow);
        let played = results.iter().map(|result| &result.played);
        let coverage = Coverage::new(graphs, played, &loaded.sources);
        let told = |spot: &testing::Spot| format!("{}: {}", spot.step, spot.missing);
        coverage.workflows[0].missing().map(told).collect()
    };
    assert_eq!(
        missing("mirrors", &["asia is first"]),
        ["fastest: the branch `asia` never won"]
    );
    assert_eq!(
        missing("mirrors", &["no mirror", "too slow"]),
        [
            "fastest: its `catch` of race.failed, timeout was never entered",
            "fastest/catch.0: never ran"
        ]
    );
    let approval = [
        "a large order waits",
        "approved",
        "rejected",
        "cancelled by the customer",
    ];
    assert_eq!(
        missing("order-approval", &approval),
        ["manager-approval: `input.amount > 1000` was never true"]
    );
    assert_eq!(
        missing("charge-card", &["not allowed"]),
        ["charge: `error.data.status == 402` was never false"]
    );
}

#[test]
fn the_examples_are_covered() {
    let workflows = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    let loaded = load::load_tests(&[&workflows]);
    let (suites, _) = testing::read(&loaded);
    let results = results(&suites, Mode::Check, 2);
    let graphs = loaded.workflows().map(|graph| &**graph);
    let coverage = Coverage::new(graphs, results.iter().map(|result| &result.played), &loaded.sources);
    let missing: Vec<_> = coverage
        .workflows
        .iter()
        .flat_map(|covered| covered.missing())
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(coverage.workflows.len() >= 16);
}
