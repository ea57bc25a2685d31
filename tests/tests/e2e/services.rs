//! Named services: on a unix socket, on any node that offers them, and changed while streams run.

use std::time::Duration;

use e2e::checked::{Load, Running, transfer_within};
use e2e::curl::curl;
use e2e::node::CHECKED;
use e2e::services::Nginx;
use e2e::{Gateway, Host, World, wait_for};
use rustix::process::Signal;
use serde_json::json;

fn carries(client: &Host, gateway: &Gateway, port: u16) -> Result<(), String> {
    let load = Load::both_ways(50_000);
    client.namespace().block_on(transfer_within(gateway.at(port), load, Duration::from_secs(20))).map(|_| ())
}

#[test]
fn a_service_may_be_a_unix_socket() {
    let world = World::new("unix");
    let gateway = world.gateway("g1").serving(8080, "web", "n1").start();
    let client = world.host("client");
    let host = world.host("n1");
    let socket = host.path("web.sock");
    let options = format!("; listen unix:{}", socket.display());
    let nginx = Nginx::start(&host, 8000, &options, "");
    std::fs::write(nginx.root.join("file"), "over a unix socket").expect("our own folder");
    let entry = json!({ "connect": format!("unix:{}", socket.display()) });
    let _node = e2e::node::Setup::on(host).behind_firewall().offers("web", entry).dials(&gateway).connected();
    let answer = curl(&client, &gateway.ca(), &[&format!("http://{}:8080/file", gateway.host().ip())]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "over a unix socket"), "{answer:?}");
}

#[test]
fn any_node_that_offers_a_service_takes_over_from_a_dead_one() {
    let world = World::new("any");
    let gateway = world.gateway("g1").serving(7000, "checked", "any").start();
    let client = world.host("client");
    let [mut n1, n2] = ["n1", "n2"].map(|id| world.node(id).behind_firewall().dials(&gateway).connected());
    let held: Vec<_> = (0..8).map(|_| Running::start(&client, gateway.at(7000), Load::steady())).collect();
    assert!(n1.checked.open() > 0 && n2.checked.open() > 0, "one node has all the streams");
    drop(held);
    n1.process.kill();
    wait_for("ten new streams in a row", Duration::from_secs(15), || {
        (0..10).try_for_each(|_| carries(&client, &gateway, 7000))
    });
}

#[test]
fn a_node_takes_a_new_service_without_cutting_streams() {
    let world = World::new("new-service");
    let gateway = world.gateway("g1").serving(7001, "checked", "n1").serving(7002, "late", "n1").start();
    let client = world.host("client");
    let node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let stream = Running::start(&client, gateway.at(7001), Load::steady());
    assert!(carries(&client, &gateway, 7002).is_err(), "nobody offers it yet");
    let with = |name: &str| json!({ "checked": { "connect": CHECKED }, name: { "connect": CHECKED } });
    node.files().write_text("services.json", "{ \"late\": }");
    node.process.signal(Signal::HUP);
    wait_for("the bad file to be named", Duration::from_secs(30), || {
        let status = node.status()?;
        let named = status["reloadError"].as_str().is_some_and(|error| error.contains("services.json:1:"));
        if named { Ok(()) } else { Err(format!("{status:#}")) }
    });
    node.files().write("services.json", &with("late"));
    node.process.signal(Signal::HUP);
    wait_for("the new service", Duration::from_secs(30), || carries(&client, &gateway, 7002));
    stream.finish().expect("whole");
}
