//! Streams of server-sent events. They are read from the journal at the pace of the client, so a slow one neither holds
//! up the execution nor takes memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use tokio::sync::watch;

use super::frames::Frames;
use crate::drive::Follow;
use crate::graph::Program;
use crate::serve::service::Service;

/// How often something is sent when nothing happens, so that proxies and clients know that the stream is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// From where a stream begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum From {
    /// Behind a frame that the client knows; 0 is the beginning.
    Frame(u64),
    /// With what happens from now on: behind so many events.
    Now(u64),
}

/// A stream being written.
struct Stream {
    frames: Frames,
    follow: Follow,
    /// Events before this one are not told.
    from: u64,
    stopping: watch::Receiver<bool>,
}

/// The answer with the frames of an execution.
pub(super) fn response(service: &Service, program: Arc<Program>, follow: Follow, from: From) -> Response {
    let (known, from) = match from {
        From::Frame(known) => (known, 0),
        From::Now(events) => (0, events),
    };
    let stream = Stream {
        frames: Frames::new(program, known),
        follow,
        from,
        stopping: service.stopping(),
    };
    let stream = futures_util::stream::unfold(Some(stream), async |stream| {
        let mut stream = stream?;
        match stream.next().await {
            Some(Ok(bytes)) => Some((Ok::<_, std::convert::Infallible>(bytes), Some(stream))),
            Some(Err(last)) => Some((Ok(last), None)),
            None => None,
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(stream)).into_response()
}

impl Stream {
    /// The next frames, or a sign of life; an error is the last thing that is sent.
    async fn next(&mut self) -> Option<Result<Bytes, Bytes>> {
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout(HEARTBEAT, self.follow.next()) => next,
                // The client comes back to whoever serves then, and is told what it has missed.
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            };
            let batch = match next {
                Err(_) => return Some(Ok(Bytes::from_static(b": alive\n\n"))),
                Ok(None) => return None,
                Ok(Some(Err(error))) => {
                    tracing::warn!(%error, "a stream ends");
                    return Some(Err(Bytes::from_static(
                        b"data: {\"type\":\"error\",\"error\":\"the events cannot be read\"}\n\n",
                    )));
                }
                Ok(Some(Ok(batch))) => batch,
            };
            let mut out = String::new();
            for (seq, event) in (batch.first..).zip(batch.events.iter()) {
                let followed = match seq < self.from {
                    true => self.frames.pass(event),
                    false => self.frames.follow(event, &mut out),
                };
                if followed.is_err() {
                    return Some(Err(Bytes::from_static(
                        b"data: {\"type\":\"error\",\"error\":\"the journal is damaged\"}\n\n",
                    )));
                }
            }
            if !out.is_empty() {
                return Some(Ok(Bytes::from(out)));
            }
        }
    }
}
