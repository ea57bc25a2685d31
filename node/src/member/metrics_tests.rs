use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use cluster::{ControlPlane, Name};

use super::*;

/// Written by another process: what this one has open for writing is also open in the children that other tests start at
/// the same time, and the kernel runs no file that somebody has open for writing (`ETXTBSY`).
fn script(folder: &Path, name: &str, text: &str) {
    let mut write = std::process::Command::new("sh");
    write.args(["-c", r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod 755 "$2""#, "sh", text]);
    assert!(write.arg(folder.join(name)).status().unwrap().success());
}

/// A folder that the user `nobody` can enter.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// What the commands of `folder` say in one round.
async fn round(folder: &Path) -> Metrics {
    let (said, mut heard) = watch::channel(Metrics::default());
    let plane = ControlPlane::standalone(Name::new("here").unwrap());
    let settings = Settings::start(&plane, folder.join(".settings.json"));
    let running = tokio::spawn(run(folder.into(), settings, said));
    let changed = tokio::time::timeout(Duration::from_secs(60), heard.changed()).await;
    changed.expect("a round ends").unwrap();
    running.abort();
    heard.borrow().clone()
}

#[tokio::test]
async fn what_commands_say_goes_in_and_what_fails_is_named() {
    let dir = folder();
    script(dir.path(), "licences.sh", r#"echo '{"free": 3}'"#);
    script(dir.path(), "number", "echo 7; id -u >&2");
    script(dir.path(), "words", "echo these are no JSON");
    script(dir.path(), "fails", "echo the licence server is away >&2; exit 3");
    script(dir.path(), "floods", "head -c 100000 /dev/zero | tr '\\0' 7");
    script(dir.path(), "background", "sleep 1000 & echo '\"done\"'");
    script(dir.path(), "who", "id -u; test -z \"$HOME$FX_LOCAL_DIR\" || exit 9");
    let metrics = round(dir.path()).await;
    assert_eq!(metrics.values["licences"], serde_json::json!({ "free": 3 }));
    assert_eq!((&metrics.values["number"], &metrics.values["background"]), (&7.into(), &"done".into()));
    if rustix::process::geteuid().is_root() {
        assert_ne!(metrics.values["who"], 0, "it does not run as root");
    }
    let why = |name: &str| metrics.errors[name].as_str();
    assert!(why("words").contains("no JSON"), "{metrics:?}");
    assert!(why("fails").contains("exit status: 3: the licence server is away"), "{metrics:?}");
    assert!(why("floods").contains("more than 16 KiB"), "{metrics:?}");
}

#[tokio::test]
async fn a_command_that_hangs_ends_with_all_it_started() {
    let dir = folder();
    let marker = format!("9{}", std::process::id());
    script(dir.path(), "hangs", &format!("sleep {marker} & sleep {marker}"));
    let metrics = round(dir.path()).await;
    assert!(metrics.errors["hangs"].contains("did not end within 5s"), "{metrics:?}");
    let runs = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        processes
            .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
            .any(|line| line == format!("sleep\0{marker}\0").into_bytes())
    };
    let begin = std::time::Instant::now();
    while runs() {
        assert!(begin.elapsed() < Duration::from_secs(30), "what it started still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn what_others_can_write_is_not_run() {
    let dir = folder();
    for (name, mode) in [("good", 0o755), ("group", 0o775), ("world", 0o757), ("text", 0o644)] {
        script(dir.path(), name, "echo 1");
        std::fs::set_permissions(dir.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    if rustix::process::geteuid().is_root() {
        script(dir.path(), "alices", "echo 1");
        std::os::unix::fs::chown(dir.path().join("alices"), Some(1234), None).unwrap();
        let (_, metrics) = look(dir.path());
        assert!(metrics.errors["alices"].contains("not owned by root"), "{metrics:?}");
    }
    let (commands, metrics) = look(dir.path());
    assert_eq!(commands.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["good"]);
    assert!(metrics.errors["group"].contains("chmod go-w") && metrics.errors["world"].contains("chmod go-w"));
    assert!(metrics.errors["text"].contains("chmod +x"));
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(look(dir.path()).0.is_empty(), "the folder itself is open to all");
}

#[test]
fn all_together_are_bounded() {
    let long = || Outcome::Done(format!("\"{}\"", "x".repeat(MAX_METRICS / 2)).into_bytes());
    let mut left = MAX_METRICS;
    assert!(value(long(), &mut left).is_ok());
    assert!(value(long(), &mut left).unwrap_err().contains("all commands together"));
    assert!(value(Outcome::Done(b"1".to_vec()), &mut left).is_ok(), "a short one still fits");
}

#[test]
fn nobody_is_never_root() {
    assert_eq!(nobody("root:x:0:0::/:\nnobody:x:99:98::/:\n"), (99, 98));
    assert_eq!(nobody("nobody:x:0:0::/:\n"), NOBODY);
    assert_eq!(nobody(""), NOBODY);
}
