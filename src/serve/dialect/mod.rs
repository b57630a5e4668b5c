//! The protocols that are spoken, one folder each. A dialect translates: its wire types stay in its folder.
//!
//! A new one is a folder with a `router`, and a line in [`mount`].

mod vellum;
pub mod voltagent;

use std::sync::Arc;

use axum::Router;

use super::openapi::Description;
use super::service::Service;

/// The routes of all dialects: each under a prefix of its own, and those that are no other's at the root.
pub(super) fn mount(service: Arc<Service>) -> Router {
    let vellum = vellum::router(service.clone());
    let voltagent = voltagent::router(service);
    Router::new()
        .nest("/vellum", vellum.clone())
        .nest("/voltagent", voltagent.clone())
        .merge(vellum)
        .merge(voltagent)
}

/// Describes the routes of the native protocol; the others are described by those who made them.
pub(super) fn describe(api: &mut Description) {
    voltagent::describe(api);
}
