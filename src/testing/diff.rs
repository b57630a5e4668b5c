//! Two texts beside each other, as people read changes.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use super::verdict::Difference;

/// How many lines around a change are shown.
const AROUND: usize = 3;

/// The lines that differ, with some around them: `-` what was kept, `+` what there is now.
pub fn render(difference: &Difference, color: bool) -> String {
    let mut text = String::new();
    let style = |tag: ChangeTag| match (color, tag) {
        (true, ChangeTag::Delete) => Style::new().fg_color(Some(AnsiColor::Red.into())),
        (true, ChangeTag::Insert) => Style::new().fg_color(Some(AnsiColor::Green.into())),
        _ => Style::new(),
    };
    let diff = TextDiff::from_lines(&difference.old, &difference.new);
    for (at, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if at > 0 {
            text.push_str("   ...\n");
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let (sign, style) = (change.tag(), style(change.tag()));
            let number = change.new_index().or(change.old_index()).map_or(0, |index| index + 1);
            let line = change.value().trim_end_matches(['\n', '\r']);
            // Writing to a string does not fail.
            let _ = writeln!(text, "{style}{number:>4} {sign}{line}{style:#}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_shown_with_the_lines_around_them() {
        let lines = |fifth: &str| format!("1\n2\n3\n4\n{fifth}\n6\n7\n8\n9\n");
        let difference = Difference {
            old: lines("old"),
            new: lines("new"),
        };
        let expected = "   2  2\n   3  3\n   4  4\n   5 -old\n   5 +new\n   6  6\n   7  7\n   8  8\n";
        assert_eq!(render(&difference, false), expected);
        assert!(render(&difference, true).contains("\u{1b}[31m   5 -old"));
    }
}
