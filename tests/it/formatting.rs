//! `yaml::format` on real files, in whatever way they are indented.

use std::path::{Path, PathBuf};

use interpret::source::Sources;
use interpret::yaml::{self, Limits};

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root.join("workflows"))
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    paths.push(root.join("src/language/native/tests/every.yaml"));
    paths.sort();
    paths
}

fn format(text: &str) -> String {
    let file = Sources::new().add("a.yaml", text);
    yaml::format(file, text).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

fn comments(text: &str) -> Vec<&str> {
    text.lines()
        .map(str::trim)
        .filter(|line| line.starts_with('#'))
        .collect()
}

#[test]
fn the_examples_are_in_their_usual_form() {
    for path in files() {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        assert_eq!(format(&text), text, "{}", path.display());
    }
}

#[test]
fn however_a_file_is_indented_its_usual_form_is_the_same() {
    let mut compared = 0;
    for path in files() {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        // Every level twice as wide, and lists that are not indented.
        let wide: String = text
            .lines()
            .map(|line| {
                let column = line.len() - line.trim_start().len();
                format!("{}{}\n", " ".repeat(column * 2), line.trim_start())
            })
            .collect();
        // Behind a dash, keys stand where the dash puts them.
        let wide = wide.replace("- ", "-   ");
        let file = Sources::new().add("a.yaml", wide.as_str());
        let (documents, findings) = yaml::parse(file, &wide, &Limits::default());
        if !findings.is_empty() || documents.is_empty() {
            continue;
        }
        let formatted = format(&wide);
        assert_eq!(comments(&formatted), comments(&wide), "{}", path.display());
        assert_eq!(format(&formatted), formatted, "{}", path.display());
        compared += 1;
    }
    assert!(compared > 10, "only {compared} files could be read");
}
