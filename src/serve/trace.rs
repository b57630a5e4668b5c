//! The trace of whoever sends a request: an execution that it begins belongs to it (W3C Trace Context).

use std::task::{Context, Poll};

use axum::extract::Request;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
use tower::{Layer, Service};

use crate::drive;

/// Keeps what a request belongs to while it is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traced;

/// A service beneath [`Traced`].
#[derive(Clone, Debug)]
pub(super) struct Tracing<S>(S);

impl<S> Layer<S> for Traced {
    type Service = Tracing<S>;

    fn layer(&self, inner: S) -> Tracing<S> {
        Tracing(inner)
    }
}

impl<S> Service<Request> for Tracing<S>
where
    S: Service<Request>,
    S::Future: Send + 'static,
    S::Response: 'static,
    S::Error: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let parent = request.headers().get("traceparent");
        // A header that is none is as if there were none, as the standard has it.
        let parent = parent.and_then(|parent| parent.to_str().ok()?.parse().ok());
        let answering = self.0.call(request);
        match parent {
            Some(parent) => Either::Right(drive::within(Some(parent), answering).boxed()),
            None => Either::Left(answering),
        }
    }
}
