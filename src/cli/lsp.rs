//! `interpret lsp`: the language server on the standard streams.

use clap::Args;

use super::Exit;
use crate::lsp::{self, End};

/// What editors pass.
#[derive(Debug, Args)]
#[command(after_help = "\
Editors start this by themselves; docs/editor.md says how they are told to.

Exit codes: 0 the editor ended the session, 1 it was gone before.")]
pub(super) struct Arguments {
    /// Speak over the standard streams, as is always done; many editors pass it.
    #[arg(long)]
    stdio: bool,
}

pub(super) fn run(_: &Arguments) -> Exit {
    match lsp::serve() {
        End::Orderly => Exit::Success,
        End::Abrupt => Exit::Error,
    }
}
