//! How long a chain of three functions takes over a fleet: `taskset -c 0,1 cargo bench --profile release -p balance`.
//!
//! Between two choices one server in a hundred has changed; every choice is by another person.

use std::sync::Arc;
use std::time::{Duration, Instant};

use balance::{Chain, Moment, Offered, Options, Prefilter, Request, Workers, offer, shipped};
use serde_json::{Value, json};

const CHOICES: usize = 300;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    println!(
        "| servers | bytes of one | chain | p50 ms | p99 ms | a second, one after the other | two at a time |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (count, long) in [(100, false), (1000, false), (1000, true), (10_000, false)] {
        for names in [["group", "penalty", "fewest-sessions"], ["allowed-users", "schedule", "least-load"]] {
            runtime.block_on(measure(count, long, &names));
        }
    }
}

async fn measure(count: usize, long: bool, names: &[&str]) {
    let program = env!("CARGO_BIN_EXE_balance-worker").into();
    let deadline = Duration::from_secs(5);
    let workers = Workers::start(Options { program, arguments: Vec::new(), deadline, workers: 2 });
    let functions = names.iter().filter_map(|name| shipped::named(name)).collect();
    let chain = Chain { prefilter: Prefilter::default(), functions };
    let mut fleet: Offered = offer::renew(&[], (0..count).map(|n| server(n, 0, long)).collect());
    workers.warm(&fleet).await;
    let (mut took, mut busy) = (Vec::new(), Duration::ZERO);
    for round in 0..CHOICES {
        change(&mut fleet, round, long);
        let began = Instant::now();
        choose(&chain, &workers, &fleet, round).await;
        took.push(began.elapsed());
        busy += began.elapsed();
    }
    let began = Instant::now();
    for round in (0..CHOICES).step_by(2) {
        change(&mut fleet, round, long);
        let (one, other) =
            (choose(&chain, &workers, &fleet, round), choose(&chain, &workers, &fleet, round + 1));
        tokio::join!(one, other);
    }
    let pairs = CHOICES as f64 / began.elapsed().as_secs_f64();
    took.sort();
    let ms = |part: usize| took[CHOICES * part / 100].as_secs_f64() * 1e3;
    let bytes = fleet[0].body.to_string().len();
    let rate = CHOICES as f64 / busy.as_secs_f64();
    let names = names.join(", ");
    println!("| {count} | {bytes} | {names} | {:.2} | {:.2} | {rate:.0} | {pairs:.0} |", ms(50), ms(99));
}

async fn choose(chain: &Chain, workers: &Workers, fleet: &Offered, round: usize) {
    let request = Request::of(balance::Action::Start, &format!("user{round}"), "server-0");
    let decision = chain.choose(workers, &request, fleet, Moment::now()).await;
    decision.result.expect("somebody is chosen");
}

fn change(fleet: &mut Offered, round: usize, long: bool) {
    let count = fleet.len();
    for n in (0..count / 100).map(|n| (n * 97 + round) % count) {
        fleet[n] = balance::Server::new(server(n, round, long)).map(Arc::new).expect("it has an id");
    }
}

fn server(n: usize, round: usize, long: bool) -> Value {
    let mut body = json!({
        "serverId": format!("server-{n}"), "hostname": format!("node{n}.cluster.example.org"), "standing": "alive",
        "sessions": (n * 31 + round) % 17, "uptime": 100_000 + n, "cpus": 32, "cpu": 12.5, "loadavg": [1.5, 2.5, 3.5],
        "freemem": 68_719_476_736_u64, "totalmem": 137_438_953_472_u64, "loggedInUsers": ["alice", "bob"],
        "staticData": { "rack": n % 40 },
    });
    if long {
        let disk =
            |path: &str| json!({ "path": path, "total": 1_000_000_000_000_u64, "free": 500_000_000_000_u64 });
        let some = json!({ "some": [0.1, 0.2, 0.3], "full": [0.0, 0.0, 0.0] });
        body["disks"] = ["/", "/home", "/tmp", "/var"].map(disk).to_vec().into();
        body["pressure"] = json!({ "cpu": some, "memory": some, "io": some });
        body["network"] = json!([{ "name": "eth0", "receives": 1000, "sends": 1000 }, { "name": "ib0", "receives": 1, "sends": 1 }]);
        body["gateways"] = json!([{ "host": "gw.example.org", "port": 443, "connected": true, "transport": "quic", "rttMs": 1.2 }]);
        body["swap"] = json!({ "total": 0, "free": 0 });
        body["metrics"] =
            json!({ "licences": "12", "temperature": 40, "jobs": { "running": 3, "waiting": 8 } });
    }
    body
}
