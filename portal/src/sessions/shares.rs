//! Links to a session for guests: its owner makes, lists and ends them; whoever has one looks by it, without a name and a cookie.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use cluster::session::SessionId;
use http::{HeaderMap, StatusCode};
use node::session::{Made, Offer};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{body, id, offered, result, show_invited};
use crate::api::Result;
use crate::error::ApiError;
use crate::guest::Guest;
use crate::{Connection, Shared, origin};

/// How long a link may count after the visit of who made it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Before the token, among the WebSocket's protocols.
const PROTOCOL: &str = "share.";

/// For owners.
pub(super) fn inside() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/sessions/{id}/shares", get(list).post(share))
        .route("/api/sessions/{id}/shares/{share}", delete(unshare))
}

/// For whoever has a link.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/api/share", post(about)).route("/api/share/socket", get(socket))
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Path(name): Path<String>,
) -> Result<Json<Value>> {
    Ok(result(shared.sessions.shares(&guest.who, &id(&name)?)?))
}

async fn share(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Path(name): Path<String>,
    sent: Body,
) -> Result<Response> {
    let (id, offer) = (id(&name)?, body::<Offer>(sent).await?);
    let made = shared.sessions.share(&guest.who, &id, &offer)?;
    let answer = result(&made);
    end_with_visit(&shared, guest, id, made);
    Ok((StatusCode::CREATED, answer).into_response())
}

/// Nobody leaves a way in behind: a link counts as long as who made it is signed in, with the same role.
fn end_with_visit(shared: &Arc<Shared>, guest: Guest, id: SessionId, made: Made) {
    let weak = Arc::downgrade(shared);
    let mut links = shared.links.lock().unwrap_or_else(PoisonError::into_inner);
    while links.try_join_next().is_some() {}
    links.spawn(async move {
        while tokio::time::timeout(LOOK_EVERY, made.ended.cancelled()).await.is_err() {
            let Some(shared) = weak.upgrade() else { return };
            if !guest.counts(&shared) {
                let _ended_already = shared.sessions.unshare(&guest.who, &id, &made.id);
            }
        }
    });
}

async fn unshare(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Path((name, share)): Path<(String, String)>,
) -> Result<Json<Value>> {
    shared.sessions.unshare(&guest.who, &id(&name)?, &share)?;
    Ok(result(Value::Null))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    token: String,
}

async fn about(State(shared): State<Arc<Shared>>, headers: HeaderMap, sent: Body) -> Result<Json<Value>> {
    if !origin::is_ours(&headers) {
        return Err(ApiError::OtherSite);
    }
    let Shown { token } = body(sent).await?;
    let (session, share) = shared.sessions.invited(&token)?;
    Ok(result(json!({
        "name": session.name, "owner": session.login, "geometry": session.geometry, "mode": share.mode,
        "expires": share.expires, "clipboard": session.clipboard,
    })))
}

/// As the socket of an owner.
async fn socket(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    if !origin::is_ours(&headers) {
        return Err(ApiError::OtherSite);
    }
    let upgrade = upgrade.map_err(|_| ApiError::Malformed("it takes WebSockets only".into()))?;
    let permit = shared.viewers.clone().try_acquire_owned().map_err(|_| ApiError::TooManyViewers)?;
    let invited = shared.sessions.view_by(offered(&headers, PROTOCOL).unwrap_or_default()).await?;
    Ok(show_invited(upgrade, connection, permit, invited, "this link does not count any more"))
}
