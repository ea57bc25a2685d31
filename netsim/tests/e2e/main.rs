//! The router between TUN devices against known answers, in network namespaces; needs root.
//!
//! Only what load on this machine cannot change is asserted closely: nothing arrives early, nothing is faster than the
//! rate, what is counted adds up. The other side of each bound is wide.

mod stage;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use stage::{Stage, within};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_round_trip_takes_the_delays_of_both_ways() {
    let stage = Stage::with("delay = '20ms'", "delay = '30ms'");
    let (here, _echo) = stage.echo();
    let mut trips: Vec<Duration> = (0..30).map(|_| stage::round_trip(&here)).collect();
    trips.sort();
    assert!(trips[0] >= 50 * MS, "{:?} is early", trips[0]);
    assert!(trips[15] < 1000 * MS, "half of them took more than {:?}", trips[15]);
}

#[test]
fn as_many_packets_are_lost_as_the_model_says() {
    let stage = Stage::with("loss = '3%'", "");
    let received = stage.blast(20_000, 100);
    let [there, _] = stage.router().counts().unwrap();
    // What the kernel drops, because the router or the reader gets no processor for long, is no concern of the model.
    assert!(there.refused == 0 && received >= 1000 && received <= there.delivered, "{received} {there:?}");
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let (lost, offered) = (there.lost as f64, (there.lost + there.delivered) as f64);
    let deviation = (offered * 0.03 * 0.97).sqrt();
    assert!((lost - offered * 0.03).abs() < 6.0 * deviation, "{lost} of {offered}");
}

#[test]
fn tcp_is_as_fast_as_the_rate_and_not_faster() {
    let stage = Stage::with("rate = '20Mbit/s'\ndelay = '5ms'", "delay = '5ms'");
    let took = stage.transfer(5_000_000);
    // 5 MB in packets with 40 bytes of headers or more.
    let least = Duration::from_secs_f64(5e6 * 8.0 / 20e6 * 1500.0 / 1460.0);
    assert!(took >= least.mul_f64(0.99), "{took:?}, but {least:?} is the rate");
    assert!(took < least * 20, "{took:?}, and {least:?} is the rate");
}

#[test]
fn a_sender_learns_a_smaller_mtu() {
    let stage = Stage::with("mtu = 1280", "mtu = 1280");
    stage.transfer(1_000_000);
    let [there, _] = stage.router().counts().unwrap();
    assert!(there.too_big > 0 && there.delivered > 700, "{there:?}");
}

#[test]
fn a_link_changes_while_it_is_used() {
    let stage = Stage::with("", "");
    let (here, _echo) = stage.echo();
    stage::round_trip(&here);
    stage.router().become_like([stage::model("delay = '80ms'"), stage::model("")]).unwrap();
    let slow =
        within(Duration::from_secs(10), || Some(stage::round_trip(&here)).filter(|trip| *trip >= 80 * MS));
    assert!(slow < Duration::from_secs(5));
}

#[test]
fn a_connection_ends_in_order_over_loss_doubling_damage_and_reordering() {
    let model = "delay = '2ms'\njitter = '2ms'\nloss = { share = '1%', burst = 3 }\nduplicate = '2%'\ncorrupt = '1%'\n\
                 reorder = { share = '2%', by = '3ms' }";
    let stage = Stage::with(model, model);
    let (mut client, mut server) = stage.connection();
    let began = Instant::now();
    let writer = std::thread::spawn(move || {
        let bytes: Vec<u8> = (0..500_000_u32).flat_map(u32::to_be_bytes).collect();
        client.write_all(&bytes).unwrap();
    });
    let mut received = Vec::new();
    server.read_to_end(&mut received).unwrap();
    writer.join().unwrap();
    assert!(received.chunks_exact(4).zip(0..500_000_u32).all(|(four, n)| four == n.to_be_bytes()));
    assert_eq!(received.len(), 2_000_000, "after {:?}", began.elapsed());
}
