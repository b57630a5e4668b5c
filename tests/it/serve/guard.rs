//! What stands before every route: who may ask from where, how much, and what is told and written down.

use std::io::Write;

use interpret::data::Data;
use interpret::serve::{Access, Settings};
use std::time::Duration;

use super::{APPROVAL, HELLO, Program, Reply, Served, connect, hash};
use crate::cli::Folder;

fn open(settings: Settings) -> Served {
    Served::start(&[HELLO, APPROVAL], settings, Access::default())
}

/// How many executions there are.
fn executions(served: &Served) -> usize {
    let listed = served.ask("GET", "/workflows/executions").send();
    listed.at("/data").as_list().unwrap().len()
}

#[test]
fn a_foreign_host_runs_nothing_and_the_flag_is_named() {
    let served = open(Settings::default());
    let port = served.address.port();
    let execute = |host: Option<&str>| {
        served
            .ask("POST", "/workflows/hello/execute")
            .host(host)
            .body("{}")
            .send()
    };
    for host in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
    ] {
        let why = execute(Some(&host)).refused(403, "foreign-host");
        let name = host.split(':').next().unwrap();
        assert!(why.contains(&format!("--host {name}")), "{why}");
    }
    execute(Some("")).refused(403, "foreign-host");
    execute(None).refused(403, "foreign-host");
    let ask = served
        .ask("POST", "/workflows/hello/execute")
        .with("host", "localhost")
        .body("{}");
    ask.send().refused(403, "foreign-host");
    for path in ["/", "/health", "/metrics", "/no/such/route"] {
        served
            .ask("GET", path)
            .host(Some("evil.example"))
            .send()
            .refused(403, "foreign-host");
    }
    let absolute = served.ask("GET", "http://evil.example/workflows").send();
    absolute.refused(403, "foreign-host");
    assert_eq!(executions(&served), 0);
    for host in [
        format!("localhost:{port}"),
        "127.0.0.1".to_owned(),
        format!("[::1]:{port}"),
        "LOCALHOST:1".to_owned(),
    ] {
        assert_eq!(execute(Some(&host)).status, 200, "{host}");
    }
}

#[test]
fn a_name_that_was_given_is_a_name_of_the_server() {
    let access = Access::default().with_host("flows.example.com").unwrap();
    let served = Served::start(&[HELLO], Settings::default(), access);
    let list = |host: &str| served.ask("GET", "/workflows").host(Some(host)).send();
    assert_eq!(list("flows.example.com").status, 200);
    assert_eq!(list("Flows.Example.com:443").status, 200);
    assert_eq!(list("localhost").status, 200);
    list("other.example.com").refused(403, "foreign-host");
    for wrong in ["", "https://a.example", "a.example:80", "a/b"] {
        let refused = Access::default().with_host(wrong).unwrap_err().to_string();
        assert!(refused.contains("without scheme and port"), "{refused}");
    }
}

#[test]
fn a_page_of_somebody_else_runs_nothing() {
    let served = open(Settings::default());
    let own = format!("http://{}", served.address);
    // What browsers send without asking beforehand: forms and simple requests.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        for path in [
            "/workflows/hello/execute",
            "/workflows/hello/start",
            "/workflows/hello/stream",
        ] {
            let ask = |headers: &[(&str, &str)]| {
                let ask = served.ask("POST", path).with("content-type", kind).body("{}");
                headers
                    .iter()
                    .fold(ask, |ask, (name, value)| ask.with(name, value))
                    .send()
            };
            let why = ask(&[("origin", "https://evil.example")]).refused(403, "foreign-origin");
            assert!(why.contains("--cors https://evil.example"), "{why}");
            let why = ask(&[("origin", "null")]).refused(403, "foreign-origin");
            assert!(why.contains("--cors"), "{why}");
            ask(&[("origin", "http://localhost")]).refused(403, "foreign-origin");
            ask(&[("sec-fetch-site", "cross-site")]).refused(403, "foreign-origin");
            ask(&[("sec-fetch-site", "same-site")]).refused(403, "foreign-origin");
        }
    }
    assert_eq!(executions(&served), 0);
    let ask = served.ask("POST", "/workflows/hello/execute").body("{}");
    let page = ask.with("origin", &own).with("sec-fetch-site", "same-origin").send();
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(page.header("access-control-allow-origin"), None);
    let preflight = served
        .ask("OPTIONS", "/workflows/hello/execute")
        .with("origin", "https://evil.example");
    let preflight = preflight.with("access-control-request-method", "POST").send();
    preflight.refused(403, "foreign-origin");
    assert_eq!(preflight.header("access-control-allow-origin"), None);
}

