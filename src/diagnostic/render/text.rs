//! Diagnostics for people, in the look of the Rust compiler.

use std::ops::Range;

use annotate_snippets::{
    Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};

use super::sorted;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{File, Sources, Span};

/// All findings in the order of files and positions, and a last line that counts them; empty if there are none.
///
/// A place of several lines is shown by its first, and a long line in part, so that the size of the output does not
/// depend on the size of the files.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let renderer = match color {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let mut output = String::new();
    for diagnostic in sorted(diagnostics) {
        output.push_str(&renderer.render(&[group(diagnostic, sources)]));
        output.push_str("\n\n");
    }
    if !diagnostics.is_empty() {
        output.push_str(&summary(diagnostics));
        output.push('\n');
    }
    output
}

/// An error of a run in the same look: its code and message, the step it arose in, and notes.
pub fn failure(
    code: &str,
    message: &str,
    place: Option<Span>,
    notes: &[String],
    sources: &Sources,
    color: bool,
) -> String {
    let renderer = match color {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let code = normalize_untrusted_str(code);
    let title = Level::ERROR.primary_title(normalize_untrusted_str(message)).id(code);
    let mark = place.map(|place| Mark::new(place, "", AnnotationKind::Primary, sources));
    let notes = notes
        .iter()
        .map(|note| Level::NOTE.message(normalize_untrusted_str(note)));
    let group = Group::with_title(title)
        .elements(excerpts(mark.into_iter().collect()))
        .elements(notes);
    renderer.render(&[group]) + "\n"
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(normalize_untrusted_str(&diagnostic.message))
        .id(diagnostic.code.name());
    let primary = diagnostic
        .span
        .map(|span| Mark::new(span, &diagnostic.label, AnnotationKind::Primary, sources));
    let others = diagnostic
        .labels
        .iter()
        .map(|label| Mark::new(label.span, &label.message, AnnotationKind::Context, sources));
    Group::with_title(title)
        .elements(excerpts(primary.into_iter().chain(others).collect()))
        .elements(
            diagnostic
                .help
                .iter()
                .map(|help| Level::HELP.message(normalize_untrusted_str(help))),
        )
}

fn summary(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let count = |number: usize, what: &str| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    };
    let counts = [count(errors, "error"), count(diagnostics.len() - errors, "warning")];
    counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Of lines longer than this only the position is shown. Shorter ones are cut around the place by the renderer.
const LONGEST_LINE: usize = 16 * 1024;

/// Places nearer to each other than this many lines share an excerpt.
const NEAR: usize = 30;

/// A place to be shown, cut to one line.
struct Mark<'a> {
    file: &'a File,
    span: Span,
    /// The line's number and its range in the file.
    line: usize,
    range: Range<usize>,
    /// The place in the file.
    place: Range<usize>,
    label: &'a str,
    kind: AnnotationKind,
}

impl<'a> Mark<'a> {
    fn new(span: Span, label: &'a str, kind: AnnotationKind, sources: &'a Sources) -> Mark<'a> {
        let file = sources.file(span.file);
        let text = file.text();
        let start = floor(text, span.start as usize);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = ceil(text, span.end as usize).clamp(start, line_end);
        Mark {
            file,
            span,
            line: file.line_column(start as u32).line,
            range: line_start..line_end,
            place: start..end,
            label,
            kind,
        }
    }

    fn annotation(&self, from: usize) -> Annotation<'a> {
        let annotation = self.kind.span(self.place.start - from..self.place.end - from);
        match self.label {
            "" => annotation,
            label => annotation.label(normalize_untrusted_str(label)),
        }
    }

    fn is_long(&self) -> bool {
        self.range.len() > LONGEST_LINE
    }
}

