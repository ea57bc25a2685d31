//! Sessions that name no server start where the chain for `session/start` says.

use balance::{Action, Request};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use node::session::{Asking, Chooser};
use serde_json::{Value, json};

use super::{Balancer, ChooseError};

impl Chooser for Balancer {
    fn choose<'a>(
        &'a self,
        asking: &'a Asking,
        except: &'a [String],
    ) -> BoxFuture<'a, Result<String, String>> {
        async move {
            let request = request(asking, self.inner.plane.me.as_str());
            match Self::choose(self, request, except).await {
                Ok((_, server)) => Ok(server),
                // Nobody knows the others now: the way to sessions on this server stays open.
                Err(ChooseError::Fleet(error)) if except.is_empty() => {
                    tracing::warn!(%error, "a session starts here, because the cluster's servers are not known");
                    Ok(self.inner.plane.me.to_string())
                }
                Err(error) => Err(error.to_string()),
            }
        }
        .boxed()
    }
}

fn request(asking: &Asking, here: &str) -> Request {
    let Asking { login, account, groups, is_manager, is_admin, sessions, data } = asking;
    let mut request = Request::of(Action::Start, login, here);
    request.user.insert("account".into(), account.as_str().into());
    let brief = |session: &cluster::session::Session| {
        json!({
            "id": session.id, "serverId": session.server_id, "name": session.name, "command": session.command,
            "state": session.state, "started": session.started,
        })
    };
    request.user.insert("sessions".into(), sessions.iter().map(brief).collect());
    request.user_groups.clone_from(groups);
    (request.is_manager, request.is_admin) = (*is_manager, *is_admin);
    request.data = Value::Object(data.clone());
    request
}
