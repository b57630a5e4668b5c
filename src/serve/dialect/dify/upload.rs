//! Uploads, and reading what was uploaded.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::body::{self, Asked};
use super::files::{Sort, Uploaded, extension, sort};
use super::kept;
use super::keys::App;
use super::reply::{Code, Failure, Reply};
use crate::data::Data;
use crate::graph::Name;
use crate::serve::caller::Scope;
use crate::serve::files::{FileId, Writing};
use crate::serve::problem::Problem;
use crate::serve::refusal::json;
use crate::serve::service::Service;

/// The largest request with a file: the largest file, and what is around it.
pub(super) const LARGEST: usize = 101 << 20;
/// The largest part of a form that is no file.
const LARGEST_TEXT: usize = 4096;
/// The longest name of a file, in characters.
const LONGEST_NAME: usize = 200;

/// Keeps a file.
pub(super) async fn upload(service: &Arc<Service>, app: &App, request: Request) -> Reply {
    app.caller.may(Scope::Run)?;
    let kept = kept(service);
    // The semaphore is never closed.
    let _permit = kept.uploads.acquire().await;
    let none = || Failure::new(Code::NoFileUploaded, "Please upload your file.");
    let mut form = Multipart::from_request(request, service).await.map_err(|_| none())?;
    let received = receive(service, &mut form).await;
    if received.is_err() {
        drain(service, &mut form).await;
    }
    let Received { user, file } = received?;
    let (writing, name, media) = file.ok_or_else(none)?;
    let uploaded = Uploaded {
        id: writing.id.to_string(),
        name,
        size: writing.size,
        media,
        user: app
            .caller
            .acts_for(Some(body::user(user.as_ref())?))?
            .unwrap_or_default(),
        workflow: app.workflow.clone(),
        at: super::answer::seconds(service.driver().clock().now()),
    };
    let id = writing.id;
    // The bytes first: what is known of a file is there.
    writing.finish().await?;
    if let Err(failure) = uploaded.keep(service).await {
        kept.files.remove(id).await;
        return Err(failure);
    }
    Ok(json(StatusCode::CREATED, &uploaded.told()))
}

/// What a form has.
#[derive(Default)]
struct Received {
    user: Option<Data>,
    /// The file, its name and its media type.
    file: Option<(Writing, Name, Name)>,
}

async fn receive(service: &Service, form: &mut Multipart) -> Result<Received, Failure> {
    let files = &kept(service).files;
    let mut received = Received::default();
    loop {
        let next = tokio::time::timeout(service.body_time(), form.next_field()).await;
        let Some(mut field) = next.map_err(|_| Problem::TooSlow)?.map_err(|error| wrong(&error))? else {
            return Ok(received);
        };
        match field.name() {
            Some("file") if received.file.is_some() => {
                return Err(Failure::new(Code::TooManyFiles, "Only one file is allowed."));
            }
            Some("file") => {
                let (name, sort, media) = about(&field)?;
                let most = (sort.megabytes() << 20).min(files.largest());
                let mut writing = files.create().await?;
                while let Some(bytes) = chunk(service, &mut field).await? {
                    if writing.size + bytes.len() as u64 > most {
                        let most = most >> 20;
                        return Err(Failure::new(
                            Code::FileTooLarge,
                            format!("File size exceeded: at most {most} MB"),
                        ));
                    }
                    writing.write(bytes).await?;
                }
                received.file = Some((writing, name, media));
            }
            Some("user") => {
                let mut text = Vec::new();
                while let Some(bytes) = chunk(service, &mut field).await? {
                    text.extend_from_slice(&bytes);
                    if text.len() > LARGEST_TEXT {
                        return Err(Failure::param("user is too long"));
                    }
                }
                let text = String::from_utf8(text).map_err(|_| Failure::param("user is no text"))?;
                received.user = Some(text.into());
            }
            _ => while chunk(service, &mut field).await?.is_some() {},
        }
    }
}

