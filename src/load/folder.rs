//! The files of a load: which there are, and their texts.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, closest};
use crate::language::Files;
use crate::source::{Sources, Span};

/// How deep folders may nest.
const DEPTH: usize = 32;

/// How many files one load may have.
const MOST_FILES: usize = 10_000;

/// The configuration of the program, which holds no workflow.
const CONFIGURATION: [&str; 2] = ["interpret.yaml", "interpret.yml"];

/// A file to load.
pub(super) struct Origin {
    /// The path as it is shown.
    pub path: PathBuf,
    /// The folder that was given, or the one the file belongs to: what its schemas may refer to.
    pub root: PathBuf,
    /// Whether the file itself was given.
    pub named: bool,
}

/// Which files of a folder are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Workflows,
    Tests,
    Both,
}

/// The files of some paths, each once; texts of the overlay need not be files.
pub(super) fn expand<'p>(
    paths: impl Iterator<Item = &'p Path>,
    wanted: Wanted,
    overlay: &HashMap<PathBuf, Arc<str>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Origin> {
    let mut found: Vec<Origin> = Vec::new();
    for path in paths {
        let before = found.len();
        match path.metadata() {
            Err(error) if !overlay.contains_key(path) => diagnostics.push(missing(path, &error)),
            Err(_) if is_apart(path) => {}
            Err(_) => found.push(Origin {
                path: path.to_owned(),
                root: project(path),
                named: true,
            }),
            // Whoever gives all files of a folder means the workflows.
            Ok(metadata) if !metadata.is_dir() && is_apart(path) => {}
            Ok(metadata) if !metadata.is_dir() => found.push(Origin {
                path: path.to_owned(),
                root: project(path),
                named: true,
            }),
            Ok(_) => {
                let mut files = Vec::new();
                if let Err(diagnostic) = list(path, 0, wanted, &mut files) {
                    diagnostics.push(*diagnostic);
                }
                let is_new = |file: &&PathBuf| belongs(path, file, wanted) && !file.exists();
                let mut new: Vec<PathBuf> = overlay.keys().filter(is_new).cloned().collect();
                new.sort();
                files.extend(new);
                found.extend(files.into_iter().map(|file| Origin {
                    path: short(file),
                    root: path.to_owned(),
                    named: false,
                }));
                if found.len() == before {
                    let message = format!("the folder {} holds no {} files", path.display(), wanted.word());
                    let help = "workflows are files that end in `.yaml` or `.yml`; `*.test.yaml` holds their tests";
                    diagnostics.push(Diagnostic::error(Code::NoWorkflows, None, message).help(help));
                }
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|origin| seen.insert(origin.path.canonicalize().unwrap_or_else(|_| origin.path.clone())));
    found
}

/// The workflow files that lie in a folder itself; none if it cannot be read.
pub(super) fn directly_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    // What is found before something is unreadable still counts.
    let _ = list(folder, DEPTH, Wanted::Workflows, &mut files);
    files.into_iter().map(short).collect()
}

/// A path without the `./` at its beginning.
fn short(path: PathBuf) -> PathBuf {
    path.strip_prefix(".").map(Path::to_owned).unwrap_or(path)
}

/// The folder that a file given by itself belongs to: the current one if the file lies in it, else its own.
fn project(path: &Path) -> PathBuf {
    let here = Path::new(".");
    match (path.canonicalize(), here.canonicalize()) {
        (Ok(file), Ok(folder)) if file.starts_with(&folder) => here.to_owned(),
        _ => path.parent().map(Path::to_owned).unwrap_or_default(),
    }
}

/// The workflow files below a folder, in the order of their names.
fn list(folder: &Path, depth: usize, wanted: Wanted, found: &mut Vec<PathBuf>) -> Result<(), Box<Diagnostic>> {
    let unreadable = |error: std::io::Error| {
        let message = format!("cannot read the folder {}: {error}", folder.display());
        Box::new(Diagnostic::error(Code::Unreadable, None, message))
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?);
    }
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        // Links to folders are not followed, so that none leads in a circle.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if name.starts_with('.') {
            continue;
        }
        if is_folder && depth < DEPTH {
            list(&path, depth + 1, wanted, found)?;
        } else if wanted.includes(&name) && path.is_file() {
            if found.len() >= MOST_FILES {
                let message = format!(
                    "there are more than {MOST_FILES} workflow files in {}",
                    folder.display()
                );
                return Err(Box::new(Diagnostic::error(Code::TooLarge, None, message)));
            }
            found.push(path);
        }
    }
    Ok(())
}

/// Whether a load of the folder has this file in it, if it is there.
fn belongs(folder: &Path, file: &Path, wanted: Wanted) -> bool {
    let Ok(below) = file.strip_prefix(folder) else {
        return false;
    };
    let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
    let hidden = names.iter().any(|name| name.starts_with('.'));
    let is_wanted = names.last().is_some_and(|name| wanted.includes(name));
    is_wanted && !hidden && names.len() <= DEPTH + 1
}

impl Wanted {
    fn includes(self, name: &str) -> bool {
        let stem = name.strip_suffix(".yaml").or(name.strip_suffix(".yml"));
        let Some(stem) = stem.filter(|stem| !stem.is_empty() && !belongs_to_configuration(name)) else {
            return false;
        };
        match self {
            Wanted::Workflows => !stem.ends_with(TEST),
            Wanted::Tests => stem.ends_with(TEST),
            Wanted::Both => true,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Wanted::Workflows | Wanted::Both => "workflow",
            Wanted::Tests => "test",
        }
    }
}

