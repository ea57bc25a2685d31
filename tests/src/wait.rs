//! Patience with a deadline.

use std::time::{Duration, Instant};

/// Calls `probe` until it gives a value. Panics after `within`, with what the last call said.
pub fn wait_for<T>(what: &str, within: Duration, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(10);
    loop {
        let last = match probe() {
            Ok(value) => return value,
            Err(last) => last,
        };
        assert!(begin.elapsed() < within, "waited {within:?} for {what}; at last: {last}");
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// Like [`wait_for`], for a plain condition.
pub fn wait_until(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    wait_for(what, within, || if holds() { Ok(()) } else { Err("it does not hold".to_owned()) });
}

/// Calls `holds` for `during`, and panics as soon as it is false.
pub fn holds_for(what: &str, during: Duration, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while begin.elapsed() < during {
        assert!(holds(), "{what} ceased to hold after {:?}", begin.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "waited 20ms for the moon; at last: still night")]
    fn a_deadline_names_what_was_waited_for_and_what_was_seen_last() {
        wait_for::<()>("the moon", Duration::from_millis(20), || Err("still night".into()));
    }
}
