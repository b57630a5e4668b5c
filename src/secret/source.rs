//! Where values of secrets come from: the environment, then a file, then a command; the first that has one counts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::{Error, dotenv};
use crate::config::{SecretCommand, SecretSources};
use crate::permit::Permit;

/// How large a file with secrets may be.
const MAX_FILE: u64 = 1 << 20;
/// How much a command may print: keys of several KiB are usual, more is something else.
const MAX_VALUE: u64 = 64 << 10;
/// How long a command may take. Some ask a person to unlock them.
const PATIENCE: Duration = Duration::from_secs(60);

/// Values by name.
type Values = HashMap<String, Arc<str>>;

/// What a command prints for a name, once it has.
type Printed = Arc<OnceCell<Arc<str>>>;

/// The sources of a process, as they are configured and as far as they are granted.
pub(super) struct Sources {
    permit: Arc<Permit>,
    configured: SecretSources,
    patience: Duration,
    /// What the file says, once it has been read.
    file: OnceLock<Result<Option<Values>, Error>>,
    /// What the command has printed, by name: it is asked once for each, by however many calls.
    printed: Mutex<HashMap<Arc<str>, Printed>>,
}

impl Sources {
    pub fn new(permit: Arc<Permit>, configured: SecretSources) -> Sources {
        Sources {
            permit,
            configured,
            patience: PATIENCE,
            file: OnceLock::new(),
            printed: Mutex::default(),
        }
    }

    /// The value of a secret, if there is one.
    pub async fn value(&self, name: &Arc<str>) -> Result<Arc<str>, Error> {
        self.permit.check_env(name)?;
        if let Ok(value) = std::env::var(&**name) {
            return Ok(value.into());
        }
        if let Some(path) = &self.configured.env_file {
            let file = self.file.get_or_init(|| read(path));
            let values = file.as_ref().map_err(Clone::clone)?.as_ref();
            if let Some(value) = values.and_then(|values| values.get(&**name)) {
                return Ok(value.clone());
            }
        }
        match &self.configured.command {
            Some(command) => self.printed(command, name).await,
            None => Err(Error::Missing {
                name: name.clone(),
                file: self.configured.env_file.as_deref().map(shown),
            }),
        }
    }

    /// What the command prints for a name.
    async fn printed(&self, command: &SecretCommand, name: &Arc<str>) -> Result<Arc<str>, Error> {
        self.permit.check_secret_command(&command.program)?;
        // A name is put among the arguments, where it is to be neither an option nor another place.
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(Error::Name(name.clone()));
        }
        let printed = {
            // A panic while the map is held leaves it whole.
            let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
            printed.entry(name.clone()).or_default().clone()
        };
        let value = printed.get_or_try_init(|| async {
            let asked = tokio::time::timeout(self.patience, ask(command, name)).await;
            let seconds = self.patience.as_secs();
            let asked = asked.unwrap_or_else(|_| Err(format!("took longer than {seconds} s")));
            asked.map_err(|why| Error::Command {
                name: name.clone(),
                command: command.shown(name),
                why,
            })
        });
        value.await.cloned()
    }
}

/// A path as messages show it.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The values in a file; none where there is no such file, as on machines that have the values in their environment.
fn read(path: &Path) -> Result<Option<Values>, Error> {
    let wrong = |line, why: String| Error::File {
        path: shown(path),
        line,
        why,
    };
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(found) if found.len() > MAX_FILE => {
            return Err(wrong(None, format!("is larger than {} MiB", MAX_FILE >> 20)));
        }
        _ => {}
    }
    let text = std::fs::read(path).map_err(|error| wrong(None, format!("cannot be read: {error}")))?;
    let text = String::from_utf8(text).map_err(|_| wrong(None, "is not UTF-8".to_owned()))?;
    let values = dotenv::parse(&text).map_err(|error| wrong(Some(error.line), error.why.to_owned()))?;
    Ok(Some(
        values.into_iter().map(|(name, value)| (name, value.into())).collect(),
    ))
}

