//! Webhooks: a request that comes in begins a run.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Form, FromRequest, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;

use schemars::JsonSchema;
use serde::Serialize;

use super::signature::verify;
use super::{Acted, Armed, STARTED_BY, hash};
use crate::data;
use crate::data::{Data, Map};
use crate::drive::RunHandle;
use crate::graph::{Name, Respond, TriggerSource, Webhook};
use crate::run::RunEnd;
use crate::serve::caller::{Caller, Scope};
use crate::serve::dialect;
use crate::serve::metrics::Metrics;
use crate::serve::operations;
use crate::serve::problem::Problem;
use crate::serve::receive::receive;
use crate::serve::refusal::{json, refusal};
use crate::serve::service::{Begin, Service};
use crate::serve::success::Success;

/// Headers that say who somebody is; runs, which are kept, do not see them.
const PRIVATE: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

type Hooks = (Arc<Service>, Arc<Metrics>);

/// Answers requests to the paths of webhooks, whatever is served at the moment; all others are told that there is nothing.
pub(in crate::serve) fn router(service: Arc<Service>, metrics: Arc<Metrics>) -> Router {
    Router::new().fallback(answer).with_state((service, metrics))
}

async fn answer(State((service, metrics)): State<Hooks>, caller: Caller, request: Request) -> Response {
    let Some(armed) = service.webhook(request.uri().path()) else {
        return dialect::elsewhere(service, caller, request).await;
    };
    let TriggerSource::Webhook(webhook) = &armed.trigger.source else {
        return operations::unknown(request.uri().clone()).await;
    };
    if !webhook
        .methods
        .iter()
        .any(|method| method.as_str() == request.method().as_str())
    {
        return not_allowed(webhook);
    }
    let delivery = Delivery {
        service: &service,
        armed: &armed,
        webhook,
    };
    let (acted, response) = match delivery.take(&caller, request).await {
        Ok((acted, response)) => (acted, response),
        Err(problem) => {
            tracing::warn!(trigger = %armed.place, workflow = %armed.workflow, %problem, "a delivery starts nothing");
            (Acted::Refused, refusal(&problem))
        }
    };
    metrics.delivered(acted);
    response
}

fn not_allowed(webhook: &Webhook) -> Response {
    let methods: Vec<&str> = webhook.methods.iter().map(|method| method.as_str()).collect();
    let methods = methods.join(", ");
    let error = format!("this webhook takes {methods}");
    let mut response = json(
        StatusCode::METHOD_NOT_ALLOWED,
        &data!({ "success": false, "error": error, "code": "method-not-allowed" }),
    );
    if let Ok(allow) = HeaderValue::from_str(&methods) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

struct Delivery<'a> {
    service: &'a Arc<Service>,
    armed: &'a Armed,
    webhook: &'a Webhook,
}

impl Delivery<'_> {
    async fn take(&self, caller: &Caller, request: Request) -> Result<(Acted, Response), Problem> {
        let caller = match &self.webhook.secret {
            Some(_) => &Caller::LOCAL,
            // Nothing but the caller itself can say who sends this.
            None => {
                caller.may(Scope::Run)?;
                caller
            }
        };
        let (parts, body) = request.into_parts();
        let body = receive(body, self.service).await?;
        let message = self.check_signature(&parts.headers, &body).await?;
        let trigger = seen(&parts, body).await?;
        let begin = self.begin(&trigger, message)?;
        let id = begin.execution.clone();
        let (acted, handle) = match (self.service.begin(caller, begin).await, id) {
            (Ok(handle), _) => (Acted::Started, handle),
            (Err(Problem::Conflict(why)), Some(id)) => (Acted::Known, self.known(caller, &id, why).await?),
            (Err(problem), _) => return Err(problem),
        };
        if acted == Acted::Started {
            let (execution, workflow) = (handle.id(), &self.armed.workflow);
            tracing::info!(trigger = %self.armed.place, %workflow, %execution, "a delivery has come");
        }
        Ok((acted, self.told(acted, &handle).await?))
    }

    /// The id of the message, where the sender has signed one.
    async fn check_signature(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<Name>, Problem> {
        let Some(secret) = &self.webhook.secret else {
            return Ok(None);
        };
        let now = self.service.driver().clock().now();
        let unset = |why: &dyn std::fmt::Display| Problem::Unavailable(format!("the secret of the webhook: {why}"));
        let sealed = secret
            .eval_sealed(&self.armed.names(&Data::Null, now))
            .map_err(|error| unset(&error.message))?;
        let secret = self
            .service
            .secrets()
            .reveal(&sealed)
            .await
            .map_err(|error| unset(&error))?;
        let secret = secret.as_str().filter(|secret| !secret.is_empty());
        let secret = secret.ok_or_else(|| unset(&"it is empty, or no text"))?;
        verify(self.webhook.signature, secret, headers, body, now)
            .map_err(|wrong| Problem::BadSignature(wrong.to_string()))
    }

    fn begin(&self, trigger: &Data, message: Option<Name>) -> Result<Begin, Problem> {
        let (written, now) = (&self.armed.trigger, self.service.driver().clock().now());
        let unfit = |key: &str, error: crate::expr::EvalError| {
            Problem::Malformed(format!(
                "`{key}` of the trigger cannot be made of this delivery: {}",
                error.message
            ))
        };
        let input = self.armed.eval(written.input.as_ref(), trigger, now);
        let input = input.map_err(|error| unfit("input", error))?;
        let input = input.unwrap_or_else(|| trigger.get("body").cloned().unwrap_or_default());
        let id = self.armed.eval(written.run_id.as_ref(), trigger, now);
        let id = id.map_err(|error| unfit("runId", error))?;
        let own = |message: Name| Name::from(format!("hook-{}", &hash(&[&self.armed.key, &message])[..32]));
        let mut begin = Begin::new(self.armed.workflow.clone(), input);
        begin.execution = id.map(|id| id.to_text()).or_else(|| message.map(own));
        begin.labels.insert(STARTED_BY.into(), self.armed.key.clone());
        Ok(begin)
    }

    /// The execution that a delivery with the same id has begun.
    async fn known(&self, caller: &Caller, id: &Name, why: String) -> Result<RunHandle, Problem> {
        match self.service.entry(caller, Some(&self.armed.workflow), id).await {
            Ok(_) => Ok(self.service.driver().take_up(id).await?),
            Err(Problem::UnknownExecution(_)) => Err(Problem::Conflict(why)),
            Err(problem) => Err(problem),
        }
    }

    async fn told(&self, acted: Acted, handle: &RunHandle) -> Result<Response, Problem> {
        let (execution, workflow) = (handle.id().clone(), self.armed.workflow.clone());
        if self.webhook.respond == Respond::Accepted {
            let status = match acted {
                Acted::Started => StatusCode::ACCEPTED,
                Acted::Known | Acted::Skipped | Acted::Refused => StatusCode::OK,
            };
            let status_of = handle.status().as_str();
            return Ok(json(
                status,
                &Success::of(Delivered::new(execution, workflow, status_of)),
            ));
        }
        let rest = self.service.rest(handle).await?;
        let mut delivered = Delivered::new(execution, workflow, rest.status.as_str());
        match &rest.end {
            Some(RunEnd::Completed(result)) => delivered.result = Some(result.clone()),
            Some(RunEnd::Failed(failure)) => {
                delivered.result = Some(Data::Null);
                delivered.error = Some(failure.to_data());
            }
            Some(RunEnd::Cancelled(_)) | None => delivered.result = Some(Data::Null),
        }
        Ok(json(StatusCode::OK, &Success::of(delivered)))
    }
}

