//! Conversations: kept by the store of a run, asked for and added to by its steps.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::graph::{Name, Timestamp};
use crate::provider::{Effect, Performing};
use crate::store::{Asking, Store, converse};

/// Performs what a run asks of its own store.
pub(super) fn perform(store: Arc<dyn Store>, effect: &Effect, user: Option<Name>, at: Timestamp) -> Performing {
    let request = effect.call.request.clone();
    let asking = Asking {
        effect: effect.id(),
        user,
        at,
    };
    async move { converse(&*store, &asking, &request).await }.boxed()
}
