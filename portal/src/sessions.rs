//! The API's part about sessions. Who holds the portal's key reaches all of this server, and so do admins; users reach their own.

mod events;
pub(crate) mod shares;
pub(crate) mod tickets;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cluster::session::SessionId;
use http::{HeaderMap, StatusCode, header};
use node::session::{Change, Invited, Wanted};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use crate::api::{Result, read};
use crate::error::ApiError;
use crate::guest::Guest;
use crate::{Connection, Shared, viewer};

/// A command of 4 KiB and parameters of 8 KiB, as JSON.
const LARGEST_BODY: usize = 32 * 1024;
/// Pixels; a card shows it half as wide, for fine screens.
const THUMBNAIL: u16 = 400;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/sessions", get(list).post(start))
        .route("/api/servers", get(servers))
        .route("/api/applications", get(applications))
        .route("/api/sessions/events", get(events::events))
        .route("/api/sessions/{id}", get(show).patch(change).delete(terminate))
        .route("/api/sessions/{id}/disconnect", post(disconnect))
        .route("/api/sessions/{id}/log", get(log))
        .route("/api/sessions/{id}/thumbnail", get(thumbnail))
        .route("/api/sessions/{id}/socket", get(socket))
        .merge(shares::inside())
        .merge(tickets::inside())
}

/// What a program offers among the WebSocket's protocols behind `prefix`: addresses are in logs, this is not.
fn offered<'a>(headers: &'a HeaderMap, prefix: &str) -> Option<&'a str> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    let mut words = offered.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    words.find_map(|word| word.trim().strip_prefix(prefix))
}

/// Shows the display to one who has come by a link or a ticket.
fn show_invited(
    upgrade: WebSocketUpgrade,
    connection: Connection,
    permit: OwnedSemaphorePermit,
    invited: Invited,
    why: &'static str,
) -> Response {
    let tracked = connection.viewers.token();
    let viewer = move |socket| async move {
        let over = async {
            invited.ended.cancelled().await;
            why
        };
        viewer::show(socket, invited.viewing, &connection.ended, over).await;
        drop((permit, tracked));
    };
    viewer::limits(upgrade).on_upgrade(viewer)
}

fn result(value: impl serde::Serialize) -> Json<Value> {
    Json(json!({ "result": value }))
}

fn id(text: &str) -> Result<SessionId> {
    SessionId::new(text).map_err(|error| ApiError::NoSuchSession(error.to_string()))
}

async fn body<T: DeserializeOwned>(body: Body) -> Result<T> {
    let body = read(body, LARGEST_BODY).await?;
    serde_json::from_slice(&body).map_err(|error| ApiError::Malformed(error.to_string()))
}

async fn list(State(shared): State<Arc<Shared>>, Extension(guest): Extension<Guest>) -> Json<Value> {
    let sessions = shared.sessions.everywhere(&guest.who);
    result(
        json!({ "server": shared.server, "login": guest.name(), "role": guest.role, "sessions": sessions }),
    )
}

/// Where a session could start.
async fn servers(State(shared): State<Arc<Shared>>) -> Result<Json<Value>> {
    shared.sessions.candidates().await.map(result).map_err(|error| ApiError::NoManager(error.to_string()))
}

/// What this server has installed.
async fn applications() -> Result<Json<Value>> {
    let read = tokio::task::spawn_blocking(node::session::applications).await;
    read.map(result).map_err(|error| ApiError::Inside(error.to_string()))
}

async fn start(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    sent: Body,
) -> Result<Response> {
    let wanted: Wanted = body(sent).await?;
    if wanted.user.is_some() || wanted.login.is_some() {
        return Err(ApiError::Malformed("`user` and `login` are not chosen here".into()));
    }
    let session = shared.sessions.start(guest.starts(wanted)).await?;
    Ok((StatusCode::CREATED, result(session)).into_response())
}

async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Path(name): Path<String>,
) -> Result<Json<Value>> {
    Ok(result(shared.sessions.find(&guest.who, &id(&name)?)?))
}

async fn change(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Path(name): Path<String>,
    sent: Body,
) -> Result<Json<Value>> {
    let change: Change = body(sent).await?;
    Ok(result(shared.sessions.change(&guest.who, &id(&name)?, change).await?))
}

async fn terminate(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Path(name): Path<String>,
) -> Result<Json<Value>> {
    shared.sessions.terminate(&guest.who, &id(&name)?).await?;
    Ok(result(Value::Null))
}

async fn disconnect(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Path(name): Path<String>,
) -> Result<Json<Value>> {
    shared.sessions.disconnect(&guest.who, &id(&name)?)?;
    Ok(result(Value::Null))
}

async fn log(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Path(name): Path<String>,
) -> Result<Json<Value>> {
    Ok(result(shared.sessions.log(&guest.who, &id(&name)?).await?))
}

async fn thumbnail(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Path(name): Path<String>,
) -> Result<Response> {
    let id = id(&name)?;
    // Each reads a whole screen; a page full of cards takes its turns.
    let _turn = shared.pictures.acquire().await.map_err(|closed| ApiError::Inside(closed.to_string()))?;
    let png = shared.sessions.thumbnail(&guest.who, &id, THUMBNAIL).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
}

/// A WebSocket to the display's RFB socket: binary messages, their borders mean nothing.
async fn socket(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    Extension(guest): Extension<Guest>,
    Path(name): Path<String>,
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    let upgrade = upgrade.map_err(|_| ApiError::Malformed("it takes WebSockets only".into()))?;
    let id = id(&name)?;
    let permit = shared.viewers.clone().try_acquire_owned().map_err(|_| ApiError::TooManyViewers)?;
    let viewing = shared.sessions.view(&guest.who, &id).await?;

    let tracked = connection.viewers.token();
    let viewer = move |socket| async move {
        let left = async {
            guest.left(shared).await;
            "you are signed out"
        };
        viewer::show(socket, viewing, &connection.ended, left).await;
        drop((permit, tracked));
    };
    Ok(viewer::limits(upgrade).on_upgrade(viewer))
}
