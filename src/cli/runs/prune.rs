//! `interpret runs prune`: runs that are over are kept for a time, or as long as there is room.

use clap::Args;

use super::{Done, Exit, moment, told};
use crate::cli::output;
use crate::clock::{Clock, SystemClock};
use crate::graph::Timestamp;
use crate::store::Store;

/// How many runs one transaction forgets: writers wait for it.
const PORTION: usize = 100;
/// Milliseconds.
const A_DAY: i64 = 24 * 60 * 60 * 1000;

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
        loop {
            let portion = store.prune(before, PORTION).await.map_err(told)?;
            forgotten += portion;
            if portion < PORTION {
                break;
            }
        }
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
    // Behind the runs, so that those they were the last of go with them. A younger one may be there for a run to come.
    let before = Timestamp(SystemClock.now().0.saturating_sub(A_DAY));
    let definitions = store.prune_definitions(before).await.map_err(told)?;
    let mut text = format!("{forgotten} runs forgotten\n");
    if definitions > 0 {
        text.push_str(&format!("{definitions} definitions forgotten\n"));
    }
    let written = output::result(&text);
    Ok(written.err().unwrap_or(Exit::Success))
}
