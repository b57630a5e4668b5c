//! Conversations and their items.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::body::{Adding, Making, message};
use super::failure::{Failure, Reply, unkept};
use super::{items, responses};
use crate::data::Data;
use crate::graph::{Name, Order};
use crate::run::NewMessage;
use crate::serve::caller::{Caller, Scope};
use crate::serve::refusal;
use crate::serve::service::Service;
use crate::store::{Conversation, Page, Said};

/// How many items a page has, unless it says so, and at most.
const PAGE: usize = 20;
const LONGEST_PAGE: usize = 100;
/// How many items can be added at once.
const MOST_ITEMS: usize = 20;

/// A conversation that the caller may know of.
pub(super) async fn known(
    service: &Service,
    caller: &Caller,
    id: &str,
    param: &'static str,
) -> Result<Conversation, Failure> {
    caller.may(Scope::Read)?;
    let found = service
        .driver()
        .store()
        .conversation(&id.into())
        .await
        .map_err(unkept)?;
    let found = found.filter(|found| caller.may_see(found.user.as_deref()));
    found.ok_or_else(|| Failure::missing(param, format!("Conversation with id '{id}' not found.")))
}

/// Makes a conversation of the caller's.
pub(super) async fn make(service: &Service, caller: &Caller, metadata: Data) -> Result<Conversation, Failure> {
    caller.may(Scope::Run)?;
    let made = Conversation {
        id: format!("conv_{}", uuid::Uuid::now_v7().simple()).into(),
        user: caller.acts_for(None)?,
        metadata,
        created_at: service.driver().clock().now(),
    };
    let store = service.driver().store();
    store.say(made.clone(), Vec::new()).await.map_err(unkept)?;
    Ok(made)
}

pub(super) async fn create(service: &Service, caller: &Caller, making: Making) -> Reply {
    let messages = messages(making.items.as_deref().unwrap_or_default())?;
    let metadata = making.metadata.map_or(Data::Null, |map| Data::from(Value::Object(map)));
    let made = make(service, caller, metadata).await?;
    add(service, &made, messages).await?;
    Ok(ok(&told(&made)))
}

pub(super) async fn retrieve(service: &Service, caller: &Caller, id: &str) -> Reply {
    Ok(ok(&told(&known(service, caller, id, "conversation_id").await?)))
}

pub(super) async fn delete(service: &Service, caller: &Caller, id: &str) -> Reply {
    caller.may(Scope::Run)?;
    let found = known(service, caller, id, "conversation_id").await?;
    let store = service.driver().store();
    store.forget_conversation(&found.id).await.map_err(unkept)?;
    Ok(ok(
        &json!({ "id": found.id, "object": "conversation.deleted", "deleted": true }),
    ))
}

pub(super) async fn add_items(service: &Service, caller: &Caller, id: &str, adding: Adding) -> Reply {
    caller.may(Scope::Run)?;
    let found = known(service, caller, id, "conversation_id").await?;
    let said = add(service, &found, messages(&adding.items)?).await?;
    Ok(ok(&items::list(said.iter().map(items::item).collect(), false)))
}

pub(super) async fn list_items(service: &Service, caller: &Caller, id: &str, query: &str) -> Reply {
    let found = known(service, caller, id, "conversation_id").await?;
    let part = |key: &str| {
        let mut parts = query.split('&');
        let part = parts.find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
        part.filter(|part| !part.is_empty())
    };
    let order = match part("order") {
        None | Some("desc") => Order::Descending,
        Some("asc") => Order::Ascending,
        Some(_) => return Err(Failure::malformed("order", "`order` is `asc` or `desc`")),
    };
    let limit = match part("limit").map(str::parse::<usize>) {
        None => PAGE,
        Some(Ok(limit)) if (1..=LONGEST_PAGE).contains(&limit) => limit,
        Some(_) => {
            return Err(Failure::malformed(
                "limit",
                format!("`limit` is a number from 1 to {LONGEST_PAGE}"),
            ));
        }
    };
    responses::settle(service, &found.id).await;
    let page = Page {
        after: part("after").map(Name::from),
        before: part("before").map(Name::from),
        // One more tells whether there are more.
        ..Page::of(order, limit + 1)
    };
    let mut said = service.driver().store().said(&found.id, page).await.map_err(unkept)?;
    let has_more = said.len() > limit;
    said.truncate(limit);
    Ok(ok(&items::list(said.iter().map(items::item).collect(), has_more)))
}

pub(super) async fn retrieve_item(service: &Service, caller: &Caller, id: &str, item: &str) -> Reply {
    let found = known(service, caller, id, "conversation_id").await?;
    let said = service.driver().store().message(&found.id, &item.into()).await;
    let said = said.map_err(unkept)?.ok_or_else(|| no_item(item))?;
    Ok(ok(&items::item(&said)))
}

pub(super) async fn delete_item(service: &Service, caller: &Caller, id: &str, item: &str) -> Reply {
    caller.may(Scope::Run)?;
    let found = known(service, caller, id, "conversation_id").await?;
    match service
        .driver()
        .store()
        .unsay(&found.id, &item.into())
        .await
        .map_err(unkept)?
    {
        true => Ok(ok(&told(&found))),
        false => Err(no_item(item)),
    }
}

fn no_item(item: &str) -> Failure {
    Failure::missing("item_id", format!("Item with id '{item}' not found."))
}

fn messages(items: &[Value]) -> Result<Vec<NewMessage>, Failure> {
    if items.len() > MOST_ITEMS {
        return Err(Failure::malformed(
            "items",
            format!("at most {MOST_ITEMS} items can be added at once"),
        ));
    }
    items.iter().map(|item| message(item, "items")).collect()
}

async fn add(service: &Service, to: &Conversation, messages: Vec<NewMessage>) -> Result<Vec<Said>, Failure> {
    let at = service.driver().clock().now();
    let said = messages.into_iter().map(|message| {
        let id = format!("msg_{}", uuid::Uuid::now_v7().simple());
        Said::of(message, id.into(), at)
    });
    let said: Vec<Said> = said.collect();
    let store = service.driver().store();
    store.say(to.clone(), said.clone()).await.map_err(unkept)?;
    Ok(said)
}

fn told(conversation: &Conversation) -> Value {
    json!({
        "id": conversation.id,
        "object": "conversation",
        "created_at": conversation.created_at.0.div_euclid(1000),
        "metadata": items::metadata(&conversation.metadata),
    })
}

fn ok(body: &Value) -> Response {
    refusal::json(StatusCode::OK, body)
}