#[test]
fn what_a_browser_asks_beforehand_has_to_be_asked_of_this_server() {
    let access = Access::default().with_origin("https://app.example.com").unwrap();
    let served = Served::start(&[HELLO], Settings::default(), access);
    let ask = |host: Option<&str>, origin: &str| {
        let ask = served.ask("OPTIONS", "/workflows/hello/execute").with("origin", origin);
        let ask = ask.with("access-control-request-method", "POST");
        match host {
            Some(host) => ask.host(Some(host)).send(),
            None => ask.send(),
        }
    };
    let allowed = ask(None, "https://app.example.com");
    assert_eq!(allowed.status, 200, "{allowed:?}");
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        Some("https://app.example.com")
    );
    let rebound = ask(Some("evil.example"), "https://app.example.com");
    assert!(rebound.refused(403, "foreign-host").contains("--host evil.example"));
    let foreign = ask(None, "https://evil.example");
    foreign.refused(403, "foreign-origin");
    for refused in [rebound, foreign] {
        assert_eq!(refused.header("access-control-allow-origin"), None, "{refused:?}");
    }
}

#[test]
fn pages_that_were_named_may_ask_and_read_why_they_are_refused() {
    let access = Access::default().with_origin("https://app.example.com").unwrap();
    let token = "t".repeat(40);
    let auth = super::auth(&format!(
        "tokens: [{{ name: a, hash: \"{}\", scope: run }}]",
        hash(&token)
    ));
    let served = Served::start(&[HELLO], Settings::default(), access.with_auth(auth));
    let from = |origin: &str| served.ask("GET", "/workflows").with("origin", origin);
    let allowed = |reply: &Reply| reply.header("access-control-allow-origin").map(str::to_owned);
    let app = Some("https://app.example.com".to_owned());

    let preflight = served
        .ask("OPTIONS", "/workflows/hello/execute")
        .with("origin", "https://app.example.com");
    let preflight = preflight.with("access-control-request-method", "POST");
    let preflight = preflight
        .with("access-control-request-headers", "authorization,content-type")
        .send();
    assert_eq!((preflight.status, allowed(&preflight)), (200, app.clone()));
    let headers = preflight.header("access-control-allow-headers").unwrap();
    assert!(
        headers.contains("authorization") && headers.contains("idempotency-key"),
        "{headers}"
    );
    assert_eq!(preflight.header("access-control-allow-credentials"), None);

    let unknown = from("https://app.example.com").send();
    unknown.refused(401, "unauthorized");
    assert_eq!(allowed(&unknown), app);
    let known = from("https://app.example.com").bearer(&token).send();
    assert_eq!((known.status, allowed(&known)), (200, app));

    // A token does not make a page trustworthy.
    for origin in [
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com.evil.example",
        "null",
    ] {
        let reply = from(origin).bearer(&token).send();
        reply.refused(403, "foreign-origin");
        assert_eq!(allowed(&reply), None, "{origin}");
        let preflight = served.ask("OPTIONS", "/workflows").with("origin", origin);
        let preflight = preflight.with("access-control-request-method", "GET").send();
        assert_eq!(allowed(&preflight), None, "{origin}");
    }
    for wrong in [
        "*",
        "null",
        "app.example.com",
        "https://app.example.com/page",
        "file://x",
    ] {
        assert!(Access::default().with_origin(wrong).is_err(), "{wrong}");
    }
    let all = Access::default().with_origin("*").unwrap_err().to_string();
    assert!(all.contains("name each origin"), "{all}");
}

#[test]
fn what_is_too_large_is_refused() {
    let served = open(Settings::default());
    let mut ask = served.ask("GET", "/workflows");
    for number in 0..62 {
        ask = ask.with(&format!("x-{number}"), "1");
    }
    // With Host and Connection that makes 64.
    assert_eq!(ask.send().status, 200);
    let mut ask = served.ask("GET", "/workflows");
    for number in 0..63 {
        ask = ask.with(&format!("x-{number}"), "1");
    }
    ask.send().refused(431, "headers-too-large");
    let mut ask = served.ask("GET", "/workflows");
    for number in 0..1000 {
        ask = ask.with(&format!("x-{number}"), "1");
    }
    assert_eq!(ask.send().status, 431);
    let long = served
        .ask("GET", "/workflows")
        .with("x-long", &"x".repeat(40_000))
        .send();
    assert_eq!(long.status, 431, "{long:?}");

    let body = |size: usize| {
        let execute = served.ask("POST", "/workflows/hello/execute");
        execute
            .body(format!("{{\"input\": {{\"text\": \"{}\"}}}}", "x".repeat(size)))
            .send()
    };
    body(5 * 1024 * 1024).refused(413, "too-large");
    assert_eq!(body(3 * 1024 * 1024).status, 200);
    // Nor when the length is not said beforehand.
    let mut stream = connect(served.address);
    let head = format!(
        "POST /workflows/hello/execute HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n",
        served.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(0x10_0000));
    for _ in 0..5 {
        // It may have been refused already.
        let _ = stream.write_all(chunk.as_bytes());
    }
    let _ = stream.write_all(b"0\r\n\r\n");
    Reply::read(&mut stream).refused(413, "too-large");
}

