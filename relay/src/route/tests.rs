use super::*;
use crate::registry::Registry;
use crate::registry::tests::{Fake, at, id, registration};

fn want(server: Option<&str>, sticky: Option<&str>) -> Want {
    Want {
        server: server.map(id),
        sticky: sticky.map(id),
        service: "ssh".into(),
        client: None,
        trace: TraceId::random(),
    }
}

fn pick(registry: &Registry<Fake>, want: &Want, tried: &Tried, here: usize) -> Result<String, String> {
    choose(&registry.snapshot(), want, tried, Some(here), 0)
        .map(|way| match way.via {
            Some(via) => format!("{} via {via}", way.link.id),
            None => way.link.id,
        })
        .map_err(|error| error.code().to_owned())
}

fn with(tunnels: &[(&str, Fake)]) -> Registry<Fake> {
    let mut registry = Registry::default();
    for (server, fake) in tunnels {
        registry.register(registration(server, 1), fake.clone(), at(1)).unwrap();
    }
    registry
}

#[test]
fn the_best_tunnel_of_a_server() {
    let q = |name: &str, open, shard| ("a", Fake::new(name).with(open, shard));
    let t = |name: &str, open, shard| ("a", Fake::new(name).over_tls().with(open, shard));
    let table = [
        ("fewest streams", vec![q("x", 5, 1), q("y", 2, 1)], "y"),
        ("own shard when even", vec![q("x", 0, 1), q("y", 0, 0)], "y"),
        ("own shard within a quarter", vec![q("x", 8, 1), q("y", 10, 0)], "y"),
        ("not when it is busier", vec![q("x", 8, 1), q("y", 11, 0)], "x"),
        ("one idle, own in use", vec![q("x", 0, 1), q("y", 1, 0)], "x"),
        ("QUIC before TLS", vec![t("x", 0, 0), q("y", 50, 1)], "y"),
        ("TLS when there is no QUIC", vec![t("x", 3, 0)], "x"),
        ("TLS when QUIC is doubtful", vec![t("x", 3, 1), ("a", Fake::new("y").doubtful())], "x"),
        ("doubtful when there is nothing else", vec![("a", Fake::new("x").doubtful())], "x"),
    ];
    for (what, tunnels, expected) in table {
        let picked = pick(&with(&tunnels), &want(Some("a"), None), &Tried::default(), 0);
        assert_eq!(picked.as_deref(), Ok(expected), "{what}");
    }
}

#[test]
fn what_was_tried_is_not_tried_again() {
    let registry = with(&[("a", Fake::new("x")), ("a", Fake::new("y").with(3, 0))]);
    let want = want(Some("a"), None);
    let broke = Tried { links: vec!["x".into()], holders: vec![] };
    assert_eq!(pick(&registry, &want, &broke, 0).as_deref(), Ok("y"));
    let refused = Tried { links: vec![], holders: vec![id("a")] };
    assert!(pick(&registry, &want, &refused, 0).is_err());
}

#[test]
fn a_relay_is_taken_when_the_server_has_no_tunnel() {
    let mut registry = with(&[("a", Fake::new("x")), ("b", Fake::new("y").with(4, 0))]);
    for relay in [("a", "x"), ("b", "y")] {
        registry.update(&id(relay.0), relay.1, vec!["ssh".into()], vec![id("far")], false);
    }
    let far = want(Some("far"), None);
    assert_eq!(pick(&registry, &far, &Tried::default(), 0).as_deref(), Ok("x via a"));
    let refused = Tried { links: vec![], holders: vec![id("a")] };
    assert_eq!(pick(&registry, &far, &refused, 0).as_deref(), Ok("y via b"));
    registry.register(registration("far", 1), Fake::new("own"), at(2)).unwrap();
    assert_eq!(pick(&registry, &far, &Tried::default(), 0).as_deref(), Ok("own"));
}

#[test]
fn a_relay_is_better_than_a_doubtful_tunnel_of_its_own() {
    let mut registry = with(&[("far", Fake::new("own").doubtful()), ("a", Fake::new("x"))]);
    registry.update(&id("a"), "x", vec![], vec![id("far")], false);
    let far = want(Some("far"), None);
    assert_eq!(pick(&registry, &far, &Tried::default(), 0).as_deref(), Ok("x via a"));
    let refused = Tried { links: vec![], holders: vec![id("a")] };
    assert_eq!(pick(&registry, &far, &refused, 0).as_deref(), Ok("own"));
}

