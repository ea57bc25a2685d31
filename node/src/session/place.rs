//! On which server a session starts that names none: a chain of functions chooses, and where a start fails the next one is chosen.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use cluster::session::Session;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::process::Command;

use super::account::Account;
use super::{Inner, SessionError, Wanted, Who, elsewhere, form, start};

/// Servers that are tried for one start.
const TRIES: usize = 3;
/// A directory server that takes longer is down.
const GROUPS_WITHIN: Duration = Duration::from_secs(5);

/// Who wants to start what, as those who choose are told.
#[derive(Clone, Debug)]
pub struct Asking {
    pub login: String,
    /// The account of the machine that it is to run as, and its groups.
    pub account: String,
    pub groups: Vec<String>,
    pub is_manager: bool,
    pub is_admin: bool,
    /// Theirs in the whole cluster, that have not ended.
    pub sessions: Vec<Session>,
    /// What the request carries, in the words of the guide.
    pub data: Map<String, Value>,
}

/// Chooses a server for a session that names none.
pub trait Chooser: Send + Sync + Debug {
    /// Its id. Servers in `except` are not chosen. The error's text is for the person.
    fn choose<'a>(
        &'a self,
        asking: &'a Asking,
        except: &'a [String],
    ) -> BoxFuture<'a, Result<String, String>>;
}

/// Starts it on the server that it names, or on one that is chosen.
pub(super) async fn place(inner: Arc<Inner>, wanted: Wanted) -> Result<Session, SessionError> {
    wanted.check()?;
    form::check(&inner, &wanted).await?;
    if let Some(server) = wanted.server_id.clone() {
        return on(&inner, &server, wanted).await;
    }
    let Some(chooser) = inner.chooser.get() else { return start::start(inner, wanted).await };
    let asking = asking(&inner, &wanted).await;
    let (mut except, mut failed) = (Vec::new(), None);
    while except.len() < TRIES {
        let server = match chooser.choose(&asking, &except).await {
            Ok(server) => server,
            // What went wrong where it was tried says more than that nothing is left.
            Err(why) => return Err(failed.unwrap_or(SessionError::NotChosen(why))),
        };
        match on(&inner, &server, wanted.clone()).await {
            Err(error) if error.is_the_servers() => {
                tracing::warn!(server, %error, "a start failed on the server that was chosen; another one is chosen");
                except.push(server);
                failed = Some(error);
            }
            started => return started,
        }
    }
    Err(failed.unwrap_or(SessionError::Stopping))
}

async fn on(inner: &Arc<Inner>, server: &str, wanted: Wanted) -> Result<Session, SessionError> {
    let wanted = Wanted { server_id: Some(server.to_owned()), ..wanted };
    if server == inner.server_id {
        return start::start(Arc::clone(inner), wanted).await;
    }
    elsewhere::start(inner, server, wanted).await
}

async fn asking(inner: &Inner, wanted: &Wanted) -> Asking {
    let account = match &wanted.user {
        Some(name) => name.clone(),
        None => Account::own().await.name,
    };
    let login = wanted.login.clone().unwrap_or_else(|| account.clone());
    let who = Who::Login(login.clone());
    let live = |session: &Session| session.state != cluster::session::State::Ended && who.owns(session);
    let mut sessions: Vec<Session> = inner.own().into_iter().filter(live).collect();
    sessions.extend(inner.elsewhere().all().filter(|session| live(session)).cloned());
    let data = json!({
        "command": wanted.command, "geometry": wanted.geometry, "name": wanted.name, "profile": wanted.profile,
        "params": wanted.params,
    });
    let Value::Object(data) = data else { unreachable!("it is one") };
    let groups = groups(&account).await;
    let (is_manager, is_admin) = (wanted.is_manager || !wanted.is_confined, !wanted.is_confined);
    Asking { login, account, groups, is_manager, is_admin, sessions, data }
}

/// None if the machine does not say.
async fn groups(account: &str) -> Vec<String> {
    let asked = Command::new("id").args(["-Gn", "--", account]).kill_on_drop(true).output();
    let Ok(Ok(said)) = tokio::time::timeout(GROUPS_WITHIN, asked).await else { return Vec::new() };
    String::from_utf8_lossy(&said.stdout).split_whitespace().map(str::to_owned).collect()
}

impl SessionError {
    /// Another server may do it.
    pub(super) fn is_the_servers(&self) -> bool {
        matches!(
            self,
            Self::TooMany
                | Self::Busy
                | Self::NotTaken
                | Self::Stopping
                | Self::NotInstalled { .. }
                | Self::Start(_)
                | Self::File { .. }
                | Self::Unanswered { .. }
        )
    }
}
