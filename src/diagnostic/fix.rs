//! Applying edits to a text.

use super::Edit;

/// The text with some edits of it applied, and how many were: one that overlaps an earlier one, or does not lie in the
/// text, is left out. Nothing beside the edits changes.
///
/// ```
/// use interpret::{diagnostic::{Edit, apply}, source::{Sources, Span}};
/// let text = "knd: a\r\nsted: b\r\n";
/// let file = Sources::new().add("a.yaml", text);
/// let edit = |from, to, word: &str| Edit { span: Span::new(file, from, to), replacement: word.to_owned() };
/// let edits = [edit(8, 12, "steps"), edit(0, 3, "kind"), edit(2, 9, "no")];
/// assert_eq!(apply(text, &edits), ("kind: a\r\nsteps: b\r\n".to_owned(), 2));
/// ```
pub fn apply(text: &str, edits: &[Edit]) -> (String, usize) {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| edit.span);
    let mut applied = String::with_capacity(text.len());
    let (mut count, mut at) = (0, 0);
    for edit in sorted {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        // Two insertions at one place have no order, so the second waits for its turn.
        let follows = start > at || (start == at && count == 0);
        let Some(between) = text
            .get(at..start)
            .filter(|_| follows && text.get(start..end).is_some())
        else {
            continue;
        };
        applied.push_str(between);
        applied.push_str(&edit.replacement);
        (count, at) = (count + 1, end);
    }
    applied.push_str(text.get(at..).unwrap_or_default());
    (applied, count)
}
