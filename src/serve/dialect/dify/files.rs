//! Files among the inputs of a run, and what is known of those that were uploaded.

use std::sync::Arc;

use axum::http::{HeaderMap, header};

use super::fields::{self, Field, Kind};
use super::ids;
use super::keys::App;
use super::reply::Failure;
use crate::data;
use crate::data::{Data, Map};
use crate::graph::Name;
use crate::serve::files::FileId;
use crate::serve::service::Service;
use crate::store::{Expected, Register};

/// How many files a run takes.
pub(super) const MOST: usize = 10;
/// The longest address of a file elsewhere.
const LONGEST_URL: usize = 2048;

/// What a file is, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Document,
    Image,
    Audio,
    Video,
    /// Without an extension, nobody knows.
    Custom,
}

impl Sort {
    const ALL: [Sort; 5] = [Sort::Document, Sort::Image, Sort::Audio, Sort::Video, Sort::Custom];

    pub fn word(self) -> &'static str {
        match self {
            Sort::Document => "document",
            Sort::Image => "image",
            Sort::Audio => "audio",
            Sort::Video => "video",
            Sort::Custom => "custom",
        }
    }

    /// The largest file of its sort, in MB as `/parameters` tells it.
    pub fn megabytes(self) -> u64 {
        match self {
            Sort::Document | Sort::Custom => 15,
            Sort::Image => 10,
            Sort::Audio => 50,
            Sort::Video => 100,
        }
    }

    fn of_media(media: &str) -> Sort {
        match media.split('/').next() {
            Some("image") => Sort::Image,
            Some("audio") => Sort::Audio,
            Some("video") => Sort::Video,
            _ => Sort::Document,
        }
    }
}

