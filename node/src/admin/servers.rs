//! `GET /servers`, `GET /servers/ID`, `DELETE /servers/ID` (forgets one that is lost), and `PATCH /servers/ID/duty`: what
//! an administrator wants of a server.

use axum::extract::{Path, State};
use axum::routing::{get, patch};
use axum::{Extension, Json, Router};
use cluster::fleet::FleetError;
use cluster::server::{DUTIES, Duty, Listed};
use cluster::store::{Expect, Key, StoreError, Write};
use cluster::{ControlPlane, Name};
use http::StatusCode;
use serde::Deserialize;

use super::{Asker, Problem};

/// Each try lost to another writer of the same document.
const MAX_TRIES: usize = 8;

/// What is to be otherwise; what is not named stays.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wish {
    draining: Option<bool>,
    logins: Option<bool>,
    sessions: Option<bool>,
}

/// All servers, as the managers know them.
pub fn routes(plane: &ControlPlane) -> Router {
    Router::new()
        .route("/servers", get(list))
        .route("/servers/{id}", get(show).delete(forget))
        .route("/servers/{id}/duty", patch(change))
        .with_state(plane.clone())
}

impl From<FleetError> for Problem {
    fn from(error: FleetError) -> Self {
        match error {
            FleetError::Refused(why) => Self::new(StatusCode::CONFLICT, why, ""),
            FleetError::NoManager => {
                Self::unavailable("no cluster manager is running", "start one: systemctl start fastx-manager")
            }
            FleetError::Unreachable(_) => {
                Self::unavailable(error.to_string(), "fastx status says what is missing")
            }
        }
    }
}

async fn list(State(plane): State<ControlPlane>) -> Result<Json<Vec<Listed>>, Problem> {
    Ok(Json(plane.fleet.list().await?))
}

async fn show(State(plane): State<ControlPlane>, Path(id): Path<String>) -> Result<Json<Listed>, Problem> {
    plane.fleet.show(&name(&id)?).await?.map(Json).ok_or_else(|| unknown(&id))
}

async fn forget(State(plane): State<ControlPlane>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    plane.fleet.forget(&name(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn change(
    State(plane): State<ControlPlane>,
    Path(id): Path<String>,
    Extension(Asker(by)): Extension<Asker>,
    Json(wish): Json<Wish>,
) -> Result<Json<Duty>, Problem> {
    let id = name(&id)?;
    // A server that nobody has seen is mostly a slip of the pen.
    if plane.fleet.show(&id).await?.is_none() {
        return Err(unknown(id.as_str()));
    }
    let key = Key { collection: Name::new(DUTIES).expect("letters are a name"), id };
    for _ in 0..MAX_TRIES {
        let there = plane.store.get(&key).await?;
        let expect = there.as_ref().map_or(Expect::Absent, |document| Expect::Revision(document.revision));
        let duty: Duty =
            there.and_then(|document| serde_json::from_value(document.body).ok()).unwrap_or_default();
        let duty = wish.on(duty);
        let body = serde_json::to_value(duty).ok();
        let by = format!("{by}@{}", plane.me);
        match plane.store.write(Write { key: key.clone(), expect, by, body }).await {
            Ok(_) => return Ok(Json(duty)),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict { there: None }.into())
}

impl Wish {
    fn on(&self, mut duty: Duty) -> Duty {
        duty.draining = self.draining.unwrap_or(duty.draining);
        duty.allows.logins = self.logins.unwrap_or(duty.allows.logins);
        duty.allows.sessions = self.sessions.unwrap_or(duty.allows.sessions);
        duty
    }
}

fn name(id: &str) -> Result<Name, Problem> {
    Name::new(id).map_err(|error| Problem::bad(error.to_string(), "fastx servers lists their ids"))
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("the cluster has no server {id}"), "fastx servers lists all of them")
}
