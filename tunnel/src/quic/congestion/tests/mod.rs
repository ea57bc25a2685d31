//! The controller under the real quinn-proto, over links in virtual time: what it promises.

mod end;
mod flow;
mod link;
mod table;
mod world;

use std::sync::Arc;
use std::time::Duration;

use quinn_proto::congestion::{ControllerFactory, CubicConfig};

use world::{Shape, World};

const INITIAL: u64 = 32 * 1200;

type Maker = Arc<dyn ControllerFactory + Send + Sync>;

fn ours() -> Maker {
    Arc::new(super::Factory { initial: INITIAL })
}

/// quinn-proto's, with the first window of ours.
fn cubic() -> Maker {
    let mut config = CubicConfig::default();
    config.initial_window(INITIAL);
    Arc::new(config)
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// 100 Mbit/s, 50 ms, a queue as long as the path.
const SHAPE: Shape = Shape { mbit: 100.0, rtt: 0.050, queue: 1.0, loss: 0.0, jitter: 0.0, window: 8 << 20 };

#[test]
fn random_loss_costs_no_more_than_a_fifth() {
    for seed in 1..=4 {
        let mut world = World::new(Shape { loss: 0.02, ..SHAPE }, seed, &[ours()]);
        let goodput = world.goodput(seconds(15.0))[0];
        assert!(goodput >= 80.0, "seed {seed}: {goodput:.1} Mbit/s of 100 at 2 % loss");
    }
}

#[test]
fn cubic_collapses_where_ours_does_not() {
    let mut world = World::new(Shape { loss: 0.02, ..SHAPE }, 1, &[cubic()]);
    let goodput = world.goodput(seconds(15.0))[0];
    assert!(goodput < 10.0, "{goodput:.1} Mbit/s: then a controller of our own is not needed");
}

/// Each gets half to twice as much as the other, whoever was first.
#[test]
fn a_queue_is_shared_with_cubic() {
    for queue in [0.5, 1.0, 4.0] {
        for (first, second) in [(ours(), cubic()), (cubic(), ours())] {
            let mut world = World::new(Shape { queue, ..SHAPE }, 1, &[first, second]);
            world.run(seconds(10.0));
            let goodput = world.goodput(seconds(50.0));
            let ratio = goodput[0] / goodput[1];
            assert!((0.5..=2.0).contains(&ratio), "queue {queue}: {goodput:.1?} Mbit/s");
            assert!(goodput[0] + goodput[1] > 80.0, "queue {queue}: {goodput:.1?} Mbit/s");
        }
    }
}

#[test]
fn a_queue_is_shared_with_ourselves() {
    let mut world = World::new(SHAPE, 1, &[ours(), ours()]);
    world.run(seconds(10.0));
    let goodput = world.goodput(seconds(30.0));
    let ratio = goodput[0] / goodput[1];
    assert!((0.5..=2.0).contains(&ratio), "{goodput:.1?} Mbit/s");
}

/// However long the queue could be, and beside many streams.
#[test]
fn keystrokes_wait_for_no_queue_of_ours() {
    for (queue, bulk) in [(1.0, 1), (8.0, 1), (1.0, 4), (1.0, 12)] {
        let mut world = World::new(Shape { queue, window: 2 << 20, ..SHAPE }, 1, &[ours()]);
        world.flows[0].types_and_sends(bulk);
        let goodput = world.goodput(seconds(20.0))[0];
        let (count, p99) = world.flows[0].round_trips(seconds(2.0), SHAPE.rtt / 2.0);
        assert!(count > 1000, "{count} keystrokes of 60 a second arrived");
        assert!(p99 <= SHAPE.rtt * 1.5, "queue {queue}, {bulk} streams: p99 {p99:.3} s");
        assert!(goodput > 80.0, "queue {queue}, {bulk} streams: {goodput:.1} Mbit/s beside it");
    }
}

/// Nothing is lost on loopback, so CUBIC alone would fill whatever queue there is: half a second here.
#[test]
fn a_short_path_keeps_little_waiting() {
    let shape = Shape { mbit: 200.0, rtt: 0.0005, queue: 1000.0, ..SHAPE };
    let mut world = World::new(shape, 1, &[ours()]);
    world.flows[0].types_and_sends(4);
    let goodput = world.goodput(seconds(5.0))[0];
    let (count, p99) = world.flows[0].round_trips(seconds(1.0), shape.rtt / 2.0);
    assert!(count > 100 && p99 < 0.15, "{count} keystrokes, p99 {p99:.3} s");
    assert!(goodput > 160.0, "{goodput:.1} Mbit/s of 200");
}

#[test]
fn jitter_and_loss_together_are_no_queue() {
    let wifi = Shape { mbit: 50.0, rtt: 0.020, jitter: 0.020, loss: 0.01, ..SHAPE };
    let mut world = World::new(wifi, 1, &[ours()]);
    let goodput = world.goodput(seconds(20.0))[0];
    assert!(goodput > 25.0, "{goodput:.1} Mbit/s of 50");
}

/// A tenth of the rate, then all of it again; a longer way, then the short one again.
#[test]
fn a_changed_path_is_learnt() {
    let mut world = World::new(SHAPE, 1, &[ours()]);
    world.run(seconds(5.0));
    world.there.set_mbit(10.0);
    world.run(seconds(15.0));
    let slow = world.goodput(seconds(10.0))[0];
    assert!(slow > 8.0, "{slow:.1} Mbit/s of 10");
    world.there.set_mbit(100.0);
    world.run(seconds(40.0));
    let fast = world.goodput(seconds(10.0))[0];
    assert!(fast > 75.0, "{fast:.1} Mbit/s of 100");
    world.there.delay = seconds(0.100);
    world.run(seconds(75.0));
    let far = world.goodput(seconds(10.0))[0];
    assert!(far > 70.0, "{far:.1} Mbit/s over the longer way");
}

#[test]
fn ten_silent_seconds_are_forgotten() {
    let mut world = World::new(SHAPE, 1, &[ours()]);
    world.run(seconds(5.0));
    (world.there.loss, world.back.loss) = (1.0, 1.0);
    world.run(seconds(15.0));
    (world.there.loss, world.back.loss) = (0.0, 0.0);
    world.run(seconds(35.0));
    let goodput = world.goodput(seconds(5.0))[0];
    assert!(goodput > 75.0, "{goodput:.1} Mbit/s of 100");
}

/// A minute of keystrokes teaches that somebody types, not that the path is slow.
#[test]
fn a_pause_is_no_slow_path() {
    let mut world = World::new(SHAPE, 1, &[ours()]);
    world.run(seconds(5.0));
    world.flows[0].types_and_sends(0);
    world.run(seconds(65.0));
    world.flows[0].types_and_sends(1);
    let goodput = world.goodput(seconds(3.0))[0];
    assert!(goodput > 70.0, "{goodput:.1} Mbit/s in the first three seconds");
}
