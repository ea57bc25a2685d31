//! The figures of docs/decisions/0008: `cargo test --release -p tunnel --lib congestion -- --ignored --nocapture`.

use super::world::{Shape, World};
use super::{Maker, SHAPE, cubic, ours, seconds};

/// In bytes that the path holds.
const QUEUES: [f64; 6] = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0];

fn line(title: &str, shape: Shape, names: &[&str], time: f64) {
    let maker = |name: &&str| -> Maker { if *name == "cubic" { cubic() } else { ours() } };
    let makers: Vec<Maker> = names.iter().map(maker).collect();
    let mut world = World::new(shape, 1, &makers);
    world.flows[0].types_and_sends(1);
    let warm = if names.len() > 1 { 10.0 } else { 0.0 };
    world.run(seconds(warm));
    let goodput = world.goodput(seconds(time));
    let (_, p99) = world.flows[0].round_trips(seconds(warm + 2.0), shape.rtt / 2.0);
    println!(
        "{title:44} {:13} {goodput:6.1?} Mbit/s, keystroke p99 {:.2} round trips, {} dropped {}",
        names.join(" + "),
        p99 / shape.rtt,
        world.there.dropped,
        world.flows[0].broken.as_deref().unwrap_or_default(),
    );
}

#[test]
#[ignore = "prints figures, asserts nothing"]
fn table() {
    for name in ["ours", "cubic"] {
        for loss in [0.0, 0.001, 0.01, 0.02, 0.05] {
            let title = format!("100 Mbit/s 50 ms, {} % loss", loss * 100.0);
            line(&title, Shape { loss, ..SHAPE }, &[name], 20.0);
        }
        line("20 Mbit/s 600 ms", Shape { mbit: 20.0, rtt: 0.6, ..SHAPE }, &[name], 60.0);
        line("5 Mbit/s 20 ms", Shape { mbit: 5.0, rtt: 0.02, ..SHAPE }, &[name], 20.0);
        line(
            "1 Gbit/s 1 ms, queue 10 ms",
            Shape { mbit: 1000.0, rtt: 0.001, queue: 10.0, ..SHAPE },
            &[name],
            5.0,
        );
        let wifi = Shape { mbit: 50.0, rtt: 0.02, jitter: 0.02, loss: 0.01, ..SHAPE };
        line("50 Mbit/s 20 ms + 20 ms jitter, 1 % loss", wifi, &[name], 20.0);
    }
    for window in [2, 16] {
        for queue in [1.0, 0.25] {
            let far = Shape { mbit: 1000.0, rtt: 0.08, queue, window: window << 20, ..SHAPE };
            line(&format!("1 Gbit/s 80 ms, queue {queue}, window {window} MiB"), far, &["ours"], 10.0);
        }
    }
    for (rtt, queue) in [0.01, 0.05, 0.1].iter().flat_map(|rtt| QUEUES.map(|queue| (*rtt, queue))) {
        for names in [["ours", "cubic"], ["cubic", "ours"], ["ours", "ours"], ["cubic", "cubic"]] {
            let shape = Shape { queue, rtt, ..SHAPE };
            line(&format!("100 Mbit/s {} ms, queue {queue}", rtt * 1e3), shape, &names, 60.0);
        }
    }
}