/// The excerpts that show all marks, the primary's first.
fn excerpts(mut marks: Vec<Mark<'_>>) -> Vec<Element<'_>> {
    let mut elements = Vec::new();
    while !marks.is_empty() {
        let first = marks.remove(0);
        if first.is_long() {
            let column = first.file.line_column(first.place.start as u32).column;
            let origin = Origin::path(first.file.name()).line(first.line).char_column(column);
            elements.push(Element::from(origin));
            continue;
        }
        let (near, far): (Vec<_>, Vec<_>) = marks.into_iter().partition(|mark| {
            !mark.is_long() && mark.span.file == first.span.file && mark.line.abs_diff(first.line) <= NEAR
        });
        marks = far;
        let shown: Vec<&Mark<'_>> = std::iter::once(&first).chain(&near).collect();
        let start = shown
            .iter()
            .map(|mark| mark.range.start)
            .min()
            .unwrap_or(first.range.start);
        let end = shown.iter().map(|mark| mark.range.end).max().unwrap_or(first.range.end);
        let line = shown.iter().map(|mark| mark.line).min().unwrap_or(first.line);
        let snippet = Snippet::source(&first.file.text()[start..end])
            .path(first.file.name())
            .line_start(line)
            .annotations(shown.iter().map(|mark| mark.annotation(start)));
        elements.push(Element::from(snippet));
    }
    elements
}

fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

fn ceil(text: &str, at: usize) -> usize {
    text.ceil_char_boundary(at.min(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    fn show(text: &str, diagnose: impl FnOnce(&dyn Fn(&str) -> Span) -> Vec<Diagnostic>) -> String {
        let mut sources = Sources::new();
        let file = sources.add("flows/order.yaml", text);
        let find = |word: &str| {
            let at = text.find(word).expect(word);
            Span::new(file, at, at + word.len())
        };
        render(&diagnose(&find), &sources, false)
    }

    #[test]
    fn errors_with_labels_and_help() {
        let text = "kind: Workflow\nid: order\n# ...\nsteps: []\nid: two\nkin: 1\n";
        let shown = show(text, |find| {
            let second = find("id: two");
            let second = Span {
                end: second.start + 2,
                ..second
            };
            vec![
                Diagnostic::warning(Code::UnknownKey, find("kin:"), "`kin` is not a key here")
                    .help("did you mean `kind`?"),
                Diagnostic::error(Code::DuplicateKey, second, "the key `id` stands twice in this mapping")
                    .here("second")
                    .label(find("id"), "first"),
                Diagnostic::error(Code::Unreadable, None, "`other.yaml` cannot be read"),
            ]
        });
        insta::assert_snapshot!(shown, @r#"
        error[unreadable]: `other.yaml` cannot be read

        error[duplicate-key]: the key `id` stands twice in this mapping
         --> flows/order.yaml:5:1
          |
        2 | id: order
          | -- first
        ...
        5 | id: two
          | ^^ second

        warning[unknown-key]: `kin` is not a key here
         --> flows/order.yaml:6:1
          |
        6 | kin: 1
          | ^^^^
          |
          = help: did you mean `kind`?

        2 errors, 1 warning
        "#);
    }

    #[test]
    fn far_places_get_their_own_excerpt() {
        let text = format!("first: 1\n{}second: 2\n", "x\n".repeat(1000));
        let shown = show(&text, |find| {
            vec![Diagnostic::error(Code::DuplicateId, find("second"), "twice").label(find("first"), "first")]
        });
        insta::assert_snapshot!(shown, @r#"
        error[duplicate-id]: twice
            --> flows/order.yaml:1002:1
             |
        1002 | second: 2
             | ^^^^^^
             |
            ::: flows/order.yaml:1:1
             |
           1 | first: 1
             | ----- first

        1 error
        "#);
    }

    #[test]
    fn long_lines_are_cut() {
        let show = |length: usize| {
            let text = format!("a: {}wrong{}\n", "é".repeat(length), "z".repeat(length));
            show(&text, |find| {
                vec![Diagnostic::error(Code::InvalidValue, find("wrong"), "not good").here("here")]
            })
        };
        insta::assert_snapshot!(show(1000), @r#"
        error[invalid-value]: not good
         --> flows/order.yaml:1:1004
          |
        1 | ...ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééwrongzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz...
          |                                                                ^^^^^ here

        1 error
        "#);
        insta::assert_snapshot!(show(100_000), @r#"
        error[invalid-value]: not good
        --> flows/order.yaml:1:100004

        1 error
        "#);
    }

    #[test]
    fn places_of_several_lines_and_at_the_end() {
        let text = "a:\n  b: 1\n  c: 2\n";
        let shown = show(text, |find| {
            let all = find("b: 1\n  c: 2");
            let end = Span {
                start: 17,
                end: 17,
                ..all
            };
            vec![
                Diagnostic::error(Code::WrongType, all, "expected a list").here("this is a mapping"),
                Diagnostic::error(Code::MissingKey, end, "`d` is missing"),
            ]
        });
        insta::assert_snapshot!(shown, @r#"
        error[wrong-type]: expected a list
         --> flows/order.yaml:2:3
          |
        2 |   b: 1
          |   ^^^^ this is a mapping

        error[missing-key]: `d` is missing
         --> flows/order.yaml:4:1
          |
        4 |
          | ^

        2 errors
        "#);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let text = "a: \u{1b}[31mred\n";
        let shown = show(text, |find| {
            vec![Diagnostic::error(Code::InvalidValue, find("red"), "bad \u{1b}[2J")]
        });
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }

    #[test]
    fn nothing_to_show() {
        assert_eq!(show("", |_| Vec::new()), "");
    }
}
