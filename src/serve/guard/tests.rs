//! What cannot be brought about from outside: a handler that panics.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::routing::get;
use tower::ServiceExt;

use super::*;
use crate::serve::Settings;

/// What is written to a log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_panic_ends_one_request_and_tells_nothing() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let _logged = tracing::subscriber::set_default(subscriber.finish());
    let settings = Settings::default();
    let limits = crate::serve::Limits::of(&settings);
    let metrics = Arc::new(Metrics::new());
    let address = SocketAddr::from(([127, 0, 0, 1], 3141));
    let guarded = Arc::new(Guard::new(
        Access::default(),
        address,
        limits,
        metrics.clone(),
        super::Signed(Box::new(|_| false)),
        super::Keyed(Box::new(|_, _| None)),
    ));
    let panics = || async {
        if std::hint::black_box(true) {
            panic!("s3cr3t of the inside");
        }
    };
    let router = Router::new()
        .route("/panics", get(panics))
        .route("/works", get(|| async { "fine" }))
        .layer(Guarding(guarded));
    let ask = |path: &str| {
        let request = Request::get(path)
            .header("host", "localhost")
            .header("x-request-id", "r-1");
        router.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async {
            let response = ask("/panics").await.unwrap();
            assert_eq!(response.status(), 500);
            assert_eq!(response.headers()["x-request-id"], "r-1");
            let body = to_bytes(response.into_body(), 10_000).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((&body["success"], &body["code"]), (&false.into(), &"internal".into()));
            assert!(!body.to_string().contains("s3cr3t"), "{body}");
            assert_eq!(ask("/works").await.unwrap().status(), 200);
        });
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let failed: Vec<&str> = log.lines().filter(|line| line.contains("a request failed")).collect();
    assert!(failed.len() == 1 && failed[0].contains("r-1"), "{log}");
    assert!(metrics.text(0, 0).contains("route=\"/panics\",status=\"500\""));
}
