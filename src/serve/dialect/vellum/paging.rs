//! Pages of listings: `limit` and `offset` in the query; `count`, `next`, `previous` and `results` in the answer.

use axum::extract::Query;
use axum::http::Uri;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::data;
use crate::data::Data;
use crate::serve::problem::Problem;

/// How many there are on a page, unless it says so.
const PAGE: usize = 20;
const LONGEST: usize = 100;

/// Which page.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Page {
    limit: Option<usize>,
    #[serde(default)]
    pub offset: usize,
}

impl Page {
    pub fn limit(self) -> usize {
        self.limit.unwrap_or(PAGE).clamp(1, LONGEST)
    }

    /// The part of a listing that is on this page.
    pub fn of<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.offset).take(self.limit()).collect()
    }

    /// The answer with the results of this page, of `count` all together.
    pub fn answer(self, path: &str, count: usize, results: Data) -> Data {
        let link = |offset: usize| format!("{path}?limit={}&offset={offset}", self.limit());
        let next = self.offset.saturating_add(self.limit());
        let previous = self.offset.saturating_sub(self.limit());
        data!({
            "count": count,
            "next": (next < count).then(|| link(next)),
            "previous": (self.offset > 0).then(|| link(previous)),
            "results": results
        })
    }
}

/// What stands behind the path.
pub(super) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let read = Query::try_from_uri(uri).map(|Query(query)| query);
    read.map_err(|error| Problem::Malformed(error.body_text()))
}
