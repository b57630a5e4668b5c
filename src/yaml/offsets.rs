//! From the parser's positions, which count characters, to bytes.

/// Characters between two remembered positions.
const STEP: usize = 128;

/// Translates character indices of one text into byte offsets.
pub(super) struct Offsets<'a> {
    text: &'a str,
    /// The byte offset of every [`STEP`]th character; empty when every character is one byte.
    steps: Vec<u32>,
}

impl<'a> Offsets<'a> {
    pub(super) fn new(text: &'a str) -> Offsets<'a> {
        let steps = match text.is_ascii() {
            true => Vec::new(),
            false => text.char_indices().step_by(STEP).map(|(at, _)| at as u32).collect(),
        };
        Offsets { text, steps }
    }

    /// The byte offset of a character index; the end of the text for indices behind it.
    pub(super) fn byte(&self, index: usize) -> usize {
        if self.steps.is_empty() {
            return index.min(self.text.len());
        }
        let Some(start) = self.steps.get(index / STEP) else {
            return self.text.len();
        };
        let rest = &self.text[*start as usize..];
        rest.char_indices()
            .nth(index % STEP)
            .map_or(self.text.len(), |(at, _)| *start as usize + at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_not_bytes() {
        let text = "aé".repeat(500);
        let offsets = Offsets::new(&text);
        for (index, (at, _)) in text.char_indices().enumerate() {
            assert_eq!(offsets.byte(index), at);
        }
        assert_eq!(offsets.byte(1000), text.len());
        assert_eq!(offsets.byte(5000), text.len());
    }
}
