use std::time::Duration;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn model(text: &str) -> Model {
    toml::from_str(text).unwrap()
}

pub(super) fn rng(seed: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(seed)
}

/// Offers `packets` (time since the one before, bytes); gives what was offered when, with its fate.
pub(super) fn run(link: &mut Link, packets: &[(Duration, usize)], seed: u64) -> Vec<(Duration, usize, Fate)> {
    let (mut rng, mut now) = (rng(seed), Duration::ZERO);
    let mut offer = |(wait, bytes): &(Duration, usize)| {
        now += *wait;
        (now, *bytes, link.offer(now, *bytes, &mut rng))
    };
    packets.iter().map(&mut offer).collect()
}

pub(super) fn first(fate: Fate) -> Option<Duration> {
    fate.arrivals().next().map(|arrival| arrival.at)
}

#[test]
fn quantities_are_read_with_their_units_and_not_without() {
    let rates = [("100Mbit/s", 100_000_000), ("2.5 Gbit/s", 2_500_000_000), ("8bit/s", 8)];
    for (text, bits) in rates {
        assert_eq!(text.parse(), Ok(Rate::bits_per_second(bits)), "{text}");
    }
    assert_eq!("64kB".parse(), Ok(Size(64_000)));
    assert_eq!("1MiB".parse(), Ok(Size(1_048_576)));
    assert_eq!("2.5%".parse(), Ok(Share::new(0.025)));
    for wrong in
        ["", "100", "Mbit/s", "100 MBit/s", "-1Mbit/s", "1e9bit/s", "0Mbit/s", "1.2.3Mbit/s", "100Mbps"]
    {
        assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
    }
    assert!("101%".parse::<Share>().is_err() && "0.5".parse::<Share>().is_err());
    assert_eq!(Rate::bits_per_second(2_500_000_000).to_string(), "2.5 Gbit/s");
    assert_eq!((Size(64_000).to_string(), Share::new(0.025).to_string()), ("64 kB".into(), "2.5%".into()));
}

#[test]
fn a_model_is_read_from_every_form_and_unknown_keys_are_refused() {
    let full = model(
        "delay = '20ms'\njitter = '5ms'\nrate = '100Mbit/s'\nqueue = '256kB'\nduplicate = '0.1%'\ncorrupt = '0.01%'\n\
         loss = { share = '3%', burst = 8 }\nreorder = { share = '1%', by = '5ms' }\n\
         mtu = { bytes = 1280, icmp = false }",
    );
    assert_eq!(full.queue, Some(Queue::Bytes(256_000)));
    assert_eq!(full.mtu, Mtu { bytes: 1280, icmp: false });
    assert_eq!(model("queue = '100 packets'").queue, Some(Queue::Packets(100)));
    assert_eq!(model("queue = '200ms'").queue, Some(Queue::Time(200 * MS)));
    assert_eq!(model("loss = '2%'").loss, Loss::Random(Share::new(0.02)));
    assert_eq!(model("mtu = 9000").mtu, Mtu { bytes: 9000, icmp: true });
    for wrong in [
        "dely = '1ms'",
        "delay = 20",
        "mtu = 100",
        "loss = { share = '3%' }",
        "queue = '5'",
        "loss = { share = '3%', burst = 0.5 }",
        "loss = { share = '50%', burst = 8, within = '40%' }",
    ] {
        assert!(toml::from_str::<Model>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_perfect_link_delivers_at_once_and_a_cut_one_nothing() {
    let mut link = Link::new(Model::default());
    let arrives = Fate::Arrives { first: Arrival { at: MS, corrupt: false }, again: None };
    assert_eq!(link.offer(MS, 1500, &mut rng(1)), arrives);
    assert_eq!(link.offer(MS, 1501, &mut rng(1)), Fate::Dropped(Reason::TooBig { mtu: 1500, told: true }));
    link.set_up(false);
    assert_eq!(link.offer(MS, 100, &mut rng(1)), Fate::Dropped(Reason::Down));
}

#[test]
fn time_on_the_link_is_that_of_the_rate_and_the_delay() {
    // 1,000 bytes at 8 Mbit/s take 1 ms.
    let mut link = Link::new(model("rate = '8Mbit/s'\ndelay = '10ms'\nqueue = '10 packets'"));
    let fates = run(&mut link, &[(MS, 1000), (Duration::ZERO, 1000), (10 * MS, 1000)], 1);
    let at: Vec<_> = fates.iter().map(|(_, _, fate)| first(*fate).unwrap()).collect();
    assert_eq!(at, [12 * MS, 13 * MS, 22 * MS]);
    assert_eq!(link.backlog(11 * MS), Backlog { bytes: 1000, packets: 1 });
    assert_eq!(link.backlog(12 * MS), Backlog::default());
}

#[test]
fn a_shorter_delay_lets_nothing_overtake() {
    let mut link = Link::new(model("delay = '100ms'"));
    let early = first(link.offer(MS, 100, &mut rng(1))).unwrap();
    link.set_model(Model::default());
    assert_eq!(first(link.offer(2 * MS, 100, &mut rng(1))), Some(early));
}

#[test]
fn random_loss_duplication_and_corruption_have_their_shares() {
    let mut link = Link::new(model("loss = '3%'\nduplicate = '5%'\ncorrupt = '2%'"));
    let fates = run(&mut link, &vec![(MS, 500); 100_000], 7);
    let count = |what: fn(&Fate) -> bool| fates.iter().filter(|(_, _, fate)| what(fate)).count();
    // Six standard deviations of a binomial distribution: it would fail once in 500 million seeds, and the seed is fixed.
    assert!((2_677..=3_323).contains(&count(|fate| *fate == Fate::Dropped(Reason::Lost))));
    let twice = count(|fate| matches!(fate, Fate::Arrives { again: Some(_), .. }));
    assert!((4_440..=5_260).contains(&twice), "{twice}");
    let corrupt = count(|fate| matches!(fate, Fate::Arrives { first, .. } if first.corrupt));
    assert!((1_670..=2_210).contains(&corrupt), "{corrupt}");
}

#[test]
fn bursts_have_the_stated_share_and_length() {
    for (share, burst) in [(0.03, 8.0), (0.10, 2.0), (0.01, 30.0)] {
        let loss = Burst::new(Share::new(share), burst, Share::new(1.0), Share::NONE).unwrap();
        let mut link = Link::new(Model { loss: Loss::Burst(loss), ..Model::default() });
        let fates = run(&mut link, &vec![(MS, 500); 1_000_000], 3);
        let lost: Vec<bool> = fates.iter().map(|(_, _, fate)| first(*fate).is_none()).collect();
        let (all, starts) = (
            lost.iter().filter(|lost| **lost).count(),
            lost.windows(2).filter(|pair| !pair[0] && pair[1]).count(),
        );
        let (measured, length) = (all as f64 / 1e6, all as f64 / starts as f64);
        assert!((measured / share - 1.0).abs() < 0.1, "share {measured} for {share}");
        assert!((length / burst - 1.0).abs() < 0.1, "length {length} for {burst}");
    }
    assert!(Burst::new(Share::new(0.9), 1.0, Share::new(1.0), Share::NONE).is_err(), "too short for 90 %");
}

#[test]
fn the_same_seed_has_the_same_fates() {
    let text = "jitter = '9ms'\nloss = { share = '3%', burst = 4 }\nreorder = { share = '5%', by = '9ms' }";
    let fates = |seed| run(&mut Link::new(model(text)), &vec![(MS, 500); 1000], seed);
    assert_eq!(fates(5), fates(5));
    assert_ne!(fates(5), fates(6));
}
