//! Files with mistakes (`tests/defects/`): each says itself what is found in it, and on which line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use interpret::diagnostic::{self, Code, Diagnostic, Severity, render};
use interpret::load::{self, Loaded};

/// Codes of which no file can be an example.
const WITHOUT_A_FILE: [(Code, &str); 2] = [
    (Code::Unreadable, "the file would have to be missing"),
    (Code::NoWorkflows, "it is about a folder without files"),
];

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("tests/defects").unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 60, "{} files", files.len());
    files
}

/// The lines `# expect: LINE [warning] CODE`.
fn expected(path: &Path) -> BTreeSet<String> {
    let bytes = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().filter_map(|line| line.strip_prefix("# expect: "));
    lines.map(|line| line.trim().to_owned()).collect()
}

fn found(loaded: &Loaded) -> BTreeSet<String> {
    loaded.diagnostics.iter().map(|finding| line(finding, loaded)).collect()
}

fn line(finding: &Diagnostic, loaded: &Loaded) -> String {
    let span = finding.span.expect("it is about a place");
    let line = loaded.sources.file(span.file).line_column(span.start).line;
    match finding.severity {
        Severity::Error => format!("{line} {}", finding.code),
        Severity::Warning => format!("{line} warning {}", finding.code),
    }
}

fn shown(loaded: &Loaded) -> String {
    render::text::render(&loaded.diagnostics, &loaded.sources, false)
}

#[test]
fn every_defect_is_found_at_its_line() {
    let mut faults = String::new();
    for path in files() {
        let loaded = load::load(&[&path]);
        let (expected, found) = (expected(&path), found(&loaded));
        assert!(!expected.is_empty(), "{} expects nothing", path.display());
        if expected != found || loaded.diagnostics.len() != found.len() {
            faults += &format!("== {}: {found:?}\n{}\n", path.display(), shown(&loaded));
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn every_code_has_a_defect() {
    let all: BTreeSet<String> = files().iter().flat_map(|path| expected(path)).collect();
    let codes: BTreeSet<&str> = all.iter().filter_map(|line| line.split(' ').next_back()).collect();
    for code in Code::ALL {
        let excused = WITHOUT_A_FILE.iter().any(|(excused, _)| excused == code);
        assert_ne!(codes.contains(code.name()), excused, "{code}");
    }
}

/// What is said about each says what to do, too.
#[test]
fn every_defect_says_what_to_write() {
    for path in files() {
        let loaded = load::load(&[&path]);
        for finding in &loaded.diagnostics {
            let tells = ["did you mean", "expected ", " wants "];
            let told = tells.iter().any(|words| finding.message.contains(words));
            let says = told || !finding.help.is_empty() || !finding.labels.is_empty();
            assert!(says, "{}:\n{}", path.display(), shown(&loaded));
        }
    }
}

#[test]
fn a_fix_mends_its_finding_and_makes_no_other() {
    let mut fixes = 0;
    for path in files() {
        let loaded = load::load(&[&path]);
        for finding in &loaded.diagnostics {
            let Some(edit) = finding.fixes.first() else { continue };
            let text = loaded.sources.file(edit.span.file).text();
            let (mended, count) = diagnostic::apply(text, &finding.fixes);
            assert_eq!(count, finding.fixes.len());
            let again = load::load_text(&path.display().to_string(), &mended);
            let same =
                |other: &&Diagnostic| other.message == finding.message && line(other, &again) == line(finding, &loaded);
            let left = again.diagnostics.iter().find(same);
            assert_eq!(left, None, "{}:\n{mended}", path.display());
            assert!(
                again.diagnostics.len() < loaded.diagnostics.len(),
                "{}:\n{mended}\n{}",
                path.display(),
                shown(&again)
            );
            fixes += 1;
        }
    }
    assert!(fixes >= 25, "only {fixes} findings have a fix");
}

/// What looks like a fix but may not be applied unseen.
#[test]
fn what_is_not_certain_has_no_fix() {
    for name in [
        "if-instead-of-condition",
        "if-in-and-when",
        "duplicate-id",
        "duplicate-key",
        "list-as-condition",
        "not-finite",
        "unclosed-quote",
        "unit-as-kind",
        "stored-secret",
    ] {
        let loaded = load::load(&[format!("tests/defects/{name}.yaml")]);
        for finding in &loaded.diagnostics {
            assert_eq!(finding.fixes, [], "{name}");
        }
    }
}
