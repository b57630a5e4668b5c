//! Providers that refuse, break off or say nothing sensible.

use interpret::data;
use serde_json::json;

use super::*;

#[test]
fn who_asks_to_be_left_alone_is_asked_again_in_time() {
    let text = PLAIN.replace("prompt: Go", "prompt: Go, retry: { attempts: 4, delay: 1s, jitter: 0 }");
    for kind in KINDS {
        block_on(async {
            let server = Server::new([
                Turn::Refuses(
                    429,
                    vec![("retry-after", "7")],
                    json!({ "error": { "message": "Slowly" } }),
                ),
                Turn::Refuses(529, vec![("retry-after-ms", "2500")], json!({ "error": "Busy" })),
                Turn::Refuses(500, vec![], json!({ "oops": true })),
                Turn::Says("Hello"),
            ])
            .await;
            let setting = Setting::new(kind);
            let clock = setting.clock.clone();
            let driver = setting.driver(server.port);
            assert_eq!(end(&driver, &text).await, RunEnd::Completed(data!("Hello")), "{kind}");
            assert_eq!(server.asked().len(), 4);
            let waited = clock.now().since(Timestamp(0)).0;
            assert!((10_500..=20_000).contains(&waited), "{kind}: {waited} ms");
        });
    }
}

#[test]
fn a_refusal_is_told_with_what_the_provider_says_and_is_not_repeated() {
    let text = PLAIN.replace("prompt: Go", "prompt: Go, retry: { attempts: 4, delay: 1s }");
    for kind in KINDS {
        block_on(async {
            let body =
                json!({ "type": "error", "error": { "type": "invalid_request_error", "message": "No model `m`" } });
            let server = Server::new([Turn::Refuses(404, vec![], body)]).await;
            let driver = Setting::new(kind).driver(server.port);
            let failure = failure(&driver, &text).await;
            assert_eq!(&*failure.code, "agent.status");
            assert_eq!(
                failure.data,
                data!({ "status": 404, "message": "No model `m`", "type": "invalid_request_error" })
            );
            assert!(
                failure.message.ends_with("answered 404 Not Found: No model `m`"),
                "{}",
                failure.message
            );
            assert_eq!(server.asked().len(), 1, "{kind}");
        });
    }
}

#[test]
fn what_breaks_off_is_a_matter_of_the_network_and_what_is_incomplete_is_not_read() {
    for kind in KINDS {
        for (turn, code) in [
            (Turn::Begins("Hel", Then::Breaks), "agent.network"),
            (Turn::Begins("Hel", Then::Ends), "agent.decode"),
            (Turn::Raw("data: {\"choices\":\n\n"), "agent.decode"),
            (Turn::Raw("<html>Please sign in</html>"), "agent.decode"),
            (Turn::Raw("[1, 2"), "agent.decode"),
            (Turn::Raw(""), "agent.decode"),
        ] {
            block_on(async {
                let server = Server::new([turn.clone()]).await;
                let driver = Setting::new(kind).driver(server.port);
                let failure = failure(&driver, PLAIN).await;
                assert_eq!(&*failure.code, code, "{kind} {turn:?}: {}", failure.message);
                let place = format!("POST http://127.0.0.1:{}/v1/", server.port);
                assert!(failure.message.starts_with(&place), "{}", failure.message);
            });
        }
    }
}

#[test]
fn nobody_there_is_a_matter_of_the_network() {
    for kind in KINDS {
        block_on(async {
            let driver = Setting::new(kind).driver(1);
            assert_eq!(&*failure(&driver, PLAIN).await.code, "agent.network");
        });
    }
}

#[test]
fn another_model_answers_where_one_breaks_off() {
    block_on(async {
        let server = Server::new([Turn::Begins("Hel", Then::Breaks), Turn::Says("Hello")]).await;
        let driver = Setting::new("anthropic").driver(server.port);
        let text = PLAIN.replace("model: one/m", "model: one/m, fallbacks: [one/n]");
        assert_eq!(end(&driver, &text).await, RunEnd::Completed(data!("Hello")));
        let asked = server.asked();
        assert_eq!(
            (&asked[0].body["model"], &asked[1].body["model"]),
            (&json!("m"), &json!("n"))
        );
    });
}