#[test]
fn what_comes_too_slowly_is_refused() {
    let settings = Settings {
        head_time: Duration::from_millis(300),
        body_time: Duration::from_millis(300),
        ..Settings::default()
    };
    let served = open(settings);
    let mut slow = connect(served.address);
    slow.write_all(b"GET /workflows HTTP/1.1\r\nhost: loc").unwrap();
    Reply::read(&mut slow).refused(408, "too-slow");

    let mut slow = connect(served.address);
    let head = "POST /workflows/hello/execute HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{";
    slow.write_all(head.as_bytes()).unwrap();
    Reply::read(&mut slow).refused(408, "too-slow");

    // Who has been answered and is idle is left in peace until the connection is closed.
    let mut idle = connect(served.address);
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let reply = Reply::read(&mut idle);
    assert_eq!(reply.status, 200);
    assert!(!reply.text.contains("HTTP/1.1"), "{reply:?}");
}

#[test]
fn connections_are_bounded() {
    let settings = Settings {
        most_connections: 1,
        ..Settings::default()
    };
    let served = open(settings);
    let mut first = connect(served.address);
    first
        .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let mut one = [0; 1];
    std::io::Read::read_exact(&mut first, &mut one).unwrap();
    let mut second = connect(served.address);
    let health = served.ask("GET", "/health").head();
    second.write_all(health.as_bytes()).unwrap();
    second.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let waits = std::io::Read::read(&mut second, &mut one);
    assert!(
        waits.is_err(),
        "the second was answered while the first was open: {waits:?}"
    );
    drop(first);
    second.set_read_timeout(Some(super::PATIENCE)).unwrap();
    assert_eq!(Reply::read(&mut second).status, 200);
}

#[test]
fn when_too_much_goes_on_one_is_told_to_come_back() {
    let settings = Settings {
        most_running: 0,
        ..Settings::default()
    };
    let served = open(settings);
    for path in ["execute", "start", "stream"] {
        let reply = served
            .ask("POST", &format!("/workflows/hello/{path}"))
            .body("{}")
            .send();
        reply.refused(429, "busy");
        assert_eq!(reply.header("retry-after"), Some("1"), "{reply:?}");
    }
    assert_eq!(executions(&served), 0);
}

#[test]
fn every_answer_has_the_id_of_its_request() {
    let served = open(Settings::default());
    let id = |ask: super::Ask| ask.send().header("x-request-id").map(str::to_owned);
    let health = || served.ask("GET", "/health");
    let (first, second) = (id(health()).unwrap(), id(health()).unwrap());
    assert_ne!(first, second);
    assert_eq!(
        id(health().with("x-request-id", "trace-1.2:3_4")).as_deref(),
        Some("trace-1.2:3_4")
    );
    for wrong in ["", "a b", "<script>", "a\tb", "é", &"a".repeat(129)] {
        let given = id(health().with("x-request-id", wrong)).unwrap();
        assert_ne!(given, wrong);
    }
    let refused = served
        .ask("GET", "/")
        .host(Some("evil.example"))
        .with("x-request-id", "r-1");
    assert_eq!(id(refused).as_deref(), Some("r-1"));
    assert!(id(served.ask("GET", "/no/such/route")).is_some());
}

