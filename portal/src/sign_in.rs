//! Coming in, with the portal's key or by a conversation, and leaving.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tunnel::identity::Secret;

use crate::admit::{client, come_in, permit, written, wrong};
use crate::api::{Result, read};
use crate::attempts::Origin;
use crate::conversation::{Conversations, Dialogue, Open, Questions, Step};
use crate::error::ApiError;
use crate::guest::{Entry, Guest, Person};
use crate::logins::Way;
use crate::people::Role;
use crate::visits::Visitor;
use crate::{Connection, Shared, cookie, turns};

/// A request's body: a key, a name and a password, or some answers.
const LARGEST_BODY: usize = 4096;
/// A longer name is nobody's, and is not remembered as one that was tried.
const LONGEST_NAME: usize = 64;

/// What anybody may ask.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/open", post(open))
        .route("/api/login", get(ways).post(login))
        .route("/api/login/answer", post(answer))
}

/// What a visitor may ask.
pub(crate) fn inside() -> Router<Arc<Shared>> {
    Router::new().route("/api/logout", post(logout))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    key: Secret,
}

/// Takes `{"key": …}` and answers with the visit's cookie.
async fn open(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let from = [client(&headers, &connection)?.0];
    permit(&shared, &from)?;
    let body = read(body, LARGEST_BODY).await?;
    let Key { key } = parse(&body, "expected {\"key\": \"…\"}")?;
    if !shared.key.matches(&key) {
        wrong(&shared, &from);
        return Err(ApiError::WrongKey);
    }
    come_in(&shared, Visitor::KeyHolder, &from, Role::Admin).await
}

/// The ways that a person has here.
async fn ways(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let rules = shared.logins.now();
    let kind = |way: &Way| if way.is_form() { "form" } else { "redirect" };
    let way = |way: &Way| json!({ "id": way.id(), "label": way.label(), "kind": kind(way) });
    Json(json!({ "result": { "ways": rules.ways.iter().map(way).collect::<Vec<_>>() } }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    /// The first form, if it is missing.
    way: Option<String>,
    username: String,
    password: Option<Secret>,
}

/// Takes `{"way"?, "username", "password"?}`. Answers with the visit's cookie, or with questions.
async fn login(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let (client, address) = client(&headers, &connection)?;
    permit(&shared, std::slice::from_ref(&client))?;
    let body = read(body, LARGEST_BODY).await?;
    let expected = "expected {\"username\": \"…\", \"password\": \"…\"}, and perhaps \"way\"";
    let Login { way, username, password } = parse(&body, expected)?;
    if username.len() > LONGEST_NAME {
        wrong(&shared, &[client]);
        return Err(ApiError::WrongPassword);
    }
    let rules = shared.logins.now();
    let way = match &way {
        Some(id) => rules.way(id),
        None => rules.ways.iter().find(|way| way.is_form()),
    };
    let way = way.ok_or_else(|| ApiError::Malformed("there is no such way to sign in here".into()))?;
    let from = [client.clone(), Origin::Name(username.clone())];
    let _turn = shared.turns.of(&username).await.ok_or(ApiError::SlowDown(turns::WITHIN))?;
    // Only now: tries that come at once are looked at one after the other, and each wrong one counts for the next.
    permit(&shared, &from)?;
    let (dialogue, step) = Dialogue::begin(&shared, way, &username, password, address).await;
    let open = dialogue.map(|dialogue| Open::new(dialogue, username, client, Instant::now()));
    go_on(&shared, open, step, &from).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    conversation: Secret,
    answers: Vec<Secret>,
}

/// Takes `{"conversation", "answers"}`, an answer for each question; answers as [`login`].
async fn answer(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let (client, _) = client(&headers, &connection)?;
    permit(&shared, std::slice::from_ref(&client))?;
    let body = read(body, LARGEST_BODY).await?;
    let expected = "expected {\"conversation\": \"…\", \"answers\": [\"…\"]}";
    let Answers { conversation, answers } = parse(&body, expected)?;
    let open = conversations(&shared).take(&conversation, Instant::now());
    let Some(mut open) = open else {
        wrong(&shared, &[client]);
        return Err(ApiError::WrongPassword);
    };
    let from = [client, Origin::Name(open.name.clone())];
    let _turn = shared.turns.of(&open.name).await.ok_or(ApiError::SlowDown(turns::WITHIN))?;
    permit(&shared, &from)?;
    let step = open.dialogue.answer(&shared, answers).await;
    go_on(&shared, Some(open), step, &from).await
}

/// From where a conversation stands to what is answered.
async fn go_on(
    shared: &Arc<Shared>,
    open: Option<Open<Dialogue>>,
    step: Step,
    from: &[Origin],
) -> Result<Response> {
    let name = open.as_ref().map(|open| open.name.clone()).unwrap_or_default();
    let why = match step {
        Step::Success(visitor) => {
            if let Some(person) = Person::of(shared, &visitor) {
                return come_in(shared, visitor, from, person.role).await;
            }
            "an administrator has disabled them".to_owned()
        }
        Step::KeyboardInteractive(Questions { prompts, message }) => {
            let waits = open.and_then(|open| conversations(shared).put(open, Instant::now()));
            if let Some(id) = waits {
                let (state, conversation) = ("keyboard-interactive", id.expose());
                let result = json!({ "state": state, "conversation": conversation, "prompts": prompts, "message": message });
                return Ok(Json(json!({ "result": result })).into_response());
            }
            "too many questions".to_owned()
        }
        Step::Refused { why } => why,
    };
    tracing::info!(name = ?name, why, "somebody is not let in");
    wrong(shared, from);
    Err(ApiError::WrongPassword)
}

async fn logout(State(shared): State<Arc<Shared>>, Extension(guest): Extension<Guest>) -> Result<Response> {
    let keeper = shared.clone();
    let left = tokio::task::spawn_blocking(move || match &guest.entry {
        Entry::Cookie(visit) => keeper.visits.remove(visit),
        Entry::Token(jti) => keeper.tokens.revoke(jti).map_err(std::io::Error::other),
    });
    written(left.await)?;
    let body = Json(json!({ "result": null }));
    Ok(([(header::SET_COOKIE, cookie::remove(&shared.server))], body).into_response())
}

/// The error does not repeat what was sent: it may be a password.
fn parse<T: DeserializeOwned>(body: &[u8], expected: &str) -> Result<T> {
    serde_json::from_slice(body).map_err(|_| ApiError::Malformed(expected.to_owned()))
}

/// A panic elsewhere leaves the list whole: every change is one push or removal.
fn conversations(shared: &Shared) -> MutexGuard<'_, Conversations<Dialogue>> {
    shared.conversations.lock().unwrap_or_else(PoisonError::into_inner)
}
