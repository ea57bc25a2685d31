//! A write into the store, to see that it takes one; and what its revision says of the manager's clock.

use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use cluster::store::{Expect, Key, Store, StoreError, Write};
use cluster::{ControlPlane, Name};
use jiff::Timestamp;
use node::admin::Problem;
use serde_json::json;

use super::facts::Tried;

/// `POST /doctor/store`: the service tries its own store.
pub(crate) fn routes(plane: &ControlPlane) -> Router {
    let plane = plane.clone();
    let tried = async move || match write(&*plane.store, &plane.me).await {
        Ok(tried) => Ok(Json(tried)),
        Err(error) => Err(Problem::from(error)),
    };
    Router::new().route("/doctor/store", post(tried))
}

/// Writes a document of this server's own and removes it.
pub(super) async fn write(store: &dyn Store, me: &Name) -> Result<Tried, StoreError> {
    let name = Name::new("doctor").expect("letters are a name");
    let key = Key { collection: name, id: me.clone() };
    let (before, by) = (Timestamp::now(), me.as_str().to_owned());
    let body = Some(json!({ "tried": before }));
    let began = std::time::Instant::now();
    let write = Write { key: key.clone(), expect: Expect::Anything, by: by.clone(), body };
    let revision = store.write(write).await?;
    let took = began.elapsed();
    let removed = Write { key, expect: Expect::Revision(revision), by, body: None };
    match store.write(removed).await {
        // Another doctor on this server was there at the same time.
        Ok(_) | Err(StoreError::Conflict { .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(Tried { took, ahead: Some(ahead(revision.0, before, took)) })
}

/// The manager wrote half-way between the question and the answer. `revision` is its clock in microseconds.
fn ahead(revision: i64, before: Timestamp, took: Duration) -> f64 {
    (revision - before.as_microsecond()) as f64 / 1e6 - took.as_secs_f64() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_way_is_not_the_clock() {
        let before = Timestamp::from_second(1_000_000).unwrap();
        let ahead = ahead(1_000_003_000_000, before, Duration::from_secs(2));
        assert!((ahead - 2.0).abs() < 1e-9, "{ahead}");
    }
}
