//! The pages about codes, `docs/errors/`: their examples do what they say, and none is missing.

use std::collections::BTreeSet;
use std::path::Path;

use interpret::diagnostic::{Code, render};
use interpret::load;
use interpret::run::FAILURE_CODES;

/// Codes whose example is no text of a file.
const WITHOUT_EXAMPLE: [Code; 3] = [Code::Unreadable, Code::NotUtf8, Code::NoWorkflows];

const INDEX: &str = "docs/errors/README.md";

/// The first YAML block below a heading.
fn example<'p>(page: &'p str, heading: &str) -> Option<&'p str> {
    let (_, behind) = page.split_once(&format!("\n## {heading}\n"))?;
    let (_, block) = behind.split_once("```yaml\n")?;
    Some(block.split("```").next().unwrap())
}

#[test]
fn the_examples_of_every_code_fail_and_succeed_as_they_should() {
    for code in Code::ALL {
        let page = code.page();
        assert!(page.starts_with(&format!("# `{code}`\n\n")), "{code}");
        let examples = example(page, "Wrong").zip(example(page, "Right"));
        assert_eq!(examples.is_none(), WITHOUT_EXAMPLE.contains(code), "{code}");
        let Some((wrong, right)) = examples else { continue };
        let loaded = load::load_text("wrong.yaml", wrong);
        let shown = render::text::render(&loaded.diagnostics, &loaded.sources, false);
        assert!(
            !loaded.diagnostics.is_empty(),
            "nothing is found in the example of {code}"
        );
        let only = loaded.diagnostics.iter().all(|finding| finding.code == *code);
        assert!(only, "{code}:\n{shown}");
        let loaded = load::load_text("right.yaml", right);
        let shown = render::text::render(&loaded.diagnostics, &loaded.sources, false);
        assert!(loaded.diagnostics.is_empty(), "{code}:\n{shown}");
    }
}

/// The index is what the tables of the program say; `INSTA_UPDATE=always` writes it anew.
#[test]
fn the_index_lists_every_code() {
    let mut index = String::from(
        "# Errors\n\nEvery finding and every error of a run has a stable code, which never changes its meaning.\n\
         `interpret validate --explain CODE` prints what stands here.\n\n\
         ## Findings in files\n\n| code | what it is |\n| --- | --- |\n",
    );
    for code in Code::ALL {
        let summary = code.summary().replace('\n', " ").replace("  ", " ").replace('|', "\\|");
        index += &format!("| [`{code}`]({code}.md) | {summary} |\n");
    }
    index += "\n## Errors of a run\n\nWhat `catch` finds in `error.code`, and `on` selects. MCP servers (`mcp.*`) and `fail` add codes of\n\
              their own.\n\n| code | when |\n| --- | --- |\n";
    for (code, meaning) in FAILURE_CODES {
        index += &format!("| `{code}` | {meaning} |\n");
    }
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        std::fs::write(INDEX, &index).unwrap();
    }
    assert_eq!(std::fs::read_to_string(INDEX).unwrap_or_default(), index);
}

#[test]
fn every_page_belongs_to_a_code() {
    let files = std::fs::read_dir("docs/errors").unwrap();
    let files = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages: BTreeSet<String> = files.filter(|name| name != "README.md").collect();
    let codes: BTreeSet<String> = Code::ALL.iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(pages, codes);
}

/// The groups that codes of runs with a dot belong to; other dotted texts in the source are paths and hosts.
const GROUPS: [&str; 14] = [
    "expression",
    "schema",
    "http",
    "exec",
    "function",
    "permission",
    "secret",
    "suspend",
    "loop",
    "race",
    "guardrail",
    "workflow",
    "mcp",
    "agent",
];

#[test]
fn the_table_of_codes_of_runs_is_that_of_the_source() {
    let known: BTreeSet<&str> = FAILURE_CODES.iter().map(|(code, _)| *code).collect();
    assert_eq!(known.len(), FAILURE_CODES.len(), "a code stands twice");
    let mut raised: BTreeSet<String> = BTreeSet::new();
    for folder in [
        "run", "provider", "drive", "store", "permit", "secret", "expr", "language",
    ] {
        texts(&Path::new("src").join(folder), &mut raised);
    }
    let dotted = |text: &&String| {
        let (group, rest) = text.split_once('.').unwrap_or_default();
        GROUPS.contains(&group) && !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    for code in raised.iter().filter(dotted) {
        assert!(known.contains(code.as_str()), "`{code}` is not in FAILURE_CODES");
    }
    for code in &known {
        assert!(raised.contains(*code), "nothing raises `{code}`");
    }
}

/// The texts between quotes in the sources of a folder, without tests and the table itself.
fn texts(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            texts(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" && !path.ends_with("run/code.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            found.extend(text.split('"').skip(1).map(str::to_owned));
        }
    }
}