/// Asks a command for the value of a name. Nothing of what it printed is told: it may be a part of the value.
async fn ask(command: &SecretCommand, name: &str) -> Result<Arc<str>, String> {
    let folder = match command.folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => &command.folder,
    };
    let folder = std::path::absolute(folder).map_err(|error| format!("has no folder: {error}"))?;
    let program = match command.program.contains('/') {
        true => folder.join(&*command.program),
        false => PathBuf::from(&*command.program),
    };
    // It has the environment of the operator, where password managers keep what unlocks them.
    let mut asked = Command::new(program);
    asked
        .args(command.arguments_for(name))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut asked = asked.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let mut printed = Vec::new();
    if let Some(output) = asked.stdout.take() {
        let read = output.take(MAX_VALUE + 1).read_to_end(&mut printed).await;
        read.map_err(|error| format!("cannot be read: {error}"))?;
    }
    if printed.len() as u64 > MAX_VALUE {
        return Err(format!("printed more than {} KiB", MAX_VALUE >> 10));
    }
    let status = asked.wait().await.map_err(|error| format!("was lost: {error}"))?;
    if !status.success() {
        return Err(match status.code() {
            Some(code) => format!("exited with {code}"),
            None => "was ended by a signal".to_owned(),
        });
    }
    let printed = String::from_utf8(printed).map_err(|_| "printed what is not UTF-8".to_owned())?;
    let line = printed.strip_suffix('\n').unwrap_or(&printed);
    match line.strip_suffix('\r').unwrap_or(line) {
        "" => Err("printed nothing".to_owned()),
        value => Ok(value.into()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A folder that is removed with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let folder = std::env::temp_dir().join(format!("interpret-secret-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Folder(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn command(folder: &Folder, script: &str) -> SecretCommand {
        SecretCommand {
            program: "sh".into(),
            arguments: ["-c", script, "manager", "interpret/{name}"].map(Arc::from).to_vec(),
            folder: folder.0.clone(),
        }
    }

    fn sources(folder: &Folder, script: Option<&str>, permit: Permit) -> Sources {
        let configured = SecretSources {
            env_file: Some(folder.0.join(".env")),
            command: script.map(|script| command(folder, script)),
        };
        Sources::new(Arc::new(permit), configured)
    }

    fn granted() -> Permit {
        Permit::nothing().allow_env(None).allow_secret_command(Some("sh"))
    }

    #[tokio::test]
    async fn the_environment_comes_before_the_file_and_the_file_before_the_command() {
        let folder = Folder::new("order");
        std::fs::write(folder.0.join(".env"), "PATH=no\nIN_FILE='of the file'\n").unwrap();
        let sources = sources(&folder, Some("echo x >> asked; echo \"of $1\""), granted());
        assert_eq!(
            *sources.value(&"PATH".into()).await.unwrap(),
            *std::env::var("PATH").unwrap()
        );
        assert_eq!(&*sources.value(&"IN_FILE".into()).await.unwrap(), "of the file");
        let elsewhere = Arc::from("ELSEWHERE");
        let both = tokio::join!(sources.value(&elsewhere), sources.value(&elsewhere));
        assert_eq!(&*both.0.unwrap(), "of interpret/ELSEWHERE");
        assert_eq!(both.1, sources.value(&elsewhere).await);
        let asked = std::fs::read_to_string(folder.0.join("asked")).unwrap();
        assert_eq!(asked, "x\n", "it is asked once");
    }

    #[tokio::test]
    async fn what_is_not_granted_is_neither_read_nor_started() {
        let folder = Folder::new("denied");
        std::fs::write(folder.0.join(".env"), "KEY=value\n").unwrap();
        let denied = |error: Error| (error.code(), error.to_string());
        let nothing = sources(&folder, None, Permit::nothing());
        let (code, message) = denied(nothing.value(&"KEY".into()).await.unwrap_err());
        assert_eq!(code, "permission.env");
        assert!(message.contains("--allow-env=KEY"), "{message}");
        let granted = Permit::nothing().allow_env(None).allow_exec(None);
        let program = sources(&folder, Some("touch started"), granted);
        let (code, message) = denied(program.value(&"OTHER".into()).await.unwrap_err());
        assert_eq!(code, "permission.exec");
        assert!(message.contains("--allow-secret-command=sh"), "{message}");
        assert!(!folder.0.join("started").exists());
    }

    #[tokio::test]
    async fn what_is_wrong_is_told_without_the_value() {
        let folder = Folder::new("wrong");
        std::fs::write(folder.0.join("value"), "s3cr3t").unwrap();
        let failure = async |script: &str, name: &str| {
            let mut sources = sources(&folder, Some(script), granted());
            sources.patience = Duration::from_millis(300);
            let error = sources.value(&name.into()).await.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error}");
            format!("{}: {error}", error.code())
        };
        let told = failure("cat value; exit 3", "KEY").await;
        assert!(
            told.starts_with("secret.command: the secret `KEY` cannot be had of `sh -c"),
            "{told}"
        );
        assert!(told.contains("exited with 3"), "{told}");
        assert!(failure("true", "KEY").await.contains("printed nothing"));
        assert!(failure("yes $(cat value)", "KEY").await.contains("more than 64 KiB"));
        assert!(failure("cat value; printf '\\377'", "KEY").await.contains("not UTF-8"));
        assert!(failure("exec sleep 60", "KEY").await.contains("took longer"));
        assert!(failure("cat value", "../KEY").await.starts_with("secret.name"));
        std::fs::write(folder.0.join(".env"), "FINE=1\nKEY=\"s3cr3t\n").unwrap();
        let told = failure("true", "KEY").await;
        assert!(told.starts_with("secret.file") && told.contains(".env:2"), "{told}");
    }
}