#[test]
fn a_stream_goes_on_only_with_the_same_process() {
    let mut registry = with(&[("a", Fake::new("x").doubtful()), ("a", Fake::new("y").over_tls())]);
    registry.drain(&id("a"), "y");
    let resumed = |registry: &Registry<Fake>, server, generation| match resume(
        &registry.snapshot(),
        &id(server),
        generation,
    ) {
        Onward::Over(link) => Onward::Over(link.id),
        Onward::NotYet => Onward::NotYet,
        Onward::Never => Onward::Never,
    };
    assert_eq!(resumed(&registry, "a", 1), Onward::Over("y".into()));
    registry.register(registration("a", 1), Fake::new("stays").over_tls().with(9, 0), at(1)).unwrap();
    assert_eq!(resumed(&registry, "a", 1), Onward::Over("stays".into()), "before one that leaves");
    assert_eq!(resumed(&registry, "a", 2), Onward::NotYet, "a start that counted from lower again");
    assert_eq!(resumed(&registry, "revoked", 1), Onward::Never);
    for tunnel in ["x", "y", "stays"] {
        registry.remove(&id("a"), tunnel, at(2));
    }
    assert_eq!(resumed(&registry, "a", 1), Onward::NotYet);
    registry.register(registration("a", 2), Fake::new("z"), at(2)).unwrap();
    assert_eq!(resumed(&registry, "a", 1), Onward::Never, "a newer start took over");
    registry.remove(&id("a"), "z", at(3));
    assert_eq!(resumed(&registry, "a", 1), Onward::Never, "and it is not undone by its end");
}

#[test]
fn what_is_known_about_a_server_without_a_way() {
    let mut registry =
        with(&[("gone", Fake::new("x")), ("leaving", Fake::new("y")), ("lost", Fake::new("z"))]);
    registry.remove(&id("gone"), "x", at(7));
    registry.drain(&id("leaving"), "y");
    for server in registry.snapshot().links().filter(|link| link.id == "z") {
        server.close();
    }
    let table = [
        ("nobody", "no-such-server"),
        ("gone", "unreachable"),
        ("lost", "unreachable"),
        ("leaving", "draining"),
    ];
    for (server, code) in table {
        let error = pick(&registry, &want(Some(server), None), &Tried::default(), 0).unwrap_err();
        assert_eq!(error, code, "{server}");
    }
}

#[test]
fn any_is_the_least_busy_unless_the_client_was_somewhere() {
    let registry = with(&[
        ("a", Fake::new("x").with(3, 0)),
        ("b", Fake::new("y").with(1, 0)),
        ("c", Fake::new("z").with(9, 0)),
    ]);
    let table = [(None, "y"), (Some("c"), "z"), (Some("unknown"), "y")];
    for (sticky, expected) in table {
        let picked = pick(&registry, &want(None, sticky), &Tried::default(), 0);
        assert_eq!(picked.as_deref(), Ok(expected), "{sticky:?}");
    }
    let all = Tried { links: vec![], holders: vec![id("a"), id("b"), id("c")] };
    assert_eq!(pick(&registry, &want(None, None), &all, 0).unwrap_err(), "nobody-offers");
}

#[test]
fn a_server_that_rests_is_taken_where_it_is_named_or_was_used_or_is_alone() {
    let busy = |name| Fake::new(name).with(9, 0);
    let mut registry = with(&[("a", Fake::new("x")), ("b", busy("y")), ("c", busy("z"))]);
    let rest = |registry: &mut Registry<Fake>, server, tunnel| {
        registry.update(&id(server), tunnel, vec!["ssh".into()], vec![id("far")], true);
    };
    registry.update(&id("b"), "y", vec!["ssh".into()], vec![id("far")], false);
    rest(&mut registry, "a", "x");
    let refused = Tried { links: vec![], holders: vec![id("b"), id("c")] };
    let table = [
        ("any", want(None, None), Tried::default(), "y"),
        ("named", want(Some("a"), None), Tried::default(), "x"),
        ("used before", want(None, Some("a")), Tried::default(), "x"),
        ("alone", want(None, None), refused, "x"),
        ("on the way to another", want(Some("far"), None), Tried::default(), "y via b"),
    ];
    for (what, want, tried, expected) in table {
        assert_eq!(pick(&registry, &want, &tried, 0).as_deref(), Ok(expected), "{what}");
    }
    // A new start of it is a new server, until it says otherwise.
    registry.register(registration("a", 2), Fake::new("new"), at(2)).unwrap();
    assert_eq!(pick(&registry, &want(None, None), &Tried::default(), 0).as_deref(), Ok("new"));
}

#[test]
fn a_sticky_server_that_leaves_is_left() {
    let mut registry = with(&[("a", Fake::new("x")), ("b", Fake::new("y").with(5, 0))]);
    registry.drain(&id("a"), "x");
    assert_eq!(pick(&registry, &want(None, Some("a")), &Tried::default(), 0).as_deref(), Ok("y"));
}

#[test]
fn equal_servers_take_turns() {
    let registry = with(&[("a", Fake::new("x")), ("b", Fake::new("y")), ("c", Fake::new("z"))]);
    let snapshot = registry.snapshot();
    let picked: Vec<String> = (0..3)
        .map(|turn| choose(&snapshot, &want(None, None), &Tried::default(), None, turn).unwrap().link.id)
        .collect();
    assert_eq!(picked, ["x", "y", "z"]);
}
