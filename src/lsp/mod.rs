//! The language server: what the checks know, for editors.
//!
//! One thread owns the workspace and answers one message after the other. Changes only mark it as stale: it is
//! loaded again, and findings are published, once no more messages are waiting, or when an answer needs places that are
//! right. Completion and hover look at a text that need not be complete, by putting something at the cursor that is
//! (`cursor`).

mod actions;
mod complete;
mod cursor;
mod hover;
mod keys;
mod names;
mod place;
mod publish;
mod symbols;
mod text;
mod typed;
mod uri;
mod wire;
mod workspace;

use std::path::PathBuf;
use std::time::Duration;

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types::notification::{self as told, Notification as _};
use lsp_types::request::{self as asked, Request as _};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CompletionOptions, HoverProviderCapability,
    InitializeParams, InitializeResult, LogMessageParams, MessageType, OneOf, PositionEncodingKind, RenameOptions,
    SaveOptions, ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, WorkspaceFoldersServerCapabilities,
    WorkspaceServerCapabilities,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use publish::Told;
use text::Encoding;
use workspace::{Open, Workspace};

/// How long the checks wait for further changes.
const CALM: Duration = Duration::from_millis(30);

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The editor said that it is about to end, and then that it does.
    Orderly,
    /// The editor is gone.
    Abrupt,
}

/// Serves an editor on the standard streams until it ends.
pub fn serve() -> End {
    let (connection, writer) = wire::stdio();
    let end = session(&connection);
    drop(connection);
    // Nobody is left whom an error of writing could be told.
    let _ = writer.join();
    end
}

/// Why a request has no result: a code of the protocol, and a message for people.
struct Refusal(ErrorCode, String);

impl Refusal {
    /// The request is understood, but cannot be fulfilled.
    fn failed(message: impl Into<String>) -> Refusal {
        Refusal(ErrorCode::RequestFailed, message.into())
    }
}

/// The editor and the server at work.
struct Session<'c> {
    connection: &'c Connection,
    workspace: Workspace,
    told: Told,
    /// Findings without a place, as far as they were told.
    logged: Vec<String>,
    shutting_down: bool,
}

fn session(connection: &Connection) -> End {
    let Some(mut session) = initialize(connection) else {
        return End::Abrupt;
    };
    loop {
        let message = match session.workspace.stale {
            true => match connection.receiver.recv_timeout(CALM) {
                Ok(message) => message,
                Err(error) if error.is_timeout() => {
                    session.publish();
                    continue;
                }
                Err(_) => return End::Abrupt,
            },
            false => match connection.receiver.recv() {
                Ok(message) => message,
                Err(_) => return End::Abrupt,
            },
        };
        match message {
            Message::Request(request) => session.request(request),
            Message::Notification(note) if note.method == told::Exit::METHOD => {
                return match session.shutting_down {
                    true => End::Orderly,
                    false => End::Abrupt,
                };
            }
            Message::Notification(note) => session.notification(note),
            Message::Response(_) => {}
        }
    }
}

/// Waits for the editor to introduce itself; none if it ends before.
fn initialize(connection: &Connection) -> Option<Session<'_>> {
    loop {
        let request = match connection.receiver.recv().ok()? {
            Message::Request(request) => request,
            Message::Notification(note) if note.method == told::Exit::METHOD => return None,
            Message::Notification(_) | Message::Response(_) => continue,
        };
        if request.method != asked::Initialize::METHOD {
            let message = "the session begins with `initialize`".to_owned();
            let refusal = Response::new_err(request.id, ErrorCode::ServerNotInitialized as i32, message);
            connection.sender.send(refusal.into()).ok()?;
            continue;
        }
        let params: InitializeParams = match serde_json::from_value(request.params) {
            Ok(params) => params,
            Err(error) => {
                let refusal = Response::new_err(request.id, ErrorCode::InvalidParams as i32, error.to_string());
                connection.sender.send(refusal.into()).ok()?;
                continue;
            }
        };
        let encoding = encoding(&params);
        let result = InitializeResult {
            capabilities: capabilities(encoding),
            server_info: Some(ServerInfo {
                name: "interpret".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        };
        connection
            .sender
            .send(Response::new_ok(request.id, result).into())
            .ok()?;
        let session = Session {
            connection,
            workspace: Workspace::new(encoding, folders(&params)),
            told: Told::default(),
            logged: Vec::new(),
            shutting_down: false,
        };
        if watches_files(&params) {
            session.watch_files();
        }
        return Some(session);
    }
}

fn encoding(params: &InitializeParams) -> Encoding {
    let general = params.capabilities.general.as_ref();
    let offered = general.and_then(|general| general.position_encodings.as_ref());
    match offered.is_some_and(|offered| offered.contains(&PositionEncodingKind::UTF8)) {
        true => Encoding::Utf8,
        false => Encoding::Utf16,
    }
}

#[allow(deprecated, reason = "older editors know only the root")]
fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    match (&params.workspace_folders, &params.root_uri) {
        (Some(folders), _) => folders.iter().map(|folder| uri::path(&folder.uri)).collect(),
        (None, Some(root)) => vec![uri::path(root)],
        (None, None) => Vec::new(),
    }
}

