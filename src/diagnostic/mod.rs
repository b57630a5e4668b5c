//! Diagnostics: findings about what an author wrote, as data.
//!
//! A [`Diagnostic`] says what is wrong ([`Code`], message), where (span, labels) and what to do (help, fix). Renderers
//! are separate, one file each under [`render`]; nothing here knows about terminals or JSON.

mod code;
mod fix;
pub mod render;
mod suggest;

pub use code::Code;
pub use fix::apply;
pub use suggest::{certain, closest};

use crate::source::Span;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look; the definition still loads.
    Warning,
    /// The definition does not load.
    Error,
}

/// A second place that explains a finding, such as the first of two equal keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there.
    pub message: String,
}

/// A replacement of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The range to replace.
    pub span: Span,
    /// The new text.
    pub replacement: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// The stable code.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// One sentence, no final full stop, that names the fault in the author's words.
    pub message: String,
    /// The place of the fault; absent only where there is none, as for a missing file.
    pub span: Option<Span>,
    /// What stands at the place, shown beside the excerpt; may be empty.
    pub label: String,
    /// Further places.
    pub labels: Vec<Label>,
    /// What to do, one line each.
    pub help: Vec<String>,
    /// What together makes the finding go away, where there is exactly one way that is safe to apply unseen; else empty.
    pub fixes: Vec<Edit>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            span: span.into(),
            label: String::new(),
            labels: Vec::new(),
            help: Vec::new(),
            fixes: Vec::new(),
        }
    }

    /// A warning at a place.
    pub fn warning(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, span, message)
        }
    }

    /// Sets what is shown beside the primary place.
    pub fn here(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    /// Adds a second place.
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Diagnostic {
        self.labels.push(Label {
            span,
            message: message.into(),
        });
        self
    }

    /// Adds a line that says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help.push(help.into());
        self
    }

    /// Adds "did you mean" when one of the known names is close to the unknown one, and offers it as the fix when no
    /// other can have been meant.
    pub fn suggest<'a>(mut self, unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
        let known: Vec<&str> = known.into_iter().collect();
        if let Some(name) = closest(unknown, known.iter().copied()) {
            self.help.push(format!("did you mean `{name}`?"));
        }
        match (self.span, certain(unknown, known)) {
            (Some(span), Some(name)) => self.fix(span, name),
            _ => self,
        }
    }

    /// Offers a replacement that is safe to apply unseen.
    pub fn fix(mut self, span: Span, replacement: impl Into<String>) -> Diagnostic {
        self.fixes = vec![Edit {
            span,
            replacement: replacement.into(),
        }];
        self
    }

    /// The same without a replacement.
    pub fn without_fix(mut self) -> Diagnostic {
        self.fixes.clear();
        self
    }

    /// Whether the definition cannot load because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
