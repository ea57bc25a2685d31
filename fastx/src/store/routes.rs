//! `POST /store`: a question of a transfer, and the store's answer. Only about configuration.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use cluster::ControlPlane;
use cluster::store::{Answer, Question, Store};
use manager::transfer::{Ask, may_be_asked};
use node::admin::Problem;

pub(crate) fn routes(plane: &ControlPlane) -> Router {
    Router::new().route("/store", post(answer)).with_state(Arc::clone(&plane.store))
}

async fn answer(
    State(store): State<Arc<dyn Store>>,
    Json(question): Json<Question>,
) -> Result<Json<Answer>, Problem> {
    let collection = match &question {
        Question::Get(key) => &key.collection,
        Question::Page { collection, .. } => collection,
        Question::Write(write) => &write.key.collection,
    };
    if !may_be_asked(collection) {
        let next = "run a fastx of the same version as the service";
        return Err(Problem::bad(format!("{collection} is no configuration"), next));
    }
    let answer = (&*store).ask(question).await;
    Ok(Json(answer.unwrap_or_else(Answer::Failed)))
}
