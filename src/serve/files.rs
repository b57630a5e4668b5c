//! Bytes that clients have sent, by id: in a folder of their own, or in memory. What is known of them is in the store.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use uuid::Uuid;

/// How many bytes are kept in memory, where there is no folder; the oldest are forgotten first.
const IN_MEMORY: usize = 64 << 20;
/// The largest file that is kept in memory.
const LARGEST_IN_MEMORY: u64 = 15 << 20;
/// How much is read at once.
const PIECE: usize = 128 << 10;

/// How the name of a file ends that is not whole, and how old it is when nobody writes it any more.
const PART: &str = ".part";
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// The id of a file. It is all that its name on disk is made of, so no name leads out of the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(Uuid);

impl FileId {
    pub fn new() -> FileId {
        FileId(Uuid::now_v7())
    }

    /// The id that a client has sent.
    pub fn parse(text: &str) -> Option<FileId> {
        Uuid::try_parse(text).ok().map(FileId)
    }
}

impl std::fmt::Display for FileId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

/// Where the bytes are.
#[derive(Debug)]
pub(super) enum Files {
    /// In a folder; it is made when it is needed.
    Folder(PathBuf),
    /// In memory, the oldest first.
    Memory(Mutex<VecDeque<(FileId, Bytes)>>),
}

impl Default for Files {
    fn default() -> Files {
        Files::Memory(Mutex::default())
    }
}

impl Files {
    /// Files in a folder, or in memory where there is none.
    pub fn new(folder: Option<PathBuf>) -> Files {
        if let Some(folder) = &folder {
            tidy(folder);
        }
        folder.map_or_else(Files::default, Files::Folder)
    }

    /// The largest file that can be kept at all, in bytes.
    pub fn largest(&self) -> u64 {
        match self {
            Files::Folder(_) => u64::MAX,
            Files::Memory(_) => LARGEST_IN_MEMORY,
        }
    }

    /// Begins to write a file.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub async fn create(self: &Arc<Files>) -> io::Result<Writing> {
        let id = FileId::new();
        let to = match &**self {
            Files::Memory(_) => To::Memory(self.clone(), Vec::new()),
            Files::Folder(folder) => {
                let folder = folder.clone();
                blocking(move || {
                    make_folder(&folder)?;
                    let part = folder.join(format!("{id}{PART}"));
                    Ok(To::Disk(
                        Some(create_new(&part)?),
                        Part(part),
                        folder.join(id.to_string()),
                    ))
                })
                .await?
            }
        };
        Ok(Writing { id, to, size: 0 })
    }

    /// The bytes of a file as the body of an answer, and how many they are; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn body(&self, id: FileId) -> io::Result<Option<(Body, u64)>> {
        let folder = match self {
            Files::Memory(files) => {
                let bytes = lock(files)
                    .iter()
                    .find(|(known, _)| *known == id)
                    .map(|(_, bytes)| bytes.clone());
                return Ok(bytes.map(|bytes| (Body::from(bytes.clone()), bytes.len() as u64)));
            }
            Files::Folder(folder) => folder.join(id.to_string()),
        };
        let opened = blocking(move || match File::open(folder) {
            Ok(file) => {
                let size = file.metadata()?.len();
                Ok(Some((file, size)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        });
        Ok(opened
            .await?
            .map(|(file, size)| (Body::from_stream(pieces(file)), size)))
    }

    /// Forgets a file.
    pub async fn remove(&self, id: FileId) {
        match self {
            Files::Memory(files) => lock(files).retain(|(known, _)| *known != id),
            Files::Folder(folder) => {
                let path = folder.join(id.to_string());
                // What cannot be removed is known to nobody.
                let _ = blocking(move || fs::remove_file(path)).await;
            }
        }
    }
}

/// A file that is being written. Unless it is finished, nothing of it stays.
#[derive(Debug)]
pub(super) struct Writing {
    pub id: FileId,
    to: To,
    /// How many bytes there are so far.
    pub size: u64,
}

#[derive(Debug)]
enum To {
    Memory(Arc<Files>, Vec<u8>),
    /// The file, unless a piece is just being written; where it is for now; where it is to be.
    Disk(Option<File>, Part, PathBuf),
}

/// What is not whole goes with who writes it.
#[derive(Debug)]
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // What was finished has another name.
        let _ = fs::remove_file(&self.0);
    }
}

