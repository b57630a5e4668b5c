//! Accepting connections: bounded in number, in what their headers may cost, and ended gracefully.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt;

use super::guard::Peer;
use super::problem::Problem;
use super::{Limits, refusal};

/// How long is waited when no connection can be accepted, as when there are too many files open.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves connections until `stopping` is true; then no more are accepted, and those that are open end behind the answer
/// they are at, or at the latest after the time to drain.
pub(super) async fn listen(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let most = limits.most_connections;
    let connections = Arc::new(Semaphore::new(most));
    let stop = stopping.clone();
    loop {
        let permit = tokio::select! {
            permit = connections.clone().acquire_owned() => permit,
            _ = stopped(&mut stopping) => break,
        };
        // The semaphore is never closed.
        let Ok(permit) = permit else { break };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let peer = Peer(peer.ip());
                    tokio::spawn(connection(stream, peer, router.clone(), limits, stop.clone(), permit));
                }
                // The client has gone already, or there are too many files open; neither ends the server.
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            _ = stopped(&mut stopping) => break,
        }
    }
    drop(listener);
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    // Who is not done by then is cut off with this process.
    let _ = tokio::time::timeout(limits.drain, connections.acquire_many(most)).await;
    Ok(())
}

async fn connection(
    mut stream: TcpStream,
    peer: Peer,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
    permit: OwnedSemaphorePermit,
) {
    // Answers are written in one piece; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let asked = AtomicBool::new(false);
    let service = service_fn(|mut request: hyper::Request<hyper::body::Incoming>| {
        asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(peer);
        let router = router.clone();
        async move { router.oneshot(request.map(Body::new)).await }
    });
    let ended = {
        let mut serving = std::pin::pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.head_time)
                .max_buf_size(limits.largest_head)
                .serve_connection(TokioIo::new(&mut stream), service)
        );
        let ended = tokio::select! {
            ended = serving.as_mut() => Some(ended),
            _ = stopped(&mut stopping) => None,
        };
        match ended {
            Some(ended) => ended,
            None => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        }
    };
    // What a client does wrong is its own matter, but one that is too slow is told so. Behind an answer it is idle
    // rather than slow.
    if ended.is_err_and(|error| error.is_timeout()) && !asked.load(Ordering::Relaxed) {
        let body = refusal::text(&Problem::TooSlow);
        let answer = format!(
            "HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        );
        // It may have gone; whether it reads that is not waited for.
        let _ = stream.try_write(answer.as_bytes());
    }
    drop(permit);
}

/// Comes back when the server is about to end. What the channel gives holds a lock, which must not be kept across an
/// `await`.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // The sender lives as long as the server.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
