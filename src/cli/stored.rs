//! The store that a command works on, and the labels of its runs.

use std::path::PathBuf;
use std::sync::Arc;

use crate::graph::Name;
use crate::run::Labels;
use crate::store::{self, Store};

/// What `--label NAME=VALUE` says.
pub(super) fn labels(given: &[String]) -> Result<Labels, String> {
    let label = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((Name::from(name), Name::from(value))),
        _ => Err(format!(
            "--label {text}: write NAME=VALUE, for example --label team=sales"
        )),
    };
    given.iter().map(label).collect()
}

/// The store behind `--store`, or the one in the user's data folder; also its URL.
pub(super) fn open(url: Option<&str>) -> Result<(Arc<dyn Store>, String), String> {
    match url {
        Some(url) => match store::open(url) {
            Ok(store) => Ok((store, url.to_owned())),
            Err(error) => Err(error.to_string()),
        },
        None => {
            let path = default_path()?;
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)
                    .map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
            }
            let opened = store::Sqlite::open(&path);
            opened
                .map(|store| (Arc::new(store) as Arc<dyn Store>, format!("sqlite:{}", path.display())))
                .map_err(|error| error.to_string())
        }
    }
}

/// `interpret/runs.sqlite` in the folder where programs keep data of the user.
fn default_path() -> Result<PathBuf, String> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let data = folder("XDG_DATA_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".local/share")))
        .or_else(|| folder("LOCALAPPDATA"));
    data.map(|data| data.join("interpret").join("runs.sqlite"))
        .ok_or_else(|| "there is no folder for data of the user; say where the runs are with --store".to_owned())
}
