//! `GET /log`, `GET|POST|DELETE /log/levels` on the admin socket.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream;
use node::admin::Problem;
use serde::Deserialize;
use tracing::level_filters::LevelFilter;

use super::levels::Change;
use super::ring::Read;
use super::wire::{Shown, ShownChange, Wish};
use super::{Following, Log};

/// A change that is forgotten is one for a week at most.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// Lines of one piece of the answer.
const AT_ONCE: usize = 64;

impl Log {
    /// What the admin socket answers about the log.
    pub(crate) fn routes(&self) -> Router {
        Router::new()
            .route("/log", get(lines))
            .route("/log/levels", get(shown).post(change).delete(reset))
            .with_state(self.clone())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Which {
    #[serde(default)]
    lines: usize,
    #[serde(default)]
    follow: bool,
    level: Option<String>,
}

/// JSON, one object for a line; with `follow` it does not end.
async fn lines(State(log): State<Log>, Query(which): Query<Which>) -> Result<Response, Problem> {
    let level = which.level.as_deref().map(level).transpose()?;
    let following = log.following(which.lines, level);
    let pieces = stream::unfold((following, which.follow), async |(mut following, follow)| {
        let piece = piece(&mut following, follow).await?;
        Some((Ok::<_, std::convert::Infallible>(piece), (following, follow)))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let kind = http::HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    Ok(response)
}

async fn piece(Following { reader, .. }: &mut Following, follow: bool) -> Option<Bytes> {
    let mut piece = Vec::new();
    loop {
        let read = std::iter::from_fn(|| reader.read()).take(AT_ONCE);
        read.for_each(|read: Read| {
            serde_json::to_writer(&mut piece, &read).expect("a line is text and a number");
            piece.push(b'\n');
        });
        if !piece.is_empty() {
            return Some(piece.into());
        }
        if !follow {
            return None;
        }
        reader.more().await;
    }
}

fn level(name: &str) -> Result<LevelFilter, Problem> {
    let next = "use error, warn, info, debug, trace or off";
    name.parse().map_err(|_| Problem::bad(format!("{name} is no level"), next))
}

async fn shown(State(log): State<Log>) -> Json<Shown> {
    let (state, now) = (log.state(), Instant::now());
    let effective = state.0.effective();
    let named = effective.iter().map(|(target, level)| (target.to_owned(), level.to_string()));
    let rest = effective.default_level().map(|level| (String::new(), level.to_string()));
    let changes = state.0.changes().map(|(target, change)| ShownChange {
        target: target.map(str::to_owned),
        level: change.level.to_string(),
        seconds_left: change.until.map(|until| until.saturating_duration_since(now).as_secs()),
    });
    Json(Shown { levels: named.chain(rest).collect(), changes: changes.collect() })
}

async fn change(State(log): State<Log>, Json(wish): Json<Wish>) -> Result<Json<Shown>, Problem> {
    let lasts = wish.for_seconds.map(Duration::from_secs);
    if lasts.is_some_and(|lasts| lasts > LONGEST) {
        return Err(Problem::bad("that is more than a week", "set LOGLEVEL where the service is started"));
    }
    if wish.target.as_ref().is_some_and(|target| target.is_empty() || target.len() > 128) {
        return Err(Problem::bad("that is no target", "it stands in each line of the log: node::link"));
    }
    let level = level(&wish.level)?;
    let until = lasts.map(|lasts| Instant::now() + lasts);
    log.change(wish.target.clone(), Change { level, until });
    let of = wish.target.as_deref().unwrap_or("all of ours");
    match lasts {
        Some(lasts) => tracing::info!("the log's level is now {level} for {of}, for {lasts:?}"),
        None => tracing::info!("the log's level is now {level} for {of}"),
    }
    Ok(shown(State(log)).await)
}

async fn reset(State(log): State<Log>) -> Json<Shown> {
    log.reset();
    tracing::info!("the log's levels are those of the start again");
    shown(State(log)).await
}
