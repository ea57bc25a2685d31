use proptest::prelude::*;

use super::*;
use crate::boxes::{Crossing, Udp};
use crate::link::Rate;

fn parsed(text: &str) -> Result<Plan, String> {
    parse(std::path::Path::new("p.toml"), text).map_err(|error| error.to_string())
}

/// A small plan, with `more` behind it.
fn small(more: &str) -> String {
    format!(
        "title = \"t\"\nlength = \"60s\"\n\
         [path.uplink]\nboth = {{ delay = \"5ms\" }}\nshared = true\nnat = {{}}\nfirewall = {{}}\n\
         [path.port]\nboth = {{}}\n\
         [path.home]\nup = {{ rate = \"5Mbit/s\" }}\ndown = {{ rate = \"50Mbit/s\" }}\n\
         [[host]]\nname = \"gw\"\nrole = \"gateway\"\n\
         [[host]]\nname = \"node\"\nrole = \"node\"\ncount = 2\npath = [\"port\", \"uplink\"]\n\
         [[host]]\nname = \"user\"\nrole = \"client\"\npath = [\"home\"]\n\
         [[work]]\nname = \"typing\"\ndo = \"keystrokes\"\nfrom = \"user\"\nto = \"node\"\n{more}"
    )
}

#[test]
fn every_shipped_plan_is_a_plan() {
    for Shipped { name, text } in SHIPPED {
        let path = std::path::PathBuf::from(format!("{name}.toml"));
        let plan = parse(&path, text).unwrap_or_else(|error| panic!("{error}"));
        assert!(!plan.expects.is_empty(), "{name} says what must hold");
    }
}

#[test]
fn an_error_has_a_place_a_caret_and_a_suggestion() {
    let cases = [
        ("[[work]]\nname = \"x\"\ndoo = \"bulk\"", "unknown key `doo`", "^^^ did you mean `do`?"),
        (
            "[[fault]]\nat = \"1s\"\ndo = { kil = \"gw\" }",
            "`kil` is not one of the choices",
            "^^^ did you mean `kill`?",
        ),
        (
            "[[fault]]\nat = \"1s\"\ndo = { kill = \"gv\" }",
            "there is no host `gv`",
            "^^^^ did you mean `gw`?",
        ),
        (
            "[[fault]]\nat = \"1s\"\ndo = { rebind = \"home\" }",
            "the path `home` has no nat",
            "^^^^^^ put `nat = {}` into [path.home]",
        ),
        (
            "[[fault]]\nat = \"1s\"\ndo = { drain = \"node-2\" }",
            "`node-2` is not a gateway",
            "^^^^^^^^ write the name of a gateway",
        ),
        (
            "[[fault]]\nat = \"1 parsec\"\ndo = { kill = \"gw\" }",
            "string \"1 parsec\" is not a time with its unit",
            "^^^^^^^^^^",
        ),
        ("[[expect]]\nof = \"typeing\"", "there is no work `typeing`", "did you mean `typing`?"),
        (
            "[[host]]\nname = \"node-1\"\nrole = \"node\"",
            "there is another host `node-1`",
            "choose another name",
        ),
        (
            "[[host]]\nname = \"n\"\nrole = \"node\"\npath = [\"uplink\"]\nreaches = [\"node\"]",
            "only a relay reaches others",
            "remove `reaches`",
        ),
        (
            "[path.x]\nup = { rate = \"100Mbps\" }",
            "string \"100Mbps\" is not a rate, such as \"100Mbit/s\"",
            "^^^^^^^^^",
        ),
        (
            "[[fault]]\nat = \"1s\"\ndo = { rebind = \"uplink\" }\nevery = \"1ms\"",
            "comes again more than 10000 times",
            "make `every` longer",
        ),
        ("[[host]]\nname = \"n\"\nrole = \"node\"\ncount = 100000", "`count` is 1 or more", "change `count`"),
        ("[path.x]\nboth = { delay = \"2h\" }", "at most 1h", "^^^^"),
        ("[path.x]\nup = {}", "either `both`, or `up` and `down`", "^"),
        (
            "[[fault]]\nat = \"1s\"\ndo = { restart = \"gw\" }\nlasts = \"1s\"",
            "cannot be undone",
            "remove `lasts`",
        ),
    ];
    for (more, what, hint) in cases {
        let error = parsed(&small(more)).unwrap_err();
        assert!(error.starts_with("p.toml:2") || error.starts_with("p.toml:3"), "{error}");
        assert!(error.contains(what) && error.contains(hint), "{error}");
    }
    let error = parsed("title = \"t\"\nlength = \"60s\nhost = []").unwrap_err();
    assert!(error.starts_with("p.toml:2:"), "{error}");
}

#[test]
fn a_shared_path_leads_to_one_place() {
    let more = "[[host]]\nname = \"n\"\nrole = \"node\"\npath = [\"uplink\", \"home\"]";
    assert!(parsed(&small(more)).unwrap_err().contains("`home` is beyond `uplink`"));
}

