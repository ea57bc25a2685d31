//! What `node.sock` answers about sessions. Only root, or the service's own account, can ask: they reach all of them.

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use cluster::session::{Session, SessionId};
use http::{HeaderValue, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;

use super::{Change, Made, Offer, SessionError, Sessions, Share, Wanted, Who};
use crate::admin::Problem;

/// The protocol that a connection is upgraded to: the display's own bytes.
pub const UPGRADE: &str = "rfb";
/// Pixels; cards are shown that wide.
const THUMBNAIL: u16 = 320;

type Answer<T> = Result<T, Problem>;

impl Sessions {
    /// For `node.sock`.
    pub fn routes(&self) -> Router {
        Router::new()
            .route("/sessions", get(list).post(start))
            .route("/sessions/{id}", get(show).patch(change).delete(terminate))
            .route("/sessions/{id}/disconnect", post(disconnect))
            .route("/sessions/{id}/log", get(log))
            .route("/sessions/{id}/shares", get(shares).post(share))
            .route("/sessions/{id}/shares/{share}", delete(unshare))
            .route("/sessions/{id}/thumbnail", get(thumbnail))
            .route("/sessions/{id}/connect", get(connect))
            .with_state(self.clone())
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        let text = error.to_string();
        match error {
            SessionError::Unknown(_) => Self::not_found(text, "fastx sessions lists them"),
            SessionError::NoShare => Self::not_found(text, "fastx share --list shows them"),
            SessionError::Elsewhere { .. } => Self::new(StatusCode::CONFLICT, text, "ask on that server"),
            SessionError::Ended(_) => Self::new(StatusCode::GONE, text, "fastx sessions says why"),
            SessionError::NotUp { .. } => Self::new(StatusCode::CONFLICT, text, "try again in a moment"),
            SessionError::Malformed(_) => Self::bad(text, "fastx start --help shows what is taken"),
            SessionError::Account { .. }
            | SessionError::NotInstalled { .. }
            | SessionError::Job(_)
            | SessionError::NotChosen(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, text, ""),
            SessionError::NotTaken => {
                Self::unavailable(text, "fastx server allow --sessions yes, or fastx server undrain")
            }
            SessionError::Unanswered { .. } => Self::unavailable(text, "fastx servers shows how it stands"),
            SessionError::TooMany | SessionError::Busy | SessionError::Stopping => {
                Self::unavailable(text, "")
            }
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, text, "fastx log shows more"),
        }
    }
}

fn id(text: &str) -> Answer<SessionId> {
    SessionId::new(text).map_err(|error| Problem::bad(error.to_string(), "fastx sessions lists them"))
}

async fn list(State(sessions): State<Sessions>) -> Json<Vec<Session>> {
    Json(sessions.everywhere(&Who::Administrator))
}

async fn start(State(sessions): State<Sessions>, Json(wanted): Json<Wanted>) -> Answer<Json<Session>> {
    Ok(Json(sessions.start(wanted).await?))
}

async fn show(State(sessions): State<Sessions>, Path(name): Path<String>) -> Answer<Json<Session>> {
    Ok(Json(sessions.find(&Who::Administrator, &id(&name)?)?))
}

async fn change(
    State(sessions): State<Sessions>,
    Path(name): Path<String>,
    Json(change): Json<Change>,
) -> Answer<Json<Session>> {
    Ok(Json(sessions.change(&Who::Administrator, &id(&name)?, change).await?))
}

async fn terminate(State(sessions): State<Sessions>, Path(name): Path<String>) -> Answer<StatusCode> {
    sessions.terminate(&Who::Administrator, &id(&name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn disconnect(State(sessions): State<Sessions>, Path(name): Path<String>) -> Answer<StatusCode> {
    sessions.disconnect(&Who::Administrator, &id(&name)?)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn share(
    State(sessions): State<Sessions>,
    Path(name): Path<String>,
    Json(offer): Json<Offer>,
) -> Answer<Json<Made>> {
    Ok(Json(sessions.share(&Who::Administrator, &id(&name)?, &offer)?))
}

async fn shares(State(sessions): State<Sessions>, Path(name): Path<String>) -> Answer<Json<Vec<Share>>> {
    Ok(Json(sessions.shares(&Who::Administrator, &id(&name)?)?))
}

async fn unshare(
    State(sessions): State<Sessions>,
    Path((name, share)): Path<(String, String)>,
) -> Answer<StatusCode> {
    sessions.unshare(&Who::Administrator, &id(&name)?, &share)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn log(State(sessions): State<Sessions>, Path(name): Path<String>) -> Answer<Json<String>> {
    Ok(Json(sessions.log(&Who::Administrator, &id(&name)?).await?))
}

#[derive(Debug, Deserialize)]
struct Size {
    width: Option<u16>,
}

async fn thumbnail(
    State(sessions): State<Sessions>,
    Path(name): Path<String>,
    Query(size): Query<Size>,
) -> Answer<Response> {
    let width = size.width.unwrap_or(THUMBNAIL);
    let png = sessions.thumbnail(&Who::Administrator, &id(&name)?, width).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
}

/// After `101 Switching Protocols` the connection carries RFB.
async fn connect(
    State(sessions): State<Sessions>,
    Path(name): Path<String>,
    mut request: Request,
) -> Answer<Response> {
    let asked = request.headers().get(header::UPGRADE);
    if asked.is_none_or(|asked| asked != UPGRADE) {
        return Err(Problem::bad("a connection to a session is an upgrade to rfb", "use fastx connect"));
    }
    let viewing = sessions.view(&Who::Administrator, &id(&name)?).await?;
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                if let Err(error) = viewing.pass(&mut TokioIo::new(upgraded)).await {
                    tracing::debug!(%error, "a viewer on the admin socket is gone");
                }
            }
            Err(error) => tracing::debug!(%error, "a viewer on the admin socket never came"),
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static(UPGRADE));
    Ok(response)
}
