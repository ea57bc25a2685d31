//! How many idle data connections a tunnel wants: pure decisions on what was taken and what is left.

use std::time::Duration;

use tokio::time::Instant;

/// Idle connections that a tunnel always wants; the node dials so many by itself.
pub(super) const START: usize = 4;
/// Idle connections that a busy tunnel wants at most.
pub(super) const MOST: usize = 64;
/// Connections that were asked for and did not come within this are asked for again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections that nobody needed for so long are closed by and by.
pub(super) const QUIET: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Demand {
    wanted: usize,
    /// Asked for and not here yet.
    coming: usize,
    asked: Instant,
    /// The fewest idle ones since `since`: so many nobody needed.
    low: usize,
    since: Instant,
}

impl Demand {
    /// The node dials [`START`] unasked.
    pub(super) fn new(now: Instant) -> Self {
        Self { wanted: START, coming: START, asked: now, low: 0, since: now }
    }

    /// One was taken, or looked for in vain, and `idle` are left; tells how many more to ask for.
    pub(super) fn taken(&mut self, idle: usize, now: Instant) -> usize {
        self.low = self.low.min(idle);
        if now.duration_since(self.asked) >= PATIENCE {
            self.coming = 0;
        }
        if idle + self.coming > self.wanted / 2 {
            return 0;
        }
        self.wanted = (self.wanted * 2).min(MOST);
        let more = self.wanted - (idle + self.coming).min(self.wanted);
        self.coming += more;
        self.asked = now;
        more
    }

    /// One came that was dialled now.
    pub(super) fn came(&mut self) {
        self.coming = self.coming.saturating_sub(1);
    }

    /// Looks at `idle` ones now and then; tells how many to close.
    pub(super) fn surplus(&mut self, idle: usize, now: Instant) -> usize {
        self.low = self.low.min(idle);
        if now.duration_since(self.since) < QUIET {
            return 0;
        }
        let needless = std::mem::replace(&mut self.low, idle).saturating_sub(START);
        self.since = now;
        if needless > 0 {
            self.wanted = (self.wanted / 2).max(START);
        }
        needless.div_ceil(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_while_they_run_low_and_asks_only_once() {
        let now = Instant::now();
        let mut demand = Demand::new(now);
        (0..START).for_each(|_| demand.came());
        assert_eq!(demand.taken(3, now), 0);
        assert_eq!(demand.taken(2, now), 6, "8 wanted, 2 left");
        assert_eq!(demand.taken(1, now), 0, "6 are coming");
        (0..6).for_each(|_| demand.came());
        assert_eq!(demand.taken(4, now), 12, "16 wanted, 4 left");
        for _ in 0..10 {
            (0..MOST).for_each(|_| demand.came());
            demand.taken(0, now);
        }
        assert_eq!(demand.wanted, MOST);
    }

    #[test]
    fn what_does_not_come_is_asked_for_again() {
        let now = Instant::now();
        let mut demand = Demand::new(now);
        assert_eq!(demand.taken(0, now), 0, "the first 4 are coming");
        assert_eq!(demand.taken(0, now + PATIENCE), 8);
    }

    #[test]
    fn what_nobody_needed_for_a_minute_is_closed() {
        let now = Instant::now();
        let mut demand = Demand::new(now);
        assert_eq!(demand.surplus(64, now + QUIET / 2), 0);
        // The first minute began with none.
        assert_eq!(demand.surplus(64, now + QUIET), 0);
        demand.taken(44, now + QUIET);
        assert_eq!(demand.surplus(64, now + QUIET * 2), 20, "40 more than 4 were never used");
        assert_eq!(demand.surplus(44, now + QUIET * 3), 20);
        let mut idle = 24;
        for minute in 4..20 {
            idle -= demand.surplus(idle, now + QUIET * minute);
        }
        assert_eq!((idle, demand.wanted), (START, START));
    }
}
