//! Coming in, with the portal's key or by a conversation, and leaving.

use std::net::IpAddr;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tunnel::identity::Secret;

use crate::api::{Result, read};
use crate::attempts::Origin;
use crate::conversation::{Conversations, Dialogue, Open, Questions, Step};
use crate::error::ApiError;
use crate::guest::{Entry, Guest, Person};
use crate::logins::Way;
use crate::people::Role;
use crate::visits::Visitor;
use crate::{Connection, Shared, cookie, origin, turns};

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

async fn come_in(shared: &Arc<Shared>, visitor: Visitor, from: &[Origin], role: Role) -> Result<Response> {
    let login = visitor.name().map(ToOwned::to_owned);
    {
        let mut attempts = shared.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        from.iter().for_each(|origin| attempts.right(origin));
    }
    let keeper = shared.clone();
    let added = tokio::task::spawn_blocking(move || keeper.visits.add(visitor, SystemTime::now())).await;
    let id = written(added)?;
    let body = Json(
        json!({ "result": { "state": "success", "server": shared.server, "login": login, "role": role } }),
    );
    Ok(([(header::SET_COOKIE, cookie::set(&shared.server, &id))], body).into_response())
}

fn written<T>(done: std::result::Result<std::io::Result<T>, tokio::task::JoinError>) -> Result<T> {
    let done = done.map_err(|error| ApiError::Inside(error.to_string()))?;
    done.map_err(|error| ApiError::Inside(format!("cannot write the list of visits: {error}")))
}

/// Where a browser comes from that may try now.
pub(crate) fn permitted(
    shared: &Shared,
    headers: &HeaderMap,
    connection: &Connection,
) -> Result<[Origin; 1]> {
    let from = [client(headers, connection)?.0];
    permit(shared, &from)?;
    Ok(from)
}

/// A try by another way than a form was wrong; `why` is for the log.
pub(crate) fn refuse(shared: &Shared, from: &[Origin], way: &str, why: &str) -> ApiError {
    tracing::info!(way, why, "somebody is not let in");
    wrong(shared, from);
    ApiError::WrongPassword
}

/// Lets somebody in who comes back from elsewhere, and shows them `page`.
pub(crate) async fn come_back(
    shared: &Arc<Shared>,
    visitor: Visitor,
    from: &[Origin],
    page: &str,
) -> Result<Response> {
    let Some(person) = Person::of(shared, &visitor) else {
        return Err(refuse(shared, from, "", "an administrator has disabled them"));
    };
    let mut response = come_in(shared, visitor, from, person.role).await?;
    *response.status_mut() = StatusCode::FOUND;
    let page = HeaderValue::try_from(page).map_err(|error| ApiError::Inside(error.to_string()))?;
    response.headers_mut().insert(header::LOCATION, page);
    Ok(response)
}

/// The error does not repeat what was sent: it may be a password.
fn parse<T: DeserializeOwned>(body: &[u8], expected: &str) -> Result<T> {
    serde_json::from_slice(body).map_err(|_| ApiError::Malformed(expected.to_owned()))
}

/// A panic elsewhere leaves the list whole: every change is one push or removal.
fn conversations(shared: &Shared) -> MutexGuard<'_, Conversations<Dialogue>> {
    shared.conversations.lock().unwrap_or_else(PoisonError::into_inner)
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
fn client(headers: &HeaderMap, connection: &Connection) -> Result<(Origin, Option<IpAddr>)> {
    if !origin::is_ours(headers) {
        return Err(ApiError::OtherSite);
    }
    // The gateway appends the address that it saw; what stands before it, anybody may have written.
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|line| line.to_str().ok());
    let forwarded =
        forwarded.and_then(|line| line.rsplit(',').next()).and_then(|last| last.trim().parse().ok());
    let address = forwarded.or(connection.client.map(|client| client.ip()));
    Ok((Origin::of(address), address))
}
