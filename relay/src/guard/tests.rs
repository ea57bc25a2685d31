use super::*;
use std::num::NonZeroU32;

fn guard(connections: u32, per_address: u32, burst: u32) -> Arc<Guard> {
    Guard::new(&Limits {
        connections,
        connections_per_address: per_address,
        new_per_second: NonZeroU32::new(1).unwrap(),
        new_burst: NonZeroU32::new(burst).unwrap(),
        handshakes: 2,
        ..Limits::default()
    })
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn counted(guard: &Guard) -> usize {
    guard.connections.addresses()
}

#[test]
fn a_full_gateway_turns_away_until_somebody_leaves() {
    let guard = guard(2, 9, 9);
    let first = guard.connection(ip("192.0.2.1")).unwrap();
    let _second = guard.connection(ip("192.0.2.2")).unwrap();
    assert_eq!(guard.connection(ip("192.0.2.3")).unwrap_err(), Turned::Full);
    drop(first);
    assert!(guard.connection(ip("192.0.2.3")).is_ok());
}

#[test]
fn one_address_cannot_take_the_place_of_others() {
    let guard = guard(9, 2, 9);
    let held =
        [guard.connection(ip("192.0.2.1")).unwrap(), guard.connection(ip("::ffff:192.0.2.1")).unwrap()];
    assert_eq!(guard.connection(ip("192.0.2.1")).unwrap_err(), Turned::AddressFull);
    assert!(guard.connection(ip("192.0.2.2")).is_ok());
    assert_eq!((guard.open(), counted(&guard)), (2, 1));
    drop(held);
    assert_eq!((guard.open(), counted(&guard)), (0, 0));
}

#[test]
fn a_64_counts_as_one_address() {
    let guard = guard(9, 1, 9);
    let _held = guard.connection(ip("2001:db8::1")).unwrap();
    assert_eq!(guard.connection(ip("2001:db8::ffff:2")).unwrap_err(), Turned::AddressFull);
    assert!(guard.connection(ip("2001:db8:0:1::1")).is_ok());
}

#[test]
fn a_fast_address_is_slowed_and_leaves_nothing_behind() {
    let guard = guard(9, 9, 3);
    for _ in 0..3 {
        guard.connection(ip("192.0.2.1")).unwrap();
    }
    assert_eq!(guard.connection(ip("192.0.2.1")).unwrap_err(), Turned::TooFast);
    assert!(guard.connection(ip("192.0.2.2")).is_ok());
    assert_eq!((guard.open(), counted(&guard)), (0, 0));
}

#[test]
fn handshakes_are_counted_apart() {
    let guard = guard(0, 9, 9);
    let _held = (guard.handshake(None).unwrap(), guard.handshake(None).unwrap());
    assert_eq!(guard.handshake(None).unwrap_err(), Turned::Handshakes);
}

#[test]
fn one_address_has_a_quarter_of_the_handshakes() {
    let guard = Guard::new(&Limits { handshakes: 8, ..Limits::default() });
    let held =
        [guard.handshake(Some(ip("192.0.2.1"))).unwrap(), guard.handshake(Some(ip("192.0.2.1"))).unwrap()];
    assert_eq!(guard.handshake(Some(ip("192.0.2.1"))).unwrap_err(), Turned::Handshakes);
    assert!(guard.handshake(Some(ip("192.0.2.2"))).is_ok() && guard.handshake(None).is_ok());
    drop(held);
    assert!(guard.handshake(Some(ip("192.0.2.1"))).is_ok());
    assert_eq!((guard.handshakes.now(), guard.handshakes.addresses()), (0, 0));
}

#[test]
fn no_address_at_all_may_be_allowed() {
    let guard = guard(9, 0, 9);
    assert_eq!(guard.connection(ip("192.0.2.1")).unwrap_err(), Turned::AddressFull);
    assert_eq!((guard.open(), counted(&guard)), (0, 0));
}