/// How the names of files with answers end, before `.yaml`.
const ANSWERS: &str = ".answers";

/// How the names of test files end, before `.yaml`.
const TEST: &str = ".test";

/// Whether a file is the configuration, or holds what scripted models answer, which belongs to it.
fn belongs_to_configuration(name: &str) -> bool {
    let stem = name.strip_suffix(".yaml").or(name.strip_suffix(".yml"));
    CONFIGURATION.contains(&name) || stem.is_some_and(|stem| stem.ends_with(ANSWERS))
}

/// Whether a file is one that holds no workflows, by its name.
pub(super) fn is_apart(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| belongs_to_configuration(&name))
}

/// Whether a file holds tests, by its name.
pub(super) fn is_test_file(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.is_some_and(|name| Wanted::Tests.includes(&name))
}

fn missing(path: &Path, error: &std::io::Error) -> Diagnostic {
    if error.kind() != std::io::ErrorKind::NotFound {
        let message = format!("cannot read {}: {error}", path.display());
        return Diagnostic::error(Code::Unreadable, None, message);
    }
    let message = format!("there is no file or folder {}", path.display());
    let diagnostic = Diagnostic::error(Code::Unreadable, None, message);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let wanted = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .take(MOST_FILES)
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    match closest(&wanted, names.iter().map(String::as_str)) {
        Some(name) => diagnostic.help(format!("did you mean {}?", path.with_file_name(name).display())),
        None if !folder.is_dir() => diagnostic.help(format!("the folder {} does not exist either", folder.display())),
        None => diagnostic.help("give the path of a workflow file, or of a folder with such files"),
    }
}

/// Why a file has no text.
pub(super) enum Unreadable {
    /// The system says so.
    Failed(std::io::Error),
    /// It has more bytes than a file may have.
    TooLarge(usize),
    /// Its bytes are no UTF-8 behind a place.
    NotUtf8(Vec<u8>, usize),
}

/// The text of a file; of one that is too large no more than the limit is read.
pub(super) fn read(path: &Path, limit: usize) -> Result<Arc<str>, Unreadable> {
    let file = std::fs::File::open(path).map_err(Unreadable::Failed)?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    if size > limit as u64 {
        return Err(Unreadable::TooLarge(limit));
    }
    let mut bytes = Vec::new();
    // What is no plain file may be longer than it says.
    file.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(Unreadable::Failed)?;
    if bytes.len() > limit {
        return Err(Unreadable::TooLarge(limit));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            Err(Unreadable::NotUtf8(error.into_bytes(), valid))
        }
    }
}

impl Unreadable {
    pub(super) fn diagnostic(self, name: &str, sources: &mut Sources) -> Diagnostic {
        match self {
            Unreadable::Failed(error) => {
                Diagnostic::error(Code::Unreadable, None, format!("cannot read {name}: {error}"))
            }
            Unreadable::TooLarge(limit) => {
                let message = format!("{name} is larger than {} MiB", limit / (1024 * 1024));
                Diagnostic::error(Code::TooLarge, None, message).help("split it into several files")
            }
            Unreadable::NotUtf8(bytes, valid) => {
                let file = sources.add(name, String::from_utf8_lossy(&bytes));
                let message = format!(
                    "{name} is not UTF-8 text: the byte {:#04x} is not part of any character",
                    bytes[valid]
                );
                let diagnostic = Diagnostic::error(Code::NotUtf8, Span::new(file, valid, valid + 3), message);
                let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
                match utf16 {
                    true => diagnostic.help("the file is in UTF-16; save it as UTF-8"),
                    false => diagnostic.help("save the file as UTF-8"),
                }
            }
        }
    }
}

/// The files that the schemas of one file may refer to: those below the folder that is loaded.
pub(super) struct Folder {
    root: PathBuf,
    own: PathBuf,
    stem: String,
}

/// How large a schema file may be.
const LARGEST_SCHEMA: usize = 4 * 1024 * 1024;

impl Folder {
    pub fn of(origin: &Origin) -> Folder {
        let or_here = |path: &Path| match path.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => path.to_owned(),
        };
        Folder {
            root: or_here(&origin.root),
            own: or_here(origin.path.parent().unwrap_or(Path::new("."))),
            stem: super::texts::stem(&origin.path.to_string_lossy()).to_owned(),
        }
    }
}

impl Files for Folder {
    fn name(&self) -> Option<&str> {
        Some(&self.stem)
    }

    fn text(&self, path: &str) -> Result<Arc<str>, String> {
        let found = self.own.join(path).canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "does not exist".to_owned(),
            _ => format!("cannot be read: {error}"),
        })?;
        let root = self
            .root
            .canonicalize()
            .map_err(|error| format!("cannot be read: {error}"))?;
        if !found.starts_with(&root) {
            return Err(format!("lies outside the folder {}", self.root.display()));
        }
        read(&found, LARGEST_SCHEMA).map_err(|unreadable| match unreadable {
            Unreadable::Failed(error) => format!("cannot be read: {error}"),
            Unreadable::TooLarge(limit) => format!("is larger than {} MiB", limit / (1024 * 1024)),
            Unreadable::NotUtf8(..) => "is not UTF-8 text".to_owned(),
        })
    }
}
