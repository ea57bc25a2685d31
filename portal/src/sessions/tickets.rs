//! One-use tickets: who is signed in here gets one for a session of theirs on any server, and that server's portal shows the
//! session to whoever brings it, without a cookie. What was opened so ends with the visit here.

use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;
use node::session::{Holder, TICKET_LASTS};
use serde_json::{Value, json};
use tunnel::identity::Secret;

use super::{id, offered, result, show_invited};
use crate::api::Result;
use crate::error::ApiError;
use crate::guest::{Entry, Guest};
use crate::{Connection, Shared, origin};

/// Before the ticket, among the WebSocket's protocols.
const PROTOCOL: &str = "ticket.";
/// How long what a ticket opened may go on after the visit.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// That a server is told of the visit's end while the way to it is away: for a quarter of an hour.
const TRIES: usize = 900;

/// A visit here, and the servers that gave it tickets. There are as many as visits and tokens, each until its visit ends.
pub(crate) struct Trip {
    entry: Entry,
    /// The visit's name for the other servers.
    visit: String,
    servers: BTreeSet<String>,
}

/// For whoever is signed in.
pub(super) fn inside() -> Router<Arc<Shared>> {
    Router::new().route("/api/sessions/{id}/ticket", post(ticket))
}

/// For whoever has a ticket.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/api/sessions/{id}/ticket/socket", get(socket))
}

async fn ticket(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Path(name): Path<String>,
) -> Result<Json<Value>> {
    let id = id(&name)?;
    let visit = trip(&shared, &guest, |trip| trip.visit.clone());
    let holder = Holder { login: guest.name().map(ToOwned::to_owned), visit: visit.clone() };
    let made = shared.sessions.ticket(&guest.who, holder, &id).await?;
    trip(&shared, &guest, |trip| {
        // The same, unless the visit is over since: then it is told at once.
        trip.visit = visit;
        trip.servers.insert(made.server.clone());
    });
    // All gateways know every server by this path. No server listens for browsers by itself.
    let way =
        json!({ "way": "gateway", "url": format!("/@{}/api/sessions/{id}/ticket/socket", made.server) });
    let (ticket, lasts) = (made.secret.expose(), TICKET_LASTS.as_secs());
    Ok(result(json!({ "server": made.server, "ticket": ticket, "expires": lasts, "ways": [way] })))
}

fn trips(shared: &Shared) -> MutexGuard<'_, Vec<Trip>> {
    // Every change is one push, insertion or removal.
    shared.trips.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something with the trip of who asks, which begins if there is none.
fn trip<T>(shared: &Arc<Shared>, guest: &Guest, act: impl FnOnce(&mut Trip) -> T) -> T {
    let mut trips = trips(shared);
    if let Some(trip) = trips.iter_mut().find(|trip| trip.entry.is(&guest.entry)) {
        return act(trip);
    }
    let visit = Secret::random().expose().to_owned();
    let mut trip = Trip { entry: guest.entry.clone(), visit, servers: BTreeSet::new() };
    let done = act(&mut trip);
    trips.push(trip);
    drop(trips);
    end_with_visit(shared, guest.clone());
    done
}

/// Nobody leaves a picture open behind: every server that gave a ticket is told when the visit is over.
fn end_with_visit(shared: &Arc<Shared>, guest: Guest) {
    let weak = Arc::downgrade(shared);
    let mut links = shared.links.lock().unwrap_or_else(PoisonError::into_inner);
    while links.try_join_next().is_some() {}
    links.spawn(async move {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(shared) = weak.upgrade() else { return };
            if guest.counts(&shared) {
                continue;
            }
            let ended = {
                let mut trips = trips(&shared);
                let at = trips.iter().position(|trip| trip.entry.is(&guest.entry));
                at.map(|at| trips.swap_remove(at))
            };
            let Some(Trip { visit, servers, .. }) = ended else { return };
            let sessions = shared.sessions.clone();
            drop(shared);
            let told = servers.iter().map(async |server| {
                for _ in 0..TRIES {
                    if sessions.leave(server, &visit).await.is_ok() {
                        return;
                    }
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            });
            futures_util::future::join_all(told).await;
            return;
        }
    });
}

/// As the socket of an owner.
async fn socket(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    Path(name): Path<String>,
    headers: HeaderMap,
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    if !origin::is_ours(&headers) {
        return Err(ApiError::OtherSite);
    }
    let upgrade = upgrade.map_err(|_| ApiError::Malformed("it takes WebSockets only".into()))?;
    let permit = shared.viewers.clone().try_acquire_owned().map_err(|_| ApiError::TooManyViewers)?;
    let ticket = Secret::new(offered(&headers, PROTOCOL).unwrap_or_default());
    // Who is signed in here, too, is who the ticket says.
    let known = Guest::of(&shared, &headers).ok();
    let known = known.as_ref().map(Guest::name);
    let invited = shared.sessions.view_with(&ticket, &id(&name)?, known).await?;
    Ok(show_invited(upgrade, connection, permit, invited, "you are signed out"))
}
