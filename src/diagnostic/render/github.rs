//! Diagnostics as workflow commands of GitHub Actions, which shows them beside the lines of a pull request.

use std::fmt::Write;

use super::sorted;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{File, Sources};

/// One line for each finding, in the order of files and positions.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut output = String::new();
    for diagnostic in sorted(diagnostics) {
        let level = match diagnostic.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let mut properties = String::new();
        if let Some(span) = diagnostic.span {
            let file = sources.file(span.file);
            properties = place(file, span.start, span.end);
        }
        let title = property(diagnostic.code.name());
        let text = [std::slice::from_ref(&diagnostic.message), &diagnostic.help].concat();
        // Writing to a text cannot fail.
        let _ = writeln!(
            output,
            "::{level} {properties}title={title}::{}",
            data(&text.join("\n"))
        );
    }
    output
}

/// A place. Columns count only within one line; over several GitHub refuses them.
fn place(file: &File, start: u32, end: u32) -> String {
    let (from, to) = (file.line_column(start), file.line_column(end));
    let name = property(file.name());
    if from.line != to.line {
        return format!("file={name},line={},endLine={},", from.line, to.line);
    }
    // The last column belongs to the place.
    let last = to.column.saturating_sub(1).max(from.column);
    format!(
        "file={name},line={},col={},endLine={},endColumn={last},",
        from.line, from.column, to.line
    )
}

/// A text behind the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which also ends at a comma or colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::Span;

    #[test]
    fn what_has_a_meaning_to_github_is_escaped() {
        let mut sources = Sources::new();
        let file = sources.add("flows/50%,a:b.yaml", "é: 1\né: 2\n");
        let diagnostics = [
            Diagnostic::warning(Code::Unreadable, None, "100% gone, sorry: no such file\r\nreally"),
            Diagnostic::error(Code::DuplicateKey, Span::new(file, 6, 8), "twice").help("remove one"),
            Diagnostic::error(Code::WrongType, Span::new(file, 0, 8), "both lines"),
        ];
        insta::assert_snapshot!(render(&diagnostics, &sources), @"
        ::warning title=unreadable::100%25 gone, sorry: no such file%0D%0Areally
        ::error file=flows/50%25%2Ca%3Ab.yaml,line=1,endLine=2,title=wrong-type::both lines
        ::error file=flows/50%25%2Ca%3Ab.yaml,line=2,col=1,endLine=2,endColumn=1,title=duplicate-key::twice%0Aremove one
        ");
    }
}
