//! What holds for all traffic.

use std::time::Duration;

use proptest::prelude::*;

use super::tests::{first, rng, run};
use super::*;

const MS: Duration = Duration::from_millis(1);

/// Traffic that is sometimes faster and sometimes slower than the link.
fn traffic() -> impl Strategy<Value = Vec<(Duration, usize)>> {
    let packet =
        (0u64..4_000, 40usize..1500).prop_map(|(micros, bytes)| (Duration::from_micros(micros), bytes));
    proptest::collection::vec(packet, 1..300)
}

fn queue() -> impl Strategy<Value = Queue> {
    prop_oneof![
        (1_500u64..50_000).prop_map(Queue::Bytes),
        (1usize..50).prop_map(Queue::Packets),
        (1u32..100).prop_map(|ms| Queue::Time(MS * ms)),
    ]
}

proptest! {
    #[test]
    fn the_rate_is_never_exceeded_and_the_queue_never_longer(
        packets in traffic(), mbit in 1u64..20, queue in queue(), seed in any::<u64>(),
    ) {
        let rate = Rate::bits_per_second(mbit * 1_000_000);
        let mut link = Link::new(Model { rate: Some(rate), queue: Some(queue), ..Model::default() });
        let (mut rng, mut now, mut arrived) = (rng(seed), Duration::ZERO, Vec::new());
        for (wait, bytes) in packets {
            now += wait;
            let before = link.backlog(now);
            let fate = link.offer(now, bytes, &mut rng);
            match first(fate) {
                Some(at) => arrived.push((at, bytes as u64)),
                None => {
                    prop_assert_eq!(fate, Fate::Dropped(Reason::QueueFull));
                    prop_assert_ne!(before, Backlog::default(), "an idle link takes a packet");
                }
            }
            let after = link.backlog(now);
            let held = match queue {
                Queue::Bytes(limit) => after.bytes <= limit.max(1500),
                Queue::Packets(limit) => after.packets <= limit,
                Queue::Time(limit) => after.bytes <= rate.bytes(limit).max(1500),
            };
            prop_assert!(held, "{:?} in {:?}", after, queue);
        }
        for (i, (from, _)) in arrived.iter().enumerate() {
            let mut sum = 0;
            for (to, bytes) in &arrived[i + 1..] {
                sum += bytes;
                prop_assert!(*to - *from >= rate.time(sum), "{sum} bytes in {:?}", *to - *from);
            }
        }
    }

    #[test]
    fn packets_arrive_in_order_unless_they_are_reordered(
        packets in traffic(), jitter in 0u32..30, rated in any::<bool>(), by in 0u32..20, seed in any::<u64>(),
    ) {
        let (delay, jitter, by) = (MS * 10, MS * jitter, MS * by);
        let plain = Model {
            delay, jitter, rate: rated.then(|| Rate::bits_per_second(5_000_000)), duplicate: Share::new(0.1),
            ..Model::default()
        };
        let fates = run(&mut Link::new(plain.clone()), &packets, seed);
        let at: Vec<_> = fates.iter().flat_map(|(_, _, fate)| fate.arrivals()).map(|arrival| arrival.at).collect();
        prop_assert!(at.is_sorted());
        let reorder = Some(Reorder { share: Share::new(0.3), by });
        for (offered, bytes, fate) in run(&mut Link::new(Model { reorder, ..plain.clone() }), &packets, seed) {
            let longest = offered + delay + jitter + by + Rate::bits_per_second(5_000_000).time(64_000);
            for arrival in fate.arrivals() {
                prop_assert!(arrival.at >= offered + delay && arrival.at <= longest, "{bytes} bytes: {:?}", arrival.at);
            }
        }
    }
}
