use std::time::Duration;

use super::*;
use crate::outcome::{Quantity, What};
use crate::plan::{parse, shipped};

const MS: Duration = Duration::from_millis(1);

/// An outcome of the shipped campus plan as a run would give it, with made-up numbers.
fn made_up(plan: &Plan, tunnels: u32) -> Outcome {
    let mut outcome = Outcome::new(plan, 7);
    for i in 1..=400u32 {
        let (at, wave) = (MS * 100 * i, f64::from(i) / 20.0);
        for (index, work) in outcome.work.iter_mut().enumerate() {
            let last = work.progress.last().map_or(0, |(_, bytes)| *bytes);
            work.progress.push((at, last + 1_100_000 * (2 - index as u64)));
            work.latencies.record(MS * (20 + i % 13));
            (work.opened, work.finished) = (3, 3);
        }
        for tunnel in 1..=tunnels {
            let value = if (250..280).contains(&i) {
                f64::NAN
            } else {
                0.03 + 0.01 * (wave + f64::from(tunnel)).sin()
            };
            outcome.sample(Quantity::Rtt, &format!("node-{tunnel} to gateway"), at, value);
            outcome.sample(
                Quantity::Window,
                &format!("node-{tunnel} to gateway"),
                at,
                2e6 + 1e6 * wave.cos(),
            );
        }
        outcome.sample(Quantity::Queue, "uplink up", at, 3e5 * (1.0 + wave.sin()));
        outcome.sample(Quantity::Latency, "typing", at, 0.02);
    }
    outcome.event(MS * 900, What::TunnelUp, "node-1", "to gateway");
    outcome.event(MS * 26_500, What::TunnelDown, "node-1", "timed <out>");
    outcome.tunnels(MS * 900, "node-1", 1);
    outcome.tunnels(MS * 950, "node-2", 1);
    outcome.packets.dropped.insert("queue full".into(), 12);
    outcome
}

fn campus() -> Plan {
    parse(Path::new("campus.toml"), shipped("campus").unwrap().text).unwrap()
}

#[test]
fn the_page_shows_every_quantity_with_its_unit_and_obeys_nothing_in_names() {
    let plan = campus();
    let outcome = made_up(&plan, 2);
    let html = Report::new(&plan, &outcome, "fastx sim campus --seed 7".into()).html();
    for title in [
        "Events",
        "Throughput",
        "Latency",
        "Round trip",
        "Congestion window",
        "Queue",
        "Work",
        "Packets",
        "Paths",
    ] {
        assert!(html.contains(&format!("<h2>{title}</h2>")), "{title}");
    }
    for unit in [" Mbit/s</text>", " ms</text>", " MB</text>", " kB</text>"] {
        assert!(html.contains(unit), "{unit}");
    }
    assert!(html.contains("timed &lt;out&gt;") && !html.contains("<out>"));
    assert!(html.contains("uplink cut") && html.contains("fastx sim campus --seed 7"));
    assert!(!html.contains("NaN") && !html.contains("inf"));
    assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
    assert!(!html.contains("http"), "the page needs nothing else");
}

#[test]
fn many_lines_become_their_middle_and_range() {
    let plan = campus();
    let outcome = made_up(&plan, 40);
    let html = Report::new(&plan, &outcome, String::new()).html();
    assert!(html.contains("the middle of 40; shaded: the smallest to the largest"));
    assert_eq!(html.matches("<polygon class=\"band\"").count(), 3, "one of them has a gap");
    assert!(html.len() < 500_000, "{}", html.len());
}

#[test]
fn the_summary_names_what_fails_and_how_to_see_it_again() {
    let plan = campus();
    let mut outcome = made_up(&plan, 2);
    let report = Report::new(&plan, &outcome, "fastx sim campus --seed 7".into());
    assert!(report.holds(), "{}", summary(&report));
    outcome.work[0].lost = 1;
    let report = Report::new(&plan, &outcome, "fastx sim campus --seed 7".into());
    let said = summary(&report);
    assert!(said.contains("FAILS  typing: streams lost") && said.contains("1 of 3"), "{said}");
    assert!(said.ends_with("1 of 6 do not hold; again: fastx sim campus --seed 7\n"), "{said}");
}

#[test]
fn a_folder_with_the_page_and_the_numbers_is_written() {
    let plan = campus();
    let outcome = made_up(&plan, 2);
    let folder = tempfile::tempdir().unwrap();
    let report = Report::new(&plan, &outcome, "again".into());
    report.write(&folder.path().join("new/one")).unwrap();
    let json = std::fs::read_to_string(folder.path().join("new/one/outcome.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["holds"], true);
    assert!(folder.path().join("new/one/report.html").exists());
    let error = report.write(Path::new("/proc/none")).unwrap_err().to_string();
    assert!(error.starts_with("cannot write /proc/none"), "{error}");
}

#[test]
fn the_page_shows_how_long_nodes_were_away_and_what_they_take() {
    let plan = parse(Path::new("scale.toml"), shipped("scale").unwrap().text).unwrap();
    let mut outcome = Outcome::new(&plan, 1);
    let counts = [(30, 1_000.0), (54, 1_000.0), (56, 400.0), (77, 990.0), (120, 1_000.0)];
    for (at, count) in counts {
        outcome.sample(Quantity::Whole, "nodes", MS * 1000 * at, count);
    }
    outcome.dial(MS * 76_000, "gateway-1");
    let mut cost = Cost::default();
    for (at, bytes) in [(0, 0), (24, 200_000_000), (54, 500_000_000)] {
        cost.note(MS * 1000 * at, bytes);
    }
    let html = Report::new(&plan, &outcome, String::new()).with_cost(&cost).html();
    for shown in [
        "fewer from 56.0 s on, again",
        "after 2.00 s",
        "<td class=\"n\">200 kB</td>",
        "<td class=\"n\">30.0 kB</td>",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
}
