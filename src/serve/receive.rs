//! Receiving bodies: within a size and a time.

use axum::body::{Body, Bytes};
use futures_util::StreamExt;

use super::problem::Problem;
use super::service::Service;

/// The whole body of a request.
pub(super) async fn receive(body: Body, service: &Service) -> Result<Bytes, Problem> {
    match tokio::time::timeout(service.body_time(), whole(body, service.largest_body())).await {
        Err(_) => Err(Problem::TooSlow),
        Ok(received) => received,
    }
}

async fn whole(body: Body, largest: usize) -> Result<Bytes, Problem> {
    let mut chunks = body.into_data_stream();
    let mut first = Bytes::new();
    let mut rest = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::Malformed("the body could not be received".to_owned()))?;
        if first.len() + rest.len() + chunk.len() > largest {
            return Err(Problem::TooLarge);
        }
        // Most bodies come in one piece.
        match first.is_empty() {
            true => first = chunk,
            false => rest.extend_from_slice(&chunk),
        }
    }
    Ok(match rest.is_empty() {
        true => first,
        false => [&*first, &rest].concat().into(),
    })
}
