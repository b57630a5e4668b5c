use std::sync::Arc;

use super::sqlite::{self, Sqlite, Synchronous};
use super::{Memory, Store};

/// Why there is no store behind a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It names none.
    #[error("`{0}` names no store; write `sqlite:PATH` or `memory`")]
    Unknown(String),
    /// It has an option that is not known.
    #[error("`{0}` is no option of a store; there is `synchronous=full` or `synchronous=normal`")]
    Option(String),
    /// It cannot be opened.
    #[error(transparent)]
    Sqlite(#[from] sqlite::OpenError),
}

/// The store behind `memory`, `sqlite:PATH` or `sqlite:PATH?synchronous=normal`; the last is faster and may lose what
/// was stored last when the power fails.
///
/// # Errors
///
/// [`OpenError`].
pub fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    if url == "memory" {
        return Ok(Arc::new(Memory::default()));
    }
    let Some(rest) = url.strip_prefix("sqlite:").filter(|rest| !rest.is_empty()) else {
        return Err(OpenError::Unknown(url.to_owned()));
    };
    let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let mut options = sqlite::Options::default();
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        options.synchronous = match parameter {
            "synchronous=full" => Synchronous::Full,
            "synchronous=normal" => Synchronous::Normal,
            other => return Err(OpenError::Option(other.to_owned())),
        };
    }
    Ok(Arc::new(Sqlite::open_with(path.as_ref(), options)?))
}
