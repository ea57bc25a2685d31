//! The HTTP API, and the pages beside it. Results are `{"result": …}`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get};
use axum::{Json, Router};
use http::{Method, header};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::guest::Guest;
use crate::{Shared, administration, assets, headers, oidc, openapi, origin, sessions, sign_in, tokens};

const BODY_WITHIN: Duration = Duration::from_secs(10);

pub(crate) type Result<T> = std::result::Result<T, ApiError>;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let inside = Router::new()
        .merge(sessions::router())
        .merge(sign_in::inside())
        .merge(tokens::router())
        .merge(administration::router())
        .route("/api/{*rest}", any(nothing))
        .route_layer(middleware::from_fn(only_our_pages))
        .route_layer(middleware::from_fn_with_state(shared.clone(), only_visitors));
    Router::new()
        .route("/api/health", get(health))
        .route("/api/openapi.json", get(openapi::get))
        .merge(sign_in::router())
        .merge(oidc::router())
        .merge(sessions::shares::router())
        .merge(sessions::tickets::router())
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

async fn only_visitors(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let guest = Guest::of(&shared, request.headers())?;
    request.extensions_mut().insert(guest);
    Ok(next.run(request).await)
}

/// What changes something, and what shows a session, only our own pages may ask for in a person's name.
async fn only_our_pages(request: Request, next: Next) -> Result<Response> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let shows = request.headers().contains_key(header::UPGRADE);
    if (changes || shows) && !origin::is_ours(request.headers()) {
        return Err(ApiError::OtherSite);
    }
    Ok(next.run(request).await)
}

/// A body that comes in time and is no larger than `most` bytes.
pub(crate) async fn read(body: Body, most: usize) -> Result<bytes::Bytes> {
    let malformed = |why: String| ApiError::Malformed(why);
    let body = tokio::time::timeout(BODY_WITHIN, axum::body::to_bytes(body, most)).await;
    let body = body.map_err(|_| malformed("its body took too long".into()))?;
    body.map_err(|_| malformed(format!("its body is cut off, or larger than {} KiB", most / 1024)))
}
