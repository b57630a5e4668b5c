//! Checks on the source tree itself: who imports whom, as the table in `docs/architecture.md` has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with the modules it may name. Modules that are not listed here do not exist.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("diagnostic", &["source"]),
    ("data", &[]),
    ("yaml", &["source", "diagnostic", "data"]),
    ("expr", &["source", "diagnostic", "data"]),
    ("contract", &["source", "diagnostic", "data", "yaml"]),
    ("graph", &["source", "diagnostic", "data", "expr", "contract"]),
    (
        "language",
        &["source", "diagnostic", "data", "yaml", "expr", "contract", "graph"],
    ),
    (
        "load",
        &[
            "source",
            "diagnostic",
            "data",
            "yaml",
            "expr",
            "contract",
            "graph",
            "language",
        ],
    ),
    ("run", &["diagnostic", "data", "expr", "contract", "graph"]),
    ("permit", &["data", "graph"]),
    ("secret", &["data", "permit"]),
    ("store", &["data", "graph", "run"]),
    ("clock", &["graph"]),
    (
        "provider",
        &[
            "source",
            "diagnostic",
            "data",
            "yaml",
            "expr",
            "contract",
            "graph",
            "run",
            "permit",
            "secret",
            "clock",
        ],
    ),
    (
        "drive",
        &["data", "graph", "run", "permit", "store", "clock", "provider"],
    ),
    (
        "testing",
        &[
            "source",
            "diagnostic",
            "data",
            "yaml",
            "expr",
            "contract",
            "graph",
            "load",
            "run",
            "provider",
        ],
    ),
    (
        "lsp",
        &[
            "source",
            "diagnostic",
            "data",
            "yaml",
            "expr",
            "contract",
            "graph",
            "language",
            "load",
            "run",
            "testing",
        ],
    ),
    (
        "serve",
        &[
            "source",
            "diagnostic",
            "data",
            "yaml",
            "graph",
            "contract",
            "load",
            "run",
            "permit",
            "store",
            "drive",
        ],
    ),
    (
        "cli",
        &[
            "source",
            "diagnostic",
            "data",
            "yaml",
            "expr",
            "contract",
            "graph",
            "language",
            "load",
            "lsp",
            "run",
            "permit",
            "secret",
            "store",
            "clock",
            "provider",
            "drive",
            "testing",
            "serve",
        ],
    ),
];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a text names behind `crate::`, comments and tests left out.
fn imported(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut names = BTreeSet::new();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for behind in line.split("crate::").skip(1) {
            let name: String = behind
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                .collect();
            if !name.is_empty() {
                names.insert(name);
            }
        }
        assert!(
            !line.contains("use crate::{"),
            "name one module per `use`, so that imports can be checked: {line}"
        );
    }
    names
}

#[test]
fn modules_import_only_what_the_architecture_allows() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let allowed: BTreeMap<&str, BTreeSet<&str>> = MAY_IMPORT
        .iter()
        .map(|(module, others)| (*module, others.iter().copied().collect()))
        .collect();
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    assert!(files.len() > 20, "the source files were not found");
    let mut faults = Vec::new();
    for file in files {
        let path = file.strip_prefix(&source).unwrap();
        let module = path
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs");
        // Test modules in files of their own may build what they need.
        let is_test = path
            .components()
            .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")));
        if module == "lib" || module == "main" || is_test {
            continue;
        }
        let Some(others) = allowed.get(module) else {
            faults.push(format!("{}: the module `{module}` is not in the table", path.display()));
            continue;
        };
        for name in imported(&fs::read_to_string(&file).unwrap()) {
            if name != module && !others.contains(name.as_str()) && name != "data" {
                faults.push(format!("{}: `{module}` must not import `{name}`", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The text of `docs/architecture.md`, from a heading to the next.
fn architecture(heading: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md")).unwrap();
    let (_, behind) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    behind.split("\n## ").next().unwrap().to_owned()
}

/// What stands between backticks.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_table_of_modules_is_that_of_the_code() {
    let text = architecture("Modules");
    let all: BTreeSet<&str> = MAY_IMPORT.iter().map(|(module, _)| *module).collect();
    let mut told = BTreeMap::new();
    for row in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let module = cells[1].trim_matches('`');
        let others = match cells[3] {
            "everything" => all.iter().copied().filter(|other| *other != module).collect(),
            others => quoted(others),
        };
        told.insert(module, others);
    }
    let allowed: BTreeMap<&str, BTreeSet<&str>> = MAY_IMPORT
        .iter()
        .map(|(module, others)| (*module, others.iter().copied().collect()))
        .collect();
    assert_eq!(told, allowed);
}

#[test]
fn every_test_that_the_architecture_names_exists() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let text = architecture("Invariants");
    let invariants: Vec<&str> = text.split("\n- ").skip(1).collect();
    assert!(invariants.len() > 10, "the invariants were not found");
    for invariant in invariants {
        let links: Vec<(&str, &str)> = invariant
            .split("[`")
            .skip(1)
            .filter_map(|link| link.split_once(')')?.0.split_once("`]("))
            .collect();
        assert!(!links.is_empty(), "no test is named: {invariant}");
        for (name, path) in links {
            let text = fs::read_to_string(docs.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            // Tests of properties have no attribute of their own, but stand in `proptest!`.
            assert!(text.contains(&format!("fn {name}(")), "{path} has no test `{name}`");
        }
    }
}

#[test]
fn a_forbidden_import_is_noticed() {
    assert!(imported("use crate::language::native;").contains("language"));
    assert!(imported("    let x = crate::yaml::parse(a);").contains("yaml"));
    assert!(!imported("// crate::yaml is not used here").contains("yaml"));
}
