//! What runs ask of the conversations that their store keeps.

use std::sync::Arc;

use super::conversation::{conversation_id, message_id};
use super::{Conversation, Error, Page, Said, Store};
use crate::data::{Data, Map};
use crate::graph::{Name, Timestamp};
use crate::run::{Answer, ConversationRequest, Failure, NewMessage, Outcome, Request};

/// How many messages of a conversation an agent is told: the last ones.
const MOST_MESSAGES: usize = 100;

/// Who asks, for whom and when.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The id of the effect; what is made has ids that come from it.
    pub effect: String,
    /// For whom the run runs.
    pub user: Option<Name>,
    /// When.
    pub at: Timestamp,
}

enum Trouble {
    Store(Error),
    Unknown(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Store(error)
    }
}

/// Performs what a run asks of its own store.
pub async fn converse(store: &dyn Store, asking: &Asking, request: &Request) -> Outcome {
    let done = match request {
        Request::Recall(asked) => recall(store, asking, &asked.conversation).await,
        Request::Remember(asked) => remember(store, asking, asked).await,
        Request::Conversation(asked) => perform(store, asking, asked).await,
        _ => Ok(None),
    };
    let failure = match done {
        Ok(result) => return Outcome::Done(Answer { result, response: None }),
        Err(Trouble::Unknown(message)) => Failure::new("conversation.unknown", message),
        Err(Trouble::Store(error)) => {
            let message = format!("the conversation cannot be reached: {error}");
            Failure::new("conversation.unavailable", message)
        }
    };
    Outcome::Failed(Arc::new(failure))
}

type Done = Result<Option<Data>, Trouble>;

async fn recall(store: &dyn Store, asking: &Asking, conversation: &Name) -> Done {
    own(store, asking, conversation).await?;
    let messages = store.recall(conversation, MOST_MESSAGES).await?;
    let list = serde_json::to_value(messages).map(Data::from);
    // Messages are made of nothing that JSON could not hold.
    Ok(Some(list.unwrap_or_default()))
}

async fn remember(store: &dyn Store, asking: &Asking, asked: &crate::run::RememberRequest) -> Done {
    own(store, asking, &asked.conversation).await?;
    let messages = asked.messages.iter().enumerate().filter_map(|(n, message)| {
        let id = message_id(&asking.effect, n);
        Said::of_model(message.clone(), asked.agent.as_ref(), id, asking.at)
    });
    let conversation = asking.conversation(asked.conversation.clone(), Data::Null);
    store.say(conversation, messages.collect()).await?;
    Ok(None)
}

async fn perform(store: &dyn Store, asking: &Asking, asked: &ConversationRequest) -> Done {
    if let Some(conversation) = asked.conversation() {
        own(store, asking, conversation).await?;
    }
    let done = match asked {
        ConversationRequest::Create { metadata } => {
            let id = conversation_id(&asking.effect);
            store
                .say(asking.conversation(id.clone(), metadata.clone()), Vec::new())
                .await?;
            let entries: [(Name, Data); 1] = [("id".into(), Data::Text(id))];
            Data::Map(Arc::new(entries.into_iter().collect::<Map>()))
        }
        ConversationRequest::Add { conversation, message } => {
            let said = say(store, asking, conversation, std::slice::from_ref(message)).await?;
            said.first().map(Said::to_data).unwrap_or_default()
        }
        ConversationRequest::Copy { conversation, messages } => {
            let said = say(store, asking, conversation, messages).await?;
            said.iter().map(Said::to_data).collect()
        }
        ConversationRequest::Retrieve { conversation, message } => {
            let found = store.message(conversation, message).await?;
            let unknown = || {
                Trouble::Unknown(format!(
                    "there is no message `{message}` in the conversation `{conversation}`"
                ))
            };
            found.ok_or_else(unknown)?.to_data()
        }
        ConversationRequest::List {
            conversation,
            order,
            limit,
            after,
            before,
        } => {
            let page = Page {
                order: *order,
                limit: *limit as usize,
                after: after.clone(),
                before: before.clone(),
            };
            let said = store.said(conversation, page).await?;
            said.iter().map(Said::to_data).collect()
        }
    };
    Ok(Some(done))
}

async fn say(
    store: &dyn Store,
    asking: &Asking,
    conversation: &Name,
    messages: &[NewMessage],
) -> Result<Vec<Said>, Trouble> {
    let said = messages.iter().enumerate().map(|(n, message)| {
        let id = message_id(&asking.effect, n);
        Said::of(message.clone(), id, asking.at)
    });
    let said: Vec<Said> = said.collect();
    let conversation = asking.conversation(conversation.clone(), Data::Null);
    store.say(conversation, said.clone()).await?;
    Ok(said)
}

/// Refuses a conversation of somebody else, as if there were none.
async fn own(store: &dyn Store, asking: &Asking, conversation: &Name) -> Result<(), Trouble> {
    let Some(user) = &asking.user else { return Ok(()) };
    match store.conversation(conversation).await? {
        Some(Conversation { user: Some(owner), .. }) if owner != *user => Err(Trouble::Unknown(format!(
            "there is no conversation `{conversation}` of the user of the run"
        ))),
        _ => Ok(()),
    }
}

impl Asking {
    fn conversation(&self, id: Name, metadata: Data) -> Conversation {
        Conversation {
            id,
            user: self.user.clone(),
            metadata,
            created_at: self.at,
        }
    }
}
