//! `GET /control-plane`: whether broker and store are reached.

use axum::routing::get;
use axum::{Json, Router};
use cluster::ControlPlane;

/// How the control plane is.
pub fn routes(plane: &ControlPlane) -> Router {
    let plane = plane.clone();
    Router::new().route("/control-plane", get(async move || Json(plane.status())))
}
