//! What an execution has come to, as clients are told.

use super::error::{Wrong, of_end};
use super::variable::results;
use crate::data;
use crate::data::{Data, Map};
use crate::drive::Rest;
use crate::graph::{Header, Name};
use crate::run::{RunEnd, Status};
use crate::serve::service::Look;

/// The answer to `execute-workflow`.
pub(super) fn executed(execution: &Name, external: Option<&Name>, header: &Header, rest: &Rest) -> Data {
    let (state, key, value) = match &rest.end {
        Some(RunEnd::Completed(result)) => ("FULFILLED", "outputs", Data::from(results(header, result))),
        end => {
            let wrong = end.as_ref().and_then(|end| of_end(end, &header.id));
            let wrong = wrong.unwrap_or_else(|| Wrong::paused(execution, rest));
            ("REJECTED", "error", wrong.to_api())
        }
    };
    let fields: [(Name, Data); 4] = [
        ("id".into(), Data::Text(execution.clone())),
        ("state".into(), Data::from(state)),
        ("ts".into(), Data::from(rest.at.to_rfc3339())),
        (key.into(), value),
    ];
    data!({
        "execution_id": execution.clone(),
        "run_id": execution.clone(),
        "external_id": external.cloned(),
        "data": fields.into_iter().collect::<Map>()
    })
}

/// The answer to the question how far an execution is.
pub(super) fn status(look: &Look) -> Data {
    let header = &look.run.program().main().header;
    let end = look.run.state().end();
    let status = match look.run.status() {
        Status::Running => "INITIATED",
        // It waits for somebody; this protocol has no word for that.
        Status::Suspended => "PENDING",
        Status::Completed => "FULFILLED",
        Status::Error | Status::Cancelled => "REJECTED",
    };
    let outputs = match end {
        Some(RunEnd::Completed(result)) => {
            let outputs = results(header, result).into_iter();
            let named = outputs.filter_map(|output| {
                let name = output.get("name")?.to_text();
                Some((name, output.get("value").cloned().unwrap_or_default()))
            });
            named.collect()
        }
        _ => Data::Null,
    };
    let error = end.and_then(|end| of_end(end, &header.id)).map(|wrong| wrong.to_api());
    data!({
        "status": status,
        "outputs": outputs,
        "error": error,
        "execution_id": look.entry.run.clone(),
        "execution_detail_url": null
    })
}
