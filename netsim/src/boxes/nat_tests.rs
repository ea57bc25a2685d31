use super::*;
use proptest::prelude::*;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn nat(model: NatModel) -> Nat {
    Nat::new(model, "203.0.113.7".parse().unwrap())
}

const S: Duration = Duration::from_secs(1);

#[test]
fn only_who_was_sent_to_may_answer() {
    let mut nat = nat(NatModel::default());
    let (node, gateway, stranger) =
        (address("10.0.0.2:5000"), address("198.51.100.1:443"), address("198.51.100.9:443"));
    let seen = nat.outbound(S, Protocol::Udp, node, gateway).unwrap();
    assert_eq!(seen.ip(), nat.public());
    assert_eq!(nat.inbound(S, Protocol::Udp, seen.port(), gateway), Some(node));
    assert_eq!(nat.inbound(S, Protocol::Udp, seen.port(), stranger), None);
    assert_eq!(
        nat.inbound(S, Protocol::Tcp, seen.port(), gateway),
        None,
        "UDP and TCP have ports of their own"
    );
    assert_eq!(nat.outbound(S, Protocol::Udp, node, stranger), Some(seen), "one port for all destinations");
    assert_eq!(nat.inbound(S, Protocol::Udp, seen.port(), stranger), Some(node));
}

#[test]
fn an_unused_entry_is_forgotten_and_a_used_one_is_not() {
    let mut nat = nat(NatModel::default());
    let (node, gateway) = (address("10.0.0.2:5000"), address("198.51.100.1:443"));
    let first = nat.outbound(S, Protocol::Udp, node, gateway).unwrap();
    assert_eq!(nat.outbound(S * 25, Protocol::Udp, node, gateway), Some(first));
    assert_eq!(nat.inbound(S * 54, Protocol::Udp, first.port(), gateway), Some(node));
    assert_eq!(nat.inbound(S * 84, Protocol::Udp, first.port(), gateway), None);
    let second = nat.outbound(S * 85, Protocol::Udp, node, gateway).unwrap();
    assert_ne!(first, second);
    let tcp = nat.outbound(S * 85, Protocol::Tcp, node, gateway).unwrap();
    assert_eq!(
        nat.inbound(S * 3600, Protocol::Tcp, tcp.port(), gateway),
        Some(node),
        "TCP is kept for hours"
    );
}

#[test]
fn rebinding_gives_another_port_and_shuts_the_old_one() {
    let mut nat = nat(NatModel { rebind_every: Some(S * 60), ..NatModel::default() });
    let (node, gateway) = (address("10.0.0.2:5000"), address("198.51.100.1:443"));
    let first = nat.outbound(S * 50, Protocol::Udp, node, gateway).unwrap();
    assert_eq!(nat.inbound(S * 59, Protocol::Udp, first.port(), gateway), Some(node));
    assert_eq!(nat.inbound(S * 60, Protocol::Udp, first.port(), gateway), None);
    let second = nat.outbound(S * 61, Protocol::Udp, node, gateway).unwrap();
    assert_ne!(first, second);
    nat.rebind();
    assert_eq!(nat.inbound(S * 62, Protocol::Udp, second.port(), gateway), None);
    nat.readdress("203.0.113.8".parse().unwrap());
    let third = nat.outbound(S * 63, Protocol::Udp, node, gateway).unwrap();
    assert_eq!(third.ip().to_string(), "203.0.113.8");
}

#[test]
fn when_all_ports_are_in_use_nothing_more_goes_out_until_one_is_forgotten() {
    let mut nat = nat(NatModel::default());
    let gateway = address("198.51.100.1:443");
    let host = |i: u32| SocketAddr::new(std::net::Ipv4Addr::from(0x0a00_0000 + i).into(), 5000);
    let ports = u32::from(u16::MAX - FIRST_PORT) + 1;
    for i in 0..ports {
        assert!(nat.outbound(S, Protocol::Udp, host(i), gateway).is_some());
    }
    assert_eq!(nat.outbound(S, Protocol::Udp, host(ports), gateway), None);
    assert!(nat.outbound(S * 31, Protocol::Udp, host(ports), gateway).is_some());
    assert_eq!(nat.len(), usize::from(u16::MAX - FIRST_PORT) + 1);
}

proptest! {
    #[test]
    fn two_hosts_never_share_a_port(steps in proptest::collection::vec((0u8..6, 0u8..3, 0u64..40, any::<bool>()), 1..200)) {
        let mut nat = nat(NatModel { rebind_every: Some(S * 300), ..NatModel::default() });
        let mut now = Duration::ZERO;
        for (host, peer, wait, rebind) in steps {
            now += S * u32::try_from(wait).unwrap();
            if rebind && host == 0 {
                nat.rebind();
            }
            let (inside, to) = (SocketAddr::from(([10, 0, 0, host], 5000)), SocketAddr::from(([198, 51, 100, peer], 443)));
            let outside = nat.outbound(now, Protocol::Udp, inside, to).unwrap();
            prop_assert_eq!(nat.inbound(now, Protocol::Udp, outside.port(), to), Some(inside));
            prop_assert_eq!(nat.entries.len(), nat.ports.len());
        }
    }
}
