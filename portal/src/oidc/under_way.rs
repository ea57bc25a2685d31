//! Browsers that are at a provider: few, for minutes, and each comes back once, as the browser that went.

use std::time::{Duration, Instant};

use tunnel::identity::Secret;

/// To type a password and find a telephone.
pub(super) const LASTS: Duration = Duration::from_secs(600);
/// One more, and the oldest has to begin again.
const MOST: usize = 256;

/// Those that are; `S` is what we know of one.
pub(crate) struct UnderWay<S> {
    all: Vec<One<S>>,
}

struct One<S> {
    /// What it brings back in the address.
    state: Secret,
    /// What its cookie says.
    browser: Secret,
    left: Instant,
    sent: S,
}

impl<S> Default for UnderWay<S> {
    fn default() -> Self {
        Self { all: Vec::new() }
    }
}

impl<S> UnderWay<S> {
    /// Gives what the browser's cookie is to say.
    pub(super) fn put(&mut self, state: Secret, sent: S, now: Instant) -> Secret {
        self.all.retain(|one| now < one.left + LASTS);
        if self.all.len() >= MOST {
            self.all.remove(0);
        }
        let browser = Secret::random();
        self.all.push(One { state, browser: browser.clone(), left: now, sent });
        browser
    }

    /// What we know of it, once; nothing if its cookie is another's.
    pub(super) fn take(&mut self, state: &Secret, browser: &Secret, now: Instant) -> Option<S> {
        self.all.retain(|one| now < one.left + LASTS);
        let at = self.all.iter().position(|one| one.state.matches(state) && one.browser.matches(browser))?;
        Some(self.all.remove(at).sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_comes_back_once_in_time_and_with_its_own_cookie() {
        let (mut all, now) = (UnderWay::default(), Instant::now());
        let (first, second) = (Secret::new("s1"), Secret::new("s2"));
        let one = all.put(first.clone(), 1, now);
        let two = all.put(second.clone(), 2, now);
        assert_eq!(all.take(&first, &two, now), None, "another browser was made to bring this state");
        assert_eq!(all.take(&first, &one, now), Some(1));
        assert_eq!(all.take(&first, &one, now), None, "once");
        assert_eq!(all.take(&second, &two, now + LASTS), None, "late");
        for _ in 0..2 * MOST {
            all.put(Secret::random(), 3, now);
        }
        assert_eq!(all.all.len(), MOST);
    }
}
