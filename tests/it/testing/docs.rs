//! The examples on the page about tests run, and its schema is that of the program.

use interpret::testing;

use super::Folder;

/// The blocks of a page in a language, each with the comment in its first line left in.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let behind = page.split(&fence).skip(1);
    behind
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_example_passes_and_the_failure_is_the_one_shown() {
    let page = std::fs::read_to_string("docs/testing.md").unwrap();
    let folder = Folder::new(&[]);
    let mut cases = 0;
    for block in blocks(&page, "yaml") {
        let name = block.strip_prefix("# ").and_then(|text| text.split_whitespace().next());
        let name = name.unwrap_or_else(|| panic!("the block does not name its file: {block}"));
        cases += block.matches("- name:").count();
        folder.write(name, &block);
    }
    assert!(cases > 5, "the examples were not found");
    let ended = folder.test(&["--accept"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains(&format!("\n{cases} passed")), "{}", ended.err);
    // The mistake of which the page shows what is said about it.
    let text = folder.read("parcel.yaml");
    let wrong = text.replace("input.weight > 20", "input.weight > 50");
    assert_ne!(text, wrong);
    folder.write("parcel.yaml", &wrong);
    let ended = folder.test(&["--filter", "heavy parcel waits"]);
    let shown = blocks(&page, "text");
    assert_eq!(ended.code, Some(1));
    assert_eq!(shown.first().map(|text| text.trim()), Some(ended.err.trim()));
}

#[test]
fn the_schema_of_test_files_is_the_one_in_the_repo() {
    let path = "schema/test.schema.json";
    let now = format!("{:#}\n", testing::schema());
    if std::env::var_os("INTERPRET_UPDATE").is_some() {
        std::fs::create_dir_all("schema").unwrap();
        std::fs::write(path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == now,
        "{path} is not that of the program; INTERPRET_UPDATE=1 writes it anew"
    );
}

#[test]
fn the_schema_accepts_the_examples() {
    let schema = interpret::contract::Schema::new(&serde_json::from_value(testing::schema()).unwrap()).unwrap();
    let mut checked = 0;
    for entry in std::fs::read_dir("workflows").unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if !name.ends_with(".test.yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let file = interpret::source::Sources::new().add(name.as_str(), text.as_str());
        let (documents, _) = interpret::yaml::parse(file, &text, &interpret::yaml::Limits::default());
        for document in documents {
            let violations = schema.validate(&document.root.data());
            assert!(violations.is_ok(), "{name}: {violations:?}");
            checked += 1;
        }
    }
    assert!(checked >= 16);
}
