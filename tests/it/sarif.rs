//! SARIF logs against the schema of the standard, which a package of the registry carries.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The package, and where the schema lies in it.
const PACKAGE: &str = "serde-sarif";
const VERSION: &str = "0.8.0";
const SCHEMA: &str = "src/schema.json";

/// The schema of SARIF 2.1.0: the package is fetched, never built.
///
/// Without a network the tests are skipped with a line that says so; where `CI` is set that is a failure.
fn schema() -> Option<Value> {
    match fetched() {
        Ok(path) => {
            let mut schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            // The pattern for a language, which logs need not name, has a bracket too many and is no regular expression.
            for definition in ["run", "toolComponent"] {
                let language = &mut schema["definitions"][definition]["properties"]["language"];
                language.as_object_mut().unwrap().remove("pattern");
            }
            Some(schema)
        }
        Err(error) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "the SARIF schema cannot be fetched: {error}"
            );
            println!("skipped: the SARIF schema cannot be fetched: {error}");
            None
        }
    }
}

fn fetched() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sarif-schema");
    std::fs::create_dir_all(folder.join("src")).map_err(|error| error.to_string())?;
    let manifest = format!(
        "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         {PACKAGE} = {{ version = \"={VERSION}\", default-features = false }}\n\n[workspace]\n"
    );
    let write = |path: &str, text: &str| std::fs::write(folder.join(path), text).map_err(|error| error.to_string());
    write("Cargo.toml", &manifest)?;
    write("src/lib.rs", "")?;
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1"])
        .current_dir(&folder)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    let package = packages.iter().find(|package| package["name"] == PACKAGE);
    let path = package
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or("no path")?;
    Ok(Path::new(path).with_file_name("").join(SCHEMA))
}

fn log(paths: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interpret"));
    let output = command
        .args(["validate", "--format", "sarif"])
        .args(paths)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn logs_fit_the_schema_of_the_standard() {
    let Some(schema) = schema() else { return };
    let validator = jsonschema::validator_for(&schema).unwrap();
    for paths in [
        &["workflows"][..],
        &["tests/defects"],
        &["tests/defects", "nowhere.yaml"],
    ] {
        let log = log(paths);
        let faults: Vec<String> = validator
            .iter_errors(&log)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(faults, [""; 0]);
    }
    // The schema says something.
    let mut wrong = log(&["tests/defects"]);
    wrong["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn each_result_has_its_rule_and_its_place() {
    let log = log(&["tests/defects"]);
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 60);
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.starts_with("tests/defects/") && !uri.contains(' '), "{uri}");
        // What stands at the place, counted in characters.
        let bytes = std::fs::read(uri).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let region = |name: &str| usize::try_from(place["region"][name].as_u64().unwrap()).unwrap();
        let lines: Vec<&str> = text.split('\n').collect();
        let letters = lines[region("startLine") - 1].chars().count();
        assert!(region("startColumn") <= letters + 1, "{result:#}");
        assert!((region("startLine"), region("startColumn")) <= (region("endLine"), region("endColumn")));
    }
}
