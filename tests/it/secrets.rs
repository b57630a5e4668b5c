//! Secrets in all that the program writes: an outside that sends them back in every way it can, and a look at everything
//! that is left.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests start the program, and read the files it writes"
)]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use interpret::data;
use interpret::data::Data;
use serde_json::{Value, json};

use crate::api::{HOOK_SECRET, Served};
use crate::cli::{Ended, Folder, Started};
use crate::drive::witness::{Witness, response};

/// The ways in which the outside writes a value.
fn forms(value: &str) -> Vec<String> {
    let percent = |plain: fn(u8) -> bool| {
        let encode = move |byte: u8| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02x}"),
        };
        value.bytes().map(encode).collect::<String>()
    };
    let json = Value::from(value).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let nested = Value::from(json.as_str()).to_string();
    let ascii = value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let mut forms = vec![value.to_owned(), json, nested, ascii];
    forms.extend([percent(|byte| byte.is_ascii_alphanumeric()), percent(|_| false)]);
    for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
        forms.extend(["", "x", "yz"].map(|before| engine.encode(format!("{before}{value}!"))));
    }
    forms
}

/// What stands in base64 for the value alone, wherever it begins.
fn traces(value: &str) -> Vec<String> {
    let mut traces = forms(value);
    traces.truncate(6);
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        traces.extend((0..3).map(|before| {
            let encoded = engine.encode([&vec![b'-'; before], value.as_bytes()].concat());
            let (first, last) = ((before * 8).div_ceil(6), (before + value.len()) * 8 / 6);
            encoded[first..last].to_owned()
        }));
    }
    traces
}

#[track_caller]
fn clean(what: &str, bytes: &[u8], value: &str) {
    let text = String::from_utf8_lossy(bytes);
    for trace in traces(value) {
        assert!(!text.contains(&trace), "{what} holds `{trace}` of `{value}`:\n{text}");
    }
}

/// Everything below a folder, but for what was put there.
fn files(folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((path.display().to_string(), std::fs::read(path).unwrap())),
        }
    }
    found
}

/// An outside that sends a value back: as JSON, as text, as an error, and as what a model says.
fn teller(value: &str) -> Witness {
    let value = value.to_owned();
    Witness::new(move |request, _| {
        let all: Vec<String> = forms(&value);
        let line = request.lines().next().unwrap();
        let (status, kind, body) = match line.split(' ').nth(1).unwrap() {
            "/json" => (
                "200 OK",
                "application/json",
                json!({ "all": all, &value: 1 }).to_string(),
            ),
            "/text" => ("200 OK", "text/plain; charset=utf-8", all.join(" and ")),
            "/error" => ("500 Oops", "text/plain; charset=utf-8", all.join(", ")),
            _ => {
                let message = json!({ "role": "assistant", "content": all.join("; ") });
                let answer = json!({ "id": "1", "model": "m", "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }] });
                ("200 OK", "application/json", answer.to_string())
            }
        };
        Some(response(status, &format!("content-type: {kind}\r\n"), &body).into_bytes())
    })
}

fn asking(port: u16, secret: &str) -> String {
    let call = |id: &str| {
        let headers = format!("{{ X-Key: '{{{{ secrets.{secret} }}}}' }}");
        format!("{{ kind: andThen, id: {id}, http: {{ url: 'http://127.0.0.1:{port}/{id}', headers: {headers} }} }}")
    };
    let agent = "{ kind: andAgent, id: desk, agent: { model: one/m }, prompt: Tell }";
    let kept = "{ kind: andThen, id: kept, set: '=[data, steps.json.output]' }";
    let steps = [
        call("json"),
        call("text"),
        agent.to_owned(),
        kept.to_owned(),
        call("error"),
    ];
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    crate::cli::workflow("asking", &steps)
}

fn configuration(port: u16, secret: &str, more: &str) -> String {
    format!(
        "connections:\n  one: {{ kind: chat-completions, baseUrl: 'http://127.0.0.1:{port}/v1', key: =secrets.{secret} }}\n{more}"
    )
}

#[test]
fn nothing_that_a_run_leaves_holds_a_secret() {
    // Letters that every encoding writes in another way.
    let letters: Vec<char> = "aZ9+/=%\\\"' \u{e4}\u{1f600}&<~_-".chars().collect();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..4 {
        let mut next = |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % below as u64) as usize
        };
        let length = 6 + next(20);
        // Headers hold no letters beyond ASCII, and do not begin or end with spaces.
        let value: String = (0..length)
            .map(|_| letters[next(letters.len())])
            .filter(char::is_ascii)
            .collect();
        let value = format!("k{value}k3y");
        let witness = teller(&value);
        let folder = Folder::new(&[
            ("asking.yaml", &asking(witness.port, "KEY")),
            ("interpret.yaml", &configuration(witness.port, "KEY", "")),
        ]);
        let run = |arguments: &[&str]| -> Ended {
            let more = [
                "--store",
                "sqlite:runs.sqlite",
                "--allow-net=127.0.0.1",
                "--allow-env=KEY",
            ];
            let mut command = folder.command(&[arguments, &more].concat());
            command.env("KEY", &value);
            Started::new(command).end()
        };
        let ended = run(&[
            "run",
            "asking",
            "--id",
            "r",
            "--events",
            "ndjson",
            "--record",
            "kept.ndjson",
            "--record-models",
            "models.ndjson",
        ]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains("[secret KEY]"), "{ended:?}");
        clean("stdout", ended.out.as_bytes(), &value);
        clean("stderr", ended.err.as_bytes(), &value);
        for (file, bytes) in files(folder.path()) {
            clean(&file, &bytes, &value);
        }
        assert!(
            witness.seen().requests.iter().all(|request| request.contains(&value)),
            "{:?}",
            witness.seen()
        );
    }
}

