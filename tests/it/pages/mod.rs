//! The pages in `docs/`: what they show is what happens, nothing is left out, and no link is dead.
//!
//! What is generated stands between `<!-- … -->` marks and is compared; `INSTA_UPDATE=always` writes it anew.

mod builtins;
mod command_line;
mod examples;
mod keys;
mod links;
pub mod markdown;
mod play;
mod triggers;
mod tutorial;

use std::path::{Path, PathBuf};

/// Every page below `docs/`, and those at the root.
fn pages() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .map(PathBuf::from)
        .into();
    below(Path::new("docs"), &mut found);
    found.sort();
    found
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.replace("\r\n", "\n")
}

/// Whether generated parts are written instead of compared.
fn updates() -> bool {
    std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always")
}

/// Compares a page with what it is to be, or makes it that.
#[track_caller]
fn keep(path: &Path, expected: &str) {
    if updates() {
        std::fs::write(path, expected).unwrap();
    }
    let is = read(path);
    let differs = is.lines().zip(expected.lines()).find(|(is, expected)| is != expected);
    assert!(
        is == expected,
        "{} is not what the program says: {differs:?}\nINSTA_UPDATE=always cargo test --test it pages writes it anew",
        path.display()
    );
}

/// Gives each marked part of a page anew, by its name: `<!-- NAME -->` to `<!-- end -->`.
fn regenerate(page: &str, mut part: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some((before, behind)) = rest.split_once("<!-- ") {
        let (name, behind) = behind.split_once(" -->").expect("a mark is closed");
        out += before;
        out += &format!("<!-- {name} -->");
        rest = behind;
        let Some(text) = part(name) else { continue };
        let (_, behind) = rest
            .split_once("<!-- end -->")
            .unwrap_or_else(|| panic!("`{name}` has no end"));
        out += &format!("\n\n{text}\n<!-- end -->");
        rest = behind;
    }
    out + rest
}
