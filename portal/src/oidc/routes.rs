//! The two addresses of a provider's way: to it, and back from it.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::{Extension, Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use tunnel::identity::Secret;

use super::{Sent, UnderWay, under_way};
use crate::admit::{come_back, permitted, refuse};
use crate::api::Result;
use crate::conversation::known_account;
use crate::error::ApiError;
use crate::logins::Way;
use crate::{Connection, Shared, cookie, turns};

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/api/login/oidc/{name}", get(go)).route("/api/login/oidc/{name}/callback", get(back))
}

/// Sends the browser to the provider.
async fn go(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    permitted(&shared, &headers, &connection)?;
    let id = format!("oidc:{name}");
    let rules = shared.logins.now();
    let Some(Way::Oidc(provider)) = rules.way(&id) else { return Err(ApiError::NoSuchAddress) };
    // Each asks the provider what it is like.
    let _turn = shared.turns.of(&id).await.ok_or(ApiError::SlowDown(turns::WITHIN))?;
    let sent = super::send(provider).await;
    let (url, state, sent) = sent.map_err(|error| ApiError::Inside(format!("{id}: {error}")))?;
    let browser = under_way(&shared).put(Secret::new(state.secret()), sent, Instant::now());
    let cookie = cookie::under_way(&shared.server, &browser, under_way::LASTS);
    let location = HeaderValue::try_from(url).map_err(|error| ApiError::Inside(error.to_string()))?;
    Ok((StatusCode::FOUND, [(header::LOCATION, location), (header::SET_COOKIE, cookie)]).into_response())
}

/// What a provider adds to the address that a browser comes back to.
#[derive(Deserialize)]
struct Back {
    state: Option<Secret>,
    code: Option<String>,
    error: Option<String>,
    /// RFC 9207: which provider says so.
    iss: Option<String>,
}

/// Takes the browser back, and lets the person in.
async fn back(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Result<Response> {
    let from = permitted(&shared, &headers, &connection)?;
    let id = format!("oidc:{name}");
    let sent = back.state.zip(cookie::get_under_way(&shared.server, &headers));
    let sent = sent.and_then(|(state, browser)| under_way(&shared).take(&state, &browser, Instant::now()));
    let Some(sent) = sent.filter(|sent| sent.provider.name.as_str() == name) else {
        return Err(refuse(&shared, &from, &id, "a browser comes back that nobody sent"));
    };
    let page = sent.provider.url.as_str().to_owned();
    let is_its_own = back.iss.is_none_or(|iss| iss == sent.provider.issuer.as_str());
    let Some(code) = back.code.filter(|_| is_its_own) else {
        let why = back.error.unwrap_or_else(|| "no code, or another provider's".into());
        return Err(refuse(&shared, &from, &id, &why));
    };
    let account = super::receive(sent, code).await;
    let account = account.map_err(|error| refuse(&shared, &from, &id, &error.to_string()))?;
    let visitor =
        known_account(&id, account).await.map_err(|error| refuse(&shared, &from, &id, &error.to_string()))?;
    come_back(&shared, visitor, &from, &page).await
}

/// A panic elsewhere leaves the list whole: every change is one push or removal.
fn under_way(shared: &Shared) -> MutexGuard<'_, UnderWay<Sent>> {
    shared.under_way.lock().unwrap_or_else(PoisonError::into_inner)
}
