//! Start forms: kept in the cluster by the name of an application or a profile, for pages that ask before a start.

mod form;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Extension, Json, Router};
use cluster::store::{Expect, Key, Write, list};
use cluster::{ControlPlane, Name};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use node::admin::{Asker, Person, Problem};
use node::session::Forms;
use serde_json::{Map, Value};

use self::form::Form;

const COLLECTION: &str = "forms";

/// `GET /forms` has all of them by name; `GET`, `PUT` and `DELETE /forms/NAME` one.
pub(crate) fn routes(plane: &ControlPlane) -> Router {
    Router::new()
        .route("/forms", get(all))
        .route("/forms/{name}", get(one).put(set).delete(remove))
        .with_state(plane.clone())
}

/// Those in the store, for starts.
#[derive(Debug)]
pub(crate) struct Held(pub(crate) ControlPlane);

impl Forms for Held {
    /// While the store is away nobody is held to a form: sessions start nevertheless.
    fn objection<'a>(
        &'a self,
        profile: &'a str,
        params: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Option<String>> {
        async move {
            let key = Key { collection: collection(), id: Name::new(profile).ok()? };
            let form = self.0.store.get(&key).await.ok()??;
            let wrong = Form::read(form.body).ok()?.objection(params)?;
            Some(format!("the form {profile} wants something else: {wrong}"))
        }
        .boxed()
    }
}

fn collection() -> Name {
    Name::new(COLLECTION).expect("letters are a name")
}

fn key(name: &str) -> Result<Key, Problem> {
    let id = Name::new(name).map_err(|error| Problem::bad(error.to_string(), "name the application"))?;
    Ok(Key { collection: collection(), id })
}

async fn all(State(plane): State<ControlPlane>) -> Result<Json<Map<String, Value>>, Problem> {
    let documents = list(&*plane.store, &collection()).await?;
    Ok(Json(documents.into_iter().map(|document| (document.key.id.to_string(), document.body)).collect()))
}

async fn one(State(plane): State<ControlPlane>, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    let found = plane.store.get(&key(&name)?).await?;
    let missing = || Problem::not_found(format!("there is no form {name}"), "GET /forms lists them");
    Ok(Json(found.ok_or_else(missing)?.body))
}

async fn set(
    State(plane): State<ControlPlane>,
    asker: Option<Extension<Asker>>,
    person: Option<Extension<Person>>,
    Path(name): Path<String>,
    Json(body): Json<Value>,
) -> Result<StatusCode, Problem> {
    let form = Form::read(body).map_err(|error| Problem::bad(error.to_string(), "docs/jobs.md shows one"))?;
    let body = serde_json::to_value(form).map_err(|error| Problem::bad(error.to_string(), ""))?;
    write(&plane, &name, by(asker, person), Some(body)).await
}

async fn remove(
    State(plane): State<ControlPlane>,
    asker: Option<Extension<Asker>>,
    person: Option<Extension<Person>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    write(&plane, &name, by(asker, person), None).await
}

/// Who signed in at the portal, or whose process it is.
fn by(asker: Option<Extension<Asker>>, person: Option<Extension<Person>>) -> String {
    let login = asker.map(|Extension(Asker(login))| login);
    person.map(|Extension(Person(name))| name).or(login).unwrap_or_default()
}

async fn write(
    plane: &ControlPlane,
    name: &str,
    by: String,
    body: Option<Value>,
) -> Result<StatusCode, Problem> {
    let by = format!("{by}@{}", plane.me);
    plane.store.write(Write { key: key(name)?, expect: Expect::Anything, by, body }).await?;
    Ok(StatusCode::NO_CONTENT)
}
