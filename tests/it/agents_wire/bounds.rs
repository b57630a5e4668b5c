//! What is granted, what is kept secret, and what ends.

use std::sync::Mutex;

use interpret::run::{Input, Status};
use serde_json::json;

use super::*;

#[test]
fn a_stalled_provider_is_cut_off_by_the_time_limit() {
    let text = PLAIN.replace("prompt: Go", "prompt: Go, timeout: 400ms");
    for kind in KINDS {
        block_on(async {
            let server = Server::new([Turn::Begins("Hel", Then::Stalls)]).await;
            let driver = Setting::new(kind).in_real_time().driver(server.port);
            assert_eq!(&*failure(&driver, &text).await.code, "timeout");
            server.abandoned().await;
        });
    }
}

#[test]
fn a_cancelled_run_leaves_its_provider_at_once() {
    for kind in KINDS {
        block_on(async {
            let server = Server::new([Turn::Begins("Hel", Then::Stalls)]).await;
            let driver = Setting::new(kind).in_real_time().driver(server.port);
            let handle = driver.start(program(PLAIN), start()).await.unwrap();
            server.begun().await;
            handle.send(Input::Cancel { reason: None }).await.unwrap();
            server.abandoned().await;
            assert_eq!(handle.finished().await, Ok(Status::Cancelled));
        });
    }
}

#[test]
fn a_provider_is_reached_only_where_its_host_is_granted() {
    for kind in KINDS {
        block_on(async {
            let server = Server::new([]).await;
            let setting = Setting {
                permit: Permit::nothing(),
                ..Setting::new(kind)
            };
            let failure = failure(&setting.driver(server.port), PLAIN).await;
            assert_eq!(&*failure.code, "permission.net");
            let flag = format!("`--allow-net=127.0.0.1:{}`", server.port);
            assert!(failure.message.contains(&flag), "{}", failure.message);
            assert!(server.asked().is_empty());
        });
    }
}

#[test]
fn a_provider_that_tells_the_key_is_not_repeated() {
    let leaks = || {
        [
            Turn::Says("Your key is s3cr3t-t0ken/of+one."),
            Turn::Calls(vec![("s3cr3t-t0ken/of+one", json!({ "key": KEY }))]),
            Turn::Refuses(
                401,
                vec![],
                json!({ "error": { "message": format!("bad key {KEY}"), "code": KEY } }),
            ),
            Turn::Refuses(
                400,
                vec![],
                json!({ "error": { "message": "\"s3cr3t-t0ken%2Fof%2Bone\"" } }),
            ),
            Turn::Raw("{\"choices\": \"s3cr3t-t0ken/of+one"),
            Turn::Raw("no event but s3cr3t-t0ken/of+one"),
        ]
    };
    for kind in KINDS {
        for (at, turn) in leaks().into_iter().enumerate() {
            block_on(async {
                let told: Arc<Mutex<String>> = Arc::default();
                let heard = told.clone();
                let server = Server::cutting(3, [turn, Turn::Says("Hello")]).await;
                let setting = Setting {
                    sink: Some(Arc::new(move |delta| heard.lock().unwrap().push_str(&delta.text))),
                    ..Setting::new(kind)
                };
                let driver = setting.driver(server.port);
                let end = format!("{:?}", end(&driver, PLAIN).await);
                let all = format!("{end}\n{}\n{}", journal(&driver).await, told.lock().unwrap());
                assert!(!all.contains("t0ken"), "{kind}, leak {at}: {all}");
                if at == 0 {
                    assert!(all.contains("Your key is [secret KEY]."), "{kind}: {all}");
                }
            });
        }
    }
}

#[test]
fn an_answer_without_end_is_cut_off() {
    block_on(async {
        // A line that never ends, as a server out of its mind sends it.
        let endless: &'static str = Box::leak(format!("data: {}", "x".repeat(9 << 20)).into_boxed_str());
        let server = Server::new([Turn::Raw(endless)]).await;
        let driver = Setting::new("chat-completions").driver(server.port);
        let failure = failure(&driver, PLAIN).await;
        assert_eq!(&*failure.code, "agent.decode");
        assert!(failure.message.contains("longer than 8 MiB"), "{}", failure.message);
    });
}
