//! `interpret serve`: workflows over HTTP.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::reach::{self, Reach};
use super::run::Interrupts;
use super::{Exit, complain, dify, input, output, show, stored, watch};
use crate::drive::Live;
use crate::graph::parse_duration;
use crate::load::{self, Loaded};
use crate::serve::{Access, Auth, ListenError, Server, Settings};
use crate::source::Sources;
use crate::yaml;

/// What to serve, where, and what it may reach.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret serve workflows/
  interpret serve workflows/ --watch --store memory
  interpret serve workflows/ --addr 127.0.0.1:8080 --allow-net=api.example.com
  interpret serve workflows/ --addr 0.0.0.0:3141 --auth access.yaml
  curl http://localhost:3141/workflows
  curl http://localhost:3141/workflows/order-approval/execute -d '{\"input\": {\"orderId\": \"A-1\", \"amount\": 40}}'

Exit codes: 0 ended when told to, 1 error, 2 wrong usage or definition, 4 ended at once by a second interrupt.")]
pub(super) struct Arguments {
    /// Workflow files, and folders of them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Where to listen.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3141")]
    addr: SocketAddr,
    /// Who may ask: a YAML file with digests of tokens, or with the issuer of signed ones. Without it anybody on this
    /// machine may, and other machines cannot be listened to.
    #[arg(long, value_name = "FILE")]
    auth: Option<PathBuf>,
    /// Another name by which the server is reached, such as that of a proxy before it; repeatable.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Lets web pages of another origin use the server, for example `https://app.example.com`; repeatable.
    #[arg(long, value_name = "ORIGIN")]
    cors: Vec<String>,
    /// Where executions are kept: `sqlite:PATH` or `memory`. By default `interpret/runs.sqlite` in the folder for data
    /// of the user.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Serves changed files as soon as they are saved. Executions go on with what they began with; a definition with
    /// errors stays as it was.
    #[arg(long)]
    watch: bool,
    /// How long calls in flight may take when the program is told to end. What is not done by then is done when it runs
    /// again.
    #[arg(long, value_name = "TIME", default_value = "10s")]
    drain: String,
    /// How many executions may go on at once; more are refused with 429.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    max_running: usize,
    /// For how long executions are kept that are over, such as `30d`; for ever by default.
    #[arg(long, value_name = "TIME")]
    keep: Option<String>,
    /// How the log is written to stderr.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Log::Text)]
    log: Log,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Log {
    /// One line an entry, for people.
    Text,
    /// One JSON object a line, for programs.
    Json,
    /// Nothing.
    None,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    use_small_pages();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(format!("cannot start: {error}")),
    };
    match runtime.block_on(serve(arguments)) {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}

/// What a stream needs is many small things here and there, for which the allocator would otherwise be given huge pages
/// that are in memory as a whole: that is a quarter of what 10,000 streams take. Programs that are started inherit it.
#[cfg(target_os = "linux")]
fn use_small_pages() {
    // Without it the server only takes more memory.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(not(target_os = "linux"))]
fn use_small_pages() {}

async fn serve(arguments: Arguments) -> Result<(), Exit> {
    log(arguments.log);
    let drain = duration("--drain", &arguments.drain)?;
    let keep = arguments
        .keep
        .as_deref()
        .map(|keep| duration("--keep", keep))
        .transpose()?;
    let loaded = load(&arguments.paths);
    show(&loaded.diagnostics, &loaded.sources);
    if loaded.has_errors() && !arguments.watch {
        return Err(Exit::Usage);
    }
    let (access, auth) = access(&arguments)?;
    let permit = Arc::new(arguments.reach.permit()?);
    let (store, url) = stored::open(arguments.store.as_deref()).map_err(complain)?;
    let live = Live::default();
    let deltas = Some(live.sink());
    let reached = arguments
        .reach
        .open(permit.clone(), &arguments.paths, None, store, deltas)?;
    let dify = dify::settings(&reached.dify, &reached.secrets, &url).await?;
    for workflow in dify.keys.workflows() {
        if !loaded.declared_workflows().any(|declared| declared == workflow) {
            output::say(&format!(
                "warning: there is a key under `dify` for `{workflow}`, which is not served\n"
            ));
        }
    }
    let settings = Settings {
        secrets: reached.secrets,
        dify,
        environment: arguments.reach.environments(permit),
        most_running: arguments.max_running,
        drain,
        keep,
        live: live.clone(),
        ..Settings::default()
    };
    let driver = reached.driver.clone();
    let server = Server::new(reached.driver, settings);
    let wrong = server.serve(&loaded).await.map_err(failed)?;
    for wrong in &wrong {
        output::say(&format!("warning: {wrong}\n"));
    }
    let count = server.service().catalog().len();
    if count == 0 && !arguments.watch {
        return Err(complain("there is no workflow to serve"));
    }
    let listener = TcpListener::bind(arguments.addr)
        .await
        .map_err(|error| complain(format!("cannot listen at {}: {error}", arguments.addr)))?;
    let address = listener.local_addr().map_err(failed)?;
    let mut interrupts = Interrupts::listen();
    let reloading = reload(&server, &arguments, auth)?;
    // Whoever started this reads here that requests are taken now.
    output::say(&format!(
        "serving {count} workflow{} at http://{address}/workflows, documentation at http://{address}/docs, \
         executions in {url}\n",
        if count == 1 { "" } else { "s" }
    ));
    if let Some(triggers) = triggers(&server) {
        output::say(&triggers);
    }
    let listening = server.listen(listener, access);
    let stopping = async {
        interrupts.first().await;
        output::say("ending: calls in flight may end; interrupt again to end at once\n");
        server.stop();
        interrupts.second().await;
    };
    let ended = tokio::select! {
        listened = listening => listened.map_err(|error| match error {
            ListenError::Open(_) => complain(format!(
                "{error}; say who may ask with --auth FILE (`interpret token` makes a token for it), or listen at \
                 127.0.0.1 only"
            )),
            error => failed(error),
        }),
        () = stopping => Err(Exit::Cancelled),
        () = reloading => Ok(()),
    };
    reach::close(&driver).await;
    ended
}

fn duration(flag: &str, text: &str) -> Result<Duration, Exit> {
    let read = parse_duration(text).map_err(|error| complain(format!("{flag} {text}: {error}")))?;
    Ok(Duration::from_millis(read.0))
}

/// Who may ask, and from where.
fn access(arguments: &Arguments) -> Result<(Access, Option<Auth>), Exit> {
    let mut access = Access::default();
    for name in &arguments.host {
        access = access
            .with_host(name)
            .map_err(|error| complain(format!("--host: {error}")))?;
    }
    for origin in &arguments.cors {
        access = access
            .with_origin(origin)
            .map_err(|error| complain(format!("--cors: {error}")))?;
    }
    let auth = arguments.auth.as_deref().map(read_auth).transpose()?;
    if let Some(auth) = &auth {
        access = access.with_auth(auth.clone());
    }
    Ok((access, auth))
}

fn read_auth(path: &Path) -> Result<Auth, Exit> {
    let text = input::file(path, "--auth", yaml::Limits::default().bytes).map_err(complain)?;
    let mut sources = Sources::new();
    let file = sources.add(path.display().to_string(), text.as_str());
    let folder = path.parent().unwrap_or(Path::new(""));
    let (auth, diagnostics) = Auth::read(file, &text, folder, |name| std::env::var(name).ok());
    show(&diagnostics, &sources);
    auth.ok_or(Exit::Usage)
}

/// What starts workflows by itself, if anything does.
fn triggers(server: &Server) -> Option<String> {
    let (schedules, webhooks) = server.service().triggers();
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let next = server.service().next_tick();
    let next = next.map(|(at, workflow)| format!("; next is `{workflow}` at {}", at.to_rfc3339()));
    (schedules + webhooks > 0).then(|| {
        let (schedules, webhooks) = (count(schedules, "schedule"), count(webhooks, "webhook"));
        format!("acting on {schedules} and {webhooks}{}\n", next.unwrap_or_default())
    })
}

fn failed(error: impl std::fmt::Display) -> Exit {
    complain(error);
    Exit::Error
}

fn load(paths: &[PathBuf]) -> Loaded {
    load::load(paths)
}

/// Serves changed files, and lets those in whom the file says by then, when they change or at SIGHUP, for as long as it is polled.
fn reload(
    server: &Server,
    arguments: &Arguments,
    auth: Option<Auth>,
) -> Result<impl Future<Output = ()> + use<>, Exit> {
    let (sender, mut changes) = mpsc::unbounded_channel::<()>();
    let watcher = match arguments.watch {
        true => {
            let sender = sender.clone();
            Some(watch::files(&arguments.paths, &["yaml", "yml", "json"], move || {
                // When nobody listens any more, the program is about to end.
                let _ = sender.send(());
            })?)
        }
        false => None,
    };
    hang_ups(sender)?;
    let (server, paths) = (server.clone(), arguments.paths.clone());
    let auth = auth.zip(arguments.auth.clone());
    Ok(async move {
        let _watcher = watcher;
        while changes.recv().await.is_some() {
            while let Ok(Some(())) = tokio::time::timeout(watch::QUIET, changes.recv()).await {}
            if let Some((auth, path)) = &auth {
                match read_auth(path) {
                    Ok(new) => auth.replace(&new),
                    Err(_) => tracing::warn!("who may ask stays as it was"),
                }
            }
            let loaded = load(&paths);
            show(&loaded.diagnostics, &loaded.sources);
            match server.serve(&loaded).await {
                Ok(wrong) => {
                    for wrong in wrong {
                        tracing::warn!("{wrong}");
                    }
                    let workflows = server.service().catalog().len();
                    tracing::info!(workflows, "the files were read again");
                }
                Err(error) => tracing::warn!(%error, "the files were read again, but are not served"),
            }
        }
        std::future::pending().await
    })
}

#[cfg(unix)]
fn hang_ups(sender: mpsc::UnboundedSender<()>) -> Result<(), Exit> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signals = signal(SignalKind::hangup()).map_err(failed)?;
    tokio::spawn(async move { while signals.recv().await.is_some() && sender.send(()).is_ok() {} });
    Ok(())
}

#[cfg(not(unix))]
fn hang_ups(_: mpsc::UnboundedSender<()>) -> Result<(), Exit> {
    Ok(())
}

fn log(form: Log) {
    let base = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::INFO)
        .with_target(false);
    let colored = std::io::stderr().is_terminal() && super::colored_stderr();
    // Another subscriber is there only if somebody embeds the command line.
    let _ = match form {
        Log::None => Ok(()),
        Log::Text => base.with_ansi(colored).try_init(),
        Log::Json => base.json().flatten_event(true).with_span_list(false).try_init(),
    };
}
