//! Who may try to come in, and what happens when a try was right or wrong.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::{Instant, SystemTime};

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::api::Result;
use crate::attempts::Origin;
use crate::error::ApiError;
use crate::guest::Person;
use crate::people::Role;
use crate::visits::Visitor;
use crate::{Connection, Shared, cookie, origin};

/// Opens a visit, and answers with its cookie.
pub(crate) async fn come_in(
    shared: &Arc<Shared>,
    visitor: Visitor,
    from: &[Origin],
    role: Role,
) -> Result<Response> {
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

/// What a task that writes a list says.
pub(crate) fn written<T>(done: std::result::Result<std::io::Result<T>, tokio::task::JoinError>) -> Result<T> {
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

pub(crate) fn permit(shared: &Shared, from: &[Origin]) -> Result<()> {
    let attempts = shared.attempts.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    from.iter().try_for_each(|origin| attempts.permit(now, origin)).map_err(ApiError::SlowDown)
}

pub(crate) fn wrong(shared: &Shared, from: &[Origin]) {
    let mut attempts = shared.attempts.lock().unwrap_or_else(PoisonError::into_inner);
    from.iter().for_each(|origin| attempts.wrong(Instant::now(), origin));
}

/// Who asks, for slowing down: as the gateway says, else who is connected. Only our own pages may.
pub(crate) fn client(headers: &HeaderMap, connection: &Connection) -> Result<(Origin, Option<IpAddr>)> {
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