/// Reads the rest of a form that is refused, as far as a body may go: who is still sending hears no answer.
async fn drain(service: &Service, form: &mut Multipart) {
    while let Ok(Ok(Some(_))) = tokio::time::timeout(service.body_time(), form.next_field()).await {}
}

/// The next bytes of a part.
async fn chunk(service: &Service, field: &mut Field<'_>) -> Result<Option<Bytes>, Failure> {
    let chunk = tokio::time::timeout(service.body_time(), field.chunk()).await;
    chunk.map_err(|_| Problem::TooSlow)?.map_err(|error| wrong(&error))
}

fn wrong(error: &MultipartError) -> Failure {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::new(Code::FileTooLarge, "File size exceeded."),
        _ => Failure::new(Code::BadRequest, "the form could not be read"),
    }
}

/// The name of a file that is being uploaded, and what it is.
fn about(field: &Field<'_>) -> Result<(Name, Sort, Name), Failure> {
    let given = field.file_name().unwrap_or_default();
    // Some clients send a whole path.
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name
        .chars()
        .filter(|char| !char.is_control())
        .take(LONGEST_NAME)
        .collect();
    if name.is_empty() {
        return Err(Failure::new(
            Code::FilenameNotExists,
            "The specified filename does not exist.",
        ));
    }
    let extension = extension(&name);
    let Some((sort, media)) = sort(&extension) else {
        return Err(Failure::new(
            Code::UnsupportedFileType,
            format!("File type not allowed: {extension}"),
        ));
    };
    Ok((name.into(), sort, media.into()))
}

/// Gives the bytes of a file.
pub(super) async fn preview(service: &Service, app: &App, id: &str, uri: &Uri) -> Reply {
    app.caller.may(Scope::Read)?;
    let unknown = || Failure::not_found("The requested file was not found.");
    let id = FileId::parse(id).ok_or_else(unknown)?;
    let file = Uploaded::find(service, app, id).await?.ok_or_else(unknown)?;
    let (body, size) = kept(service).files.body(id).await?.ok_or_else(unknown)?;
    let attached = Asked::of(uri)?.is("as_attachment") || !is_harmless(&file.media);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_str(&file.media).ok()),
        (header::CONTENT_LENGTH, Some(HeaderValue::from(size))),
        (header::CONTENT_DISPOSITION, disposition(attached, &file.name)),
        (
            header::CACHE_CONTROL,
            Some(HeaderValue::from_static("private, max-age=3600")),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            Some(HeaderValue::from_static("nosniff")),
        ),
        // What somebody has uploaded is no page of this server.
        (
            header::CONTENT_SECURITY_POLICY,
            Some(HeaderValue::from_static("sandbox; default-src 'none'")),
        ),
    ];
    let mut response: Response = body.into_response();
    for (name, value) in headers {
        response.headers_mut().extend(value.map(|value| (name, value)));
    }
    Ok(response)
}

/// Whether a browser may show it at once: it is no program, and holds none.
fn is_harmless(media: &str) -> bool {
    let area = media.split('/').next().unwrap_or_default();
    matches!(area, "image" | "audio" | "video") && media != "image/svg+xml"
}

/// How a file is called when it is saved (RFC 6266).
fn disposition(attached: bool, name: &str) -> Option<HeaderValue> {
    let way = if attached { "attachment" } else { "inline" };
    let encoded: String = name
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    HeaderValue::from_str(&format!("{way}; filename*=UTF-8''{encoded}")).ok()
}

/// What a server takes, as `/parameters` tells it: the largest file of each sort in MB.
pub(super) fn limits(service: &Service) -> [(Sort, u64); 4] {
    let largest = kept(service).files.largest() >> 20;
    let of = |sort: Sort| (sort, sort.megabytes().min(largest));
    [of(Sort::Document), of(Sort::Image), of(Sort::Audio), of(Sort::Video)]
}