/// What has come of a delivery.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delivered {
    execution_id: Name,
    workflow_id: Name,
    status: &'static str,
    /// The result, where the trigger says `respond: result`.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Data>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Data>,
}

impl Delivered {
    fn new(execution_id: Name, workflow_id: Name, status: &'static str) -> Delivered {
        Delivered {
            execution_id,
            workflow_id,
            status,
            result: None,
            error: None,
        }
    }
}

/// What expressions see of a delivery.
async fn seen(parts: &Parts, body: Bytes) -> Result<Data, Problem> {
    let mut headers: Vec<(Name, Data)> = Vec::new();
    for name in parts.headers.keys().filter(|name| !PRIVATE.contains(&name.as_str())) {
        let all = parts.headers.get_all(name).iter();
        let all: Vec<&str> = all.filter_map(|value| value.to_str().ok()).collect();
        headers.push((name.as_str().into(), Data::from(all.join(", "))));
    }
    let kind = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let body = read(kind.unwrap_or_default(), body).await?;
    Ok(data!({
        "body": body,
        "headers": headers.into_iter().collect::<Map>(),
        "query": query(&parts.uri)?,
        "method": parts.method.as_str(),
        "path": parts.uri.path()
    }))
}

/// A body by its content type: JSON, a form, else text; nothing is null.
async fn read(kind: &str, body: Bytes) -> Result<Data, Problem> {
    let malformed = |why: &str| Problem::Malformed(format!("the body {why}"));
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if body.is_empty() {
        return Ok(Data::Null);
    }
    if kind == "application/json" || kind.ends_with("+json") {
        return serde_json::from_slice(&body).map_err(|error| malformed(&format!("is not JSON: {error}")));
    }
    if kind == "application/x-www-form-urlencoded" {
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = axum::http::Method::POST;
        request.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let form: Result<Form<Vec<(String, String)>>, _> = Form::from_request(request, &()).await;
        return Ok(fields(form.map_err(|_| malformed("is not a form"))?.0));
    }
    let text = std::str::from_utf8(&body).map_err(|_| malformed("is not UTF-8 text"))?;
    Ok(Data::from(text))
}

fn query(uri: &Uri) -> Result<Data, Problem> {
    let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let unreadable = |_| Problem::Malformed("the query cannot be read".to_owned());
    Ok(fields(query.map_err(unreadable)?.0))
}

/// Fields by name; one that is there several times has a list.
fn fields(all: Vec<(String, String)>) -> Data {
    let mut found: indexmap::IndexMap<Name, Vec<Data>> = indexmap::IndexMap::new();
    for (name, value) in all {
        found.entry(name.into()).or_default().push(Data::from(value));
    }
    let one = |mut values: Vec<Data>| match values.len() {
        1 => values.pop().unwrap_or_default(),
        _ => values.into_iter().collect(),
    };
    found.into_iter().map(|(name, values)| (name, one(values))).collect()
}
