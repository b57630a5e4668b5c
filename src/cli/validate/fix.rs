//! `--fix`: applying safe corrections to files, shown as a difference.

use std::collections::{HashMap, HashSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use similar::TextDiff;

use crate::cli::{Exit, colored_stderr, output};
use crate::diagnostic::{Code, Edit, apply};
use crate::load::{self, Loaded, Options};
use crate::source::FileId;

/// A file with its text before and after.
pub(super) struct Fixed {
    name: String,
    before: Arc<str>,
    after: Arc<str>,
}

/// A correction may uncover mistakes that can be corrected in turn, but not without an end.
const MOST_ROUNDS: usize = 20;

/// The files that corrections change. Each round corrects what was found in the texts of the last one.
pub(super) fn fix(loaded: &Loaded, paths: &[PathBuf]) -> Vec<Fixed> {
    let mut overlay: HashMap<PathBuf, Arc<str>> = HashMap::new();
    let mut refused: HashSet<PathBuf> = HashSet::new();
    let mut last = None;
    for _ in 0..MOST_ROUNDS {
        let now = last.as_ref().unwrap_or(loaded);
        let edited = edited(now, &refused);
        if edited.is_empty() {
            break;
        }
        let mut next = overlay.clone();
        next.extend(edited.iter().map(|(path, text)| (path.clone(), text.clone())));
        let then = load::load_with(paths, &options(&next));
        // Where a text is less readable than it was, the corrections were none.
        let worse: Vec<&PathBuf> = edited
            .keys()
            .filter(|path| unread(&then, path) > unread(now, path))
            .collect();
        if worse.is_empty() {
            (overlay, last) = (next, Some(then));
        } else {
            refused.extend(worse.into_iter().cloned());
        }
    }
    let files = loaded.sources.files().map(|(_, file)| file);
    let fixed = files.filter_map(|file| {
        Some(Fixed {
            name: file.name().to_owned(),
            before: file.text().into(),
            after: overlay.get(Path::new(file.name()))?.clone(),
        })
    });
    fixed.filter(|fixed| fixed.before != fixed.after).collect()
}

fn options(overlay: &HashMap<PathBuf, Arc<str>>) -> Options {
    Options {
        overlay: overlay.clone(),
        ..Options::default()
    }
}

/// The texts that the corrections of a load give.
fn edited(loaded: &Loaded, refused: &HashSet<PathBuf>) -> HashMap<PathBuf, Arc<str>> {
    let mut edits: HashMap<FileId, Vec<Edit>> = HashMap::new();
    for edit in loaded.diagnostics.iter().flat_map(|finding| &finding.fixes) {
        edits.entry(edit.span.file).or_default().push(edit.clone());
    }
    let texts = edits.into_iter().filter_map(|(id, edits)| {
        let file = loaded.sources.file(id);
        let path = PathBuf::from(file.name());
        let (text, count) = apply(file.text(), &edits);
        (count > 0 && text != file.text() && !refused.contains(&path)).then(|| (path, text.into()))
    });
    texts.collect()
}

/// How many findings of a file say that it is no YAML, or says a thing twice.
fn unread(loaded: &Loaded, path: &Path) -> usize {
    let here = |file: FileId| Path::new(loaded.sources.file(file).name()) == path;
    let findings = loaded.diagnostics.iter().filter(|finding| {
        matches!(finding.code, Code::Syntax | Code::DuplicateKey | Code::BadKey)
            && finding.span.is_some_and(|span| here(span.file))
    });
    findings.count()
}

/// Shows what changes, as a unified difference.
pub(super) fn show(fixed: &[Fixed], on_stdout: bool) -> Result<(), Exit> {
    let colored = match on_stdout {
        true => std::io::stdout().is_terminal() && colored_stderr(),
        false => colored_stderr(),
    };
    let text: String = fixed.iter().map(|fixed| difference(fixed, colored)).collect();
    match on_stdout {
        true => output::result(&text),
        false => {
            output::say(&text);
            Ok(())
        }
    }
}

fn difference(fixed: &Fixed, colored: bool) -> String {
    let diff = TextDiff::from_lines(&*fixed.before, &*fixed.after);
    // As `git` writes it, so that `git apply` reads it.
    let name = fixed.name.strip_prefix("./").unwrap_or(&fixed.name);
    let (from, to) = match Path::new(name).is_absolute() {
        true => (name.to_owned(), name.to_owned()),
        false => (format!("a/{name}"), format!("b/{name}")),
    };
    let plain = diff.unified_diff().context_radius(3).header(&from, &to).to_string();
    if !colored {
        return plain;
    }
    let mut text = String::new();
    for (at, line) in plain.lines().enumerate() {
        let style = match line.as_bytes().first() {
            _ if at < 2 => Style::new().bold(),
            Some(b'+') => color(AnsiColor::Green),
            Some(b'-') => color(AnsiColor::Red),
            Some(b'@') => color(AnsiColor::Cyan),
            _ => Style::new(),
        };
        text.push_str(&format!("{style}{}{style:#}\n", output::tame(line)));
    }
    text
}

fn color(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(color.into()))
}

/// Writes the corrected texts.
pub(super) fn write(fixed: &[Fixed]) -> Result<(), String> {
    for fixed in fixed {
        std::fs::write(&fixed.name, fixed.after.as_bytes())
            .map_err(|error| format!("cannot write {}: {error}", fixed.name))?;
    }
    output::say(&format!("corrected {}\n\n", super::count(fixed.len(), "file")));
    Ok(())
}