#[test]
fn nothing_that_a_server_answers_holds_a_secret() {
    let witness = teller(HOOK_SECRET);
    let grants = ["--allow-net=127.0.0.1", "--allow-env=HOOK_SECRET", "--log", "json"];
    let files_of = [
        ("asking.yaml", asking(witness.port, "HOOK_SECRET")),
        ("interpret.yaml", configuration(witness.port, "HOOK_SECRET", "")),
    ];
    let files_of: Vec<(&str, &str)> = files_of.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let served = Served::with(&files_of, &grants);
    let answer = served.post("/workflows/asking/execute", &data!({}));
    let id = answer.at("/data/executionId");
    let id = id.as_str().unwrap_or_default();
    let paths = [
        format!("/workflows/asking/executions/{id}/state"),
        "/workflows/executions".to_owned(),
    ];
    clean("the answer", answer.body.to_string().as_bytes(), HOOK_SECRET);
    for path in paths {
        let answer = served.get(&path);
        assert_eq!(answer.status, 200, "{answer:?}");
        clean(&path, answer.body.to_string().as_bytes(), HOOK_SECRET);
    }
    let told = served
        .get(&format!("/workflows/asking/executions/{id}/state"))
        .body
        .to_string();
    assert!(told.contains("[secret HOOK_SECRET]"), "{told}");
    for (file, bytes) in files(served.folder.path()) {
        clean(&file, &bytes, HOOK_SECRET);
    }
}

#[cfg(unix)]
#[test]
fn secrets_come_of_a_file_and_of_a_command() {
    let witness = teller("unused");
    let configuration = configuration(
        witness.port,
        "KEY",
        "secrets: { envFile: .env, command: [sh, -c, 'echo x >> asked; echo from-$1', manager, '{name}'] }\n",
    );
    let step = |id: &str, name: &str| {
        format!(
            "{{ kind: andThen, id: {id}, exec: {{ command: [sh, -c, 'printf %s \"$1\" | wc -c', sh, '{{{{ secrets.{name} }}}}'], stdout: text }} }}"
        )
    };
    let steps = [step("one", "IN_FILE"), step("two", "ASKED"), step("three", "ASKED")];
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let workflow = crate::cli::workflow("asking", &steps);
    let folder = Folder::new(&[
        ("w/asking.yaml", &workflow),
        ("w/interpret.yaml", &configuration),
        ("w/.env", "# of the shop\nIN_FILE='four'\n"),
    ]);
    let run = |grants: &[&str]| folder.run(&[&["run", "w/asking.yaml", "--allow-exec=sh"], grants].concat());
    let refused = run(&["--allow-env"]);
    refused.expect(1);
    assert!(
        refused.err.contains("`--allow-secret-command=sh` permits it"),
        "{refused:?}"
    );
    assert!(!folder.path().join("w/asked").exists());
    let ended = run(&["--allow-env", "--allow-secret-command=sh"]);
    ended.expect(0);
    assert_eq!(Data::from(ended.json()), data!("10"), "{ended:?}");
    let asked = std::fs::read_to_string(folder.path().join("w/asked")).unwrap();
    assert_eq!(asked, "x\n", "a value that was printed is kept");
}
