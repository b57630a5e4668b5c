//! `interpret token`: a token for a server, and the line by which the server knows it.

use clap::{Args, ValueEnum};

use super::{Exit, complain, output};
use crate::data::Data;
use crate::serve::{self, Scope};

/// Whose token it is, and what it is for.
#[derive(Debug, Args)]
#[command(after_help = "\
The token goes to stdout and is kept nowhere. The line for the file that `interpret serve --auth` reads goes to stderr:
it has only a digest, from which the token cannot be found out.

Examples:
  interpret token --scope run --user ada
  interpret token --scope read --name dashboard > dashboard.token

Exit codes: 0 a token was made, 1 error, 2 wrong usage.")]
pub(super) struct Arguments {
    /// What it is for.
    #[arg(long, value_enum, value_name = "SCOPE", default_value_t = For::Run)]
    scope: For,
    /// The user for whom its holder asks. Executions of others are hidden from it, unless its scope is `admin`; without a
    /// user it sees all.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Its name in the file; by default the user, or the scope.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum For {
    /// To look at workflows and executions.
    Read,
    /// To begin executions and go on with them, as well.
    Run,
    /// Everything, for everybody.
    Admin,
}

impl From<For> for Scope {
    fn from(of: For) -> Scope {
        match of {
            For::Read => Scope::Read,
            For::Run => Scope::Run,
            For::Admin => Scope::Admin,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let scope = Scope::from(arguments.scope).as_str();
    let given = [("--user", &arguments.user), ("--name", &arguments.name)];
    if let Some((option, _)) = given.iter().find(|(_, given)| given.as_deref() == Some("")) {
        return complain(format!("{option} is empty"));
    }
    let (token, hash) = match serve::new_token() {
        Ok(made) => made,
        Err(error) => {
            complain(error);
            return Exit::Error;
        }
    };
    // JSON is YAML, whatever characters there are.
    let quoted = |text: &str| Data::from(text).to_string();
    let name = arguments.name.as_deref().or(arguments.user.as_deref()).unwrap_or(scope);
    let user = arguments
        .user
        .as_deref()
        .map(|user| format!(", user: {}", quoted(user)));
    let line = format!(
        "  - {{ name: {}, hash: \"{hash}\", scope: {scope}{} }}\n",
        quoted(name),
        user.unwrap_or_default()
    );
    output::say(&format!("under `tokens:` in the file for --auth:\n{line}"));
    match output::result(&format!("{token}\n")) {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}