#[test]
fn the_log_says_who_did_what_and_keeps_what_was_sent_to_itself() {
    let token = "interpret_s3cr3t-of-ada-0123456789abcdefghij";
    let access = format!(
        "tokens: [{{ name: ada, hash: \"{}\", scope: run, user: ada }}]",
        hash(token)
    );
    let folder = Folder::new(&[
        ("w/hello.yaml", HELLO),
        ("w/approval.yaml", APPROVAL),
        ("access.yaml", &access),
    ]);
    let program = Program::start(&folder, &["w", "--auth", "access.yaml", "--log", "json"]);
    let ask = |method: &str, path: &str| program.ask(method, path).with("x-marked", "m4rked-header");
    let execute = ask("POST", "/workflows/approval/execute")
        .bearer(token)
        .with("x-request-id", "req-1");
    let execution = execute
        .body("{\"input\": {\"m4rked\": \"body\"}}")
        .send()
        .at("/data/executionId");
    let execution = execution.as_str().unwrap().to_owned();
    let state = format!("/workflows/approval/executions/{execution}/state?m4rked=query");
    assert_eq!(
        ask("GET", &state)
            .bearer(token)
            .with("x-request-id", "req-2")
            .send()
            .status,
        200
    );
    let wrong = ask("GET", "/workflows")
        .bearer("wr0ng-token")
        .with("x-request-id", "req-3")
        .send();
    wrong.refused(401, "bad-token");
    assert_eq!(ask("GET", "/health").with("x-request-id", "req-4").send().status, 200);
    let log = program.end();
    let line = |id: &str| {
        let of = format!("\"id\":\"{id}\"");
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(&of)).collect();
        assert_eq!(lines.len(), 1, "{id}: {log}");
        serde_json::from_str::<serde_json::Value>(lines[0]).unwrap()
    };
    let began = line("req-1");
    assert_eq!(began["method"], "POST", "{began}");
    assert_eq!(began["route"], "/workflows/{id}/execute");
    assert_eq!(began["status"], 200);
    assert_eq!(began["execution"], execution.as_str());
    assert_eq!(began["user"], "ada");
    assert!(began["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{began}");
    let looked = line("req-2");
    assert_eq!(
        (&looked["execution"], &looked["user"]),
        (&execution.as_str().into(), &"ada".into())
    );
    let refused = line("req-3");
    assert_eq!(
        (&refused["status"], &refused["code"]),
        (&401.into(), &"bad-token".into())
    );
    assert!(
        !log.contains("req-4"),
        "those who look after the server ask all the time: {log}"
    );
    for kept in ["s3cr3t", "wr0ng", "m4rked", "Bearer", &hash(token)[7..]] {
        assert!(!log.contains(kept), "{kept}: {log}");
    }
}

#[test]
fn the_flags_reach_the_server_and_mistakes_in_them_are_explained() {
    let folder = Folder::new(&[("hello.yaml", HELLO)]);
    let arguments = [
        "hello.yaml",
        "--host",
        "flows.example.com",
        "--cors",
        "https://app.example.com",
    ];
    let program = Program::start(&folder, &arguments);
    let list = |host: &str, origin: &str| {
        let ask = program.ask("GET", "/workflows").host(Some(host));
        ask.with("origin", origin).send()
    };
    assert_eq!(list("flows.example.com", "https://app.example.com").status, 200);
    list("flows.example.com", "https://evil.example").refused(403, "foreign-origin");
    list("evil.example", "https://app.example.com").refused(403, "foreign-host");
    drop(program);
    for (arguments, says) in [
        (["--host", "http://x"], "without scheme and port"),
        (["--cors", "*"], "name each origin"),
        (["--cors", "app.example.com"], "https://app.example.com"),
        (["--auth", "none.yaml"], "cannot read none.yaml"),
    ] {
        let ended = folder.run(&["serve", "hello.yaml", "--store", "memory", arguments[0], arguments[1]]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains(says), "{ended:?}");
    }
}

#[test]
fn refusals_tell_nothing_of_what_is_inside() {
    let served = open(Settings::default());
    let replies = [
        served.ask("POST", "/workflows/hello/execute").body("{").send(),
        served.ask("POST", "/workflows/hello/execute").body([0xff, 0xfe]).send(),
        served.ask("GET", "/workflows/%00/executions/../state").send(),
        served.ask("GET", "/workflows/%ff").send(),
        served
            .ask("GET", "/workflows/approval/executions/%2e%2e%2fetc/state")
            .send(),
        served.ask("GET", "/workflows/executions?metadata=%ff").send(),
        served.ask("PUT", "/workflows").send(),
    ];
    for reply in replies {
        assert!((200..500).contains(&reply.status), "{reply:?}");
        for inside in ["src/", ".rs", "panicked", "sqlite", "/tmp", "/home", "/root"] {
            assert!(!reply.text.contains(inside), "{reply:?}");
        }
    }
    assert_eq!(served.ask("GET", "/health").send().at("/status"), Data::from("healthy"));
}