/// What files with an extension are; `None` if they are not taken.
pub(super) fn sort(extension: &str) -> Option<(Sort, &'static str)> {
    Some(match extension {
        "" => (Sort::Custom, "application/octet-stream"),
        "txt" | "log" | "ini" | "properties" | "rst" => (Sort::Document, "text/plain"),
        "md" | "markdown" | "mdx" => (Sort::Document, "text/markdown"),
        "pdf" => (Sort::Document, "application/pdf"),
        "html" | "htm" => (Sort::Document, "text/html"),
        "csv" => (Sort::Document, "text/csv"),
        "tsv" => (Sort::Document, "text/tab-separated-values"),
        "json" => (Sort::Document, "application/json"),
        "yaml" | "yml" => (Sort::Document, "application/yaml"),
        "toml" => (Sort::Document, "application/toml"),
        "xml" => (Sort::Document, "application/xml"),
        "vtt" => (Sort::Document, "text/vtt"),
        "rtf" => (Sort::Document, "application/rtf"),
        "eml" => (Sort::Document, "message/rfc822"),
        "msg" => (Sort::Document, "application/vnd.ms-outlook"),
        "epub" => (Sort::Document, "application/epub+zip"),
        "doc" => (Sort::Document, "application/msword"),
        "xls" => (Sort::Document, "application/vnd.ms-excel"),
        "ppt" => (Sort::Document, "application/vnd.ms-powerpoint"),
        "odt" => (Sort::Document, "application/vnd.oasis.opendocument.text"),
        "docx" => (
            Sort::Document,
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        "xlsx" => (
            Sort::Document,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        "pptx" => (
            Sort::Document,
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
        "jpg" | "jpeg" => (Sort::Image, "image/jpeg"),
        "png" => (Sort::Image, "image/png"),
        "gif" => (Sort::Image, "image/gif"),
        "webp" => (Sort::Image, "image/webp"),
        "svg" => (Sort::Image, "image/svg+xml"),
        "mp3" | "mpga" => (Sort::Audio, "audio/mpeg"),
        "m4a" => (Sort::Audio, "audio/mp4"),
        "wav" => (Sort::Audio, "audio/wav"),
        "amr" => (Sort::Audio, "audio/amr"),
        "mp4" => (Sort::Video, "video/mp4"),
        "mov" => (Sort::Video, "video/quicktime"),
        "mpeg" => (Sort::Video, "video/mpeg"),
        "webm" => (Sort::Video, "video/webm"),
        _ => return None,
    })
}

/// The extension of a name, without the dot.
pub(super) fn extension(name: &str) -> String {
    let last = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty());
    last.map_or_else(String::new, |(_, extension)| extension.to_ascii_lowercase())
}

/// What is known of a file that was uploaded.
#[derive(Clone, Debug)]
pub(super) struct Uploaded {
    pub id: String,
    pub name: Name,
    pub size: u64,
    pub media: Name,
    /// Who has uploaded it.
    pub user: Name,
    /// The workflow it was uploaded for.
    pub workflow: Name,
    /// When, in seconds since 1970.
    pub at: i64,
}

impl Uploaded {
    fn key(id: &str) -> Name {
        format!("file/{id}").into()
    }

    fn user_key(workflow: &str, user: &str) -> Name {
        format!("user/{workflow}/{}", ids::end_user(user)).into()
    }

    /// Keeps what is known of it, and that its user was here.
    pub async fn keep(&self, service: &Service) -> Result<(), Failure> {
        let store = service.driver().store();
        let value = data!({
            "name": self.name.clone(),
            "size": self.size,
            "mediaType": self.media.clone(),
            "user": self.user.clone(),
            "workflow": self.workflow.clone(),
            "createdAt": self.at,
        });
        let user = Uploaded::user_key(&self.workflow, &self.user);
        let seen = data!({ "createdAt": self.at });
        store
            .put_registered(Register::Files, &user, Expected::Nothing, Some(seen))
            .await?;
        let key = Uploaded::key(&self.id);
        store
            .put_registered(Register::Files, &key, Expected::Nothing, Some(value))
            .await?;
        Ok(())
    }

    /// The file with an id, for those who may know of it.
    pub async fn find(service: &Service, app: &App, id: FileId) -> Result<Option<Uploaded>, Failure> {
        let id = id.to_string();
        let found = service
            .driver()
            .store()
            .registered(Register::Files, &Uploaded::key(&id))
            .await?;
        let read = |value: &Data| {
            let text = |key: &str| value.get(key).and_then(Data::as_str).map(Name::from);
            let number = |key: &str| value.get(key).and_then(Data::as_i64);
            Some(Uploaded {
                name: text("name")?,
                size: u64::try_from(number("size")?).ok()?,
                media: text("mediaType")?,
                user: text("user")?,
                workflow: text("workflow")?,
                at: number("createdAt")?,
                id,
            })
        };
        let found = found.and_then(|found| read(&found.value));
        Ok(found.filter(|file| file.workflow == app.workflow && app.caller.may_see(Some(&file.user))))
    }

    /// As it is told to who uploads it.
    pub fn told(&self) -> Data {
        let by = ids::end_user(&self.user);
        data!({
            "id": self.id.as_str(),
            "name": self.name.clone(),
            "size": self.size,
            "extension": extension(&self.name),
            "mime_type": self.media.clone(),
            "created_by": by.as_str(),
            "created_at": self.at,
            "user_id": by,
            "tenant_id": null,
            "conversation_id": null,
            "file_key": null,
            "original_url": null,
            "source_url": path(&self.id),
            "preview_url": null,
            "reference": null,
        })
    }
}

/// When somebody has uploaded something first, if ever.
pub(super) async fn first_seen(service: &Service, workflow: &str, user: &str) -> Result<Option<i64>, Failure> {
    let key = Uploaded::user_key(workflow, user);
    let found = service.driver().store().registered(Register::Files, &key).await?;
    Ok(found.and_then(|found| found.value.get("createdAt").and_then(Data::as_i64)))
}

/// Where a file can be read.
fn path(id: &str) -> String {
    format!("/v1/files/{id}/preview")
}

/// How this server is reached, by the request that has reached it.
pub(super) fn base(headers: &HeaderMap) -> String {
    let text = |value: Option<&header::HeaderValue>| value.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let secure = text(headers.get("x-forwarded-proto")).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    let scheme = if secure { "https" } else { "http" };
    match text(headers.get(header::HOST)) {
        Some(host) => format!("{scheme}://{host}"),
        None => String::new(),
    }
}

/// Turns what stands for files among inputs into what is known of them.
pub(super) struct Resolver<'r> {
    pub service: &'r Arc<Service>,
    pub app: &'r App,
    /// Whose files they have to be.
    pub user: &'r Name,
    /// How this server is reached.
    pub base: String,
    /// How many there were so far.
    pub count: usize,
}

impl Resolver<'_> {
    /// Inputs with their files.
    pub async fn inputs(&mut self, fields: &[Field], inputs: &Map) -> Result<Map, Failure> {
        let mut resolved = Vec::new();
        for (name, value) in inputs.iter() {
            let field = fields.iter().find(|field| field.name == *name);
            let kind = field.map(|field| &field.kind);
            let value = match (kind, value) {
                (Some(Kind::File(_) | Kind::Files(..)), Data::Null) => Data::Null,
                (Some(Kind::File(media)), value) => self.declared(name, value, media.as_deref()).await?,
                (Some(Kind::Files(media, most)), value) => {
                    let all: Vec<Data> = match value {
                        Data::List(list) => list.iter().cloned().collect(),
                        one => vec![one.clone()],
                    };
                    if most.is_some_and(|most| all.len() as u64 > most) {
                        let most = most.unwrap_or_default();
                        return Err(Failure::param(format!(
                            "{name} in input form must be at most {most} files"
                        )));
                    }
                    let mut files = Vec::new();
                    for value in &all {
                        files.push(self.declared(name, value, media.as_deref()).await?);
                    }
                    Data::from(files)
                }
                (_, Data::List(list)) if !list.is_empty() && list.iter().all(is_file) => self.list(value).await?,
                (_, value) if is_file(value) => self.file(value).await?,
                (_, value) => value.clone(),
            };
            resolved.push((name.clone(), value));
        }
        Ok(resolved.into_iter().collect())
    }

    /// A list of files.
    pub async fn list(&mut self, list: &Data) -> Result<Data, Failure> {
        let Some(list) = list.as_list() else {
            return Err(Failure::param("files must be a list"));
        };
        let mut files = Vec::new();
        for value in list.iter() {
            files.push(self.file(value).await?);
        }
        Ok(Data::from(files))
    }

    /// The value of a field that is a file, be it only the id of one.
    async fn declared(&mut self, name: &Name, value: &Data, media: Option<&str>) -> Result<Data, Failure> {
        let file = match value {
            Data::Text(id) => {
                let value = data!({ "transfer_method": "local_file", "upload_file_id": id.clone() });
                self.file(&value).await?
            }
            value if is_file(value) => self.file(value).await?,
            _ => return Err(Failure::param(format!("{name} in input form must be a file"))),
        };
        let found = file.get("mime_type").and_then(Data::as_str).unwrap_or_default();
        match media.is_none_or(|media| matches(media, found)) {
            true => Ok(file),
            false => Err(Failure::param(format!(
                "{name} in input form must be a file of the type {}, but is of {found}",
                media.unwrap_or_default()
            ))),
        }
    }

    /// What is known of a file.
    async fn file(&mut self, value: &Data) -> Result<Data, Failure> {
        self.count += 1;
        if self.count > MOST {
            return Err(Failure::param(format!(
                "Number of files exceeds the maximum limit of {MOST}"
            )));
        }
        let text = |key: &str| value.get(key).and_then(Data::as_str).filter(|text| !text.is_empty());
        let word = match text("type") {
            Some(word) if !Sort::ALL.iter().any(|sort| sort.word() == word) => {
                return Err(Failure::param(format!("Invalid file type: {word}")));
            }
            word => word,
        };
        match text("transfer_method") {
            Some("local_file") => {
                let id = text("upload_file_id").or(text("related_id")).or(text("id"));
                let id = id.ok_or_else(|| Failure::param("upload_file_id is required for a local file"))?;
                let found = match FileId::parse(id) {
                    Some(id) => Uploaded::find(self.service, self.app, id).await?,
                    None => None,
                };
                let file = found.filter(|file| file.user == *self.user);
                let file = file.ok_or_else(|| Failure::param(format!("Invalid upload file: {id}")))?;
                let extension = extension(&file.name);
                let sort = sort(&extension).map_or(Sort::Custom, |(sort, _)| sort);
                let path = path(&file.id);
                Ok(data!({
                    "type": word.unwrap_or(sort.word()),
                    "transfer_method": "local_file",
                    "id": file.id.as_str(),
                    "upload_file_id": file.id.as_str(),
                    "name": file.name.clone(),
                    "extension": extension,
                    "size": file.size,
                    "mime_type": file.media.clone(),
                    "url": format!("{}{path}", self.base),
                }))
            }
            Some("remote_url") => {
                let url = text("url").or(text("remote_url"));
                let url = url.ok_or_else(|| Failure::param("url is required for a file elsewhere"))?;
                let parsed = reqwest::Url::parse(url).ok().filter(|parsed| {
                    url.len() <= LONGEST_URL && matches!(parsed.scheme(), "http" | "https") && parsed.has_host()
                });
                let parsed = parsed.ok_or_else(|| Failure::param(format!("Invalid file URL: {url}")))?;
                let name = parsed.path().rsplit('/').next().unwrap_or_default().to_owned();
                let extension = extension(&name);
                let (_, media) = sort(&extension).unwrap_or((Sort::Custom, "application/octet-stream"));
                let sort = if extension.is_empty() {
                    Sort::Custom
                } else {
                    Sort::of_media(media)
                };
                Ok(data!({
                    "type": word.unwrap_or(sort.word()),
                    "transfer_method": "remote_url",
                    "id": null,
                    "name": name,
                    "extension": extension,
                    "size": null,
                    "mime_type": media,
                    "url": url,
                }))
            }
            _ => Err(Failure::param("transfer_method must be 'local_file' or 'remote_url'")),
        }
    }
}

