//! `--explain CODE`: the page of a code.

use crate::cli::{Exit, complain, output};
use crate::diagnostic::{Code, closest};
use crate::run::FAILURE_CODES;

/// Prints what a code means: the page of a finding's code, the line of a run's.
pub(super) fn explain(name: &str) -> Result<Exit, Exit> {
    // As it stands in brackets in a message.
    let name = name.trim_matches(['[', ']']);
    if let Some(code) = Code::parse(name) {
        output::result(code.page())?;
        return Ok(Exit::Success);
    }
    if let Some((_, meaning)) = FAILURE_CODES.iter().find(|(code, _)| *code == name) {
        output::result(&format!("# `{name}`\n\nAn error of a run: {meaning}.\n"))?;
        return Ok(Exit::Success);
    }
    let known = Code::ALL.iter().map(|code| code.name());
    let known = known.chain(FAILURE_CODES.iter().map(|(code, _)| *code));
    let meant = match closest(name, known) {
        Some(code) => format!("; did you mean `{code}`?"),
        None => "; a code is what stands in brackets behind `error`, such as `unknown-key`".to_owned(),
    };
    Err(complain(format!("there is no code `{}`{meant}", output::tame(name))))
}
