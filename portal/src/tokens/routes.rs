//! The API's part about tokens: people make, see and revoke their own; admins see and revoke everybody's.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Listed, TokenError};
use crate::Shared;
use crate::api::{Result, read};
use crate::error::ApiError;
use crate::guest::{Entry, Guest};
use crate::people::Role;

const LARGEST_BODY: usize = 1024;
/// A token that nobody said more of.
const LASTS: u64 = 30 * 24 * 3600;
const SHORTEST: u64 = 60;
const LONGEST: u64 = 366 * 24 * 3600;
/// Characters of what its owner calls it.
const LONGEST_LABEL: usize = 64;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/api/tokens", get(list).post(issue)).route("/api/tokens/{jti}", delete(revoke))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    label: String,
    /// Seconds from now on.
    #[serde(default = "lasts")]
    expires: u64,
}

fn lasts() -> u64 {
    LASTS
}

/// Takes `{"label"?, "expires"?}` and answers with the token, which is not shown again.
async fn issue(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    body: Body,
) -> Result<Response> {
    let malformed = |why: &str| ApiError::Malformed(why.to_owned());
    // Else a stolen token would never end.
    let Entry::Cookie(visit) = &guest.entry else {
        return Err(malformed("a token makes no tokens; sign in"));
    };
    let body = read(body, LARGEST_BODY).await?;
    let Wanted { label, expires } =
        serde_json::from_slice(&body).map_err(|error| ApiError::Malformed(error.to_string()))?;
    if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
        return Err(malformed("a label has at most 64 characters, all of which can be seen"));
    }
    if !(SHORTEST..=LONGEST).contains(&expires) {
        return Err(malformed("`expires` is between 60 and 31622400 seconds"));
    }
    let now = SystemTime::now();
    let visitor = shared.visits.find(visit, now).ok_or(ApiError::SignInWanted)?;
    let keeper = shared.clone();
    let lasts = Duration::from_secs(expires);
    let issued = tokio::task::spawn_blocking(move || keeper.tokens.issue(visitor, &label, lasts, now)).await;
    let issued = issued.map_err(|error| ApiError::Inside(error.to_string()))?;
    let (token, claims) = issued.map_err(|error| match error {
        TokenError::File(error) => ApiError::Inside(error.to_string()),
        error => ApiError::Malformed(error.to_string()),
    })?;
    let result = json!({ "result": { "token": token.expose(), "claims": claims } });
    Ok((StatusCode::CREATED, Json(result)).into_response())
}

async fn list(State(shared): State<Arc<Shared>>, Extension(guest): Extension<Guest>) -> Json<Value> {
    let listed = shared.tokens.list(SystemTime::now()).into_iter().filter(|one| reaches(&guest, one));
    let shown = |one: Listed| json!({ "claims": one.claims, "label": one.label });
    Json(json!({ "result": listed.map(shown).collect::<Vec<_>>() }))
}

async fn revoke(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Path(jti): Path<String>,
) -> Result<Json<Value>> {
    let listed = shared.tokens.list(SystemTime::now());
    if !listed.iter().any(|one| one.claims.jti == jti && reaches(&guest, one)) {
        return Err(ApiError::NoSuchToken);
    }
    let revoked = tokio::task::spawn_blocking(move || shared.tokens.revoke(&jti)).await;
    let revoked = revoked.map_err(|error| ApiError::Inside(error.to_string()))?;
    revoked.map_err(|error| ApiError::Inside(error.to_string()))?;
    Ok(Json(json!({ "result": null })))
}

fn reaches(guest: &Guest, token: &Listed) -> bool {
    guest.role == Role::Admin || guest.name() == Some(&token.claims.sub)
}
