//! Load for a broker and a manager: many servers in one process, each with its own connection, its word of presence
//! every 10 s and its update, as a node sends them. Some of them also time their updates.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use cluster::membership::Announcer;
use cluster::server::Server;
use cluster::settings::{Edit, Scope, Settings, What};
use cluster::transporter::Link;
use cluster::{Broker, ControlPlane, Name, Role};
use jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// TLS handshakes under way at once.
const AT_ONCE: usize = 64;
/// A broker on two cores does some hundred handshakes in a second.
const PATIENCE: Duration = Duration::from_secs(120);
/// Servers that time their updates.
const TIMED: usize = 20;
/// Settings that are changed one after another.
const CHANGES: u64 = 10;
/// Between two looks at whether the manager knows; an update's time is too long by half of it, and by a question.
const LOOK_EVERY: Duration = Duration::from_millis(2);

#[derive(Debug, Parser)]
#[command(about)]
struct Arguments {
    /// The broker.json of the cluster
    broker: PathBuf,
    /// How many servers
    count: usize,
    /// Seconds between two updates of one server
    interval: u64,
    /// Seconds to measure, from when every server has said its first update
    seconds: u64,
}

/// Says `ready COUNT`, measures, and prints `{ "p50Ms", "p99Ms", "samples", "updates", "bytes" }`.
#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { broker, count, interval, seconds } = Arguments::parse();
    let broker = cluster::broker::read(&broker)?.context("there is no broker.json")?;
    let interval = Duration::from_secs(interval);
    let planes = connect(&Arc::new(broker), count).await?;
    let announcers: Vec<Announcer> = planes.iter().map(announce).collect();
    let folder = tempfile::tempdir()?;
    let file = |plane: &ControlPlane| folder.path().join(plane.me.as_str());
    let settings: Vec<Settings> = planes.iter().map(|plane| Settings::start(plane, file(plane))).collect();
    let mut members = JoinSet::new();
    let begin = Instant::now();
    for (index, plane) in planes.iter().enumerate().skip(TIMED) {
        // Spread over the interval, as servers are that were started at any time.
        let first = begin + interval.mul_f64(index as f64 / count as f64);
        members.spawn(update(plane.clone(), first, interval));
    }
    sleep_until(begin + interval).await;
    println!("ready {count}");
    let until = Instant::now() + Duration::from_secs(seconds);
    let timed = planes.iter().take(TIMED).map(|plane| time(plane, until));
    let timed = futures_util::future::try_join_all(timed).await?;
    let mut times: Vec<f64> = timed.into_iter().flatten().collect();
    times.sort_by(f64::total_cmp);
    ensure!(times.len() >= 100, "only {} updates were timed", times.len());
    let quantile = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize];
    let bytes = serde_json::to_vec(&described(&planes[0], 0))?.len();
    let settings_ms = change(&settings).await?;
    let said = json!({ "p50Ms": quantile(0.5), "p99Ms": quantile(0.99), "samples": times.len(), "bytes": bytes,
                       "settingsMs": settings_ms });
    println!("{said}");
    drop(announcers);
    Ok(())
}

async fn connect(broker: &Arc<Broker>, count: usize) -> Result<Vec<ControlPlane>> {
    let (mut connecting, mut planes) = (JoinSet::new(), Vec::with_capacity(count));
    for index in 0..count {
        if connecting.len() == AT_ONCE {
            planes.push(connecting.join_next().await.context("some connect")???);
        }
        let broker = Arc::clone(broker);
        connecting.spawn(async move {
            let me = Name::new(&format!("node-{index:05}.cluster.example.org"))?;
            let plane = ControlPlane::connect(me, Role::Member, &broker).await?;
            let mut link = plane.transporter.link();
            timeout(PATIENCE, link.wait_for(Link::is_up)).await.context("no link")??;
            Ok::<_, anyhow::Error>(plane)
        });
    }
    while let Some(plane) = connecting.join_next().await {
        planes.push(plane??);
    }
    Ok(planes)
}

