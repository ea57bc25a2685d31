//! A plan in a few lines, to compare with what ping and iperf say.

use std::fmt::Write;

use netsim::plan::{Plan, Role, Topology, Way};

/// Machines, the ways between them and their gateways, what happens when.
pub(super) fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    writeln!(out, "{}: {}", plan.title, humantime(plan.length)).expect(TAKES);
    writeln!(out, "\nmachines").expect(TAKES);
    for host in &plan.hosts {
        let path: Vec<&str> = host.path.iter().map(|path| &**path).collect();
        let on = if path.is_empty() {
            "on the Internet itself".to_owned()
        } else {
            format!("on {}", path.join(", "))
        };
        let role = format!("{:?}", host.role).to_lowercase();
        writeln!(out, "  {:14} {} × {role}, {on}", &*host.name, host.count).expect(TAKES);
    }
    writeln!(out, "\nways to the gateways (round trip without queues; rate and loss there, and back)")
        .expect(TAKES);
    ways(&mut out, plan);
    let steps = plan.steps();
    if !steps.is_empty() {
        writeln!(out, "\nwhat happens").expect(TAKES);
    }
    for step in steps {
        writeln!(out, "  {:>8}  {}", humantime(step.at), step.action).expect(TAKES);
    }
    out
}

const TAKES: &str = "a string takes everything";

/// One line for each kind of machine and gateway.
fn ways(out: &mut String, plan: &Plan) {
    let topology = Topology::new(plan);
    let first = |name: &str| topology.hosts_named(name).first().copied();
    for host in plan.hosts.iter().filter(|host| host.role != Role::Gateway) {
        for gateway in plan.hosts.iter().filter(|host| host.role == Role::Gateway) {
            let (Some(from), Some(to)) = (first(&host.name), first(&gateway.name)) else { continue };
            let there = Way::new(plan, &topology, from, to);
            let back = Way::new(plan, &topology, to, from);
            let trip = (there.delay + back.delay).as_secs_f64() * 1e3;
            let name = format!("{} to {}", host.name, gateway.name);
            writeln!(out, "  {name:24} {trip:8.1} ms   {}   {}", one(&there), one(&back)).expect(TAKES);
        }
    }
}

/// `100 Mbit/s, 2% lost`.
fn one(way: &Way) -> String {
    let rate = way.rate.map_or_else(|| "any rate".into(), |rate| rate.to_string());
    format!("{rate}, {} lost", way.loss)
}

fn humantime(time: std::time::Duration) -> String {
    format!("{time:?}")
}

#[cfg(test)]
mod tests {
    use netsim::plan::{parse, shipped};

    #[test]
    fn a_plan_is_described_in_figures_that_ping_can_check() {
        let campus = parse("campus".as_ref(), shipped("campus").unwrap().text).unwrap();
        let said = super::plan(&campus);
        for part in
            ["node           2 × node, on ethernet, uplink", "node to gateway", "15.2 ms", "25s  uplink cut"]
        {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
}
