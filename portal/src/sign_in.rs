//! Coming in, with the portal's key or by name and password, and leaving.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tunnel::identity::Secret;

use crate::api::{Result, read};
use crate::attempts::Origin;
use crate::error::ApiError;
use crate::guest::Guest;
use crate::visits::Visitor;
use crate::{Connection, Shared, cookie, origin};

/// A request's body: a key or a name and a password, with room for longer ones.
const LARGEST_BODY: usize = 4096;
/// For a turn to have a password compared; one at a time.
const TURN_WITHIN: Duration = Duration::from_secs(10);
/// A longer name is nobody's, and is not remembered as one that was tried.
const LONGEST_NAME: usize = 64;

/// What anybody may ask.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/api/open", post(open)).route("/api/login", post(login))
}

/// What a visitor may ask.
pub(crate) fn inside() -> Router<Arc<Shared>> {
    Router::new().route("/api/logout", post(logout))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    key: Secret,
}

/// Takes `{"key": …}` and answers with the visit's cookie.
async fn open(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let from = [client(&headers, &connection)?];
    permit(&shared, &from)?;
    let body = read(body, LARGEST_BODY).await?;
    let expected = |_| ApiError::Malformed("expected {\"key\": \"…\"}".to_owned());
    let Open { key } = serde_json::from_slice(&body).map_err(expected)?;
    if !shared.key.matches(&key) {
        wrong(&shared, &from);
        return Err(ApiError::WrongKey);
    }
    come_in(&shared, Visitor::KeyHolder, &from, &Value::Null).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    username: String,
    password: Secret,
}

/// Takes `{"username": …, "password": …}` and answers with the visit's cookie.
async fn login(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let client = client(&headers, &connection)?;
    permit(&shared, std::slice::from_ref(&client))?;
    let body = read(body, LARGEST_BODY).await?;
    let expected = |_| ApiError::Malformed("expected {\"username\": \"…\", \"password\": \"…\"}".to_owned());
    let Login { username, password } = serde_json::from_slice(&body).map_err(expected)?;
    if username.len() > LONGEST_NAME {
        wrong(&shared, &[client]);
        return Err(ApiError::WrongPassword);
    }
    let from = [client, Origin::Name(username.clone())];
    let turn = tokio::time::timeout(TURN_WITHIN, shared.passwords.acquire()).await;
    let _turn = turn.map_err(|_| ApiError::SlowDown(TURN_WITHIN))?;
    // Only now: tries that come at once are looked at one after the other, and each wrong one counts for the next.
    permit(&shared, &from)?;
    let (people, name) = (shared.clone(), username.clone());
    let compared = tokio::task::spawn_blocking(move || people.people.sign_in(&name, &password)).await;
    let Some(proof) = compared.map_err(|error| ApiError::Inside(error.to_string()))? else {
        wrong(&shared, &from);
        return Err(ApiError::WrongPassword);
    };
    come_in(&shared, Visitor::Person(proof), &from, &json!(username)).await
}

async fn logout(State(shared): State<Arc<Shared>>, Extension(guest): Extension<Guest>) -> Result<Response> {
    let keeper = shared.clone();
    let left = tokio::task::spawn_blocking(move || keeper.visits.remove(&guest.visit)).await;
    written(left)?;
    let body = Json(json!({ "result": null }));
    Ok(([(header::SET_COOKIE, cookie::remove(&shared.server))], body).into_response())
}

async fn come_in(shared: &Arc<Shared>, visitor: Visitor, from: &[Origin], login: &Value) -> Result<Response> {
    {
        let mut attempts = shared.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        from.iter().for_each(|origin| attempts.right(origin));
    }
    let keeper = shared.clone();
    let added = tokio::task::spawn_blocking(move || keeper.visits.add(visitor, SystemTime::now())).await;
    let id = written(added)?;
    let body = Json(json!({ "result": { "stage": "success", "server": shared.server, "login": login } }));
    Ok(([(header::SET_COOKIE, cookie::set(&shared.server, &id))], body).into_response())
}

fn written<T>(done: std::result::Result<std::io::Result<T>, tokio::task::JoinError>) -> Result<T> {
    let done = done.map_err(|error| ApiError::Inside(error.to_string()))?;
    done.map_err(|error| ApiError::Inside(format!("cannot write the list of visits: {error}")))
}

fn permit(shared: &Shared, from: &[Origin]) -> Result<()> {
    let attempts = shared.attempts.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    from.iter().try_for_each(|origin| attempts.permit(now, origin)).map_err(ApiError::SlowDown)
}

fn wrong(shared: &Shared, from: &[Origin]) {
    let mut attempts = shared.attempts.lock().unwrap_or_else(PoisonError::into_inner);
    from.iter().for_each(|origin| attempts.wrong(Instant::now(), origin));
}

/// Who asks, for slowing down: as the gateway says, else who is connected. Only our own pages may.
fn client(headers: &HeaderMap, connection: &Connection) -> Result<Origin> {
    if !origin::is_ours(headers) {
        return Err(ApiError::OtherSite);
    }
    // The gateway appends the address that it saw; what stands before it, anybody may have written.
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|line| line.to_str().ok());
    let forwarded =
        forwarded.and_then(|line| line.rsplit(',').next()).and_then(|last| last.trim().parse().ok());
    Ok(Origin::of(forwarded.or(connection.client.map(|client| client.ip()))))
}