fn watches_files(params: &InitializeParams) -> bool {
    let workspace = params.capabilities.workspace.as_ref();
    let watched = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
    watched.is_some_and(|watched| watched.dynamic_registration == Some(true))
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(match encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions::default())),
            ..TextDocumentSyncOptions::default()
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some([".", "|", "=", " ", "[", "'"].map(str::to_owned).into()),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: Default::default(),
        })),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            file_operations: None,
        }),
        ..ServerCapabilities::default()
    }
}

impl Session<'_> {
    /// Sends a message; when the editor is gone, the loop will see it.
    fn send(&self, message: impl Into<Message>) {
        let _ = self.connection.sender.send(message.into());
    }

    fn notify<N: told::Notification>(&self, params: N::Params) {
        self.send(Notification::new(N::METHOD.to_owned(), params));
    }

    /// Asks the editor to tell when files change that are not open.
    fn watch_files(&self) {
        let watchers = ["**/*.yaml", "**/*.yml", "**/*.json"].map(|glob| json!({ "globPattern": glob }));
        let registration = json!({
            "id": "files",
            "method": told::DidChangeWatchedFiles::METHOD,
            "registerOptions": { "watchers": watchers },
        });
        let params = json!({ "registrations": [registration] });
        let method = asked::RegisterCapability::METHOD.to_owned();
        self.send(Request::new("watch-files".to_owned().into(), method, params));
    }

    /// Brings everything up to date and tells the editor what was found.
    fn publish(&mut self) {
        self.workspace.refresh();
        for news in self.told.news(&self.workspace) {
            self.notify::<told::PublishDiagnostics>(news);
        }
        let nowhere = self.workspace.loads.iter().flat_map(|loaded| &loaded.diagnostics);
        let nowhere = nowhere.filter(|finding| finding.span.is_none());
        let messages: Vec<String> = nowhere
            .map(|finding| format!("[{}] {}", finding.code, finding.message))
            .collect();
        for message in messages.iter().filter(|message| !self.logged.contains(message)) {
            self.notify::<told::LogMessage>(LogMessageParams {
                typ: MessageType::WARNING,
                message: message.clone(),
            });
        }
        self.logged = messages;
    }

    /// Loads what has changed, for an answer whose places must be right.
    fn fresh(&mut self) -> &Workspace {
        if self.workspace.stale {
            self.publish();
        }
        &self.workspace
    }

    fn notification(&mut self, note: Notification) {
        let stale = match note.method.as_str() {
            told::DidOpenTextDocument::METHOD => self.opened(note.params),
            told::DidChangeTextDocument::METHOD => self.changed(note.params),
            told::DidCloseTextDocument::METHOD => self.closed(note.params),
            told::DidChangeWorkspaceFolders::METHOD => self.folders_changed(note.params),
            told::DidSaveTextDocument::METHOD | told::DidChangeWatchedFiles::METHOD => Some(()),
            _ => None,
        };
        self.workspace.stale |= stale.is_some();
    }

    fn opened(&mut self, params: Value) -> Option<()> {
        let params: <told::DidOpenTextDocument as told::Notification>::Params = read(params)?;
        let document = params.text_document;
        let open = Open {
            version: document.version,
            text: document.text.into(),
            uri: document.uri,
        };
        self.workspace.open.insert(uri::path(&open.uri), open);
        Some(())
    }

    fn changed(&mut self, params: Value) -> Option<()> {
        let params: <told::DidChangeTextDocument as told::Notification>::Params = read(params)?;
        let encoding = self.workspace.encoding;
        let open = self.workspace.open.get_mut(&uri::path(&params.text_document.uri))?;
        open.version = params.text_document.version;
        for change in &params.content_changes {
            open.text = text::changed(&open.text, change, encoding).into();
        }
        Some(())
    }

    fn closed(&mut self, params: Value) -> Option<()> {
        let params: <told::DidCloseTextDocument as told::Notification>::Params = read(params)?;
        self.workspace
            .open
            .remove(&uri::path(&params.text_document.uri))
            .map(|_| ())
    }

    fn folders_changed(&mut self, params: Value) -> Option<()> {
        let params: <told::DidChangeWorkspaceFolders as told::Notification>::Params = read(params)?;
        let folders = &mut self.workspace.folders;
        let removed: Vec<PathBuf> = params
            .event
            .removed
            .iter()
            .map(|folder| uri::path(&folder.uri))
            .collect();
        folders.retain(|folder| !removed.contains(folder));
        for folder in &params.event.added {
            let folder = uri::path(&folder.uri);
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        Some(())
    }

    fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        let result = match self.shutting_down {
            true => Err(Refusal(ErrorCode::InvalidRequest, "the session is over".to_owned())),
            false => self.answer(&method, params),
        };
        self.send(match result {
            Ok(result) => Response::new_ok(id, result),
            Err(Refusal(code, message)) => Response::new_err(id, code as i32, message),
        });
    }

    fn answer(&mut self, method: &str, params: Value) -> Result<Value, Refusal> {
        match method {
            asked::Shutdown::METHOD => {
                self.shutting_down = true;
                Ok(Value::Null)
            }
            asked::Completion::METHOD => with::<asked::Completion>(params, |params| {
                let at = params.text_document_position;
                let path = uri::path(&at.text_document.uri);
                // While somebody types, what the other files said last is good enough, and quick.
                if self.workspace.find(&path).is_none() {
                    self.fresh();
                }
                Ok(complete::complete(&self.workspace, &path, at.position))
            }),
            asked::HoverRequest::METHOD => with::<asked::HoverRequest>(params, |params| {
                let at = params.text_document_position_params;
                let workspace = self.fresh();
                Ok(hover::hover(workspace, &uri::path(&at.text_document.uri), at.position))
            }),
            asked::GotoDefinition::METHOD => with::<asked::GotoDefinition>(params, |params| {
                let at = params.text_document_position_params;
                let workspace = self.fresh();
                Ok(names::definition(
                    workspace,
                    &uri::path(&at.text_document.uri),
                    at.position,
                ))
            }),
            asked::References::METHOD => with::<asked::References>(params, |params| {
                let at = params.text_document_position;
                let declared = params.context.include_declaration;
                let workspace = self.fresh();
                Ok(names::references(
                    workspace,
                    &uri::path(&at.text_document.uri),
                    at.position,
                    declared,
                ))
            }),
            asked::PrepareRenameRequest::METHOD => with::<asked::PrepareRenameRequest>(params, |at| {
                let workspace = self.fresh();
                Ok(names::prepare_rename(
                    workspace,
                    &uri::path(&at.text_document.uri),
                    at.position,
                ))
            }),
            asked::Rename::METHOD => with::<asked::Rename>(params, |params| {
                let at = params.text_document_position;
                let workspace = self.fresh();
                let path = uri::path(&at.text_document.uri);
                names::rename(workspace, &path, at.position, &params.new_name)
            }),
            asked::DocumentSymbolRequest::METHOD => with::<asked::DocumentSymbolRequest>(params, |params| {
                let workspace = self.fresh();
                Ok(symbols::symbols(workspace, &uri::path(&params.text_document.uri)))
            }),
            asked::CodeActionRequest::METHOD => with::<asked::CodeActionRequest>(params, |params| {
                let workspace = self.fresh();
                Ok(actions::fixes(
                    workspace,
                    &uri::path(&params.text_document.uri),
                    params.range,
                ))
            }),
            asked::Formatting::METHOD => with::<asked::Formatting>(params, |params| {
                actions::format(&self.workspace, &uri::path(&params.text_document.uri))
            }),
            _ => Err(Refusal(
                ErrorCode::MethodNotFound,
                format!("there is no method `{method}` here"),
            )),
        }
    }
}

/// Answers a request whose parameters are as they should be.
fn with<R: asked::Request>(
    params: Value,
    answer: impl FnOnce(R::Params) -> Result<R::Result, Refusal>,
) -> Result<Value, Refusal> {
    let params = serde_json::from_value(params)
        .map_err(|error| Refusal(ErrorCode::InvalidParams, format!("`{}`: {error}", R::METHOD)))?;
    let result = answer(params)?;
    serde_json::to_value(result).map_err(|error| Refusal(ErrorCode::InternalError, error.to_string()))
}

/// The parameters of a notification, to which nothing is answered.
fn read<P: DeserializeOwned>(params: Value) -> Option<P> {
    serde_json::from_value(params).ok()
}