#[test]
fn hosts_behind_a_shared_path_meet_below_it() {
    let plan = parsed(&small("")).unwrap();
    let topology = Topology::new(&plan);
    assert_eq!(topology.hosts().count(), 4);
    assert_eq!(topology.links().count(), 4, "two ports, one uplink, one home");
    let one = |name: &str| topology.hosts_named(name)[0];
    let named = |from: &str, to: &str| -> Vec<String> {
        let hops = topology.route(one(from), one(to));
        hops.iter().map(|hop| format!("{:?} {}", hop.crossing, topology.link_name(hop.link))).collect()
    };
    assert_eq!(named("node-1", "node-2"), ["Out port of node-1", "In port of node-2"]);
    assert_eq!(named("node-1", "gw"), ["Out port of node-1", "Out uplink"]);
    assert_eq!(named("user", "node-2"), ["Out home of user", "In uplink", "In port of node-2"]);
    assert!(topology.route(one("gw"), one("gw")).is_empty());
    assert_eq!(topology.hosts_named("node").len(), 2);
    assert_eq!(topology.links_named("node-2"), topology.ladder(one("node-2"))[..1]);
    assert_eq!(topology.links_named("uplink").len(), 1);
    assert!(topology.path(&plan, topology.links_named("uplink")[0]).shared);
    assert_eq!(topology.route(one("user"), one("gw"))[0].crossing, Crossing::Out);
}

#[test]
fn a_way_is_the_sum_of_its_links() {
    let plan = parse(std::path::Path::new("hotel.toml"), shipped("hotel").unwrap().text).unwrap();
    let topology = Topology::new(&plan);
    let one = |name: &str| topology.hosts_named(name)[0];
    let way = Way::new(&plan, &topology, one("laptop"), one("gateway"));
    assert_eq!(way.delay, Duration::from_millis(13));
    assert_eq!(way.rate, Some(Rate::bits_per_second(40_000_000)));
    assert!((way.loss.get() - 0.03).abs() < 1e-9);
    assert_eq!(way.mtu, 1500);
}

#[test]
fn faults_are_undone_and_repeated() {
    let more = "[[fault]]\nat = \"10s\"\ndo = { cut = \"uplink\" }\nlasts = \"2s\"\nevery = \"20s\"\n\
                [[fault]]\nat = \"11s\"\ndo = { udp = { path = \"uplink\", becomes = \"blocked\" } }\nlasts = \"30s\"\n\
                [[fault]]\nat = \"15s\"\ndo = { change = { path = \"home\", both = { rate = \"1Mbit/s\" } } }\nlasts = \"3s\"";
    let plan = parsed(&small(more)).unwrap();
    let steps = plan.steps();
    let at: Vec<u64> = steps.iter().map(|step| step.at.as_secs()).collect();
    assert_eq!(at, [10, 11, 12, 15, 18, 30, 32, 41, 50, 52]);
    assert_eq!(steps[2].action, Action::Mend("uplink".into()));
    let Action::Change(change) = &steps[4].action else { panic!("{:?}", steps[4]) };
    assert_eq!(change.up.rate, Some(Rate::bits_per_second(5_000_000)));
    assert!(matches!(&steps[7].action, Action::Udp(udp) if udp.becomes == Udp::Open));
}

#[test]
fn the_way_back_is_the_way_there_turned_round() {
    for Shipped { name, text } in SHIPPED {
        let plan = parse(name.as_ref(), text).unwrap();
        let topology = Topology::new(&plan);
        for from in topology.hosts() {
            for to in topology.hosts() {
                let mut back = topology.route(to, from);
                back.reverse();
                let turned = |hop: Hop| match hop.crossing {
                    Crossing::Out => Hop { crossing: Crossing::In, ..hop },
                    Crossing::In => Hop { crossing: Crossing::Out, ..hop },
                };
                assert_eq!(topology.route(from, to), back.into_iter().map(turned).collect::<Vec<_>>());
            }
        }
    }
}

proptest! {
    /// A slip of the hand anywhere is an error with a place, or another plan; never a panic.
    #[test]
    fn any_slip_in_a_plan_is_taken(
        which in 0..SHIPPED.len(), at in any::<prop::sample::Index>(), cut in 0usize..12,
        put in prop_oneof![Just("\""), Just("0"), Just("99999999"), Just("ä"), Just("]"), Just("\n"), Just("{}"), Just("")],
    ) {
        let mut text: Vec<char> = SHIPPED[which].text.chars().collect();
        let start = at.index(text.len());
        let end = (start + cut).min(text.len());
        text.splice(start..end, put.chars());
        match parsed(&text.into_iter().collect::<String>()) {
            Ok(plan) => {
                let topology = Topology::new(&plan);
                prop_assert!(topology.hosts().count() <= 100_000);
                prop_assert!(plan.steps().is_sorted_by_key(|step| step.at));
            }
            Err(error) => prop_assert!(error.starts_with("p.toml:"), "{}", error),
        }
    }
}