/// Whether a value stands for a file.
fn is_file(value: &Data) -> bool {
    value.get("transfer_method").is_some()
}

/// Whether a media type is the one that is asked for, as `image/*` asks for all images.
fn matches(asked: &str, found: &str) -> bool {
    match asked.strip_suffix('*') {
        Some(area) => found.starts_with(area),
        None => asked.eq_ignore_ascii_case(found),
    }
}

/// The fields of the input of a workflow.
pub(super) fn form(app: &App) -> Vec<Field> {
    fields::fields(app.served.program.main().header.input_schema.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_files_are() {
        for (name, extension_of, taken) in [
            ("a.PNG", "png", Some(Sort::Image)),
            ("a.tar.md", "md", Some(Sort::Document)),
            ("upload", "", Some(Sort::Custom)),
            (".hidden", "", Some(Sort::Custom)),
            ("a.exe", "exe", None),
            ("a.mp4", "mp4", Some(Sort::Video)),
        ] {
            let extension = extension(name);
            assert_eq!(
                (extension.as_str(), sort(&extension).map(|(sort, _)| sort)),
                (extension_of, taken),
                "{name}"
            );
        }
    }

    #[test]
    fn media_types_are_asked_for_whole_or_by_area() {
        assert!(matches("image/*", "image/png") && matches("application/pdf", "Application/PDF"));
        assert!(!matches("image/*", "imagery/png") && !matches("image/png", "image/gif"));
    }
}
