//! Text between a display and who looks at it, as far as the setting `clipboard` lets it; with the real Xtigervnc and xterm.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::session::Clipboard;
use cluster::settings::Settings;
use cluster::{ControlPlane, Name};
use node::session::{Elsewhere, SessionError, Sessions, Wanted, Who};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const ROOT: Who = Who::Administrator;
/// `sent` and `seen`, in Base64.
const SENT: &str = "c2VudA==";
const SEEN: &str = "c2Vlbg==";
/// Only guards against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

struct Place {
    folder: tempfile::TempDir,
    sessions: Sessions,
    _elsewhere: Elsewhere,
}

impl Place {
    fn new(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let record =
            |values| json!({ "revision": null, "record": { "version": 1, "values": values, "history": [] } });
        let kept = json!({ "global": record(json!({})), "local": record(json!({ "clipboard": policy })) });
        let file = folder.path().join("settings.json");
        config::write_json(&file, &kept, config::Secrecy::OwnerOnly).unwrap();
        let plane = ControlPlane::standalone(Name::new("n1").unwrap());
        let settings = Settings::start(&plane, file);
        let sessions = Sessions::open(folder.path(), "n1").unwrap();
        let elsewhere = Elsewhere::start(&plane, &settings, &sessions);
        Self { folder, sessions, _elsewhere: elsewhere }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let sessions = self.sessions.clone();
        let stop = async move {
            for session in sessions.list(&ROOT) {
                let _gone = sessions.terminate(&ROOT, &session.id).await;
            }
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _joined = std::thread::spawn(move || runtime().block_on(stop)).join();
    }
}

/// A viewer without the extended clipboard: what is copied comes to it by itself.
async fn greeted(mut rfb: UnixStream) -> UnixStream {
    rfb.read_exact(&mut [0; 12]).await.unwrap();
    rfb.write_all(b"RFB 003.008\n").await.unwrap();
    rfb.read_exact(&mut [0; 2]).await.unwrap();
    rfb.write_all(&[1]).await.unwrap();
    rfb.read_exact(&mut [0; 4]).await.unwrap();
    rfb.write_all(&[1]).await.unwrap();
    let mut head = [0; 24];
    rfb.read_exact(&mut head).await.unwrap();
    let name = u32::from_be_bytes(head[20..].try_into().unwrap());
    rfb.read_exact(&mut vec![0; name as usize]).await.unwrap();
    // Raw pixels.
    rfb.write_all(&[2, 0, 0, 1, 0, 0, 0, 0]).await.unwrap();
    rfb
}

/// Asks for one pixel; returns, when it has come, what was copied in the display before.
async fn copied(rfb: &mut UnixStream) -> Vec<String> {
    rfb.write_all(&[3, 0, 0, 0, 0, 0, 0, 1, 0, 1]).await.unwrap();
    let mut texts = Vec::new();
    loop {
        let mut head = [0; 4];
        match rfb.read_u8().await.unwrap() {
            0 => {
                rfb.read_exact(&mut head[..3]).await.unwrap();
                assert_eq!(u16::from_be_bytes([head[1], head[2]]), 1);
                rfb.read_exact(&mut [0; 12 + 4]).await.unwrap();
                return texts;
            }
            2 => {}
            3 => {
                rfb.read_exact(&mut head[..3]).await.unwrap();
                let mut text = vec![0; rfb.read_u32().await.unwrap() as usize];
                rfb.read_exact(&mut text).await.unwrap();
                texts.push(String::from_utf8(text).unwrap());
            }
            other => panic!("a message of type {other}"),
        }
    }
}

async fn until_written(path: &Path) -> String {
    let written = async {
        loop {
            let text = tokio::fs::read_to_string(path).await.unwrap_or_default();
            if text.ends_with('\n') {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, written).await.unwrap_or_else(|_| panic!("no {}", path.display()))
}

/// A terminal that copies `seen`, and then, when `asks` is there, writes what it can paste to `pasted`, in Base64.
fn terminal(place: &Place) -> Wanted {
    let [copied, asks, pasted] =
        ["copied", "asks", "pasted"].map(|name| place.file(name).display().to_string());
    // OSC 52 sets and asks for the clipboard of the X display; the answer ends with BEL.
    let script = format!(
        "stty raw -echo; printf \"\\033]52;c;c2Vlbg==\\a\"; echo > {copied}; \
         while ! [ -e {asks} ]; do sleep 0.05; done; \
         while :; do printf \"\\033]52;c;?\\a\"; head -c 16 > {pasted}.new; echo >> {pasted}.new; \
         mv {pasted}.new {pasted}; sleep 0.05; done"
    );
    let path = place.file("script");
    std::fs::write(&path, script).unwrap();
    let xterm = "xterm -xrm '*disallowedWindowOps:' -xrm '*allowWindowOps: true'";
    Wanted::program("Terminal", format!("exec {xterm} -e sh {}", path.display()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_goes_only_where_the_setting_lets_it() {
    for (word, policy) in
        [("both", Clipboard::Both), ("in", Clipboard::In), ("out", Clipboard::Out), ("off", Clipboard::Off)]
    {
        let place = Place::new(word);
        let session = place.sessions.start(terminal(&place)).await.unwrap();
        assert_eq!(session.clipboard, policy);
        let viewing = place.sessions.view(&ROOT, &session.id).await.unwrap();
        let mut rfb = greeted(viewing.socket).await;
        until_written(&place.file("copied")).await;
        let gives = async {
            loop {
                let texts = copied(&mut rfb).await;
                if texts.iter().any(|text| text == "seen") {
                    return;
                }
                assert!(texts.is_empty(), "{texts:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let patience = if policy.gives() { PATIENCE } else { Duration::from_millis(500) };
        let given = tokio::time::timeout(patience, gives).await.is_ok();
        assert_eq!(given, policy.gives(), "{word}: out of the display");

        let viewing = place.sessions.view(&ROOT, &session.id).await.unwrap();
        let mut rfb = greeted(viewing.socket).await;
        rfb.write_all(&[6, 0, 0, 0, 0, 0, 0, 4]).await.unwrap();
        rfb.write_all(b"sent").await.unwrap();
        copied(&mut rfb).await;
        std::fs::write(place.file("asks"), "").unwrap();
        // Asked at once, the terminal may still believe that the clipboard is its own.
        let mut pasted = until_written(&place.file("pasted")).await;
        let began = std::time::Instant::now();
        while policy.takes() && !pasted.contains(SENT) && began.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(20)).await;
            pasted = until_written(&place.file("pasted")).await;
        }
        assert!(pasted.contains(if policy.takes() { SENT } else { SEEN }), "{word}, into it: {pasted:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_display_that_we_cannot_tell_does_not_start_where_less_than_all_is_allowed() {
    let place = Place::new("out");
    let plain = Wanted { kind: cluster::session::Kind::Plain, ..Wanted::program("plain", "sleep 1000") };
    let refused = place.sessions.start(plain).await.unwrap_err();
    assert!(matches!(&refused, SessionError::Start(why) if why.contains("`clipboard`")), "{refused}");
}
