//! The chain: functions in their order, until one of them names a server.
//!
//! | a function returns | then |
//! |---|---|
//! | a string | that is the server, if it was offered to this function; else the chain stops with an error |
//! | an array | its servers, by their `serverId` and as we know them, are offered to the next function |
//! | something falsy | the next function gets what this one got |
//! | anything else, or it throws | the chain stops, and the person sees the message |
//!
//! At the end without a string: an error that says what each function did.

mod decision;
mod judge;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use decision::{Decision, Outcome, Refused, Step, Trace};
use judge::{Next, judge};

use crate::engine::{Call, Engine, Ran};
use crate::function::Function;
use crate::offer::{Offered, Server, Unfit, fewest_sessions};
use crate::prefilter::Prefilter;
use crate::request::{Action, Moment, Request};

/// The longest chain.
pub const MAX_FUNCTIONS: usize = 32;

/// What decides for one action.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    pub prefilter: Prefilter,
    pub functions: Vec<Arc<Function>>,
}

/// Servers that take what is asked for, and how many do not, by reason.
pub fn offer(
    servers: &[Arc<Server>],
    action: Action,
    prefilter: &Prefilter,
) -> (Offered, BTreeMap<Unfit, usize>) {
    let (mut offered, mut unfit) = (Vec::with_capacity(servers.len()), BTreeMap::new());
    for server in servers {
        let why = server.unfit(action).or_else(|| (!prefilter.matches(server)).then_some(Unfit::Prefilter));
        match why {
            Some(why) => *unfit.entry(why).or_default() += 1,
            None => offered.push(Arc::clone(server)),
        }
    }
    (offered, unfit)
}

impl Chain {
    /// Decides. A chain without functions is "fewest sessions".
    pub async fn choose(
        &self,
        engine: &dyn Engine,
        request: &Request,
        servers: &[Arc<Server>],
        moment: Moment,
    ) -> Decision {
        let (mut offered, unfit) = offer(servers, request.action, &self.prefilter);
        let mut steps = Vec::new();
        let done = |result, steps, substitute| Decision { result, steps, unfit: unfit.clone(), substitute };
        if self.functions.is_empty() {
            return done(fewest(&offered), steps, false);
        }
        for function in &self.functions {
            if !engine.trusts(function) {
                return done(fewest(&offered), steps, true);
            }
            let call = Call { function, request, servers: &offered, moment };
            let Ran { returned, console, took } = engine.run(call).await;
            let (next, said) = judge(&returned, &offered);
            let (count, left) = (offered.len(), next.left(offered.len()));
            steps.push(Step { function: function.name.clone(), offered: count, left, took, console, said });
            match next {
                Next::Same => {}
                Next::Offer(servers) => offered = servers,
                Next::Chosen(id) => return done(Ok(id), steps, false),
                Next::Stop(why) => return done(Err(why.of(function)), steps, false),
            }
        }
        let refused = Refused::Nobody { unfit: unfit.clone(), steps: decision::summary(&steps) };
        done(Err(refused), steps, false)
    }
}

fn fewest(offered: &[Arc<Server>]) -> Result<String, Refused> {
    fewest_sessions(offered).map(|server| server.id.clone()).ok_or(Refused::NoServers)
}

#[cfg(test)]
mod tests;
