//! Conversations: kept by the store, asked for and added to by the steps of agents.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::data::Data;
use crate::provider::{Effect, Performing};
use crate::run::{Answer, Failure, Outcome, Request};
use crate::store::Store;

/// How many messages of a conversation an agent is told: the last ones.
const MOST_MESSAGES: usize = 100;

/// Performs what a run asks of its own store.
pub(super) fn perform(store: Arc<dyn Store>, effect: &Effect) -> Performing {
    let (id, request) = (effect.id(), effect.call.request.clone());
    async move {
        let done = match &*request {
            Request::Recall(asked) => store.recall(&asked.conversation, MOST_MESSAGES).await.map(|messages| {
                let list = serde_json::to_value(messages).map(Data::from);
                // Messages are made of nothing that JSON could not hold.
                Some(list.unwrap_or_default())
            }),
            Request::Remember(asked) => {
                let kept = store.remember(&asked.conversation, &id, asked.messages.clone()).await;
                kept.map(|()| None)
            }
            _ => Ok(None),
        };
        match done {
            Ok(result) => Outcome::Done(Answer { result, response: None }),
            Err(error) => {
                let message = format!("the conversation cannot be reached: {error}");
                Outcome::Failed(Arc::new(Failure::new("conversation.unavailable", message)))
            }
        }
    }
    .boxed()
}
