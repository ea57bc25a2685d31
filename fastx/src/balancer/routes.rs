//! `/balance` on the admin socket; for admins at the portal, `/api/balance`.
//!
//! ```text
//! GET  /balance                       both actions in short, and functions that are paused
//! GET  /balance/ACTION                the versions of a plan, the newest last, and its shadow
//! PUT  /balance/ACTION                a new plan, once its cases pass
//! POST /balance/ACTION/rollback       an old version, as a new one
//! PUT  /balance/ACTION/shadow         a plan that is run beside it, or null
//! POST /balance/ACTION/replay         the journal, decided by another plan
//! POST /balance/test                  a dry run, with the trace of each function
//! POST /balance/choose                decides; it counts, and is in the journal
//! GET  /balance/log?last=N            the journal
//! GET  /balance/templates             the functions that come with the program
//! ```

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::routing::{get, post, put};
use axum::{Extension, Json, Router};
use balance::journal::{self, Entry, Replayed};
use balance::{Moment, Plan, Trace, offer};
use http::StatusCode;
use node::admin::{Person, Problem};
use serde::Deserialize;

use super::asked::{
    Ask, Chosen, Known, Overview, Rehearsal, Replay, Rollback, SavedAs, Shadow, Shown, Template,
};
use super::change::{Change, ChangeError};
use super::{ActionName, Balancer, ChooseError};

/// Ten thousand servers of 3 KB.
const LARGEST: usize = 32 << 20;
/// Ends before the command line gives up.
const REPLAY_WITHIN: std::time::Duration = std::time::Duration::from_secs(12);

type Answer<T> = Result<Json<T>, Problem>;

pub(crate) fn routes(balancer: &Balancer) -> Router {
    Router::new()
        .route("/balance", get(overview))
        .route("/balance/log", get(log))
        .route("/balance/templates", get(templates))
        .route("/balance/test", post(test))
        .route("/balance/choose", post(choose))
        .route("/balance/{action}", get(show).put(save))
        .route("/balance/{action}/rollback", post(rollback))
        .route("/balance/{action}/shadow", put(shadow))
        .route("/balance/{action}/replay", post(replay))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(balancer.clone())
}

async fn overview(State(balancer): State<Balancer>) -> Json<Overview> {
    let inner = &balancer.inner;
    let shown = |action: ActionName| {
        let counts = inner.plans.of(action.into());
        let plan = counts.record.plan();
        Shown {
            action,
            version: counts.record.version(),
            functions: names(&plan),
            cases: plan.cases.len(),
            shadow: counts.shadow.map(|plan| names(&plan)),
        }
    };
    Json(Overview {
        actions: ActionName::ALL.map(shown).into(),
        alarms: inner.deciding.get().map(balance::Workers::alarms).unwrap_or_default(),
        deadline_ms: u64::try_from(inner.deadline().as_millis()).unwrap_or(u64::MAX),
    })
}

fn names(plan: &Plan) -> Vec<String> {
    let name = |planned: &balance::plan::Planned| match planned.enabled {
        true => planned.name.clone(),
        false => format!("[{}]", planned.name),
    };
    plan.functions.iter().map(name).collect()
}

async fn show(State(balancer): State<Balancer>, Path(action): Path<ActionName>) -> Answer<Known> {
    let (record, _) = balancer.inner.stored(action).await?;
    let shadow = balancer.inner.plans.of(action.into()).shadow.map(|plan| (*plan).clone());
    Ok(Json(Known { record, shadow }))
}

async fn save(
    State(balancer): State<Balancer>,
    Path(action): Path<ActionName>,
    person: Option<Extension<Person>>,
    Json(mut change): Json<Change>,
) -> Answer<SavedAs> {
    change.by = by(person, change.by);
    Ok(Json(SavedAs { version: balancer.save(action, change).await? }))
}

async fn rollback(
    State(balancer): State<Balancer>,
    Path(action): Path<ActionName>,
    person: Option<Extension<Person>>,
    Json(Rollback { version, by: said, override_cases }): Json<Rollback>,
) -> Answer<SavedAs> {
    let by = by(person, said);
    Ok(Json(SavedAs { version: balancer.rollback(action, version, (by, override_cases)).await? }))
}

async fn shadow(
    State(balancer): State<Balancer>,
    Path(action): Path<ActionName>,
    person: Option<Extension<Person>>,
    Json(Shadow { plan, by: said }): Json<Shadow>,
) -> Result<StatusCode, Problem> {
    balancer.set_shadow(action, plan, &by(person, said)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// On the admin socket people say who they are; at the portal they signed in.
fn by(person: Option<Extension<Person>>, said: String) -> String {
    person.map_or(said, |Extension(Person(name))| name)
}

async fn replay(
    State(balancer): State<Balancer>,
    Path(action): Path<ActionName>,
    Json(Replay { plan, last }): Json<Replay>,
) -> Answer<Replayed> {
    plan.check().map_err(ChangeError::from)?;
    let (chain, kept) = (plan.chain(), balancer.last(last));
    let replayed = journal::replay(&chain, balancer.inner.trying(), action.into(), &kept);
    let slow = |_| Problem::unavailable("the replay takes too long", "replay fewer: --last 100");
    Ok(Json(tokio::time::timeout(REPLAY_WITHIN, replayed).await.map_err(slow)?))
}

async fn test(State(balancer): State<Balancer>, Json(rehearsal): Json<Rehearsal>) -> Answer<Trace> {
    let Rehearsal { plan, request, servers, moment } = rehearsal;
    plan.check().map_err(ChangeError::from)?;
    let servers = match servers {
        Some(bodies) => offer::renew(&[], bodies),
        None => balancer.inner.roster.now().await?,
    };
    let moment = moment.unwrap_or_else(Moment::now);
    let decision = plan.chain().choose(balancer.inner.trying(), &request, &servers, moment).await;
    Ok(Json(Trace::from(&decision)))
}

async fn choose(
    State(balancer): State<Balancer>,
    Json(Ask { request, except }): Json<Ask>,
) -> Answer<Chosen> {
    let (number, server_id) = balancer.choose(request, &except).await?;
    Ok(Json(Chosen { server_id, number }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    last: usize,
}

async fn log(State(balancer): State<Balancer>, Query(Last { last }): Query<Last>) -> Json<Vec<Entry>> {
    Json(balancer.last(last).into_iter().map(|kept| kept.entry).collect())
}

async fn templates() -> Json<Vec<Template>> {
    Json(Template::all())
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let text = error.to_string();
        match error {
            ChangeError::Store(error) => error.into(),
            ChangeError::Plan(_) => Self::bad(text, ""),
            ChangeError::Cases(_) => {
                let next = "mend the plan or its cases (fastx balance case list), or say --override";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, text, next)
            }
            ChangeError::Slow => Self::new(StatusCode::UNPROCESSABLE_ENTITY, text, "keep fewer cases"),
            ChangeError::Moved { .. } => {
                Self::new(StatusCode::CONFLICT, text, "look at what changed: fastx balance history")
            }
            ChangeError::NoVersion(_) => Self::not_found(text, "fastx balance history lists those that are"),
            ChangeError::Damaged(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, text, ""),
        }
    }
}

impl From<ChooseError> for Problem {
    fn from(error: ChooseError) -> Self {
        match error {
            ChooseError::Fleet(error) => error.into(),
            ChooseError::Refused(refused) => Self::new(
                StatusCode::CONFLICT,
                refused.to_string(),
                format!("code {}; fastx balance log says more", refused.code()),
            ),
        }
    }
}
