//! Writing to stdout and stderr, where whoever reads may have gone: `interpret run x | head -1` is no failure.

use std::io::{ErrorKind, Write};

use super::{Exit, complain};

/// Writes a text to stdout.
///
/// # Errors
///
/// The exit code where it could not be written; it has been said why then.
pub(super) fn result(text: &str) -> Result<(), Exit> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(format!("cannot write to stdout: {error}"));
            Err(Exit::Error)
        }
        _ => Ok(()),
    }
}

/// Writes a text to stderr; what cannot be said there cannot be said at all.
pub(super) fn say(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// A text from outside in one line, without what a terminal would obey.
pub(super) fn tame(text: &str) -> String {
    text.chars()
        .filter_map(|letter| match letter {
            '\n' | '\t' => Some(' '),
            letter if letter.is_control() => None,
            letter => Some(letter),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_terminal_would_obey_is_left_out() {
        assert_eq!(super::tame("a\x1b[31mb\r\nc\u{9b}d"), "a[31mb cd");
    }
}
