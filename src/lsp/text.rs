//! Places as editors count them: lines and units of an encoding, from zero.

use lsp_types::{Position, Range, TextDocumentContentChangeEvent};

use crate::source::Span;

/// What the characters of a position are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16,
}

/// A text with the beginnings of its lines.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    encoding: Encoding,
}

impl<'t> Lines<'t> {
    pub fn new(text: &'t str, encoding: Encoding) -> Lines<'t> {
        let bytes = text.as_bytes();
        let ends = (0..bytes.len()).filter(|at| match bytes[*at] {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(ends.map(|at| at + 1)).collect();
        Lines { text, starts, encoding }
    }

    /// The position of an offset; of one inside a character, that of the character.
    pub fn position(&self, offset: u32) -> Position {
        let mut offset = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let before = &self.text[self.starts[line]..offset];
        let character = match self.encoding {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.encode_utf16().count(),
        };
        Position::new(line as u32, character as u32)
    }

    /// The range of a span in this text.
    pub fn range(&self, span: Span) -> Range {
        Range::new(self.position(span.start), self.position(span.end))
    }

    /// The offset of a position; what lies behind the end of a line or of the text is there.
    pub fn offset(&self, position: Position) -> usize {
        let Some(start) = self.starts.get(position.line as usize).copied() else {
            return self.text.len();
        };
        let end = self.starts.get(position.line as usize + 1).copied();
        let line = self.text[start..end.unwrap_or(self.text.len())].trim_end_matches(['\n', '\r']);
        let mut left = position.character as usize;
        for (at, letter) in line.char_indices() {
            let width = match self.encoding {
                Encoding::Utf8 => letter.len_utf8(),
                Encoding::Utf16 => letter.len_utf16(),
            };
            if left < width {
                return start + at;
            }
            left -= width;
        }
        start + line.len()
    }

    /// The whole text.
    pub fn whole(&self) -> Range {
        Range::new(Position::new(0, 0), self.position(u32::MAX))
    }
}

/// The text after a change of the editor.
pub(super) fn changed(text: &str, change: &TextDocumentContentChangeEvent, encoding: Encoding) -> String {
    let Some(range) = change.range else {
        return change.text.clone();
    };
    let lines = Lines::new(text, encoding);
    let start = lines.offset(range.start);
    let end = lines.offset(range.end).max(start);
    [&text[..start], &change.text, &text[end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_counted_in_the_units_of_the_encoding() {
        let text = "a: é😀x\r\nb: 1\rc\n";
        let at = |text: &str| text.find('x').unwrap() as u32;
        let utf16 = Lines::new(text, Encoding::Utf16);
        assert_eq!(utf16.position(at(text)), Position::new(0, 6));
        assert_eq!(Lines::new(text, Encoding::Utf8).position(at(text)), Position::new(0, 9));
        assert_eq!(utf16.position(text.find('c').unwrap() as u32), Position::new(2, 0));
        assert_eq!(utf16.position(u32::MAX), Position::new(3, 0));
        // Behind the end of the line, inside a pair of surrogates, behind the end of the text.
        assert_eq!(utf16.offset(Position::new(0, 99)), text.find('\r').unwrap());
        assert_eq!(utf16.offset(Position::new(0, 5)), text.find('😀').unwrap());
        assert_eq!(utf16.offset(Position::new(9, 0)), text.len());
        for (offset, _) in text.char_indices().filter(|(_, letter)| *letter != '\n') {
            assert_eq!(utf16.offset(utf16.position(offset as u32)), offset);
        }
    }

    #[test]
    fn a_change_replaces_its_range() {
        let change = |range| TextDocumentContentChangeEvent {
            range,
            range_length: None,
            text: "new".to_owned(),
        };
        let part = Range::new(Position::new(0, 3), Position::new(1, 1));
        assert_eq!(
            changed("a: 😀\nbc\n", &change(Some(part)), Encoding::Utf16),
            "a: newc\n"
        );
        let turned = Range::new(part.end, part.start);
        assert_eq!(
            changed("a: 😀\nbc\n", &change(Some(turned)), Encoding::Utf16),
            "a: 😀\nbnewc\n"
        );
        assert_eq!(changed("a", &change(None), Encoding::Utf16), "new");
    }
}
