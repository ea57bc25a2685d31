//! Requests and connections per second with wrk against nginx serving a 612-byte page.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::{Client, Load, Sample, Service};
use crate::child::run;
use crate::nginx;

/// As large as the page nginx shipped when most published numbers were made.
const PAGE_BYTES: usize = 612;

#[derive(Debug)]
pub(super) struct Requests;

impl Client for Requests {
    fn name(&self) -> &'static str {
        "requests"
    }

    fn serve(&self, load: &Load<'_>) -> Result<Box<dyn Service>> {
        let root = load.dir.join("www");
        fs::create_dir_all(&root)?;
        fs::write(root.join("index.html"), "x".repeat(PAGE_BYTES))?;
        let body = format!(
            "http {{ access_log off; client_body_temp_path {0}/t1; proxy_temp_path {0}/t2; fastcgi_temp_path {0}/t3; \
             uwsgi_temp_path {0}/t4; scgi_temp_path {0}/t5; keepalive_requests 100000000; open_file_cache max=10;\n\
             server {{ listen {1} backlog=4096; root {0}/www; }} }}",
            load.dir.display(),
            load.service
        );
        Ok(Box::new(nginx::spawn(load.programs, &load.place.inside, "nginx-page", &body, load.dir)?))
    }

    fn probe(&self, load: &Load<'_>) -> Result<()> {
        wrk(load, 1, &["-t1", "-c1"]).map(drop)
    }

    fn measure(&self, load: &Load<'_>) -> Result<Vec<Sample>> {
        let keep_alive = wrk(load, load.seconds, &["-t2", "-c64"])?;
        let close = wrk(load, load.seconds, &["-t2", "-c64", "-H", "Connection: close"])?;
        Ok(vec![("requests", keep_alive), ("connections", close)])
    }
}

/// Answers per second; any other status than 200 and any failed connect is an error.
fn wrk(load: &Load<'_>, seconds: u64, arguments: &[&str]) -> Result<f64> {
    let mut command = load.place.outside.command(load.programs.find("wrk")?);
    command.args(arguments).args(["-d", &format!("{seconds}s"), &format!("http://{}/", load.entry)]);
    let output = run(&mut command, "wrk", load.dir, Duration::from_secs(seconds + 10))?;
    ensure!(!output.contains("Non-2xx"), "wrk got other answers than 200: {output}");
    ensure!(!output.contains("Socket errors"), "wrk had socket errors: {output}");
    let rate = output.split_once("Requests/sec:").context("wrk printed no rate")?.1;
    let rate: f64 = rate.split_whitespace().next().context("the line ends")?.parse()?;
    ensure!(rate > 0.0, "wrk got no answer");
    Ok(rate)
}
