//! The HTTP provider, spoken to by a real server.

use interpret::data;

use super::witness::{Witness, response};
use super::*;

fn json(body: &str) -> String {
    response("200 OK", "content-type: application/json\r\n", body)
}

#[test]
fn rule_22_a_response_is_its_body_with_status_and_headers_beside_it() {
    let witness = Witness::answering(&response(
        "201 Created",
        "content-type: application/json\r\nX-A: 1\r\nx-a: 2\r\n",
        "[1]",
    ));
    block_on(async {
        let keys = Keys {
            output: Some(build(
                "={'body': result, 'status': response.status, 'a': response.headers['x-a']}",
            )),
            ..Keys::default()
        };
        let node = Node {
            keys: Some(Box::new(keys)),
            ..step("post", call(post(&witness.url())))
        };
        let found = result(&driver(permit()), program(|_| vec![node])).await;
        assert_eq!(found, data!({ "body": [1], "status": 201, "a": "1, 2" }));
    });
    let seen = witness.seen();
    let request = seen.requests[0].to_lowercase();
    for part in [
        "post /?old=0&tag=a&tag=b&q=%26 ",
        "idempotency-key: r1/post#1\r\n",
        "content-type: application/json\r\n",
        "authorization: bearer s3cr3t-t0ken\r\n",
        "user-agent: interpret/",
        "\r\n\r\n{\"n\":1}",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

fn post(url: &str) -> Target {
    Target::Http {
        method: "post".into(),
        url: build(&format!("{url}?old=0")),
        query: Some(literal(data!({ "tag": ["a", "b"], "q": "&", "none": null }))),
        headers: Some(Build::Map(vec![("Authorization".into(), bearer())])),
        body: Some(literal(data!({ "n": 1 }))),
        accept: Vec::new(),
    }
}

#[test]
fn an_empty_body_is_no_result() {
    let witness = Witness::answering(&response("204 No Content", "", ""));
    block_on(async {
        let program = program(|_| {
            vec![
                step("set", Op::Set(literal(data!("kept")))),
                step("get", call(get(&witness.url()))),
            ]
        });
        assert_eq!(result(&driver(permit()), program).await, data!("kept"));
    });
}

#[test]
fn a_refusal_is_an_error_with_all_that_programs_need() {
    let witness = Witness::answering(&response(
        "503 Service Unavailable",
        "content-type: application/json\r\nretry-after: 7\r\n",
        "{\"why\":\"s3cr3t-t0ken is wrong\"}",
    ));
    block_on(async {
        let failure = failure(&driver(permit()), single(call(post(&witness.url())))).await;
        assert_eq!(&*failure.code, "http.status");
        assert_eq!(failure.retry_after, Some(7_000));
        assert_eq!(failure.data.pointer("/status"), Some(&data!(503)));
        assert_eq!(failure.data.pointer("/headers/retry-after"), Some(&data!("7")));
        // What comes back is searched for secrets that were sent.
        assert_eq!(
            failure.data.pointer("/body/why"),
            Some(&data!("[secret TOKEN] is wrong"))
        );
        assert_eq!(
            *failure.message,
            format!("POST {} answered 503 Service Unavailable", witness.url())
        );
    });
}

#[test]
fn nobody_there_is_a_network_error() {
    block_on(async {
        let failure = failure(&driver(permit()), single(call(get("http://127.0.0.1:1/?key=private")))).await;
        assert_eq!(&*failure.code, "http.network");
        assert!(
            failure.message.starts_with("GET http://127.0.0.1:1/: "),
            "{}",
            failure.message
        );
        assert!(!failure.message.contains("private"), "{}", failure.message);
    });
}

#[test]
fn what_is_not_permitted_is_not_reached_and_the_flag_is_named() {
    let witness = Witness::answering(&json("1"));
    block_on(async {
        let failure = failure(&driver(Permit::nothing()), single(call(get(&witness.url())))).await;
        assert_eq!(&*failure.code, "permission.net");
        let flag = format!("`--allow-net=127.0.0.1:{}`", witness.port);
        assert!(failure.message.contains(&flag), "{}", failure.message);
    });
    assert!(witness.seen().requests.is_empty());
}

#[test]
fn a_redirect_reaches_only_what_is_permitted() {
    let away = |_: &str, port| {
        Some(response("302 Found", &format!("location: http://localhost:{port}/there\r\n"), "").into_bytes())
    };
    let witness = Witness::new(away);
    block_on(async {
        let failure = failure(&driver(permit()), single(call(get(&witness.url())))).await;
        assert_eq!(&*failure.code, "permission.net");
        let flag = format!("`--allow-net=localhost:{}`", witness.port);
        assert!(failure.message.contains(&flag), "{}", failure.message);
    });
    assert_eq!(witness.seen().requests.len(), 1);
}

#[test]
fn a_redirect_to_another_origin_takes_no_secrets_along() {
    let witness = Witness::new(|request, port| {
        Some(match request.starts_with("GET /there") {
            true => json("\"arrived\"").into_bytes(),
            false => response("302 Found", &format!("location: http://localhost:{port}/there\r\n"), "").into_bytes(),
        })
    });
    block_on(async {
        let permit = permit().allow_net(Some("localhost")).unwrap();
        assert_eq!(
            result(&driver(permit), single(call(post(&witness.url())))).await,
            data!("arrived")
        );
    });
    let seen = witness.seen();
    assert!(seen.requests[0].contains("s3cr3t"));
    assert!(!seen.requests[1].contains("s3cr3t"), "{}", seen.requests[1]);
    assert!(
        !seen.requests[1].contains("content-type"),
        "the body is gone: {}",
        seen.requests[1]
    );
}

#[test]
fn redirects_are_bounded() {
    let witness = Witness::answering(&response("302 Found", "location: /again\r\n", ""));
    block_on(async {
        assert_eq!(
            &*failure(&driver(permit()), single(call(get(&witness.url())))).await.code,
            "http.redirect"
        );
    });
    assert_eq!(witness.seen().requests.len(), 11);
}

#[test]
fn responses_are_bounded() {
    let mut large = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n".to_vec();
    large.resize((16 << 20) + 1000, b'x');
    let witness = Witness::new(move |_, _| Some(large.clone()));
    block_on(async {
        let failure = failure(&driver(permit()), single(call(get(&witness.url())))).await;
        assert_eq!(&*failure.code, "http.tooLarge");
    });
}

#[test]
fn headers_cannot_be_injected() {
    let witness = Witness::answering(&json("1"));
    let with_headers = |headers: Data| Target::Http {
        method: "GET".into(),
        url: build(&witness.url()),
        query: None,
        headers: Some(literal(headers)),
        body: None,
        accept: Vec::new(),
    };
    block_on(async {
        for headers in [
            data!({ "x": "a\r\nx-evil: 1" }),
            data!({ "x\r\nx-evil: 1": "a" }),
            data!({ "Host": "evil.example" }),
            data!({ "transfer-encoding": "chunked" }),
        ] {
            let failure = failure(&driver(permit()), single(call(with_headers(headers)))).await;
            assert_eq!(&*failure.code, "http.invalid", "{}", failure.message);
        }
        for url in ["file:///etc/passwd", "nonsense"] {
            assert_eq!(
                &*failure(&driver(permit()), single(call(get(url)))).await.code,
                "http.invalid"
            );
        }
    });
    assert!(witness.seen().requests.is_empty());
}

#[test]
fn json_that_is_none_is_an_error() {
    let witness = Witness::answering(&json("{oops"));
    block_on(async {
        assert_eq!(
            &*failure(&driver(permit()), single(call(get(&witness.url())))).await.code,
            "http.decode"
        );
    });
}
