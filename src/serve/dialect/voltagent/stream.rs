//! Streams of server-sent events. They are read from the journal at the pace of the client, so a slow one neither holds
//! up the execution nor takes memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use tokio::sync::watch;

use super::frames::Frames;
use crate::drive::{Follow, Listener, Piece};
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
    text: Listener,
    /// Text of a call that the journal, as far as it was read, does not know yet.
    early: Option<Piece>,
    /// Events before this one are not told.
    from: u64,
    stopping: watch::Receiver<bool>,
}

/// The answer with the frames of an execution.
pub(super) fn response(service: &Service, program: Arc<Program>, follow: Follow, from: From) -> Response {
    let text = service.live().listen(follow.run());
    let (known, from) = match from {
        From::Frame(known) => (known, 0),
        From::Now(events) => (0, events),
    };
    let stream = Stream {
        frames: Frames::new(program, known),
        follow,
        text,
        early: None,
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
        let mut out = String::new();
        loop {
            self.tell_text(&mut out);
            if !out.is_empty() {
                return Some(Ok(Bytes::from(out)));
            }
            let waits = self.early.is_none();
            let next = tokio::select! {
                next = tokio::time::timeout(HEARTBEAT, self.follow.next()) => next,
                piece = self.text.next(), if waits => {
                    self.early = Some(piece);
                    continue;
                }
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
            // What a call has told, it has told before its end was stored.
            self.tell_text(&mut out);
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
        }
    }

    /// Tells the text that has come. What is of a call that is not known yet waits for the journal, which is at hand:
    /// what a call is asked is stored before it is made.
    fn tell_text(&mut self, out: &mut String) {
        while let Some(piece) = self.early.take().or_else(|| self.text.take()) {
            if self.frames.is_ahead(piece.ticket) {
                self.early = Some(piece);
                return;
            }
            self.frames.text(&piece, out);
        }
    }
}
