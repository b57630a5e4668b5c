//! A site's code, and ranges in it as places in the file.

use std::ops::Range;

use super::Checker;
use crate::diagnostic::Diagnostic;
use crate::expr::{Reference, Root, Shape, Subtraction};
use crate::language::native::outline::{Site, SiteCode};
use crate::source::Span;
use crate::yaml::Style;

impl Site {
    /// Every path from a root.
    pub(super) fn references(&self) -> &[Reference] {
        match &self.code {
            SiteCode::Expression(expression) => expression.references(),
            SiteCode::Text(text) => text.references(),
        }
    }

    pub(super) fn subtraction_hints(&self) -> &[Subtraction] {
        match &self.code {
            SiteCode::Expression(expression) => expression.subtraction_hints(),
            SiteCode::Text(text) => text.subtraction_hints(),
        }
    }

    /// The form of an expression, or of a template that is one `{{ x }}`; with the references its paths count in.
    pub(super) fn shape(&self) -> Option<(&Shape, &[Reference])> {
        match &self.code {
            SiteCode::Expression(expression) => Some((expression.shape(), expression.references())),
            SiteCode::Text(text) => text.lone().map(|lone| (lone.shape(), lone.references())),
        }
    }

    /// The text that ranges of the code count in.
    pub(super) fn text(&self) -> &str {
        self.node.as_scalar().map_or("", |scalar| &scalar.text)
    }

    /// The part of the text that a range of the code names.
    pub(super) fn slice(&self, range: &Range<usize>) -> &str {
        let range = self.in_scalar(range);
        self.text().get(range).unwrap_or_default()
    }

    /// A range of the code as a range of the scalar: an expression may have been compiled with its `=` or without.
    fn in_scalar(&self, range: &Range<usize>) -> Range<usize> {
        let text = self.text();
        let begins_with = |reference: &Reference, at: usize| {
            let name = match &reference.root {
                Root::Step { .. } => "steps".to_owned(),
                Root::Now => "now".to_owned(),
                root => root.to_string(),
            };
            text.get(reference.range.start + at..)
                .is_some_and(|text| text.starts_with(&name))
        };
        let shift = match self.references().first() {
            _ if !text.starts_with('=') => 0,
            Some(first) if begins_with(first, 0) => 0,
            _ => 1,
        };
        range.start + shift..range.end + shift
    }
}

impl Checker<'_> {
    /// The place of a range of a site's code.
    pub(super) fn place(&self, site: &Site, range: &Range<usize>) -> Span {
        site.node.place(&self.outline.source, site.in_scalar(range))
    }

    /// Adds the fix that writes something else in a part of a site's scalar, if the scalar's style can hold it.
    pub(super) fn with_fix(&self, finding: Diagnostic, site: &Site, range: &Range<usize>, text: &str) -> Diagnostic {
        let Some(scalar) = site.node.as_scalar() else {
            return finding;
        };
        let text = match scalar.style {
            Style::Plain if scalar.in_flow && text.contains([',', '[', ']', '{', '}']) => return finding,
            Style::Plain if text.contains(": ") || text.contains(" #") => return finding,
            Style::SingleQuoted => text.replace('\'', "''"),
            Style::DoubleQuoted => text.replace('\\', "\\\\").replace('"', "\\\""),
            Style::Plain | Style::Literal | Style::Folded => text.to_owned(),
        };
        self.only_exact(finding.fix(self.place(site, range), text), site, range)
    }

    /// Takes the fix away where the place is not exactly the range, as in texts that folding has changed.
    pub(super) fn only_exact(&self, finding: Diagnostic, site: &Site, range: &Range<usize>) -> Diagnostic {
        let span = self.place(site, range);
        let written = self.outline.source.get(span.start as usize..span.end as usize);
        let escaped = |text: &str| text.replace("''", "'").replace("\\\"", "\"");
        match written.is_some_and(|written| escaped(written) == escaped(site.slice(range))) {
            true => finding,
            false => finding.without_fix(),
        }
    }
}
