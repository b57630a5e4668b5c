//! What `interpret serve` tells Dify's protocol: keys from the configuration, and where files are kept.

use std::path::{Path, PathBuf};

use super::{Exit, complain};
use crate::config::{self, KnownBy};
use crate::secret::Secrets;
use crate::serve::{Dify, DifyKeys, DifyStatuses};

/// The settings of a configuration; files lie beside the store behind `url`.
pub(super) async fn settings(configured: &config::Dify, secrets: &Secrets, url: &str) -> Result<Dify, Exit> {
    let mut keys = DifyKeys::default();
    for key in &configured.keys {
        let workflow = &key.workflow;
        let added = match &key.known_by {
            KnownBy::Digest(digest) => keys.add_digest(workflow, digest),
            KnownBy::Secret(sealed) => {
                let revealed = secrets
                    .reveal(sealed)
                    .await
                    .map_err(|error| complain(format!("the key of `{workflow}` under `dify`: {error}")))?;
                keys.add(workflow, &revealed.to_text())
            }
        };
        added.map_err(|error| complain(format!("`dify` in the configuration: {error}")))?;
    }
    Ok(Dify {
        keys,
        statuses: match configured.all_statuses {
            true => DifyStatuses::All,
            false => DifyStatuses::Known,
        },
        files: folder(url),
    })
}

/// The folder for files beside a store: `runs.files` beside `runs.sqlite`; none where nothing outlives the process.
fn folder(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    Some(Path::new(path).with_extension("files"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_beside_a_store_that_lasts() {
        assert_eq!(folder("memory"), None);
        assert_eq!(folder("sqlite:/a/runs.sqlite"), Some(PathBuf::from("/a/runs.files")));
        assert_eq!(
            folder("sqlite:runs?synchronous=normal"),
            Some(PathBuf::from("runs.files"))
        );
    }
}
