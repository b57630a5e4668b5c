//! `interpret init`: a folder to begin with.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, complain, output};
use crate::language;
use crate::testing;

/// Where to begin.
#[derive(Debug, Args)]
#[command(after_help = "\
No file is overwritten: if one of them exists already, it is named and nothing is written.

Examples:
  interpret init expenses
  interpret init

Exit codes: 0 the files are written, 2 a file exists already or cannot be written.")]
pub(super) struct Arguments {
    /// The folder, which is made if there is none.
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
}

/// The files that are the same everywhere, by their paths in the folder.
const FILES: &[(&str, &str)] = &[
    ("README.md", include_str!("files/README.md")),
    (
        "workflows/expense-approval.yaml",
        include_str!("files/expense-approval.yaml"),
    ),
    (
        "workflows/expense-approval.test.yaml",
        include_str!("files/expense-approval.test.yaml"),
    ),
    (".vscode/settings.json", include_str!("files/settings.json")),
    (".github/workflows/workflows.yaml", include_str!("files/ci.yaml")),
    (".gitignore", include_str!("files/gitignore")),
];

pub(super) fn run(arguments: &Arguments) -> Exit {
    let folder = &arguments.folder;
    let schemas = [
        ("schema/workflow.schema.json", format!("{:#}\n", language::schema())),
        ("schema/test.schema.json", format!("{:#}\n", testing::schema())),
    ];
    let schemas = schemas.iter().map(|(path, text)| (*path, &**text));
    let files: Vec<(&str, &str)> = FILES.iter().copied().chain(schemas).collect();
    let there: Vec<&str> = files
        .iter()
        .map(|(path, _)| *path)
        // A link that leads nowhere is there as well.
        .filter(|path| folder.join(path).symlink_metadata().is_ok())
        .collect();
    if !there.is_empty() {
        let (are, folder) = (if there.len() == 1 { "is" } else { "are" }, folder.display());
        return complain(format_args!(
            "{} {are} in {folder} already, so nothing was written\nname a folder that is empty or new: interpret init FOLDER",
            there.join(", ")
        ));
    }
    for (path, text) in &files {
        let path = folder.join(path);
        if let Err(error) = write(&path, text) {
            return complain(format_args!("{} cannot be written: {error}", path.display()));
        }
        output::say(&format!("wrote {}\n", path.display()));
    }
    let into = match folder == Path::new(".") {
        true => String::new(),
        false => format!("  cd {}\n", folder.display()),
    };
    output::say(&format!(
        "\nnext:\n{into}  interpret run expense-approval --input '{{\"employee\": \"Ada\", \"amount\": 40}}'\n  interpret test\n"
    ));
    Exit::Success
}

/// Writes a file that is not there yet, and the folders above it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create_new(path)?.write_all(text.as_bytes())
}
