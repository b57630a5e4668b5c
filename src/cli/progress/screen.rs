//! The part of a terminal that is drawn anew again and again.

use super::output;

/// The lines at the end of what stands on the terminal that may be drawn over.
#[derive(Default)]
pub(super) struct Screen {
    drawn: usize,
}

impl Screen {
    /// Draws lines over those that were drawn last, in one write and without clearing first, so that nothing flickers.
    pub fn draw(&mut self, lines: &[String]) {
        // A terminal that knows synchronised updates (mode 2026) shows the frame at once; others pass over it.
        let mut frame = String::from("\x1b[?2026h");
        if self.drawn > 0 {
            frame.push_str(&format!("\x1b[{}A\r", self.drawn));
        }
        for line in lines {
            frame.push_str(line);
            frame.push_str("\x1b[K\n");
        }
        frame.push_str("\x1b[J\x1b[?2026l");
        self.drawn = lines.len();
        output::say(&frame);
    }

    /// Leaves the lines standing.
    pub fn leave(&mut self) {
        self.drawn = 0;
    }
}

/// The columns and rows of the terminal that stderr is.
pub(super) fn size() -> (usize, usize) {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(std::io::stderr())
        && size.ws_col > 0
        && size.ws_row > 0
    {
        return (size.ws_col.into(), size.ws_row.into());
    }
    let variable = |name: &str| std::env::var(name).ok()?.parse().ok();
    (variable("COLUMNS").unwrap_or(80), variable("LINES").unwrap_or(24))
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// A text cut to a number of columns, with an ellipsis where something is missing.
pub(super) fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let mut short: String = text
        .chars()
        .take_while(|letter| {
            let fits = columns(*letter) <= left;
            left = left.saturating_sub(columns(*letter));
            fits
        })
        .collect();
    if most > 0 {
        short.push('…');
    }
    short
}

/// The columns of a letter, near enough: East Asian letters and pictures take two, marks on other letters none.
fn columns(letter: char) -> usize {
    match u32::from(letter) {
        0x300..=0x36f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_to_columns() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(width(&cut("日本語", 4)), 3);
        assert_eq!(cut("abc", 0), "");
    }
}
