//! The HTTP API, and the pages beside it. Results are `{"result": …}`.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, header};
use node::display::DisplayId;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tunnel::identity::Secret;

use crate::attempts::Origin;
use crate::error::ApiError;
use crate::{Connection, Shared, assets, cookie, headers, origin, viewer};

/// A request's body: a key and its name, with room for a longer one.
const LARGEST_BODY: usize = 4096;
const BODY_WITHIN: Duration = Duration::from_secs(10);

type Result<T> = std::result::Result<T, ApiError>;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let inside = Router::new()
        .route("/api/displays", get(displays))
        .route("/api/displays/{id}/socket", get(socket))
        .route("/api/{*rest}", get(nothing).post(nothing))
        .route_layer(middleware::from_fn_with_state(shared.clone(), only_with_key));
    Router::new()
        .route("/api/health", get(health))
        .route("/api/open", post(open))
        .merge(inside)
        .fallback(assets::get)
        .layer(middleware::map_response(headers::add))
        .with_state(shared)
}

async fn health() -> Json<Value> {
    Json(json!({ "result": { "status": "ok" } }))
}

async fn nothing() -> ApiError {
    ApiError::NoSuchAddress
}

async fn only_with_key(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Result<Response> {
    let id = cookie::get(&shared.server, request.headers()).ok_or(ApiError::KeyWanted)?;
    if !shared.sessions.holds(&id, SystemTime::now()) {
        return Err(ApiError::KeyWanted);
    }
    Ok(next.run(request).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    key: Secret,
}

/// Takes `{"key": …}` and answers with the session's cookie.
async fn open(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    if !origin::is_ours(&headers) {
        return Err(ApiError::OtherSite);
    }
    let from = client(&headers, &connection);
    let attempts = || shared.attempts.lock().unwrap_or_else(PoisonError::into_inner);
    attempts().permit(Instant::now(), from).map_err(ApiError::SlowDown)?;

    let malformed = |why: &str| ApiError::Malformed(why.to_owned());
    let body = tokio::time::timeout(BODY_WITHIN, axum::body::to_bytes(body, LARGEST_BODY)).await;
    let body = body.map_err(|_| malformed("its body took too long"))?;
    let body = body.map_err(|_| malformed("its body is cut off, or larger than 4 KiB"))?;
    let Open { key } = serde_json::from_slice(&body).map_err(|_| malformed("expected {\"key\": \"…\"}"))?;
    if !shared.key.matches(&key) {
        attempts().wrong(Instant::now(), from);
        return Err(ApiError::WrongKey);
    }
    attempts().right(from);
    let keeper = shared.clone();
    let id = tokio::task::spawn_blocking(move || keeper.sessions.add(SystemTime::now())).await;
    let id = id.map_err(|error| ApiError::Inside(error.to_string()))?;
    let id = id.map_err(|error| ApiError::Inside(format!("cannot write the list of sessions: {error}")))?;
    let body = Json(json!({ "result": { "server": shared.server } }));
    Ok(([(header::SET_COOKIE, cookie::set(&shared.server, &id))], body).into_response())
}

/// Who asks, for slowing down: as the gateway says, else who is connected.
fn client(headers: &HeaderMap, connection: &Connection) -> Origin {
    // The gateway appends the address that it saw; what stands before it, anybody may have written.
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|line| line.to_str().ok());
    let forwarded =
        forwarded.and_then(|line| line.rsplit(',').next()).and_then(|last| last.trim().parse().ok());
    Origin::of(forwarded.or(connection.client.map(|client| client.ip())))
}

async fn displays(State(shared): State<Arc<Shared>>) -> Result<Json<Value>> {
    let displays = shared.displays.list().await?;
    Ok(Json(json!({ "result": { "server": shared.server, "displays": displays } })))
}

/// A WebSocket to the display's RFB socket: binary messages, their borders mean nothing.
async fn socket(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    if !origin::is_ours(&headers) {
        return Err(ApiError::OtherSite);
    }
    let upgrade = upgrade.map_err(|_| ApiError::Malformed("it takes WebSockets only".into()))?;
    let id = DisplayId::new(&id).map_err(|error| ApiError::NoSuchDisplay(error.to_string()))?;
    let permit = shared.viewers.clone().try_acquire_owned().map_err(|_| ApiError::TooManyViewers)?;
    let path = shared.displays.socket(&id).await?;
    let display = UnixStream::connect(&path).await;
    let display = display.map_err(|source| ApiError::DisplayUnreachable { id: id.to_string(), source })?;

    let tracked = connection.viewers.token();
    let viewer = move |socket| async move {
        viewer::show(socket, display, &connection.ended).await;
        drop((permit, tracked));
    };
    Ok(viewer::limits(upgrade).on_upgrade(viewer))
}
