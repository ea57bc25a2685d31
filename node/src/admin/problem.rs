//! Why a question on the admin socket has no answer, as JSON: `{ "error": { "message": …, "next": … } }`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use cluster::store::StoreError;
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// Read by the command line, which prints both lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    #[serde(skip)]
    status: u16,
    pub message: String,
    /// The next step, for the person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next: String,
}

/// What is sent, with a status of 400 and more.
#[derive(Debug, Serialize, Deserialize)]
pub struct Failed {
    pub error: Problem,
}

impl Problem {
    pub fn new(status: StatusCode, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { status: status.as_u16(), message: message.into(), next: next.into() }
    }

    pub fn not_found(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message, next)
    }

    /// The question cannot be meant so.
    pub fn bad(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message, next)
    }

    /// What is needed for the answer is not reached now.
    pub fn unavailable(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message, next)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let (status, next) = match &error {
            StoreError::Conflict { .. } => (StatusCode::CONFLICT, "look at it again, and repeat the change"),
            StoreError::TooLong { .. } | StoreError::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, ""),
            StoreError::Unreachable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "fastx status says what is missing")
            }
        };
        Self::new(status, error.to_string(), next)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(Failed { error: self })).into_response()
    }
}
