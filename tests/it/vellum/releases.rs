//! Releases: each keeps its definition, however files change and whatever becomes of the server.

use interpret::data;
use interpret::data::Data;

use crate::api::Served;

const RELEASE: &str = "
kind: Workflow
id: greet
inputSchema: { type: object, properties: { name: { type: string } } }
steps:
  - { kind: andThen, id: hello, set: { said: \"GREETING {{ input.name }}\" } }
  - { kind: andWhen, id: hold, condition: \"=input.name == 'wait'\", suspend: {} }
  - { kind: andThen, id: end, set: { said: \"=data.said | default('GREETING later')\" } }
";

fn with(greeting: &str) -> String {
    RELEASE.replace("GREETING", greeting)
}

/// What the workflow says, with a tag.
fn says(served: &Served, tag: Option<&str>) -> String {
    let body = data!({
        "workflow_deployment_name": "greet",
        "inputs": [{ "name": "name", "value": "Ada" }],
        "release_tag": tag
    });
    let answer = served.post("/v1/execute-workflow", &body);
    match answer.status {
        200 => answer.at("/data/outputs/0/value").to_text().to_string(),
        status => status.to_string(),
    }
}

/// Serves another text.
#[cfg(unix)]
fn change(served: &Served, greeting: &str) {
    served.folder.write("w/greet.yaml", with(greeting).as_bytes());
    served.signal(rustix::process::Signal::HUP);
    served.said("the files were read again");
}

fn command(served: &Served, arguments: &[&str]) -> (Option<i32>, String) {
    let all = [arguments, &["--store", "sqlite:runs.sqlite"]].concat();
    let ended = served.folder.run(&all);
    (ended.code, ended.out + &ended.err)
}

#[cfg(unix)]
#[test]
fn a_tag_keeps_its_definition_however_the_files_change() {
    let mut served = Served::new(&[("greet.yaml", &with("Hello"))]);
    let put = |served: &Served, tag: &str, at: &str| {
        let (code, told) = command(served, &["releases", "tag", "greet", tag, at]);
        assert_eq!(code, Some(0), "{told}");
    };
    put(&served, "production", "LATEST");
    change(&served, "Good day");
    assert_eq!(
        (says(&served, None), says(&served, Some("production"))),
        ("Good day Ada".into(), "Hello Ada".into())
    );
    assert_eq!(says(&served, Some("LATEST")), "Good day Ada");
    // An execution that waits goes on with what it began with, wherever its tag has gone.
    let body = data!({
        "workflow_deployment_name": "greet",
        "inputs": [{ "name": "name", "value": "wait" }],
        "release_tag": "production"
    });
    let waiting = served
        .post("/v1/execute-workflow-async", &body)
        .at("/execution_id")
        .to_text();
    put(&served, "production", "2");
    assert_eq!(says(&served, Some("production")), "Good day Ada");
    put(&served, "production", "1");
    // A file that is broken meanwhile changes nothing, and neither does another server.
    served.kill_and_restart();
    change(&served, "Hi");
    assert_eq!(
        (says(&served, None), says(&served, Some("production"))),
        ("Hi Ada".into(), "Hello Ada".into())
    );
    assert_eq!(says(&served, Some("2")), "Good day Ada");
    assert_eq!(says(&served, Some("staging")), "404");
    let resume = format!("/workflows/greet/executions/{waiting}/resume");
    let resumed = served.post(&resume, &data!({ "resumeData": {} }));
    assert_eq!(resumed.at("/data/result/said"), data!("Hello later"), "{resumed:?}");
    // What was served before is a release of its own when it comes back, and the youngest then.
    change(&served, "Hello");
    let listed = served.get("/v1/workflow-deployments/greet/releases");
    assert_eq!(listed.at("/count"), data!(4), "{listed:?}");
    assert_eq!(listed.at("/results/0/release_tags/0/name"), data!("LATEST"));
    assert_eq!(
        listed.at("/results/0/workflow_version/id"),
        listed.at("/results/3/workflow_version/id")
    );
    assert_eq!(listed.at("/results/3/release_tags/0/name"), data!("production"));
}

#[test]
fn a_server_that_serves_the_same_makes_no_release() {
    let mut served = Served::new(&[("greet.yaml", &with("Hello"))]);
    let id = |served: &Served| {
        served
            .get("/v1/workflow-deployments/greet")
            .at("/last_deployed_history_item_id")
    };
    let first = id(&served);
    assert!(first.to_text().starts_with("1-"), "{first}");
    for _ in 0..2 {
        served.kill_and_restart();
        assert_eq!(id(&served), first);
    }
    assert_eq!(
        served.get("/v1/workflow-deployments/greet/releases").at("/count"),
        data!(1)
    );
}

#[test]
fn tags_are_moved_on_the_command_line() {
    let served = Served::new(&[("greet.yaml", &with("Hello"))]);
    let (code, told) = command(&served, &["releases", "tag", "greet", "production", "LATEST"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.starts_with("greet: production is release 1-"), "{told}");
    let (code, told) = command(&served, &["releases", "list"]);
    assert_eq!(code, Some(0), "{told}");
    let row: Vec<&str> = told.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!((row[0], &row[3..]), ("greet", &["LATEST", "production"][..]), "{told}");
    let (_, told) = command(&served, &["releases", "list", "greet", "--format", "json"]);
    let listed: Data = serde_json::from_str(&told).unwrap();
    assert_eq!(
        listed.pointer("/releases/0/tags"),
        Some(&data!(["LATEST", "production"])),
        "{told}"
    );
    for (arguments, code, why) in [
        (&["tag", "greet", "production", "9"][..], 2, "has no release `9`"),
        (&["tag", "greet", "LATEST", "1"], 2, "youngest"),
        (&["tag", "greet", "a..b", "1"], 2, "two dots"),
        (&["tag", "nothing", "production", "1"], 2, "has no release"),
        (&["untag", "greet", "staging"], 1, "no tag `staging`"),
        (&["list", "nothing"], 1, "has no release"),
        (&["untag", "greet", "production"], 0, "removed"),
        (&["untag", "greet", "production"], 1, "no tag"),
    ] {
        let (got, told) = command(&served, &[&["releases"], arguments].concat());
        assert_eq!(got, Some(code), "{arguments:?}: {told}");
        assert!(told.contains(why), "{arguments:?}: {told}");
    }
}
