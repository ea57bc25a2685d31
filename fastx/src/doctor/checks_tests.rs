use std::path::PathBuf;
use std::time::Duration;

use ::cluster::transporter::probe::{Certificate, Seen};
use jiff::Timestamp;
use tunnel::quic::BufferSizes;

use super::*;
use crate::doctor::facts::{
    BrokerFacts, Disk, GatewayFacts, Mode, NearbyFacts, OpenFiles, Service, Tried, UdpPath,
};

const MS: Duration = Duration::from_millis(1);

fn now() -> Timestamp {
    "2026-11-22T20:00:00Z".parse().unwrap()
}

/// A member with everything in order.
fn well() -> Facts {
    let ends = "2027-11-22T20:00:00Z".parse().unwrap();
    let seen = Seen {
        server: "mgr:4222".into(),
        reached: Ok(MS),
        certificate: Some(Ok(Certificate { ends, unchecked: false })),
    };
    let buffers = BufferSizes { receive: 8 << 20, send: 8 << 20, asked: 8 << 20 };
    let gateway = GatewayFacts {
        address: "gw:443".into(),
        udp_wanted: true,
        tcp_wanted: true,
        tls: Ok(MS),
        udp: Ok(UdpPath { rtt: MS, buffers }),
        ahead: Some(0.4),
    };
    Facts {
        now: now(),
        config_dir: "/etc/fastx".into(),
        local_dir: "/var/fastx/local".into(),
        bad_files: Vec::new(),
        good_files: 2,
        secrets: vec![Mode { path: "/etc/fastx/broker.json".into(), mode: 0o100_600, is_folder: false }],
        service: Service::Runs { version: None, status: None, link: None },
        unit: "fastx-node",
        broker: Some(BrokerFacts { servers: vec![seen], login: Some(Ok(MS)) }),
        store: Some(Ok(Tried { took: MS, ahead: Some(0.01) })),
        damaged: Vec::new(),
        members: Some(vec![("a".into(), env!("CARGO_PKG_VERSION").into())]),
        gateways: vec![gateway],
        nearby: vec![NearbyFacts { name: "service ssh".into(), place: "127.0.0.1:22".into(), found: Ok(()) }],
        files: OpenFiles { most: 524_288, of_service: true },
        disk: Some(Disk { free_bytes: 10 << 30, free_inodes: 1 << 20, has_inodes: true }),
    }
}

/// What a change of the facts makes of one check.
fn judged(check: &str, change: impl FnOnce(&mut Facts)) -> (Outcome, String, String) {
    let mut facts = well();
    change(&mut facts);
    let report = judge(&facts);
    let worst = report.checks.iter().filter(|verdict| verdict.check == check).max_by_key(|verdict| {
        [Outcome::Skip, Outcome::Pass, Outcome::Warn, Outcome::Fail]
            .iter()
            .position(|outcome| *outcome == verdict.outcome)
    });
    let worst = worst.unwrap();
    assert_eq!(report.ok, worst.outcome != Outcome::Fail);
    (worst.outcome, worst.found.clone(), worst.mend.clone().unwrap_or_default())
}

#[test]
fn nothing_is_wrong_with_a_server_that_is_well() {
    let report = judge(&well());
    assert!(report.checks.iter().all(|verdict| verdict.outcome == Outcome::Pass), "{report:#?}");
    assert_eq!(report.checks.len(), CHECKS.len() + 1, "two clocks");
    let text = crate::doctor::report::text(&report, false);
    assert!(text.ends_with("nothing is wrong\n"), "{text}");
}

#[test]
fn files_and_modes() {
    let path = PathBuf::from("/etc/fastx/broker.json");
    let (outcome, found, mend) = judged("configuration", |facts| {
        facts.bad_files = vec![(path, "broker.json:1:2: unknown key".into())];
    });
    assert_eq!((outcome, found.as_str()), (Outcome::Fail, "broker.json:1:2: unknown key"));
    assert!(mend.starts_with("sudoedit /etc/fastx/broker.json"), "{mend}");
    let (outcome, _, mend) = judged("modes", |facts| facts.secrets[0].mode = 0o100_640);
    assert_eq!((outcome, mend.as_str()), (Outcome::Fail, "chmod 600 /etc/fastx/broker.json"));
    let (outcome, ..) = judged("modes", |facts| facts.secrets.clear());
    assert_eq!(outcome, Outcome::Skip);
}

#[test]
fn the_machine() {
    let disk = |free_bytes| judged("disk", |facts| facts.disk.as_mut().unwrap().free_bytes = free_bytes).0;
    assert_eq!(
        (disk(1 << 20), disk(100 << 20), disk(1 << 30)),
        (Outcome::Fail, Outcome::Warn, Outcome::Pass)
    );
    assert_eq!(judged("disk", |facts| facts.disk = None).2, "mkdir -p -m 700 /var/fastx/local");
    let full = judged("disk", |facts| facts.disk.as_mut().unwrap().free_inodes = 3);
    assert_eq!(full.0, Outcome::Fail);
    let files = |most| judged("limits", |facts| facts.files.most = most).0;
    assert_eq!((files(256), files(4096), files(u64::MAX)), (Outcome::Fail, Outcome::Warn, Outcome::Pass));
    let shell = judged("limits", |facts| facts.files = OpenFiles { most: 256, of_service: false });
    assert_eq!(shell.0, Outcome::Warn, "a shell's limit is not the service's");
    let (outcome, _, mend) = judged("service", |facts| facts.service = Service::Not { why: "dead".into() });
    assert_eq!((outcome, mend.as_str()), (Outcome::Fail, "systemctl start fastx-node"));
    let old = |facts: &mut Facts| {
        facts.service = Service::Runs { version: Some("0.0.1".into()), status: None, link: None }
    };
    assert_eq!(judged("service", old).0, Outcome::Warn);
}

