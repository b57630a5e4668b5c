//! A pattern in the words of the engine.

use super::class::{NEW_LINES, WORD};
use super::{Flags, GroupKind, Node};

pub(super) fn translated(node: &Node, flags: Flags) -> String {
    let mut out = String::from(if flags.ignore_case { "(?i)" } else { "" });
    if flags.begins {
        begin(&mut out, flags);
    }
    out.push_str("(?:");
    write(&mut out, node, flags);
    out.push(')');
    if flags.ends {
        end(&mut out, flags);
    }
    out
}

/// The beginning of the text, or of a line; `\r\n` is one end of a line.
fn begin(out: &mut String, flags: Flags) {
    match flags.multiline {
        true => out.push_str(r"(?:\A|(?<=[\n\x0b\x0c\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n))"),
        false => out.push_str(r"\A"),
    }
}

/// The end of the text, or of a line; without lines, also before an end of a line that ends the text.
fn end(out: &mut String, flags: Flags) {
    match flags.multiline {
        true => out.push_str(r"(?:\z|(?=[\r\x0b\x0c\x{85}\x{2028}\x{2029}])|(?<!\r)(?=\n))"),
        false => out.push_str(r"(?:\z|(?=\r\n\z)|(?<!\r)(?=\n\z)|(?=[\r\x0b\x0c\x{85}\x{2028}\x{2029}]\z))"),
    }
}

fn write(out: &mut String, node: &Node, flags: Flags) {
    match node {
        Node::One { text, .. } => out.push_str(text),
        Node::Dot => match flags.dot_all {
            true => out.push_str("(?s:.)"),
            false => out.push_str(&format!("[^{NEW_LINES}]")),
        },
        Node::Begin => begin(out, flags),
        Node::End => end(out, flags),
        Node::Boundary(true) => {
            out.push_str(&format!("(?:(?<=[{WORD}])(?![{WORD}])|(?<![{WORD}])(?=[{WORD}]))"));
        }
        Node::Boundary(false) => {
            out.push_str(&format!("(?:(?<=[{WORD}])(?=[{WORD}])|(?<![{WORD}])(?![{WORD}]))"));
        }
        Node::Sequence(parts) => parts.iter().for_each(|part| write(out, part, flags)),
        Node::Alternation(parts) => {
            for (position, part) in parts.iter().enumerate() {
                if position > 0 {
                    out.push('|');
                }
                write(out, part, flags);
            }
        }
        Node::Group(group) => {
            out.push_str(match group.kind {
                GroupKind::Plain => "(?:",
                GroupKind::Capture(..) => "(",
                GroupKind::LookAhead(true) => "(?=",
                GroupKind::LookAhead(false) => "(?!",
                GroupKind::LookBehind(true) => "(?<=",
                GroupKind::LookBehind(false) => "(?<!",
            });
            write(out, &group.inner, flags);
            out.push(')');
        }
        Node::Repeat { of, min, max, lazy } => {
            out.push_str("(?:");
            write(out, of, flags);
            out.push(')');
            match (min, max) {
                (0, None) => out.push('*'),
                (1, None) => out.push('+'),
                (0, Some(1)) => out.push('?'),
                (min, None) => out.push_str(&format!("{{{min},}}")),
                (min, Some(max)) => out.push_str(&format!("{{{min},{max}}}")),
            }
            if *lazy {
                out.push('?');
            }
        }
        Node::Reference(capture) => out.push_str(&format!("(?:\\{})", capture + 1)),
    }
}
