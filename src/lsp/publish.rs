//! Findings for the editor: the same as those of `interpret validate`, at the same places.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lsp_types::{
    Diagnostic as Shown, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString,
    PublishDiagnosticsParams,
};

use super::text::Lines;
use super::workspace::Workspace;
use crate::diagnostic::{Diagnostic, Severity};
use crate::load::Loaded;
use crate::source::Span;

/// What the editor was told last, by file.
#[derive(Default)]
pub(super) struct Told(HashMap<PathBuf, (Option<i32>, Vec<Shown>)>);

impl Told {
    /// What the editor is to be told now: about files whose findings have changed, and open ones with a new text.
    pub fn news(&mut self, workspace: &Workspace) -> Vec<PublishDiagnosticsParams> {
        let mut now: HashMap<PathBuf, (Option<i32>, Vec<Shown>)> = HashMap::new();
        for (path, open) in &workspace.open {
            now.insert(path.clone(), (Some(open.version), Vec::new()));
        }
        for (loaded, id, file) in workspace.files() {
            let about = |finding: &&Diagnostic| finding.span.is_some_and(|span| span.file == id);
            let findings = loaded.diagnostics.iter().filter(about);
            let lines = &workspace.lines(file.text());
            let findings: Vec<Shown> = findings
                .filter_map(|finding| show(workspace, loaded, lines, finding))
                .collect();
            let path = Path::new(file.name());
            match now.get_mut(path) {
                Some((_, found)) => *found = findings,
                None if findings.is_empty() => {}
                None => _ = now.insert(path.to_owned(), (None, findings)),
            }
        }
        let gone = self.0.keys().filter(|path| !now.contains_key(*path));
        let gone: Vec<PathBuf> = gone.cloned().collect();
        let cleared = gone.into_iter().map(|path| (path, (None, Vec::new())));
        let changed = now.iter().filter(|(path, told)| self.0.get(*path) != Some(told));
        let changed = changed.map(|(path, told)| (path.clone(), told.clone()));
        let news = cleared.chain(changed).filter_map(|(path, (version, diagnostics))| {
            let uri = match workspace.open.get(&path) {
                Some(open) => open.uri.clone(),
                None => super::uri::uri(&path)?,
            };
            Some(PublishDiagnosticsParams {
                uri,
                diagnostics,
                version,
            })
        });
        let news = news.collect();
        self.0 = now;
        news
    }
}

/// A finding as editors show it, with the lines of the file it is in; none for one without a place.
pub(super) fn show(workspace: &Workspace, loaded: &Loaded, lines: &Lines<'_>, finding: &Diagnostic) -> Option<Shown> {
    let own = finding.span?;
    let place = |span: Span| {
        let file = loaded.sources.file(span.file);
        let range = match span.file == own.file {
            true => lines.range(span),
            false => workspace.lines(file.text()).range(span),
        };
        Some(Location::new(workspace.uri(file)?, range))
    };
    let primary = place(own)?;
    let here = Some(&finding.label).filter(|label| !label.is_empty());
    let here = here.map(|label| (primary.clone(), label.clone()));
    let others = finding.labels.iter();
    let others = others.filter_map(|label| Some((place(label.span)?, label.message.clone())));
    let related: Vec<DiagnosticRelatedInformation> = here
        .into_iter()
        .chain(others)
        .map(|(location, message)| DiagnosticRelatedInformation { location, message })
        .collect();
    let help = finding.help.iter().map(|help| format!("\nhelp: {help}"));
    Some(Shown {
        range: primary.range,
        severity: Some(match finding.severity {
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Error => DiagnosticSeverity::ERROR,
        }),
        code: Some(NumberOrString::String(finding.code.name().to_owned())),
        source: Some("interpret".to_owned()),
        message: std::iter::once(finding.message.clone()).chain(help).collect(),
        related_information: Some(related).filter(|related| !related.is_empty()),
        ..Shown::default()
    })
}