#[test]
fn the_broker_step_by_step() {
    let (outcome, found, mend) = judged("broker", |facts| {
        let seen = &mut facts.broker.as_mut().unwrap().servers[0];
        seen.reached = Err("connection refused".into());
    });
    assert_eq!((outcome, found.as_str()), (Outcome::Fail, "mgr:4222 cannot be reached: connection refused"));
    assert!(mend.starts_with("nc -vz mgr 4222"), "{mend}");
    let one_of_two = |facts: &mut Facts| {
        let servers = &mut facts.broker.as_mut().unwrap().servers;
        servers.push(servers[0].clone());
        servers[1].reached = Err("no answer".into());
    };
    assert_eq!(judged("broker", one_of_two).0, Outcome::Warn);
    let shown = |certificate: Result<Certificate, String>| {
        judged("broker-tls", |facts| {
            facts.broker.as_mut().unwrap().servers[0].certificate = Some(certificate)
        })
    };
    assert_eq!(shown(Err("UnknownIssuer".into())).0, Outcome::Fail);
    let soon = "2026-12-01T20:00:00Z".parse().unwrap();
    let (outcome, found, _) = shown(Ok(Certificate { ends: soon, unchecked: false }));
    assert_eq!((outcome, found.as_str()), (Outcome::Warn, "the certificate of mgr:4222 ends in 9 days"));
    let far = "2027-12-01T20:00:00Z".parse().unwrap();
    assert_eq!(shown(Ok(Certificate { ends: far, unchecked: true })).0, Outcome::Warn);
    let login = judged("broker-login", |facts| {
        facts.broker.as_mut().unwrap().login = Some(Err("authorization violation".into()));
    });
    assert_eq!((login.0, login.1.as_str()), (Outcome::Fail, "not let in: authorization violation"));
    let down = ::cluster::transporter::Link::Down { since: now(), why: "lost".into() };
    let service = Service::Runs { version: None, status: None, link: Some(down) };
    assert_eq!(judged("broker-login", |facts| facts.service = service).0, Outcome::Fail);
    assert_eq!(judged("broker", |facts| facts.broker = None).0, Outcome::Skip);
}

#[test]
fn store_members_and_clocks() {
    let store = judged("store", |facts| facts.store = Some(Err("no cluster manager is running".into())));
    assert_eq!(store.0, Outcome::Fail);
    assert_eq!(judged("store", |facts| facts.damaged.push("motd.json.damaged".into())).0, Outcome::Warn);
    let (outcome, found, _) =
        judged("versions", |facts| facts.members.as_mut().unwrap().push(("b".into(), "0.0.9".into())));
    assert!(outcome == Outcome::Warn && found.contains("b has 0.0.9"), "{found}");
    let clock =
        |ahead| judged("clock", |facts| facts.store = Some(Ok(Tried { took: MS, ahead: Some(ahead) })));
    assert_eq!((clock(29.0).0, clock(-45.0).0, clock(61.0).0), (Outcome::Pass, Outcome::Warn, Outcome::Fail));
    assert!(clock(-45.0).1.starts_with("this clock is 45.0 s ahead of that of the manager"));
    assert!(clock(61.0).2.starts_with("timedatectl"));
    assert_eq!(judged("clock", |facts| facts.gateways[0].ahead = Some(100.0)).0, Outcome::Fail);
}

#[test]
fn ways_to_gateways_and_what_is_near() {
    let dead = |facts: &mut Facts| facts.gateways[0].tls = Err("refused".into());
    assert_eq!(judged("gateway", dead).0, Outcome::Fail);
    let dropped = |facts: &mut Facts| facts.gateways[0].udp = Err("no answer".into());
    let (outcome, _, mend) = judged("udp", dropped);
    assert!(outcome == Outcome::Warn && mend.starts_with("let UDP to gw:443 out"), "{mend}");
    let only = |facts: &mut Facts| {
        dropped(facts);
        facts.gateways[0].tcp_wanted = false;
    };
    assert_eq!(judged("udp", only).0, Outcome::Fail);
    let unwanted = |facts: &mut Facts| {
        dropped(facts);
        facts.gateways[0].udp_wanted = false;
    };
    assert_eq!(judged("udp", unwanted).0, Outcome::Skip);
    let small = |facts: &mut Facts| facts.gateways[0].udp.as_mut().unwrap().buffers.receive = 212_992;
    let (outcome, _, mend) = judged("udp-buffers", small);
    assert_eq!(outcome, Outcome::Warn);
    assert_eq!(mend, "sysctl -w net.core.rmem_max=8388608 net.core.wmem_max=8388608");
    let port = |facts: &mut Facts| facts.nearby[0].found = Err("refused".into());
    assert_eq!(judged("ports", port).2, "ss -lntxp | grep 127.0.0.1:22");
}