fn announce(plane: &ControlPlane) -> Announcer {
    Announcer::start(Arc::clone(&plane.transporter), plane.subjects.clone(), plane.me.clone())
}

/// The updates of one server, for ever.
async fn update(plane: ControlPlane, mut next: Instant, interval: Duration) -> Result<()> {
    loop {
        sleep_until(next).await;
        say(&plane, 0).await?;
        next += interval;
    }
}

async fn say(plane: &ControlPlane, tick: u64) -> Result<()> {
    let update = serde_json::to_vec(&described(plane, tick))?;
    Ok(plane.transporter.publish(&plane.subjects.update(&plane.me), update.into()).await?)
}

/// A server of 64 processors with two GPUs, static data and metrics; `tick` tells its updates apart.
fn described(plane: &ControlPlane, tick: u64) -> Server {
    let disks = ["/", "/home", "/tmp", "/var/fastx/local"]
        .map(|path| json!({ "path": path, "total": 4_000_000_000_000_u64, "free": 1_234_567_890_123_u64 }));
    let gpu = json!({ "name": "NVIDIA A100-SXM4-80GB", "utilization": 42.0, "memoryUsed": 12_345_678_901_u64,
                      "memoryTotal": 85_899_345_920_u64 });
    let server = json!({
        "serverId": plane.me.as_str(), "hostname": plane.me.as_str(), "version": env!("CARGO_PKG_VERSION"),
        "urls": [format!("https://gateway.example.org/@{}/", plane.me)],
        "uptime": 1_234_567, "started": Timestamp::now(), "updated": Timestamp::now(),
        "sessions": 17, "cpus": 64, "cpu": 42.5, "loadavg": [27.5, 26.1, 25.0],
        "loggedInUsers": (0..17).map(|user| format!("user{user:02}")).collect::<Vec<_>>(),
        "freemem": 123_456_789_012_u64, "totalmem": 270_000_000_000_u64,
        "disks": disks, "gpus": [gpu, gpu],
        "staticData": { "rack": "r7", "queue": ["short", "gpu"], "price": 3, "licences": { "matlab": 4 } },
        "metrics": { "scratch": { "freeBytes": 1_000_000_000_000_u64 }, "tick": tick },
    });
    serde_json::from_value(server).expect("these are fields of a server")
}

/// Milliseconds from each update until the manager tells of it.
async fn time(plane: &ControlPlane, until: Instant) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for tick in 1.. {
        sleep(Duration::from_secs_f64(rand::random_range(0.5..1.5))).await;
        if Instant::now() >= until {
            return Ok(times);
        }
        let began = Instant::now();
        say(plane, tick).await?;
        while told(plane).await? != Some(tick) {
            ensure!(began.elapsed() < PATIENCE, "an update of {} got lost", plane.me);
            sleep(LOOK_EVERY).await;
        }
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

/// Milliseconds from a change of a setting until every server follows it: the slowest of [`CHANGES`].
async fn change(settings: &[Settings]) -> Result<f64> {
    let mut slowest = 0_f64;
    for seconds in 1..=CHANGES {
        let wanted = BTreeMap::from([("drainTime".to_owned(), Some(format!("{}s", 100 + seconds)))]);
        let edit = Edit { scope: Scope::Global, by: "bench".into(), what: What::Set(wanted), expect: None };
        let began = Instant::now();
        settings[0].edit(&edit).await?;
        for one in settings {
            let mut follows = one.watch();
            let news = follows.wait_for(|now| now.values.drain_time == Duration::from_secs(100 + seconds));
            timeout(PATIENCE, news).await.context("a server did not hear of a change")??;
        }
        slowest = slowest.max(began.elapsed().as_secs_f64() * 1e3);
        sleep(Duration::from_secs(1)).await;
    }
    Ok(slowest)
}

/// The last update that the manager knows.
async fn told(plane: &ControlPlane) -> Result<Option<u64>> {
    let listed = plane.fleet.show(&plane.me).await?;
    Ok(listed.and_then(|listed| listed.server.metrics.get("tick")?.as_u64()))
}
