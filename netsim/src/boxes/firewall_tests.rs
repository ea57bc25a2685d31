use super::*;

const S: Duration = Duration::from_secs(1);

fn flow(protocol: Protocol) -> Flow {
    Flow { protocol, inside: "10.0.0.2:5000".parse().unwrap(), outside: "198.51.100.1:443".parse().unwrap() }
}

fn firewall(udp: Udp) -> Firewall {
    Firewall::new(FirewallModel { udp, ..FirewallModel::default() })
}

#[test]
fn only_answers_come_in() {
    let mut wall = firewall(Udp::Open);
    for protocol in [Protocol::Udp, Protocol::Tcp] {
        assert!(!wall.passes(S, Crossing::In, flow(protocol), 100));
        assert!(wall.passes(S, Crossing::Out, flow(protocol), 100));
        assert!(wall.passes(S * 2, Crossing::In, flow(protocol), 100));
        assert!(!wall.passes(S * 182, Crossing::In, flow(protocol), 100), "forgotten after 180 s");
    }
    let mut open = Firewall::new(FirewallModel { inbound: true, ..FirewallModel::default() });
    assert!(open.passes(S, Crossing::In, flow(Protocol::Tcp), 100));
}

#[test]
fn udp_is_blocked_from_the_start_or_later_and_tcp_is_not() {
    let mut blocked = firewall(Udp::Blocked);
    assert!(!blocked.passes(S, Crossing::Out, flow(Protocol::Udp), 100));
    assert!(blocked.passes(S, Crossing::Out, flow(Protocol::Tcp), 100));
    let mut later = firewall(Udp::BlockedAfter(S * 60));
    assert!(later.passes(S * 59, Crossing::Out, flow(Protocol::Udp), 100));
    assert!(!later.passes(S * 60, Crossing::Out, flow(Protocol::Udp), 100));
    assert!(later.passes(S * 60, Crossing::Out, flow(Protocol::Tcp), 100));
}

#[test]
fn slowed_udp_gets_its_rate_and_not_more() {
    let mut slow = firewall(Udp::AtMost("8Mbit/s".parse().unwrap()));
    let mut passed = 0;
    for ms in 0..10_000 {
        // 3 MB/s are offered where 1 MB/s may pass.
        for _ in 0..2 {
            passed +=
                usize::from(slow.passes(Duration::from_millis(ms), Crossing::Out, flow(Protocol::Udp), 1500))
                    * 1500;
        }
    }
    assert!((9_900_000..=10_060_000).contains(&passed), "{passed}");
    assert!(slow.passes(S * 10, Crossing::In, flow(Protocol::Udp), 1500), "each direction for itself");
}
