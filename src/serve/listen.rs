//! Accepting connections: bounded in number, in what their headers may cost, and ended gracefully.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt;

/// How long the headers of a request may take to arrive.
const HEADERS: Duration = Duration::from_secs(10);
/// How many headers a request may have, and how large they may be together.
const MOST_HEADERS: usize = 64;
const LARGEST_HEADERS: usize = 32 * 1024;
/// How long is waited when no connection can be accepted, as when there are too many files open.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves connections until `stopping` is true; then no more are accepted, and those that are open end behind the answer
/// they are at, or at the latest after `patience`.
pub(super) async fn listen(
    listener: TcpListener,
    router: Router,
    most: usize,
    mut stopping: watch::Receiver<bool>,
    patience: Duration,
) -> io::Result<()> {
    let connections = Arc::new(Semaphore::new(most));
    let stop = stopping.clone();
    loop {
        let permit = tokio::select! {
            permit = connections.clone().acquire_owned() => permit,
            _ = stopping.wait_for(|stopping| *stopping) => break,
        };
        // The semaphore is never closed.
        let Ok(permit) = permit else { break };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(connection(stream, router.clone(), stop.clone(), permit));
                }
                // The client has gone already, or there are too many files open; neither ends the server.
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            _ = stopping.wait_for(|stopping| *stopping) => break,
        }
    }
    drop(listener);
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    // Who is not done by then is cut off with this process.
    let _ = tokio::time::timeout(patience, connections.acquire_many(most)).await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    permit: OwnedSemaphorePermit,
) {
    // Answers are written in one piece; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let router = router.clone();
        async move { router.oneshot(request.map(Body::new)).await }
    });
    let mut serving = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS)
            .max_headers(MOST_HEADERS)
            .max_buf_size(LARGEST_HEADERS)
            .serve_connection(TokioIo::new(stream), service)
    );
    // What a client does wrong is its own matter.
    tokio::select! {
        _ = serving.as_mut() => return drop(permit),
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
    drop(permit);
}
