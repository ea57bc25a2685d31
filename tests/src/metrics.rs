//! The gateway's and the node's admin sockets: HTTP over a unix socket.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// `METHOD PATH` on an admin socket; gives the status and the body.
pub fn ask(socket: &Path, method: &str, path: &str) -> Result<(u16, String), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", socket.display());
    let mut stream = UnixStream::connect(socket).map_err(fail)?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).map_err(fail)?;
    let request = format!("{method} {path} HTTP/1.0\r\nHost: admin\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(fail)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(fail)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("no HTTP: {answer}"))?;
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or_else(|| format!("no status: {head}"))?, body.to_owned()))
}

/// A JSON answer of an admin socket.
pub fn json(socket: &Path, path: &str) -> Result<Value, String> {
    let (status, body) = ask(socket, "GET", path)?;
    if status != 200 {
        return Err(format!("{path}: {status}: {body}"));
    }
    serde_json::from_str(&body).map_err(|e| format!("{path}: {e}: {body}"))
}

/// The sum over all label sets of one metric in Prometheus' text format; `None` when it is not there.
pub fn sum(text: &str, name: &str) -> Option<f64> {
    let value = |line: &str| {
        let rest = line.strip_prefix(name)?;
        rest.starts_with(['{', ' ']).then(|| rest.rsplit_once(' ')?.1.parse::<f64>().ok())?
    };
    text.lines().filter_map(value).reduce(|a, b| a + b)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_metric_is_summed_over_its_labels_and_not_confused_with_a_longer_name() {
        let text = "# HELP a b\na{x=\"1\"} 2\na{x=\"2\"} 3\na_total 9\n";
        assert_eq!(super::sum(text, "a"), Some(5.0));
        assert_eq!(super::sum(text, "b"), None);
    }
}
