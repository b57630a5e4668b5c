//! What is open and what lies on disk, as one: the folders of the editor, loaded with the texts of its buffers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsp_types::Uri;

use super::text::{Encoding, Lines};
use super::uri;
use crate::load::{self, Loaded, Options};
use crate::source::{File, FileId};
use crate::testing;

/// A document in the editor.
pub(super) struct Open {
    /// As the editor calls it.
    pub uri: Uri,
    pub version: i32,
    pub text: Arc<str>,
}

/// The editor's documents and folders, and what was last loaded of them.
pub(super) struct Workspace {
    pub encoding: Encoding,
    pub folders: Vec<PathBuf>,
    pub open: BTreeMap<PathBuf, Open>,
    /// One for each folder and for each document outside of them.
    pub loads: Vec<Loaded>,
    /// Whether something changed since.
    pub stale: bool,
}

impl Workspace {
    pub fn new(encoding: Encoding, folders: Vec<PathBuf>) -> Workspace {
        Workspace {
            encoding,
            folders,
            open: BTreeMap::new(),
            loads: Vec::new(),
            stale: true,
        }
    }

    /// Loads everything, if something has changed.
    pub fn refresh(&mut self) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let overlay: HashMap<PathBuf, Arc<str>> = self
            .open
            .iter()
            .map(|(path, open)| (path.clone(), open.text.clone()))
            .collect();
        let options = Options {
            overlay,
            tests: true,
            ..Options::default()
        };
        let outside = self.open.keys().filter(|path| !self.is_inside(path));
        let roots = self.folders.iter().chain(outside);
        let load = |path: &PathBuf| {
            let mut loaded = load::load_with(&[path], &options);
            let (_, findings) = testing::read(&loaded);
            loaded.diagnostics.extend(findings);
            loaded
        };
        self.loads = roots.map(load).collect();
    }

    /// Whether a path lies in one of the folders. What a load of the folder leaves out, such as hidden files, is then
    /// nothing to look at.
    fn is_inside(&self, path: &Path) -> bool {
        self.folders.iter().any(|folder| path.starts_with(folder))
    }

    /// The folder that a file's schemas may refer to.
    pub fn root<'p>(&'p self, path: &'p Path) -> &'p Path {
        let folder = self.folders.iter().find(|folder| path.starts_with(folder));
        folder.map_or_else(|| path.parent().unwrap_or(path), PathBuf::as_path)
    }

    /// The load that a file is part of.
    pub fn find(&self, path: &Path) -> Option<(&Loaded, FileId)> {
        self.loads.iter().find_map(|loaded| {
            let mut files = loaded.sources.files();
            let (id, _) = files.find(|(_, file)| Path::new(file.name()) == path)?;
            Some((loaded, id))
        })
    }

    /// The text of a document as the editor shows it.
    pub fn text(&self, path: &Path) -> Option<Arc<str>> {
        match self.open.get(path) {
            Some(open) => Some(open.text.clone()),
            None => self
                .find(path)
                .map(|(loaded, id)| loaded.sources.file(id).text().into()),
        }
    }

    pub fn lines<'t>(&self, text: &'t str) -> Lines<'t> {
        Lines::new(text, self.encoding)
    }

    /// What the editor calls a file.
    pub fn uri(&self, file: &File) -> Option<Uri> {
        let path = Path::new(file.name());
        match self.open.get(path) {
            Some(open) => Some(open.uri.clone()),
            None => uri::uri(path),
        }
    }

    /// Every loaded file once, with its load.
    pub fn files(&self) -> impl Iterator<Item = (&Loaded, FileId, &File)> {
        let mut seen = HashSet::new();
        let all = self.loads.iter().flat_map(|loaded| {
            let files = loaded.sources.files();
            files.map(move |(id, file)| (loaded, id, file))
        });
        all.filter(move |(_, _, file)| seen.insert(file.name()))
    }
}
