//! `GET /server`: this server as it described itself last. `GET /static-data`, `PUT /static-data`.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use cluster::server::Server;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};

use super::Shared;
use super::static_data::{Object, StaticDataError};
use crate::admin::Problem;

#[derive(Clone)]
struct Asked {
    shared: Arc<Shared>,
    last: watch::Receiver<Server>,
    changed: Arc<Notify>,
}

/// Static data as `GET /static-data` shows it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StaticData {
    static_data: Object,
    /// Why the file as it is now is not taken.
    error: Option<String>,
}

pub(super) fn routes(shared: Arc<Shared>, last: watch::Receiver<Server>, changed: Arc<Notify>) -> Router {
    Router::new()
        .route("/server", get(server))
        .route("/static-data", get(show).put(replace))
        .with_state(Asked { shared, last, changed })
}

async fn server(State(asked): State<Asked>) -> Json<Server> {
    Json(asked.last.borrow().clone())
}

async fn show(State(asked): State<Asked>) -> Json<StaticData> {
    let (static_data, error) = asked.shared.static_data.read();
    Json(StaticData { static_data, error })
}

async fn replace(State(asked): State<Asked>, Json(object): Json<Object>) -> Result<StatusCode, Problem> {
    asked.shared.static_data.write(&object).map_err(|error| match error {
        StaticDataError::TooLong(_) | StaticDataError::TooDeep => {
            Problem::bad(error.to_string(), "say less, or put it where scripts can fetch it")
        }
        StaticDataError::File(error) => Problem::unavailable(error.to_string(), ""),
    })?;
    asked.changed.notify_one();
    Ok(StatusCode::NO_CONTENT)
}
