//! Streams of server-sent events, read from the journal at the pace of the client.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use super::frames::{Frames, Next, Telling};
use super::kept;
use super::reply::Failure;
use crate::drive::Follow;
use crate::graph::{Name, Program};
use crate::serve::problem::Problem;
use crate::serve::service::Service;

/// How often something is sent when nothing happens.
const PING: Duration = Duration::from_secs(10);

/// What is told in a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    /// What comes of the events before this one.
    pub before: Before,
    /// Their number.
    pub from: u64,
    /// Whether the stream goes on when the run waits for a person.
    pub goes_on: bool,
}

/// What comes of what has happened before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    Passed,
    /// It is told in brief.
    Brief,
}

/// A stream being written.
struct Stream {
    run: Name,
    frames: Frames,
    follow: Follow,
    scene: Scene,
    stopping: watch::Receiver<bool>,
}

/// The answer with the events of a run.
pub(super) fn response(service: &Service, run: Name, program: Arc<Program>, follow: Follow, scene: Scene) -> Response {
    let stream = Stream {
        run,
        frames: Frames::new(program, kept(service).statuses),
        follow,
        scene,
        stopping: service.stopping(),
    };
    let stream = futures_util::stream::unfold(Some(stream), async |stream| {
        let mut stream = stream?;
        match stream.next().await {
            Piece::Some(text) => Some((Ok::<_, std::convert::Infallible>(text), Some(stream))),
            Piece::Last(text) if text.is_empty() => None,
            Piece::Last(text) => Some((Ok(text), None)),
        }
    });
    of(Body::from_stream(stream))
}

/// A stream that is one text.
pub(super) fn whole(text: String) -> Response {
    of(Body::from(text))
}

fn of(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

enum Piece {
    Some(Bytes),
    Last(Bytes),
}

impl Stream {
    /// The next events, or a sign of life.
    async fn next(&mut self) -> Piece {
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout(PING, self.follow.next()) => next,
                // The client comes back to whoever serves then.
                _ = self.stopping.wait_for(|stopping| *stopping) => return Piece::Last(Bytes::new()),
            };
            let batch = match next {
                Err(_) => return Piece::Some(Bytes::from_static(b"event: ping\n\n")),
                Ok(None) => return Piece::Last(self.frames.finish().into()),
                Ok(Some(Err(error))) => return self.broken(Problem::from(error)),
                Ok(Some(Ok(batch))) => batch,
            };
            let mut out = String::new();
            for (seq, event) in (batch.first..).zip(batch.events.iter()) {
                let telling = match (seq < self.scene.from, self.scene.before) {
                    (false, _) => Telling::All,
                    (true, Before::Passed) => Telling::Nothing,
                    (true, Before::Brief) => Telling::Brief,
                };
                let Ok(mut told) = self.frames.follow(event, telling, &mut out) else {
                    return self.broken(Problem::Internal("the journal is damaged".to_owned()));
                };
                if telling == Telling::Brief && seq + 1 == self.scene.from {
                    told = self.frames.caught_up(event.at, &mut out);
                }
                if told == Next::Paused && !self.scene.goes_on {
                    return Piece::Last(out.into());
                }
            }
            if !out.is_empty() {
                return Piece::Some(out.into());
            }
        }
    }

    fn broken(&self, problem: Problem) -> Piece {
        Piece::Last(super::frames::error(&self.run, &Failure::from(problem)).into())
    }
}
