//! The balancer of this process: it keeps the plans of the cluster at hand, decides by them, and remembers the decisions.
//!
//! ```text
//! plans     what is in the store, followed            roster   the servers, not older than two seconds
//! change    saving a plan: first its cases must pass  shadow   a second plan beside the first, which decides nothing
//! chooser   where sessions start that name no server
//! routes    what the command line asks            asked   in which words
//! ```
//! Nothing is started before the first question: a server that is never asked has no workers.

mod asked;
mod change;
mod chooser;
mod plans;
mod roster;
mod routes;
mod shadow;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use balance::journal::Kept;
use balance::{Journal, Moment, Options, Refused, Request, Trace, Workers};
use cluster::ControlPlane;
use cluster::fleet::FleetError;
use cluster::settings::Settings;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use self::plans::Plans;
use self::roster::Roster;
use self::shadow::MOST_SHADOWS;

pub(crate) use self::asked::{Ask, Chosen, Known, Overview, Replay, Rollback, SavedAs, Shadow, Template};
pub(crate) use self::change::Change;
pub(crate) use self::plans::ActionName;
pub(crate) use self::routes::routes;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Balancer {
    inner: Arc<Inner>,
    _following: Arc<AbortOnDropHandle<()>>,
}

#[derive(Debug)]
struct Inner {
    plane: ControlPlane,
    settings: Settings,
    plans: Plans,
    roster: Roster,
    journal: Journal,
    shadows: Semaphore,
    /// Of starts: each sees what the one before it chose, or a limit would be no limit for those that come in one moment.
    turn: tokio::sync::Mutex<()>,
    deciding: OnceLock<Workers>,
    trying: OnceLock<Workers>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChooseError {
    #[error("the cluster's servers are not known: {0}")]
    Fleet(#[from] FleetError),
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Balancer {
    /// Follows the plans in the store from now on.
    pub(crate) fn start(plane: &ControlPlane, settings: &Settings) -> Self {
        let inner = Arc::new(Inner {
            plane: plane.clone(),
            settings: settings.clone(),
            plans: Plans::default(),
            roster: Roster::new(plane),
            journal: Journal::default(),
            shadows: Semaphore::new(MOST_SHADOWS),
            turn: tokio::sync::Mutex::default(),
            deciding: OnceLock::new(),
            trying: OnceLock::new(),
        });
        let following = tokio::spawn(plans::follow(Arc::clone(&inner)));
        Self { inner, _following: Arc::new(AbortOnDropHandle::new(following)) }
    }

    /// Decides, and remembers it. Servers in `except` are not offered: where a start has just failed.
    pub(crate) async fn choose(
        &self,
        request: Request,
        except: &[String],
    ) -> Result<(u64, String), ChooseError> {
        let inner = &self.inner;
        let action = request.action;
        let turn = match action {
            balance::Action::Start => Some(inner.turn.lock().await),
            balance::Action::Login => None,
        };
        let mut servers = inner.roster.now().await?;
        servers.retain(|server| !except.contains(&server.id));
        let (record, moment) = (inner.plans.of(action).record, Moment::now());
        let chain = record.plan().chain();
        let decision = chain.choose(inner.deciding(), &request, &servers, moment).await;
        if let (Ok(id), balance::Action::Start) = (&decision.result, action) {
            inner.roster.placed(id).await;
        }
        drop(turn);
        if decision.substitute {
            tracing::warn!(%action, "a balancing function is paused after kills: the server with the fewest sessions was taken");
        }
        let trace = Trace::from(&decision);
        let asked = (request.clone(), moment);
        let number = inner.journal.add(Timestamp::now(), record.version(), asked, trace, servers.clone());
        shadow::run(inner, number, request, servers, moment);
        Ok((number, decision.result?))
    }

    /// The newest decisions, the oldest of them first.
    fn last(&self, count: usize) -> Vec<Kept> {
        self.inner.journal.last(count)
    }
}

impl Inner {
    /// For what people wait for.
    fn deciding(&self) -> &Workers {
        self.ready(&self.deciding, 2)
    }

    /// For trials, cases, replays and shadows: nobody's login waits behind them.
    fn trying(&self) -> &Workers {
        self.ready(&self.trying, 1)
    }

    fn ready<'a>(&self, place: &'a OnceLock<Workers>, workers: usize) -> &'a Workers {
        let ready = place.get_or_init(|| Workers::start(Options { workers, ..Options::this_program() }));
        ready.hold_to(self.deadline());
        ready
    }

    fn deadline(&self) -> Duration {
        self.settings.now().values.balance_deadline
    }
}
