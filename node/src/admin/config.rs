//! `/config`: the settings of this server and of its cluster.
//!
//! ```text
//! GET  /config                      everything, with where each value comes from
//! GET  /config/history?scope=local  the versions that are kept
//! POST /config                      an edit: set, unset, roll back
//! ```

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use cluster::settings::{Edit, EditError, Edited, Record, Scope, Settings, Shown};
use cluster::store::StoreError;
use http::StatusCode;
use serde::Deserialize;

use super::Problem;

pub fn routes(settings: &Settings) -> Router {
    Router::new()
        .route("/config", get(show).post(edit))
        .route("/config/history", get(history))
        .with_state(settings.clone())
}

async fn show(State(settings): State<Settings>) -> Json<Shown> {
    Json(settings.shown())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    scope: Scope,
}

async fn history(State(settings): State<Settings>, Query(Whose { scope }): Query<Whose>) -> Json<Record> {
    Json(settings.now().documents.of(scope).record.clone())
}

async fn edit(State(settings): State<Settings>, Json(edit): Json<Edit>) -> Result<Json<Edited>, Problem> {
    settings.edit(&edit).await.map(Json).map_err(|error| problem(&edit, error))
}

fn problem(edit: &Edit, error: EditError) -> Problem {
    let flag = if edit.scope == Scope::Local { " --local" } else { "" };
    let next = match &error {
        EditError::Store(StoreError::Unreachable(_)) => {
            format!("it may have been done: fastx config history{flag}; fastx status says what is missing")
        }
        EditError::Store(error) => return error.clone().into(),
        EditError::Unknown { hint, .. } => hint.clone(),
        EditError::Value { .. } => "fastx config get KEY says more".into(),
        EditError::NotLocal { .. } => "leave out --local".into(),
        EditError::NoVersion { .. } => format!("fastx config history{flag}"),
        EditError::Moved { .. } => format!("look at what changed: fastx config history{flag}"),
        EditError::Damaged { .. } => "put a copy of it back: fastx store upload --force --dir FOLDER".into(),
        EditError::Busy { .. } => "try again".into(),
    };
    let status = match &error {
        EditError::Store(_) | EditError::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
        EditError::Moved { .. } => StatusCode::CONFLICT,
        EditError::NoVersion { .. } => StatusCode::NOT_FOUND,
        EditError::Damaged { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        EditError::Unknown { .. } | EditError::Value { .. } | EditError::NotLocal { .. } => {
            StatusCode::BAD_REQUEST
        }
    };
    Problem::new(status, error.to_string(), next)
}
