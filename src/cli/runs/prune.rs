//! `interpret runs prune`: runs that are over are kept for a time, or as long as there is room.

use clap::Args;

use super::{Done, Exit, moment, told};
use crate::cli::output;
use crate::clock::{Clock, SystemClock};
use crate::graph::Timestamp;
use crate::store::{self, PORTION, Store};

/// What is kept.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub(super) struct Arguments {
    /// Forgets runs in which nothing has happened for so long (`30d`), or since an instant.
    #[arg(long, value_name = "TIME", group = "what")]
    keep: Option<String>,
    /// Forgets the oldest until what is left takes no more bytes.
    #[arg(long, value_name = "BYTES", group = "what")]
    max_size: Option<u64>,
}

pub(super) async fn run(store: &dyn Store, arguments: Arguments) -> Done {
    let mut forgotten = 0;
    if let Some(keep) = &arguments.keep {
        let before = moment(keep, "--keep")?;
        forgotten += store::forget(store, before).await.map_err(told)?;
    }
    if let Some(largest) = arguments.max_size {
        while store.size().await.map_err(told)? > largest {
            let portion = store.prune(Timestamp(i64::MAX), PORTION).await.map_err(told)?;
            forgotten += portion;
            if portion == 0 {
                break;
            }
        }
    }
    let definitions = store::forget_definitions(store, SystemClock.now())
        .await
        .map_err(told)?;
    let mut text = format!("{forgotten} runs forgotten\n");
    if definitions > 0 {
        text.push_str(&format!("{definitions} definitions forgotten\n"));
    }
    let written = output::result(&text);
    Ok(written.err().unwrap_or(Exit::Success))
}
