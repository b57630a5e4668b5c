//! The webhooks that are served, as OpenAPI describes them.

use serde_json::json;

use super::Armed;
use super::webhook::Delivered;
use crate::graph::{Respond, Signature, TriggerSource, Webhook};
use crate::serve::catalog::Catalog;
use crate::serve::openapi::{Description, Operation};
use crate::serve::success::Success;

/// What can come of a delivery.
const DELIVERED: &[u16] = &[404, 408, 409, 413];

/// Describes the webhooks of what is served.
pub(in crate::serve) fn describe(catalog: &Catalog, api: &mut Description) {
    let schema = api.schema::<Success<Delivered>>();
    for armed in catalog.webhooks() {
        let TriggerSource::Webhook(webhook) = &armed.trigger.source else {
            continue;
        };
        for method in &webhook.methods {
            let method = method.as_str().to_ascii_lowercase();
            let has_body = !matches!(method.as_str(), "get" | "head");
            let mut operation = operation(armed, webhook, &method).refuses(DELIVERED);
            if has_body {
                operation = operation.body(json!({ "description": "What `input` of the trigger is made of." }));
            }
            api.add(match webhook.respond {
                Respond::Accepted => operation
                    .answers("It has come before.", "application/json", schema.clone())
                    .answers_with(202, "An execution begins.", "application/json", schema.clone()),
                Respond::Result => operation.answers("What it has come to.", "application/json", schema.clone()),
            });
        }
    }
}

fn operation(armed: &Armed, webhook: &Webhook, method: &str) -> Operation {
    let id = format!("{}.{method}", armed.key.replace('/', "."));
    let summary = format!("Begin an execution of `{}`.", armed.workflow);
    let operation = Operation::new(method, &*webhook.path, id, summary);
    if webhook.secret.is_none() {
        return operation;
    }
    let names: &[(&str, &str)] = match webhook.signature {
        Signature::Standard => &[
            ("webhook-id", "The id of the message; each is acted on once."),
            ("webhook-timestamp", "When it was sent, in seconds since 1970."),
            (
                "webhook-signature",
                "`v1,` and the HMAC-SHA256 of id, time and body in base64.",
            ),
        ],
        Signature::Github => &[(
            "x-hub-signature-256",
            "`sha256=` and the HMAC-SHA256 of the body in hexadecimal.",
        )],
    };
    // The signature says who sends it, so no token is needed.
    names.iter().fold(operation.open(), |operation, (name, description)| {
        operation.needs_header(name, json!({ "type": "string" }), description)
    })
}
