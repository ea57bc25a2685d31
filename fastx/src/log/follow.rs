//! `fastx log`: the log of the service on this machine, as it is written.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use jiff::tz::TimeZone;
use tokio::net::UnixStream;

use super::ring::{Line, Read};
use crate::ask::{self, NoAnswer};
use crate::cli::LogOptions;

/// A line has 16 KiB; this only guards against a service that is none of ours.
const LONGEST: usize = 1024 * 1024;

pub(crate) fn follow(options: &LogOptions) -> ExitCode {
    let socket = ask::socket(&options.folders.dirs());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return NoAnswer::Http(error.to_string()).tell(),
    };
    match runtime.block_on(read(&socket, options)) {
        Ok(()) if options.follow => {
            eprintln!("fastx: the service ended\n  next: journalctl -u fastx-node -n 50");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.tell(),
    }
}

async fn read(socket: &Path, options: &LogOptions) -> Result<(), NoAnswer> {
    let connected = UnixStream::connect(socket).await;
    let io = connected.map_err(|source| NoAnswer::Connect { path: socket.to_owned(), source })?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(io)).await.map_err(broke)?;
    let level = options.level.map(|level| format!("&level={}", level.name())).unwrap_or_default();
    let uri = format!("/log?lines={}&follow={}{level}", options.lines, options.follow);
    let request = http::Request::get(uri).header("host", "fastx").body(Empty::<Bytes>::new());
    let request = request.map_err(|error| NoAnswer::Http(error.to_string()))?;
    let shown = async {
        let response = sender.send_request(request).await.map_err(broke)?;
        if response.status() == http::StatusCode::NOT_FOUND {
            return Err(NoAnswer::Http("it is of a version that shows no log".into()));
        }
        if !response.status().is_success() {
            return Err(NoAnswer::Http(format!("status {}", response.status())));
        }
        show(response.into_body(), options.json).await
    };
    tokio::select! {
        biased;
        shown = shown => shown,
        Err(error) = connection => Err(broke(error)),
    }
}

fn broke(error: hyper::Error) -> NoAnswer {
    NoAnswer::Http(error.to_string())
}

/// Prints until the end, or until nobody reads what is printed.
async fn show(mut body: Incoming, json: bool) -> Result<(), NoAnswer> {
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut rest = Vec::new();
    // A service that is killed breaks off: that is an end like any other.
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        rest.extend_from_slice(&data);
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = rest.drain(..whole).collect();
        if rest.len() > LONGEST {
            return Err(NoAnswer::Http("a line has no end".into()));
        }
        if print(&lines, json, colours)?.is_err() {
            break;
        }
    }
    Ok(())
}

fn print(lines: &[u8], json: bool, colours: bool) -> Result<std::io::Result<()>, NoAnswer> {
    let mut out = std::io::stdout().lock();
    if json {
        return Ok(out.write_all(lines).and_then(|()| out.flush()));
    }
    let zone = TimeZone::system();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let text = match serde_json::from_slice(line).map_err(NoAnswer::Content)? {
            Read::Line(line) => text(&line, &zone, colours),
            Read::Missed { missed } => {
                format!("… {missed} lines are lost: they came faster than they were read here …")
            }
        };
        if let Err(error) = writeln!(out, "{text}") {
            return Ok(Err(error));
        }
    }
    Ok(out.flush())
}

/// `2026-11-22 17:00:00.123  INFO node::link: connected`
fn text(line: &Line, zone: &TimeZone, colours: bool) -> String {
    let at = line.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f");
    let level = format!("{:>5}", line.level);
    let level = match (colours, line.level.as_str()) {
        (true, "ERROR") => format!("\u{1b}[31m{level}\u{1b}[0m"),
        (true, "WARN") => format!("\u{1b}[33m{level}\u{1b}[0m"),
        (true, "DEBUG" | "TRACE") => format!("\u{1b}[2m{level}\u{1b}[0m"),
        _ => level,
    };
    format!("{at} {level} {}: {}", line.target, line.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_how_grave_who_and_what() {
        let line = Line {
            at: "2026-11-22T17:00:00.1234Z".parse().unwrap(),
            level: "INFO".into(),
            target: "node::link".into(),
            text: "connected".into(),
            detail: false,
        };
        assert_eq!(text(&line, &TimeZone::UTC, false), "2026-11-22 17:00:00.123  INFO node::link: connected");
        assert!(
            text(&Line { level: "WARN".into(), ..line }, &TimeZone::UTC, true).contains("\u{1b}[33m WARN")
        );
    }
}
