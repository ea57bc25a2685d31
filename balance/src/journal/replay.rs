//! The decisions of the journal made again, by another plan.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Kept;
use crate::chain::{Chain, Outcome};
use crate::engine::Engine;
use crate::request::Action;

/// What another plan would have done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// Decisions that would have been the same.
    pub same: usize,
    pub different: Vec<Different>,
    /// Decisions whose servers are not kept any more.
    pub without_servers: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Different {
    pub number: u64,
    pub at: Timestamp,
    pub login: String,
    pub before: Outcome,
    pub after: Outcome,
}

/// Runs the chain on what each decision for the action was made of, at its time and with its chance.
pub async fn replay(chain: &Chain, engine: &dyn Engine, action: Action, kept: &[Kept]) -> Replayed {
    let mut replayed = Replayed::default();
    for Kept { entry, servers, .. } in kept.iter().filter(|kept| kept.entry.request.action == action) {
        let Some(servers) = servers else {
            replayed.without_servers += 1;
            continue;
        };
        let decision = chain.choose(engine, &entry.request, servers, entry.moment).await;
        let after = Outcome::from(&decision.result);
        if after == entry.trace.outcome {
            replayed.same += 1;
        } else {
            replayed.different.push(Different {
                number: entry.number,
                at: entry.at,
                login: entry.request.login().to_owned(),
                before: entry.trace.outcome.clone(),
                after,
            });
        }
    }
    replayed
}
