//! curl, run on a host: a client nobody here wrote.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::host::Host;

/// What curl got.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// All header blocks and trailers as they came, in lower case.
    pub head: String,
    pub body: Vec<u8>,
    /// curl's own exit code; 0 when the transfer was whole.
    pub exit: i32,
    /// What curl said.
    pub said: String,
}

impl Response {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The last header of this name, which must be in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = |line: &'_ str| line.starts_with(name) && line[name.len()..].starts_with(':');
        self.head.lines().rfind(|line| value(line)).map(|line| line[name.len() + 1..].trim())
    }
}

/// Runs `curl ARGUMENTS` on `host`, trusting the certificates in `ca`; at most 30 s unless the arguments say else.
pub fn curl(host: &Host, ca: &Path, arguments: &[&str]) -> Response {
    let head = host.path(&format!("head-{:?}", std::thread::current().id()));
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "30", "--cacert"]).arg(ca);
    command.arg("--dump-header").arg(&head).args(arguments).stdin(Stdio::null());
    let output = host.namespace().inside(|| command.output()).expect("curl is installed");
    let head = std::fs::read_to_string(&head).unwrap_or_default().to_lowercase();
    let status = head.lines().rfind(|line| line.starts_with("http/"));
    let status = status.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    Response {
        status: status.unwrap_or_default(),
        head,
        body: output.stdout,
        exit: output.status.code().unwrap_or(-1),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
