//! Routes of `manager.sock`: join tokens and revocations.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::{delete, get, put};
use axum::{Json, Router};
use cluster::Name;
use manager::Admission;
use manager::admission::{RevokeError, Revoked, TokenError, TokenRecord};
use node::admin::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a token is asked for with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) server: Option<Name>,
    pub(crate) seconds: u64,
}

/// A token as it is shown.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    pub(crate) token: Name,
    #[serde(flatten)]
    pub(crate) record: TokenRecord,
}

/// `None`: the brokers are the site's own, and nobody is admitted here.
pub(crate) fn routes(admission: Option<Admission>) -> Router {
    let Some(admission) = admission else {
        let none = async || {
            let next = "give each node its login by the broker's own means; clusters made by setup-fastx-cluster have them";
            Problem::not_found("this manager has no authority.json, so its brokers take no join tokens", next)
        };
        return Router::new()
            .route("/join-tokens", get(none).post(none))
            .route("/join-tokens/{token}", delete(none))
            .route("/revocations/{server}", put(none).delete(none))
            .route("/shared-logins", delete(none));
    };
    Router::new()
        .route("/join-tokens", get(list).post(create))
        .route("/join-tokens/{token}", delete(withdraw))
        .route("/revocations/{server}", put(revoke).delete(readmit))
        .route("/shared-logins", delete(revoke_shared))
        .with_state(admission)
}

/// What the command line asks a node about itself.
pub(crate) fn of_nodes_only() -> Router {
    let none = async || {
        let next = "name a server (fastx servers lists them), or ask on the server itself";
        Problem::not_found(
            "a manager runs on this machine, and no node: it has no static data and no sessions",
            next,
        )
    };
    Router::new().route("/server", get(none)).route("/static-data", get(none).put(none))
}

async fn create(
    State(admission): State<Admission>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Problem> {
    let token = admission.create_token(wanted.server, Duration::from_secs(wanted.seconds)).await;
    Ok(Json(token.map_err(token_problem)?.to_json()))
}

async fn list(State(admission): State<Admission>) -> Result<Json<Vec<Shown>>, Problem> {
    let tokens = admission.tokens().await?;
    Ok(Json(tokens.into_iter().map(|(token, record)| Shown { token, record }).collect()))
}

async fn withdraw(
    State(admission): State<Admission>,
    Path(token): Path<String>,
) -> Result<Json<Value>, Problem> {
    let token = admission.revoke_token(&token).await.map_err(token_problem)?;
    Ok(Json(json!({ "token": token })))
}

async fn revoke(
    State(admission): State<Admission>,
    Path(server): Path<Name>,
) -> Result<Json<Revoked>, Problem> {
    admission.revoke(&server).await.map(Json).map_err(revoke_problem)
}

async fn revoke_shared(State(admission): State<Admission>) -> Result<Json<Revoked>, Problem> {
    admission.revoke_shared().await.map(Json).map_err(revoke_problem)
}

async fn readmit(State(admission): State<Admission>, Path(server): Path<Name>) -> Result<(), Problem> {
    admission.readmit(&server).await.map_err(revoke_problem)
}

fn token_problem(error: TokenError) -> Problem {
    let next = match error {
        TokenError::Store(error) => return error.into(),
        TokenError::TooLong => "ask for less: --expires 7d",
        TokenError::TooMany => "revoke some: fastx manager token list, fastx manager token revoke TOKEN",
        TokenError::Unknown(_) | TokenError::Ambiguous(_) => "see fastx manager token list",
    };
    Problem::bad(error.to_string(), next)
}

fn revoke_problem(error: RevokeError) -> Problem {
    match error {
        RevokeError::Store(error) => error.into(),
        RevokeError::TooMany => {
            Problem::bad(error.to_string(), "found the cluster anew: docs/cluster-setup.md")
        }
    }
}
