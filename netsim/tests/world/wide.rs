//! A stream over lanes: it carries more than one window in a round trip, and goes on over another tunnel as others do.

use netsim::plan::parse;

/// 200 ms there and back, of which 2 MiB fill 84 Mbit/s; lost packets, and tunnels that are given up.
const PLAN: &str = r#"
title = "One stream over lanes"
length = "25s"

[path.site]
both = { delay = "100ms", rate = "300Mbit/s", queue = "100ms", loss = "0.2%" }

[[host]]
name = "gateway"
role = "gateway"

[[host]]
name = "node"
role = "node"
transport = "quic"
path = ["site"]

[[host]]
name = "person"
role = "client"

[[work]]
name = "work"
do = "bulk"
from = "person"
to = "node"
start = "2s"
direction = "DIRECTION"

[[fault]]
at = "7s"
do = { cut = "site" }
lasts = "7s"
"#;

#[test]
fn lanes_carry_on_over_another_tunnel() {
    for (direction, seed) in [("up", 2), ("down", 2)] {
        let plan = parse("wide.toml".as_ref(), &PLAN.replace("DIRECTION", direction)).expect("it is a plan");
        let outcome = netsim::run(&plan, seed).expect("it runs");
        assert!(outcome.violations.is_empty(), "{direction}: {:#?}", outcome.violations);
        let work = &outcome.work[0];
        assert_eq!((work.opened, work.lost), (1, 0), "{direction}: {:#?}", outcome.events);
        let by = |second: u64| {
            work.progress.iter().rfind(|(at, _)| at.as_secs() < second).map_or(0, |(_, bytes)| *bytes)
        };
        assert!(
            by(7) > 0 && by(25) - by(20) > 5 * 12_500_000,
            "{direction}: it goes on with more than 100 Mbit/s"
        );
        let mended = outcome.events.iter().find(|event| event.text == "site mended").expect("it happened");
        assert!(mended.at < std::time::Duration::from_millis(14_010), "the clock leapt to {:?}", mended.at);
    }
}
