//! Checks on the source tree itself: who imports whom, as the table in `docs/architecture.md` has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

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
    let table = architecture("Modules");
    let allowed = allowed(&table);
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

/// Each module with the modules it may name, as the table tells. Modules that are not listed do not exist.
fn allowed(table: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split('|').map(str::trim).collect()).collect();
    let name = |cells: &Vec<&'_ str>| cells[1].trim_matches('`').to_owned();
    let all: Vec<String> = rows.iter().map(name).collect();
    let mut allowed = BTreeMap::new();
    for cells in &rows {
        let module = cells[1].trim_matches('`');
        let others = match cells[3] {
            "everything" => rows.iter().map(|cells| cells[1].trim_matches('`')).collect(),
            others => quoted(others),
        };
        let unknown: Vec<_> = others
            .iter()
            .filter(|other| !all.contains(&(**other).to_owned()))
            .collect();
        assert!(
            unknown.is_empty(),
            "`{module}` may import what is not there: {unknown:?}"
        );
        allowed.insert(module, others);
    }
    assert!(allowed.len() > 15, "the table was not found");
    allowed
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
