//! The page `README.md`: what stands between two markers is written from results, the rest by people.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::plot::{Chart, svg};
use crate::results::Results;
use crate::selection::{LOOPBACK, VETH};
use crate::systems::Kind;
use crate::table;

const BEGIN: &str = "<!-- bench: written by `make bench`, from here -->";
const END: &str = "<!-- bench: to here -->";

const CHARTS: [Chart; 6] = [
    Chart {
        file: "throughput",
        title: "Throughput on loopback",
        place: LOOPBACK,
        figures: &["up_1", "down_1", "up_8", "down_8"],
        wanted: is_tunnel,
    },
    Chart {
        file: "cpu",
        title: "Processor time of the tunnel",
        place: LOOPBACK,
        figures: &["cpu_up_1", "cpu_down_1", "cpu_up_8", "cpu_down_8"],
        wanted: is_tunnel,
    },
    Chart {
        file: "latency",
        title: "Round trips and rates",
        place: LOOPBACK,
        figures: &["rtt_p50", "rtt_p99", "requests", "connections"],
        wanted: is_tunnel,
    },
    Chart {
        file: "memory",
        title: "Memory",
        place: LOOPBACK,
        figures: &["idle_mb", "held_kb"],
        wanted: is_tunnel,
    },
    Chart {
        file: "relay",
        title: "Plaintext relays",
        place: LOOPBACK,
        figures: &["up_1", "down_1", "cpu_up_1", "connections"],
        wanted: is_relay,
    },
    Chart {
        file: "veth",
        title: "Throughput between two namespaces, MTU 1500",
        place: VETH,
        figures: &["up_1", "down_1", "up_8", "down_8"],
        wanted: is_tunnel,
    },
];

fn is_tunnel(kind: Kind) -> bool {
    !kind.is_relay()
}

fn is_relay(kind: Kind) -> bool {
    kind.is_relay() || kind == Kind::Direct
}

/// Rewrites the plots and the generated part of `room/README.md`.
pub(crate) fn write(room: &Path, results: &Results) -> Result<()> {
    for chart in &CHARTS {
        if let Some(drawing) = svg(chart, results) {
            fs::write(room.join("plots").join(format!("{}.svg", chart.file)), drawing)?;
        }
    }
    let path = room.join("README.md");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (before, rest) =
        text.split_once(BEGIN).with_context(|| format!("README.md lost its marker {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("README.md lost its marker {END}"))?;
    fs::write(&path, format!("{before}{BEGIN}\n{}{END}{after}", report(results)))?;
    eprintln!("bench: {} and its plots are written", path.display());
    Ok(())
}

/// Shows the same report without keeping it.
pub(crate) fn print(results: &Results) -> Result<()> {
    println!("{}", report(results));
    Ok(())
}

fn report(results: &Results) -> String {
    let plot = |file: &str| {
        let title = CHARTS.iter().find(|chart| chart.file == file).map_or("", |chart| chart.title);
        format!("![{title}](plots/{file}.svg)\n\n")
    };
    [
        "\n## Conditions\n\n".to_owned(),
        table::conditions(results),
        "\n## Goals\n\n".to_owned(),
        table::goals(results),
        "\n## Tunnels, loopback\n\n".to_owned(),
        table::figures(results, LOOPBACK, is_tunnel),
        "\n".to_owned(),
        ["throughput", "cpu", "latency", "memory"].map(plot).concat(),
        "## Plaintext relays, loopback\n\n".to_owned(),
        table::figures(results, LOOPBACK, is_relay),
        "\n".to_owned(),
        plot("relay"),
        "## Tunnels, two network namespaces, veth with MTU 1500\n\n".to_owned(),
        table::figures(results, VETH, is_tunnel),
        "\n".to_owned(),
        plot("veth"),
        "## Command lines\n\n`DIR` is the folder made for one measurement.\n\n```sh\n".to_owned(),
        table::commands(results),
        "```\n\n".to_owned(),
    ]
    .concat()
}
