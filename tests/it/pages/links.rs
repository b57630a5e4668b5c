//! Links between pages, and to files, lead somewhere.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::markdown::outside_blocks;
use super::{pages, read};

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let mut text = String::new();
    for letter in heading.trim().to_lowercase().chars() {
        match letter {
            ' ' => text.push('-'),
            letter if letter.is_alphanumeric() || "-_".contains(letter) => text.push(letter),
            _ => {}
        }
    }
    text
}

fn anchors(page: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let outside = outside_blocks(page);
    let headings = outside.lines().filter(|line| line.starts_with('#'));
    let mut number = |heading: &str| {
        let anchor = anchor(heading.trim_start_matches('#'));
        let count = seen.entry(anchor.clone()).or_default();
        *count += 1;
        if *count == 1 {
            anchor
        } else {
            format!("{anchor}-{}", *count - 1)
        }
    };
    headings.map(&mut number).collect()
}

/// The targets of the links of a page: `[text](target)`.
fn targets(page: &str) -> Vec<String> {
    let outside = outside_blocks(page);
    // What stands between backquotes is no link.
    let plain: String = outside.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let behind = plain.split("](").skip(1);
    behind
        .filter_map(|behind| Some(behind.split_once(')')?.0.to_owned()))
        .collect()
}

/// A path without `..` and `.`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(out.pop(), "{} leads out of the repository", path.display()),
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[test]
fn no_link_is_dead() {
    let mut checked = 0;
    for page in pages() {
        let folder = page.parent().unwrap();
        for target in targets(&read(&page)) {
            if target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if path.is_empty() {
                page.clone()
            } else {
                plain(&folder.join(path))
            };
            assert!(file.exists(), "{}: {target} leads nowhere", page.display());
            if !anchor.is_empty() && file.extension().is_some_and(|extension| extension == "md") {
                let known = anchors(&read(&file));
                assert!(
                    known.iter().any(|known| known == anchor),
                    "{}: {target}: {known:?}",
                    page.display()
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 150, "the links were not found: {checked}");
}

#[test]
fn the_index_names_every_page() {
    let index: Vec<PathBuf> = targets(&read("docs/README.md"))
        .iter()
        .map(|target| plain(&Path::new("docs").join(target)))
        .collect();
    for page in pages() {
        let below = ["steps", "units", "errors", "decisions"]
            .iter()
            .any(|folder| page.starts_with(format!("docs/{folder}")));
        let named = index.contains(&page) || page == Path::new("docs/README.md") || !page.starts_with("docs");
        assert!(named || below, "docs/README.md does not name {}", page.display());
    }
    for folder in ["steps", "units"] {
        let index = read(format!("docs/{folder}/README.md"));
        for page in pages().iter().filter(|page| page.starts_with(format!("docs/{folder}"))) {
            let name = page.file_name().unwrap().to_str().unwrap();
            assert!(
                name == "README.md" || index.contains(&format!("({name})")),
                "{name} in {folder}"
            );
        }
    }
}

#[test]
fn anchors_are_those_of_github() {
    assert_eq!(
        anchors("# A `b`: c-d, e\n\n## A `b`: c-d, e\n"),
        ["a-b-c-d-e", "a-b-c-d-e-1"]
    );
}
