//! Tokens: who has none is asked for one, who has one does what it is for, and sees what is its own.

use std::path::Path;

use interpret::data;
use interpret::data::Data;
use interpret::diagnostic::render;
use interpret::serve::{Access, Auth, ListenError, Settings};
use interpret::source::Sources;
use tokio::net::TcpListener;

use super::{APPROVAL, Ask, FAILS, HELLO, Program, Reply, Served, auth, hash};
use crate::cli::Folder;

const READER: &str = "reader-0123456789abcdefghijklmnopqrstuvwxyz";
const ADA: &str = "ada-0123456789abcdefghijklmnopqrstuvwxyz";
const BOB: &str = "bob-0123456789abcdefghijklmnopqrstuvwxyz";
const ADMIN: &str = "admin-0123456789abcdefghijklmnopqrstuvwxyz";

/// Everybody above.
fn access() -> Access {
    let (reader, ada, bob, admin) = (hash(READER), hash(ADA), hash(BOB), hash(ADMIN));
    Access::default().with_auth(auth(&format!(
        "
tokens:
  - {{ name: reader, hash: \"{reader}\", scope: read }}
  - {{ name: ada, hash: \"{ada}\", scope: run, user: ada }}
  - {{ name: bob, hash: \"{bob}\", scope: run, user: bob }}
  - {{ name: admin, hash: \"{admin}\", scope: admin, user: root }}
"
    )))
}

fn served() -> Served {
    let settings = Settings {
        most_failures: 1000,
        ..Settings::default()
    };
    Served::start(&[HELLO, APPROVAL, FAILS], settings, access())
}

/// Begins an execution that waits, or is over.
#[track_caller]
fn begin(served: &Served, token: &str, workflow: &str) -> String {
    let ask = served.ask("POST", &format!("/workflows/{workflow}/execute"));
    let reply = ask.bearer(token).body("{}").send();
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.at("/data/executionId").as_str().unwrap().to_owned()
}

#[test]
fn without_a_token_only_the_health_of_the_server_is_told() {
    let served = served();
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/workflows"),
        ("GET", "/voltagent/workflows"),
        ("GET", "/workflows/hello"),
        ("POST", "/workflows/hello/execute"),
        ("GET", "/no/such/route"),
        ("GET", "/health/"),
        ("GET", "//health"),
        ("GET", "/workflows?/health"),
        ("OPTIONS", "/workflows"),
    ] {
        let reply = served.ask(method, path).send();
        let why = reply.refused(401, "unauthorized");
        assert!(why.contains("Authorization: Bearer"), "{why}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{path}");
    }
    for path in ["/health", "/ready"] {
        assert_eq!(served.ask("GET", path).send().status, 200, "{path}");
        assert_eq!(served.ask("GET", path).bearer("wrong").send().status, 200, "{path}");
    }
}

#[test]
fn a_token_is_right_as_a_whole_or_wrong() {
    let served = served();
    let ask = |authorization: &str| {
        served
            .ask("GET", "/workflows")
            .with("authorization", authorization)
            .send()
    };
    for wrong in [
        &format!("Bearer {ADA}x"),
        &format!("Bearer {}", &ADA[1..]),
        &format!("Bearer {}", ADA.to_uppercase()),
        &format!("Bearer {}", hash(ADA)),
        &format!("Bearer {ADA} {BOB}"),
        "Bearer x",
    ] {
        let reply = ask(wrong);
        let why = reply.refused(401, "bad-token");
        assert!(!why.contains("ada"), "{why}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
    for none in [
        "",
        ADA,
        &format!("Basic {ADA}"),
        &format!("Bearer{ADA}"),
        &format!("Token {ADA}"),
    ] {
        ask(none).refused(401, "unauthorized");
    }
    let twice = served.ask("GET", "/workflows").bearer(ADA).bearer(BOB).send();
    twice.refused(401, "unauthorized");
    served
        .ask("GET", &format!("/workflows?token={ADA}&access_token={ADA}"))
        .send()
        .refused(401, "unauthorized");
    assert_eq!(ask(&format!("Bearer {ADA}")).status, 200);
    assert_eq!(ask(&format!("bearer  {ADA}")).status, 200);
}

/// Every route that needs the scope `run`, with a body.
fn running(execution: &str) -> Vec<(String, &'static str)> {
    let of = |rest: &str| format!("/workflows/approval/executions/{execution}/{rest}");
    vec![
        ("/workflows/approval/execute".to_owned(), "{}"),
        ("/workflows/approval/start".to_owned(), "{}"),
        ("/workflows/approval/stream".to_owned(), "{}"),
        (of("suspend"), "{}"),
        (of("replay"), "{\"stepId\": \"ask\"}"),
        (of("retry"), ""),
        (of("events"), "{\"event\": \"x\"}"),
        (of("resume"), "{\"resumeData\": 1}"),
        (of("cancel"), "{}"),
    ]
}

#[test]
fn who_may_only_look_changes_nothing_and_is_told_what_is_missing() {
    let served = served();
    let execution = begin(&served, ADA, "approval");
    for (path, body) in running(&execution) {
        let reply = served.ask("POST", &path).bearer(READER).body(body).send();
        let why = reply.refused(403, "missing-scope");
        assert!(why.contains("`run`"), "{path}: {why}");
        let challenge = reply.header("www-authenticate").unwrap();
        assert_eq!(challenge, "Bearer error=\"insufficient_scope\", scope=\"run\"");
    }
    for path in [
        "/workflows",
        "/workflows/approval",
        "/workflows/executions",
        "/metrics",
        "/",
    ] {
        assert_eq!(served.ask("GET", path).bearer(READER).send().status, 200, "{path}");
    }
    let state = served.ask("GET", &format!("/workflows/approval/executions/{execution}/state"));
    assert_eq!(state.bearer(READER).send().at("/data/status"), Data::from("suspended"));
    let listed = served.ask("GET", "/workflows/executions").bearer(READER).send();
    assert_eq!(listed.at("/data").as_list().unwrap().len(), 1, "{listed:?}");
}

#[test]
fn the_executions_of_one_user_do_not_exist_for_another() {
    let served = served();
    let execution = begin(&served, ADA, "approval");
    let of = |rest: &str| format!("/workflows/approval/executions/{execution}/{rest}");
    let none = |reply: &Reply, path: &str| {
        let why = reply.refused(404, "execution-not-found");
        assert_eq!(why, format!("Execution {execution} not found"), "{path}");
    };
    for (path, body) in running(&execution).into_iter().skip(3) {
        for prefix in ["", "/voltagent"] {
            let path = format!("{prefix}{path}");
            none(&served.ask("POST", &path).bearer(BOB).body(body).send(), &path);
        }
    }
    for path in [of("state"), of("stream"), of("stream?fromSequence=0")] {
        none(&served.ask("GET", &path).bearer(BOB).send(), &path);
    }
    for query in [
        "",
        "?userId=ada",
        "?userId=bob",
        "?workflowId=approval",
        "?status=suspended",
    ] {
        let path = format!("/workflows/executions{query}");
        let listed = |token: &str| {
            let reply = served.ask("GET", &path).bearer(token).send();
            assert_eq!(reply.status, 200, "{reply:?}");
            reply.at("/data").as_list().unwrap().len()
        };
        let own = if query == "?userId=bob" { 0 } else { 1 };
        assert_eq!((listed(ADA), listed(BOB)), (own, 0), "{path}");
    }
    // Nobody runs anything for somebody else.
    for workflow in ["execute", "start", "stream"] {
        let ask = served.ask("POST", &format!("/workflows/approval/{workflow}"));
        let reply = ask.bearer(BOB).body("{\"options\": {\"userId\": \"ada\"}}").send();
        reply.refused(403, "forbidden");
    }
    // All that was tried has changed nothing: its owner and an admin go on with it.
    let state = |token: &str| served.ask("GET", &of("state")).bearer(token).send().at("/data/status");
    assert_eq!(
        (state(ADA), state(ADMIN)),
        (Data::from("suspended"), Data::from("suspended"))
    );
    let resumed = served
        .ask("POST", &of("resume"))
        .bearer(ADMIN)
        .body("{\"resumeData\": 1}")
        .send();
    assert_eq!(resumed.at("/data/status"), Data::from("completed"), "{resumed:?}");
    let stream = served.ask("GET", &of("stream?fromSequence=0")).bearer(ADA).send();
    assert!(stream.status == 200 && stream.text.contains("workflow"), "{stream:?}");
}

#[test]
fn what_a_user_begins_from_an_execution_is_its_own() {
    let served = served();
    let failed = begin(&served, ADA, "fails");
    let retry = format!("/workflows/fails/executions/{failed}/retry");
    served
        .ask("POST", &retry)
        .bearer(BOB)
        .send()
        .refused(404, "execution-not-found");
    assert_eq!(served.ask("POST", &retry).bearer(ADA).send().status, 200);

    let first = begin(&served, ADA, "approval");
    let replay = served.ask("POST", &format!("/workflows/approval/executions/{first}/replay"));
    let replayed = replay.bearer(ADA).body("{\"stepId\": \"ask\"}").send();
    let again = replayed.at("/data/executionId").as_str().unwrap().to_owned();
    let state = |token: &str| {
        let ask = served.ask("GET", &format!("/workflows/approval/executions/{again}/state"));
        ask.bearer(token).send().status
    };
    assert_eq!((state(ADA), state(BOB)), (200, 404));

    // The same key of two users means two executions.
    let keyed = |token: &str| {
        let ask = served.ask("POST", "/workflows/hello/execute").bearer(token);
        ask.with("idempotency-key", "1")
            .body("{}")
            .send()
            .at("/data/executionId")
    };
    assert_eq!(keyed(ADA), keyed(ADA));
    assert_ne!(keyed(ADA), keyed(BOB));
}

#[test]
fn who_sends_wrong_tokens_again_and_again_is_told_to_wait() {
    let settings = Settings {
        most_failures: 3,
        ..Settings::default()
    };
    let served = Served::start(&[HELLO], settings, access());
    let ask = |token: &str| served.ask("GET", "/workflows").bearer(token).send();
    for number in 0..3 {
        ask(&format!("wrong-{number}")).refused(401, "bad-token");
    }
    let reply = ask("wrong-4");
    let why = reply.refused(429, "too-many-failures");
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait) && why.contains("try again in"), "{reply:?}");
    // Others may come through the same proxy.
    assert_eq!(ask(ADA).status, 200);
    served.ask("GET", "/workflows").send().refused(401, "unauthorized");
    ask("wrong-5").refused(429, "too-many-failures");
}

#[test]
fn beyond_this_machine_nobody_is_served_without_authentication() {
    let served = served();
    let listened = served.runtime.as_ref().unwrap().block_on(async {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        served.server.listen(listener, Access::default()).await
    });
    assert!(matches!(listened, Err(ListenError::Open(_))), "{listened:?}");

    let access = format!("tokens: [{{ name: ada, hash: \"{}\", scope: run }}]", hash(ADA));
    let folder = Folder::new(&[("hello.yaml", HELLO), ("access.yaml", &access)]);
    let everywhere = ["serve", "hello.yaml", "--store", "memory", "--addr", "0.0.0.0:0"];
    let refused = folder.run(&everywhere);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.err.contains("--auth FILE") && refused.err.contains("127.0.0.1"),
        "{refused:?}"
    );
}

#[test]
fn the_program_serves_those_whom_its_file_names() {
    let made = |arguments: &[&str]| {
        let ended = Folder::new(&[]).run(arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        (ended.out.trim_end().to_owned(), ended.err)
    };
    let (token, line) = made(&["token", "--scope", "run", "--user", "ada \"the first\": {x}"]);
    let (other, _) = made(&["token", "--scope", "read"]);
    assert_ne!(token, other);
    assert_eq!(token.len(), "interpret_".len() + 43, "256 bits in base64: {token}");
    assert!(!line.contains(&token) && line.contains(&hash(&token)), "{line}");
    let (_, lines) = line.split_once('\n').unwrap();
    let (reader, _) = made(&["token", "--scope", "read", "--name", "reader"]);
    let access = format!("tokens:\n{lines}  - {{ name: reader, env: READER, scope: read }}\n");
    let folder = Folder::new(&[("hello.yaml", HELLO), ("access.yaml", &access)]);

    let unset = folder.run(&["serve", "hello.yaml", "--auth", "access.yaml", "--store", "memory"]);
    assert_eq!(unset.code, Some(2), "{unset:?}");
    assert!(
        unset.err.contains("`READER` is not set") && unset.err.contains("access.yaml:3"),
        "{unset:?}"
    );

    let mut command = folder.command(&["serve", "hello.yaml", "--auth", "access.yaml", "--store", "memory"]);
    command.args(["--addr", "127.0.0.1:0"]).env("READER", &reader);
    let program = Program::of(command);
    let ask = |token: &str| {
        Ask::new(program.address, "POST", "/workflows/hello/execute")
            .bearer(token)
            .body("{}")
            .send()
    };
    assert_eq!(ask(&token).status, 200);
    ask(&reader).refused(403, "missing-scope");
    ask(&other).refused(401, "bad-token");
}

/// What is said of a file.
fn findings(text: &str) -> String {
    let mut sources = Sources::new();
    let file = sources.add("access.yaml", text);
    let environment = |name: &str| match name {
        "SHORT" => Some("hunter2".to_owned()),
        "BLANKS" => Some(format!("{ADA} {ADA}")),
        "ADA" => Some(ADA.to_owned()),
        _ => None,
    };
    let (auth, diagnostics) = Auth::read(file, text, Path::new("/nowhere"), environment);
    assert_eq!(
        auth.is_none(),
        diagnostics.iter().any(|found| found.is_error()),
        "{diagnostics:?}"
    );
    render::text::render(&diagnostics, &sources, false)
}

#[test]
fn mistakes_in_the_file_are_found_at_their_place() {
    let digest = hash(ADA);
    let token = |rest: &str| format!("tokens:\n  - {{ name: a, hash: \"{digest}\", scope: run }}\n  - {rest}\n");
    let jwt = |rest: &str| format!("jwt:\n  issuer: https://a.test/\n  audience: b\n  {rest}\n");
    let good = "jwks: https://a.test/keys";
    let cases: &[(String, &[&str])] = &[
        (String::new(), &["access.yaml", "empty", "tokens:"]),
        ("tokens: []".to_owned(), &["access.yaml:1:1", "nobody could ask"]),
        ("{}".to_owned(), &["nobody could ask"]),
        ("tokens: x".to_owned(), &["access.yaml:1:9", "needs a list"]),
        ("token: []".to_owned(), &["access.yaml:1:1", "did you mean `tokens`?"]),
        (
            token("{ name: b, hsh: x, scope: run }"),
            &["access.yaml:3:16", "did you mean `hash`?"],
        ),
        (token("{ name: b, scope: run }"), &["access.yaml:3:7", "needs `hash`"]),
        (token("{ hash: x, scope: run }"), &["needs `name`", "no digest"]),
        (
            token(&format!("{{ name: b, env: ADA, hash: \"{digest}\", scope: run }}")),
            &["not by both"],
        ),
        (token("{ name: b, env: ADA }"), &["needs `scope`"]),
        (
            token("{ name: b, env: ADA, scope: runs }"),
            &["access.yaml:3:33", "did you mean `run`?"],
        ),
        (token("{ name: b, env: ADA, scope: all }"), &["`read`, `run`, `admin`"]),
        (
            token("{ name: b, hash: secret-as-plain-text, scope: run }"),
            &["access.yaml:3:22", "`interpret token`"],
        ),
        (
            token("{ name: b, env: NONE, scope: run }"),
            &["access.yaml:3:21", "`NONE` is not set"],
        ),
        (token("{ name: b, env: SHORT, scope: run }"), &["could be guessed"]),
        (token("{ name: b, env: BLANKS, scope: run }"), &["no header holds"]),
        (
            token("{ name: b, env: ADA, scope: run }"),
            &["access.yaml:3:21", "the same token as `a`", "the first of them"],
        ),
        (
            token("{ name: a, env: ADA, scope: run }"),
            &["access.yaml:3:13", "the name of two tokens"],
        ),
        (
            token("{ name: b, env: ADA, scope: run, user: }"),
            &["`user` needs a text"],
        ),
        (
            token("{ name: b, env: ADA, scope: run, user: \"\" }"),
            &["sees the executions of everybody"],
        ),
        (
            token("{ name: b, env: ADA, scope: run, user: 7 }"),
            &["put it in quotes"],
        ),
        (jwt("user: sub"), &["needs `jwks`"]),
        (jwt("jwks: http://a.test/keys"), &["access.yaml:4:9", "https"]),
        (jwt("jwks: ftp://a.test/keys"), &["https"]),
        (
            jwt("jwks: keys.json"),
            &["access.yaml:4:9", "cannot read /nowhere/keys.json"],
        ),
        (jwt(&format!("{good}\n  audiance: c")), &["did you mean `audience`?"]),
        (
            jwt(&format!("{good}\n  scopes: {{ write: x }}")),
            &["access.yaml:5:13", "`claim`, `read`, `run`, `admin`"],
        ),
        (jwt(&format!("{good}\n  user: \"\"")), &["`user` is empty"]),
        (
            format!("jwt:\n  {good}\n  issuer: x\n  audience: []\n"),
            &["`audience` is empty"],
        ),
        (format!("jwt:\n  {good}\n  audience: x\n"), &["needs `issuer`"]),
        (format!("jwt:\n  {good}\n  issuer: x\n"), &["needs `audience`"]),
        (
            format!("{}---\ntokens: []\n", token("{ name: b, env: ADA, scope: run }")),
            &["one document"],
        ),
        ("tokens: [".to_owned(), &["access.yaml:1"]),
    ];
    for (text, says) in cases {
        let found = findings(text);
        assert!(found.contains("error"), "{text}\nno finding");
        for says in *says {
            assert!(found.contains(says), "{text}\ndoes not say {says}:\n{found}");
        }
        assert!(!found.contains("secret-as-plain-text\""), "{found}");
        assert!(!found.contains("hunter2"), "{found}");
    }
    assert_eq!(
        findings(&token(
            "{ name: b, hash: \"sha256:0000000000000000000000000000000000000000000000000000000000000000\", scope: admin }"
        )),
        ""
    );
    assert_eq!(findings(&jwt(good)), "");
}

#[test]
fn an_admin_sees_all_and_runs_for_others() {
    let served = served();
    let ask = served.ask("POST", "/workflows/approval/execute").bearer(ADMIN);
    let began = ask.body("{\"options\": {\"userId\": \"bob\"}}").send();
    assert_eq!(began.status, 200, "{began:?}");
    begin(&served, ADA, "approval");
    let listed = |token: &str| {
        let reply = served.ask("GET", "/workflows/executions").bearer(token).send();
        reply.at("/data").as_list().unwrap().len()
    };
    assert_eq!((listed(ADMIN), listed(ADA), listed(BOB)), (2, 1, 1));
    let health = served.ask("GET", "/health").send();
    assert_eq!(health.json(), data!({ "status": "healthy" }));
}
