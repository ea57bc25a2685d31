//! What admins reach of the node's own administration, below `/api`, and start forms, which everybody reads: the same documents as on `node.sock`, in the API's words.

use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use http::Uri;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use node::admin::Person;
use node::session::Who;
use serde_json::{Value, json};

use crate::Shared;
use crate::api::{Result, read};
use crate::error::ApiError;
use crate::guest::Guest;

/// A chain with its cases, or a hundred servers for a trial.
const LARGEST: usize = 4 << 20;
/// A thousand decisions with their traces.
const LARGEST_ANSWER: usize = 64 << 20;

/// Nothing until it is said.
#[derive(Debug, Default)]
pub(crate) struct Administration(RwLock<Router>);

impl Administration {
    pub(crate) fn add(&self, routes: Router) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *all = all.clone().merge(routes);
    }

    fn routes(&self) -> Router {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/balance", any(for_admins))
        .route("/api/balance/{*rest}", any(for_admins))
        .route("/api/forms", get(pass))
        .route("/api/forms/{name}", get(pass).put(for_admins).delete(for_admins))
}

async fn for_admins(
    shared: State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    request: Request,
) -> Result<Response> {
    match guest.who {
        Who::Administrator => pass(shared, Extension(guest), request).await,
        _ => Err(ApiError::AdminsOnly),
    }
}

async fn pass(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    request: Request,
) -> Result<Response> {
    let (mut head, body) = request.into_parts();
    let body = read(body, LARGEST).await?;
    head.uri = below(&head.uri).ok_or(ApiError::NoSuchAddress)?;
    // What the router outside found in the address would count as found by the one inside.
    head.extensions.clear();
    head.extensions.insert(Person(guest.name().unwrap_or("portal-key").to_owned()));
    let asked = TowerToHyperService::new(shared.administration.routes())
        .call(Request::from_parts(head, Body::from(body)));
    let answer = asked.await.unwrap_or_else(|never| match never {});
    let status = answer.status();
    let bytes = axum::body::to_bytes(answer.into_body(), LARGEST_ANSWER).await;
    let bytes = bytes.map_err(|error| ApiError::Inside(error.to_string()))?;
    let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if status.is_success() {
        return Ok(Json(json!({ "result": said })).into_response());
    }
    if bytes.is_empty() && status == http::StatusCode::NOT_FOUND {
        return Err(ApiError::NoSuchAddress);
    }
    let text = |name: &str| said["error"][name].as_str().map(str::to_owned);
    let message = text("message").unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned());
    let error = json!({ "name": "Administration", "message": message, "code": "administration", "next": text("next") });
    Ok((status, Json(json!({ "error": error }))).into_response())
}

/// Its path without `/api`.
fn below(uri: &Uri) -> Option<Uri> {
    uri.path_and_query()?.as_str().strip_prefix("/api")?.parse().ok()
}
