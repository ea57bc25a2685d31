//! What an owner changes of a session.

use std::sync::Arc;

use cluster::session::{Geometry, Policy, Session, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Inner, SessionError, Who, rfb, view, wanted};

/// What is not there stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Change {
    pub name: Option<String>,
    /// The whole of them; programs that run already do not see new ones.
    pub params: Option<Map<String, Value>>,
    /// The whole of it.
    pub policy: Option<Policy>,
    pub geometry: Option<Geometry>,
}

pub(super) async fn change(
    inner: &Arc<Inner>,
    who: &Who,
    id: &SessionId,
    change: Change,
) -> Result<Session, SessionError> {
    let name = change.name.as_deref().map(str::trim);
    if name == Some("") {
        return Err(SessionError::Malformed("a session needs a name".into()));
    }
    wanted::check_name("name", name.unwrap_or_default())?;
    change.params.as_ref().map_or(Ok(()), wanted::check_params)?;
    if let Some(geometry) = change.geometry {
        resize(inner, who, id, geometry).await?;
    }
    let session = inner.with(who, id, |entry| {
        let session = &mut entry.record.session;
        session.name = name.map_or_else(|| std::mem::take(&mut session.name), str::to_owned);
        session.params = change.params.unwrap_or_else(|| std::mem::take(&mut session.params));
        session.policy = change.policy.unwrap_or(session.policy);
        entry.dirty = true;
        entry.shown()
    })?;
    inner.changed();
    Ok(session)
}

async fn resize(inner: &Inner, who: &Who, id: &SessionId, geometry: Geometry) -> Result<(), SessionError> {
    let socket = view::unseen(inner, who, id).await?;
    let resized = rfb::resize(socket, geometry).await;
    resized.map_err(|source| SessionError::Unreachable { id: id.clone(), source })?;
    inner.update(id, |record| record.session.geometry = geometry);
    Ok(())
}
