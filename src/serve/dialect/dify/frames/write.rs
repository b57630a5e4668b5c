//! Frames as text, and those that stand alone.

use std::fmt::Write;

use crate::data;
use crate::data::{Data, Map};
use crate::graph::Name;
use crate::serve::dialect::dify::answer::Standing;
use crate::serve::dialect::dify::reply::Failure;
use crate::serve::dialect::dify::{Statuses, ids};

/// Writes an event.
pub(super) fn frame(kind: &str, run: &Name, entries: Vec<(Name, Data)>, out: &mut String) {
    let frame = data!({
        "event": kind,
        "task_id": run,
        "workflow_run_id": run,
        "data": Data::from(entries.into_iter().collect::<Map>()),
    });
    // Writing to a string does not fail. JSON has no line breaks outside of texts, where they are escaped.
    let _ = write!(out, "data: {frame}\n\n");
}

/// The data of `workflow_finished`.
pub(super) fn finished(standing: &Standing, user: Option<Name>, statuses: Statuses) -> Vec<(Name, Data)> {
    let by = user.map(|user| data!({ "id": ids::end_user(&user), "user": user }));
    let mut entries = standing.common(statuses);
    entries.extend([
        ("created_by".into(), by.unwrap_or_default()),
        ("exceptions_count".into(), Data::from(standing.handled())),
        ("files".into(), data!([])),
    ]);
    entries
}

/// The only frame for a run that is over.
pub(in crate::serve::dialect::dify) fn over(standing: &Standing, user: Option<Name>, statuses: Statuses) -> String {
    let mut out = String::new();
    let entries = finished(standing, user, statuses);
    frame("workflow_finished", &standing.run, entries, &mut out);
    out
}

/// A frame that tells that a stream cannot go on.
pub(in crate::serve::dialect::dify) fn error(run: &Name, failure: &Failure) -> String {
    let told = failure.told();
    let entries = [
        (Name::from("event"), Data::from("error")),
        ("task_id".into(), Data::from(run)),
        ("workflow_run_id".into(), Data::from(run)),
    ];
    let told = told.as_map().into_iter().flat_map(|told| told.iter());
    let told = told.map(|(key, value)| (key.clone(), value.clone()));
    let frame: Data = entries.into_iter().chain(told).collect();
    format!("data: {frame}\n\n")
}
