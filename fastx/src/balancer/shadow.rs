//! A second plan beside the one that counts: what it would have chosen is written into the journal. Nobody waits for it.

use std::sync::Arc;

use balance::{Moment, Offered, Outcome, Request};

use super::Inner;

/// Decisions that a shadow may be behind; for more it is left out.
pub(super) const MOST_SHADOWS: usize = 32;

pub(super) fn run(inner: &Arc<Inner>, number: u64, request: Request, servers: Offered, moment: Moment) {
    let Some(plan) = inner.plans.of(request.action).shadow else { return };
    let inner = Arc::clone(inner);
    tokio::spawn(async move {
        let Ok(_place) = inner.shadows.try_acquire() else { return };
        let decision = plan.chain().choose(inner.trying(), &request, &servers, moment).await;
        let outcome = Outcome::from(&decision.result);
        inner.journal.shadow(number, outcome);
    });
}
