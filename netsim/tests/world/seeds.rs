//! Random networks and faults: whatever happens, the invariants hold, and the same seed has the same story.

use std::sync::atomic::{AtomicU64, Ordering};

/// `SEEDS=10000` runs more of them; `FIRST=…` others.
fn wanted(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Runs each number on some thread; tells the numbers whose invariants did not hold.
fn violated(numbers: std::ops::Range<u64>) -> Vec<String> {
    let next = AtomicU64::new(numbers.start);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let work = || {
        let mut failed = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                return failed;
            }
            let outcome = netsim::run(&netsim::random::plan(number), number).expect("it runs");
            if !outcome.violations.is_empty() {
                failed.push(format!(
                    "seed {number}: {:#?}\nreplay: fastx sim random-{number} --packets",
                    outcome.violations
                ));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    })
}

#[test]
fn invariants_hold_whatever_happens() {
    let first = wanted("FIRST", 0);
    let failed = violated(first..first + wanted("SEEDS", 100));
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn the_same_seed_tells_the_same_story() {
    // Two more, that read as much at once as the run before had left of a slab.
    for number in (1000..1010).chain([1022, 1086]) {
        let plan = netsim::random::plan(number);
        let run = || netsim::run_logged(&plan, number, true, |_| {}).expect("it runs");
        let (first, second) = (run(), run());
        let lines = |logged: &netsim::Logged| logged.packets.clone().expect("asked for");
        let differs = lines(&first)
            .lines()
            .zip(lines(&second).lines())
            .find(|(one, other)| one != other)
            .map(|(one, other)| format!("{one} | {other}"));
        assert_eq!((differs, first.outcome.trace), (None, second.outcome.trace), "seed {number}");
    }
}