impl Writing {
    /// Appends some bytes.
    pub async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        self.size += bytes.len() as u64;
        match &mut self.to {
            To::Memory(_, kept) => kept.extend_from_slice(&bytes),
            To::Disk(file, ..) => {
                let mut open = file.take().ok_or(io::ErrorKind::BrokenPipe)?;
                let written = blocking(move || {
                    open.write_all(&bytes)?;
                    Ok(open)
                });
                *file = Some(written.await?);
            }
        }
        Ok(())
    }

    /// Keeps the file; when this returns, it is on disk.
    pub async fn finish(self) -> io::Result<()> {
        match self.to {
            To::Memory(files, bytes) => {
                let Files::Memory(files) = &*files else { return Ok(()) };
                let mut files = lock(files);
                files.push_back((self.id, bytes.into()));
                while files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > IN_MEMORY {
                    files.pop_front();
                }
                Ok(())
            }
            To::Disk(file, part, path) => {
                let file = file.ok_or(io::ErrorKind::BrokenPipe)?;
                blocking(move || {
                    file.sync_all()?;
                    fs::rename(&part.0, &path)?;
                    // Its name has to outlive a crash, too; not every system lets folders be opened.
                    if let Some(Ok(folder)) = path.parent().map(File::open) {
                        folder.sync_all()?;
                    }
                    Ok(())
                })
                .await
            }
        }
    }
}

/// The bytes of a file, piece by piece.
fn pieces(file: File) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    futures_util::stream::unfold(Some(file), async |file| {
        let mut file = file?;
        let read = blocking(move || {
            let mut piece = vec![0; PIECE];
            let count = file.read(&mut piece)?;
            piece.truncate(count);
            Ok((file, Bytes::from(piece)))
        });
        match read.await {
            Ok((_, piece)) if piece.is_empty() => None,
            Ok((file, piece)) => Some((Ok(piece), Some(file))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// Does what waits for a disk where it holds up nobody.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Each change is made in one go, so what a panic leaves behind is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what processes have left that were killed while they wrote. What is young may still be written.
fn tidy(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|about| about.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.ends_with(PART)) && age.is_some_and(|age| age > ABANDONED) {
            // Somebody else may be tidying, too.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes a file for its owner alone; one that is there already is none of ours.
fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(files: &Files, id: FileId) -> Option<Vec<u8>> {
        let (body, size) = files.body(id).await.unwrap()?;
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        assert_eq!(bytes.len() as u64, size);
        Some(bytes.to_vec())
    }

    async fn kept(files: &Arc<Files>, bytes: &[u8]) -> FileId {
        let mut writing = files.create().await.unwrap();
        for piece in bytes.chunks(100_000) {
            writing.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        let id = writing.id;
        writing.finish().await.unwrap();
        id
    }

    #[tokio::test]
    async fn files_are_for_their_owner_alone_and_what_is_cut_leaves_nothing() {
        let folder = std::env::temp_dir().join(format!("interpret-files-{}", FileId::new()));
        let files = Arc::new(Files::new(Some(folder.join("files"))));
        let bytes: Vec<u8> = (0..400_000_u32).map(|number| number as u8).collect();
        let id = kept(&files, &bytes).await;
        assert_eq!(read(&files, id).await.unwrap(), bytes);
        let mut cut = files.create().await.unwrap();
        cut.write(Bytes::from_static(b"half")).await.unwrap();
        drop(cut);
        let names: Vec<String> = fs::read_dir(folder.join("files"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names, [id.to_string()]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&folder.join("files").join(id.to_string())), 0o600);
            assert_eq!(mode(&folder.join("files")), 0o700);
        }
        files.remove(id).await;
        assert_eq!(read(&files, id).await, None);
        // What was left long ago goes when a server begins, what is young does not.
        let part = |name: &str, age: u64| {
            let file = create_new(&folder.join("files").join(name)).unwrap();
            let then = std::time::SystemTime::now() - Duration::from_secs(age);
            file.set_modified(then).unwrap();
        };
        part("old.part", 25 * 3600);
        part("young.part", 3600);
        Files::new(Some(folder.join("files")));
        let left: Vec<_> = fs::read_dir(folder.join("files"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["young.part"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn memory_holds_only_so_much_and_forgets_the_oldest() {
        let files = Arc::new(Files::default());
        let bytes = vec![7; LARGEST_IN_MEMORY as usize];
        let mut ids = Vec::new();
        for _ in 0..6 {
            ids.push(kept(&files, &bytes).await);
        }
        let there = |id: FileId| {
            let files = files.clone();
            async move { files.body(id).await.unwrap().is_some() }
        };
        assert!(!there(ids[0]).await && !there(ids[1]).await);
        assert!(there(ids[2]).await && there(ids[5]).await);
    }

    #[test]
    fn only_ids_are_ids() {
        for wrong in [
            "",
            "..",
            "../runs.sqlite",
            "a/b",
            "\0",
            "0192f6f0-aaaa-7000-8000-00000000000g",
        ] {
            assert_eq!(FileId::parse(wrong), None, "{wrong}");
        }
        let id = FileId::new();
        assert_eq!(FileId::parse(&id.to_string()), Some(id));
    }
}
