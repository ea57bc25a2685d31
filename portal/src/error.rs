//! Refusals, as programs and pages get them: `{"error":{"name","message","code"}}`.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use node::session::SessionError;
use serde_json::json;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("sign in first, with your name and password, or with this server's portal key")]
    SignInWanted,
    #[error("this is not the key of this server; it is in the file portal-key in the server's local folder")]
    WrongKey,
    #[error("this is not the name and password, or not a right answer, of a person who may sign in here")]
    WrongPassword,
    #[error("too many wrong tries: try again in {} s", seconds(*.0))]
    SlowDown(Duration),
    #[error("the request is not what this address takes: {0}")]
    Malformed(String),
    #[error("only an admin may do this")]
    AdminsOnly,
    #[error("the request came from another site's page and is refused")]
    OtherSite,
    #[error("there is no such token")]
    NoSuchToken,
    #[error("there is no such link, or it does not count any more")]
    NoSuchShare,
    #[error("there is no such ticket, or it does not count any more")]
    NoSuchTicket,
    #[error("there is nothing at this address")]
    NoSuchAddress,
    #[error("{0}")]
    NoSuchSession(String),
    #[error("{0}")]
    SessionEnded(String),
    #[error("{0}; open it there")]
    SessionElsewhere(String),
    #[error("{0}; try again in a moment")]
    SessionNotUp(String),
    #[error("{0}; try again, or end it and start a new one")]
    SessionUnreachable(String),
    #[error("{0}")]
    CannotStart(String),
    #[error("the other servers are not known now: {0}")]
    NoManager(String),
    #[error("{0}; try again later")]
    NoNewSessions(String),
    #[error("{} people look at sessions of this server already; try again later", crate::MOST_VIEWERS)]
    TooManyViewers,
    #[error("the server could not do it: {0}")]
    Inside(String),
}

impl ApiError {
    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::SignInWanted => (StatusCode::UNAUTHORIZED, "SignInWanted", "sign-in-wanted"),
            Self::WrongKey => (StatusCode::FORBIDDEN, "WrongKey", "wrong-key"),
            Self::WrongPassword => (StatusCode::UNAUTHORIZED, "WrongPassword", "wrong-password"),
            Self::SlowDown(_) => (StatusCode::TOO_MANY_REQUESTS, "SlowDown", "slow-down"),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "Malformed", "malformed"),
            Self::OtherSite => (StatusCode::FORBIDDEN, "OtherSite", "other-site"),
            Self::AdminsOnly => (StatusCode::FORBIDDEN, "AdminsOnly", "admins-only"),
            Self::NoSuchAddress => (StatusCode::NOT_FOUND, "NoSuchAddress", "no-such-address"),
            Self::NoSuchShare => (StatusCode::NOT_FOUND, "NoSuchShare", "no-such-share"),
            Self::NoSuchTicket => (StatusCode::NOT_FOUND, "NoSuchTicket", "no-such-ticket"),
            Self::NoSuchToken => (StatusCode::NOT_FOUND, "NoSuchToken", "no-such-token"),
            Self::NoSuchSession(_) => (StatusCode::NOT_FOUND, "NoSuchSession", "no-such-session"),
            Self::SessionEnded(_) => (StatusCode::GONE, "SessionEnded", "session-ended"),
            Self::SessionElsewhere(_) => (StatusCode::CONFLICT, "SessionElsewhere", "session-elsewhere"),
            Self::SessionNotUp(_) => (StatusCode::CONFLICT, "SessionNotUp", "session-not-up"),
            Self::SessionUnreachable(_) => {
                (StatusCode::BAD_GATEWAY, "SessionUnreachable", "session-unreachable")
            }
            Self::NoManager(_) => (StatusCode::SERVICE_UNAVAILABLE, "NoManager", "no-manager"),
            Self::CannotStart(_) => (StatusCode::UNPROCESSABLE_ENTITY, "CannotStart", "cannot-start"),
            Self::NoNewSessions(_) => (StatusCode::SERVICE_UNAVAILABLE, "NoNewSessions", "no-new-sessions"),
            Self::TooManyViewers => (StatusCode::SERVICE_UNAVAILABLE, "TooManyViewers", "too-many-viewers"),
            Self::Inside(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Inside", "inside"),
        }
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        let text = error.to_string();
        match error {
            SessionError::Unknown(_) => Self::NoSuchSession(text),
            SessionError::Ended(_) => Self::SessionEnded(text),
            SessionError::Elsewhere { .. } => Self::SessionElsewhere(text),
            SessionError::NotUp { .. } => Self::SessionNotUp(text),
            SessionError::Unreachable { .. } => Self::SessionUnreachable(text),
            SessionError::NoShare => Self::NoSuchShare,
            SessionError::NoTicket => Self::NoSuchTicket,
            SessionError::Malformed(_) => Self::Malformed(text),
            SessionError::NotInstalled { .. }
            | SessionError::Account { .. }
            | SessionError::Start(_)
            | SessionError::Job(_)
            | SessionError::NotChosen(_)
            | SessionError::Unanswered { .. }
            | SessionError::JobScript(_)
            | SessionError::Jobs(_) => Self::CannotStart(text),
            SessionError::TooMany | SessionError::Busy | SessionError::NotTaken | SessionError::Stopping => {
                Self::NoNewSessions(text)
            }
            SessionError::PathTooLong(_) | SessionError::File { .. } | SessionError::Damaged { .. } => {
                Self::Inside(text)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, name, code) = self.parts();
        if status.is_server_error() {
            tracing::warn!(error = %self, "portal request failed");
        }
        let body = json!({ "error": { "name": name, "message": self.to_string(), "code": code } });
        let mut response = (status, Json(body)).into_response();
        if let Self::SlowDown(wait) = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
        }
        response
    }
}

fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}
