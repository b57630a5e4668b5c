//! Refusals in the shape of this protocol: `{"code", "message", "status"}`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::data;
use crate::data::Data;
use crate::serve::problem::Problem;
use crate::serve::refusal::{Refused, json};

/// What a handler gives.
pub(super) type Reply = Result<Response, Failure>;

/// Why something is not done, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    BadRequest,
    InvalidParam,
    InvalidFormData,
    NoFileUploaded,
    TooManyFiles,
    FilenameNotExists,
    Unauthorized,
    Forbidden,
    NotFound,
    RequestTimeout,
    Conflict,
    FormSubmitted,
    FormExpired,
    FileTooLarge,
    RequestTooLarge,
    UnsupportedFileType,
    TooManyRequests,
    RateLimit,
    HeadersTooLarge,
    Internal,
    Unavailable,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        match self {
            Code::BadRequest => "bad_request",
            Code::InvalidParam => "invalid_param",
            Code::InvalidFormData => "invalid_form_data",
            Code::NoFileUploaded => "no_file_uploaded",
            Code::TooManyFiles => "too_many_files",
            Code::FilenameNotExists => "filename_not_exists_error",
            Code::Unauthorized => "unauthorized",
            Code::Forbidden => "forbidden",
            Code::NotFound => "not_found",
            Code::RequestTimeout => "request_timeout",
            Code::Conflict => "conflict",
            Code::FormSubmitted => "human_input_form_submitted",
            Code::FormExpired => "human_input_form_expired",
            Code::FileTooLarge => "file_too_large",
            Code::RequestTooLarge => "request_entity_too_large",
            Code::UnsupportedFileType => "unsupported_file_type",
            Code::TooManyRequests => "too_many_requests",
            Code::RateLimit => "rate_limit_error",
            Code::HeadersTooLarge => "request_header_fields_too_large",
            Code::Internal => "internal_server_error",
            Code::Unavailable => "service_unavailable",
        }
    }

    pub fn status(self) -> StatusCode {
        match self {
            Code::BadRequest
            | Code::InvalidParam
            | Code::InvalidFormData
            | Code::NoFileUploaded
            | Code::TooManyFiles
            | Code::FilenameNotExists => StatusCode::BAD_REQUEST,
            Code::Unauthorized => StatusCode::UNAUTHORIZED,
            Code::Forbidden => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Code::Conflict => StatusCode::CONFLICT,
            Code::FormSubmitted | Code::FormExpired => StatusCode::PRECONDITION_FAILED,
            Code::FileTooLarge | Code::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::UnsupportedFileType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::TooManyRequests | Code::RateLimit => StatusCode::TOO_MANY_REQUESTS,
            Code::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Why something is not done.
#[derive(Debug)]
pub(in crate::serve) struct Failure {
    code: Code,
    message: String,
    /// The seconds to wait, where trying again helps.
    again: Option<u64>,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Failure {
        Failure {
            code,
            message: message.into(),
            again: None,
        }
    }

    /// A parameter that makes no sense.
    pub fn param(message: impl Into<String>) -> Failure {
        Failure::new(Code::InvalidParam, message)
    }

    pub fn not_found(message: impl Into<String>) -> Failure {
        Failure::new(Code::NotFound, message)
    }

    /// The same under another code, unless it is about something else than what was sent.
    pub fn of_form(self) -> Failure {
        match self.code {
            Code::InvalidParam => Failure {
                code: Code::InvalidFormData,
                ..self
            },
            _ => self,
        }
    }

    /// As it is told: the entries of an object.
    pub fn told(&self) -> Data {
        data!({
            "code": self.code.as_str(),
            "message": self.message.as_str(),
            "status": u32::from(self.code.status().as_u16()),
        })
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        let code = match &problem {
            Problem::Malformed(_) | Problem::Invalid { .. } | Problem::NotSuspendable(_) => Code::InvalidParam,
            Problem::Unauthorized(_) | Problem::BadToken(_) | Problem::BadSignature(_) => Code::Unauthorized,
            Problem::Forbidden(_)
            | Problem::NotPermitted(_)
            | Problem::MissingScope(_)
            | Problem::ForeignHost(_)
            | Problem::ForeignOrigin(_) => Code::Forbidden,
            Problem::UnknownWorkflow(_)
            | Problem::UnknownRelease(..)
            | Problem::UnknownExecution(_)
            | Problem::UnknownStep(_)
            | Problem::NotSuspended(_) => Code::NotFound,
            Problem::Conflict(_) => Code::Conflict,
            Problem::TooSlow => Code::RequestTimeout,
            Problem::TooLarge => Code::RequestTooLarge,
            Problem::HeadersTooLarge => Code::HeadersTooLarge,
            Problem::Busy => Code::TooManyRequests,
            Problem::TooManyFailures(_) => Code::RateLimit,
            Problem::Unavailable(_) => Code::Unavailable,
            Problem::Internal(_) => Code::Internal,
        };
        let message = match &problem {
            Problem::UnknownExecution(_) => "Workflow run not found.".to_owned(),
            Problem::UnknownWorkflow(_) => "Workflow not found".to_owned(),
            Problem::Unauthorized(_) => keyless().to_owned(),
            Problem::BadToken(_) => "Access token is invalid".to_owned(),
            Problem::Internal(why) => {
                tracing::error!(%why, "a request failed");
                "The server encountered an internal error and was unable to complete your request.".to_owned()
            }
            told => told.told(),
        };
        let again = match problem {
            Problem::Busy | Problem::Unavailable(_) => Some(1),
            Problem::TooManyFailures(seconds) => Some(seconds),
            _ => None,
        };
        Failure { code, message, again }
    }
}

impl From<crate::store::Error> for Failure {
    fn from(error: crate::store::Error) -> Failure {
        Failure::from(Problem::from(error))
    }
}

impl From<crate::drive::Error> for Failure {
    fn from(error: crate::drive::Error) -> Failure {
        Failure::from(Problem::from(error))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::from(Problem::Internal(format!("a file: {error}")))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = json(self.code.status(), &self.told());
        response.extensions_mut().insert(Refused(self.code.as_str()));
        let headers = response.headers_mut();
        if self.code == Code::Unauthorized {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"api\""),
            );
        }
        if let Some(seconds) = self.again {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// What is told who has sent no key.
pub(super) fn keyless() -> &'static str {
    "Authorization header must be provided and start with 'Bearer'"
}

/// A refusal of the whole server in this shape.
pub(in crate::serve) fn refusal(problem: &Problem) -> Response {
    Failure::from(problem.clone()).into_response()
}

/// An answer when all is well.
pub(super) fn answer(body: &Data) -> Response {
    json(StatusCode::OK, body)
}
