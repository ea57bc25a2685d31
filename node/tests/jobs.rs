//! Sessions that a batch system starts, with real scripts and displays.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use cluster::session::{EndReason, Session, SessionId, State};
use node::admin::AdminSocket;
use node::session::{Sessions, Wanted, Who, job};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// Only guards against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

struct Site {
    sessions: Sessions,
    folder: TempDir,
    _socket: AdminSocket,
}

impl Site {
    /// `script` is asked for every session.
    fn new(script: &str, more: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("fxj").tempdir_in("/tmp").unwrap();
        write(&folder.path().join("job"), script);
        let jobs = format!(r#"{{ "script": "{}" {more} }}"#, folder.path().join("job").display());
        std::fs::write(folder.path().join("jobs.json"), jobs).unwrap();
        let sessions = Sessions::open(folder.path(), "n1").unwrap();
        sessions.schedule_by(&folder.path().join("jobs.json"));
        let socket = AdminSocket::start_for_all(&folder.path().join(job::SOCKET), sessions.job_routes());
        Self { sessions, folder, _socket: socket.unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn start(&self) -> Result<Session, String> {
        let wanted = Wanted {
            params: serde_json::from_str(r#"{"here":"x y"}"#).unwrap(),
            ..Wanted::program("batch", "exec xterm -e cat")
        };
        let started = timeout(PATIENCE, self.sessions.start(wanted)).await;
        started.expect("it answers").map_err(|error| error.to_string())
    }

    async fn until(&self, id: &SessionId, is_it: impl Fn(&Session) -> bool) -> Session {
        let look = async {
            loop {
                let found = self.sessions.find(&Who::Administrator, id).ok();
                if let Some(session) = found.filter(&is_it) {
                    return session;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, look)
            .await
            .unwrap_or_else(|_| panic!("{:?}", self.sessions.find(&Who::Administrator, id)))
    }
}

/// By another process: this one's children could hold it open for writing while it is to be executed.
fn write(path: &Path, script: &str) {
    let mut shell = Command::new("sh")
        .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
    assert!(shell.wait().unwrap().success());
}

fn runs(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[tokio::test]
async fn a_script_that_hangs_floods_or_dies_is_ended_and_the_user_reads_why() {
    let cases = [
        ("exec sleep 600", r#", "timeLimit": "1s""#, "did not end within 1 s"),
        ("exec yes", "", "wrote too much"),
        ("kill -9 $$", "", "failed (signal: 9"),
        ("echo No licence is left; exit 3", "", "No licence is left"),
        ("exit 3", "", "failed (exit status: 3)"),
        ("printf '\\033[2J\\377\\000'; exit 1", "", "\u{fffd}[2J\u{fffd}\u{fffd}"),
    ];
    for (script, more, says) in cases {
        let site = Site::new(script, more);
        let error = site.start().await.unwrap_err();
        assert!(error.contains(says), "{script}: {error}");
        let all = site.sessions.list(&Who::Administrator);
        let ended = all[0].ended.as_ref().unwrap();
        assert_eq!((all.len(), all[0].state, ended.reason), (1, State::Ended, EndReason::Failed), "{script}");
    }
}

#[tokio::test]
async fn what_a_script_leaves_behind_is_ended_also_outside_its_group_and_holds_nobody_up() {
    let script = r#"setsid sh -c 'echo $$ > "$1/away"; exec sleep 600' x "$FX_LOCAL_DIR" &
        sleep 600 & echo $! > "$FX_LOCAL_DIR/left"
        while [ ! -s "$FX_LOCAL_DIR/away" ]; do sleep 0.01; done
        echo submitted"#;
    let site = Site::new(script, "");
    let session = site.start().await.unwrap();
    assert_eq!((session.state, session.job.unwrap().message.as_str()), (State::Pending, "submitted"));
    for name in ["away", "left"] {
        let pid = std::fs::read_to_string(site.path(name)).unwrap();
        assert!(!runs(pid.trim()), "{name}");
    }
}

#[tokio::test]
async fn a_script_gets_the_guides_json_a_clean_environment_and_its_text_is_shown() {
    let script = r#"cat > "$FX_LOCAL_DIR/input"; env > "$FX_LOCAL_DIR/env"; ls -l /proc/self/fd > "$FX_LOCAL_DIR/fds"
        echo oops >&2; printf 'Your job <7>\377 waits'"#;
    let site = Site::new(script, "");
    let session = site.start().await.unwrap();
    assert_eq!(session.job.unwrap().message, "Your job <7>\u{fffd} waits");
    let input: serde_json::Value =
        serde_json::from_slice(&std::fs::read(site.path("input")).unwrap()).unwrap();
    assert_eq!(
        (&input["start"]["command"], &input["start"]["params"]["here"]),
        (&"exec xterm -e cat".into(), &"x y".into())
    );
    assert_eq!((&input["user"]["login"], &input["admin"]), (&session.login.clone().into(), &true.into()));
    let environment = std::fs::read_to_string(site.path("env")).unwrap();
    assert!(environment.contains("FX_PARAM_HERE=x y\n") && environment.contains("FX_JOB_ACTION=start\n"));
    assert!(!environment.contains("CARGO"), "{environment}");
    let log = site.sessions.log(&Who::Administrator, &session.id).await.unwrap();
    assert_eq!(log, "oops\n");
    let open = std::fs::read_to_string(site.path("fds")).unwrap();
    let folder = format!("{}/", site.folder.path().display());
    let mut ours: Vec<&str> =
        open.lines().filter_map(|line| line.split_once(folder.as_str()).map(|(_, name)| name)).collect();
    ours.sort_unstable();
    let log = format!("sessions/{}/log", session.id);
    assert!(
        ours.iter().all(|name| ["fds", "job", &*log].contains(name)) && !open.contains("socket:"),
        "{open}"
    );
}

#[tokio::test]
async fn a_job_begins_its_session_which_lives_in_it_and_ends_with_it() {
    let script = r#"case $FX_JOB_ACTION in
        start) echo '{"job":{"id":"7","scheduler":"none","state":"PENDING"},"message":"in line"}' ;;
        state) echo "{\"job\":{\"state\":\"$(cat "$FX_LOCAL_DIR/state")\"}}" ;;
        cancel) echo "$FX_JOB_ID" > "$FX_LOCAL_DIR/cancelled" ;;
        esac"#;
    let site = Site::new(script, "");
    std::fs::write(site.path("state"), "HELD").unwrap();
    let pending = site.start().await.unwrap();
    assert_eq!((pending.state, pending.job.clone().unwrap().id.as_deref()), (State::Pending, Some("7")));
    site.until(&pending.id, |session| session.job.as_ref().unwrap().state == "HELD").await;
    let (folder, id) = (site.folder.path().to_owned(), pending.id.clone());
    let runs = tokio::spawn(async move { job::run(&folder, &id).await });
    let up = site.until(&pending.id, |session| session.state == State::Running).await;
    assert_eq!(
        (up.id.clone(), up.login.clone(), up.name.as_str()),
        (pending.id.clone(), pending.login, "batch")
    );
    let picture = site.sessions.thumbnail(&Who::Administrator, &up.id, 100).await.unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    // A second job for it comes too late, and one for a session that nobody asked for, too.
    for id in [up.id.clone(), SessionId::random()] {
        let error = job::run(site.folder.path(), &id).await.unwrap_err().to_string();
        assert!(error.contains("no session"), "{error}");
    }
    site.sessions.terminate(&Who::Administrator, &up.id).await.unwrap();
    timeout(PATIENCE, runs).await.expect("it ends with its session").unwrap().unwrap();
    assert!(!site.path("cancelled").exists(), "it has begun, so there is nothing to cancel");

    let pending = site.start().await.unwrap();
    site.sessions.terminate(&Who::Administrator, &pending.id).await.unwrap();
    assert_eq!(std::fs::read_to_string(site.path("cancelled")).unwrap(), "7\n");
    let ended = site.until(&pending.id, |session| session.state == State::Ended).await;
    assert_eq!(ended.ended.unwrap().reason, EndReason::Terminated);

    let pending = site.start().await.unwrap();
    std::fs::write(site.path("state"), "failed").unwrap();
    let ended = site.until(&pending.id, |session| session.state == State::Ended).await;
    assert!(ended.ended.unwrap().detail.contains("its job has ended before it began"));
}

#[tokio::test]
async fn a_pending_session_outlives_its_service_and_an_answer_can_be_to_start_now() {
    let site = Site::new("echo later", "");
    let pending = site.start().await.unwrap();
    let Site { sessions, folder, _socket } = site;
    drop((sessions, _socket));
    let again = Sessions::open(folder.path(), "n1").unwrap();
    assert_eq!(again.find(&Who::Administrator, &pending.id).unwrap().state, State::Pending);

    let site = Site::new(r#"echo '{"start":"now"}'"#, "");
    let session = site.start().await.unwrap();
    assert_eq!((session.state, session.job), (State::Running, None));
    site.sessions.terminate(&Who::Administrator, &session.id).await.unwrap();

    let site = Site::new(r#"echo '{"result":{"id":"nobody-has-it"}}'"#, "");
    let error = site.start().await.unwrap_err();
    assert!(error.contains("session nobody-has-it has started, and it is nowhere"), "{error}");
    let now = Site::new("exit 1", r#", "profiles": { "quick": null }"#);
    let wanted = Wanted { profile: Some("quick".into()), ..Wanted::program("quick", "exec xterm -e cat") };
    let session = now.sessions.start(wanted).await.unwrap();
    assert_eq!(session.state, State::Running);
    now.sessions.terminate(&Who::Administrator, &session.id).await.unwrap();
}

/// A batch system: its template, the id of a job, and its programs with what they print.
type Fake = (&'static str, &'static str, [(&'static str, &'static str); 3]);

const FAKES: [Fake; 4] = [
    (
        "lsf",
        "123",
        [("bsub", "Job <123> is submitted to queue <normal>."), ("bjobs", "PSUSP"), ("bkill", "")],
    ),
    ("pbs", "124.head", [("qsub", "124.head"), ("qstat", "    job_state = PSUSP"), ("qdel", "")]),
    ("gridengine", "125", [("qsub", "125"), ("qstat", "125 0.5 fx me PSUSP 11/23"), ("qdel", "")]),
    ("slurm", "126", [("sbatch", "126;cluster"), ("squeue", "PSUSP|Priority|N/A"), ("scancel", "")]),
];

#[tokio::test]
async fn the_templates_submit_ask_and_cancel_and_take_no_words_of_a_users_for_their_own() {
    for (name, job, programs) in FAKES {
        let template = format!("{}/../packaging/job-scheduling/{name}", env!("CARGO_MANIFEST_DIR"));
        let site = Site::new(&format!("PATH=\"$FX_LOCAL_DIR/bin:$PATH\" exec {template}"), "");
        std::fs::create_dir(site.path("bin")).unwrap();
        for (program, prints) in programs {
            let script = format!("printf '%s\\n' \"$@\" > \"$FX_LOCAL_DIR/{program}\"; echo '{prints}'");
            write(&site.path("bin").join(program), &script);
        }
        let params = serde_json::json!({ "cpus": "2; touch /tmp/owned", "hours": 3, "queue": "a b$(id)" });
        let wanted =
            Wanted { params: params.as_object().unwrap().clone(), ..Wanted::program("batch", "xterm") };
        let pending = site.sessions.start(wanted).await.unwrap();
        let known = pending.job.clone().unwrap();
        assert_eq!((known.id.as_deref(), known.scheduler.as_str()), (Some(job), name));
        let submitted = std::fs::read_to_string(site.path(programs[0].0)).unwrap();
        assert!(
            submitted.contains('2') && !submitted.contains("touch") && !submitted.contains('$'),
            "{submitted}"
        );
        let told = site.until(&pending.id, |session| session.job.as_ref().unwrap().state == "PSUSP").await;
        assert!(told.job.unwrap().message.contains(job), "{name}");
        site.sessions.terminate(&Who::Administrator, &pending.id).await.unwrap();
        let cancelled = std::fs::read_to_string(site.path(programs[2].0)).unwrap();
        assert_eq!(cancelled.trim(), job);
    }
}

#[tokio::test]
async fn another_account_cannot_begin_somebodys_session() {
    let site = Site::new("echo later", "");
    let pending = site.start().await.unwrap();
    if pending.uid != 0 {
        return;
    }
    // The folder is private otherwise, and a stranger would not even reach the socket.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(site.folder.path(), open).unwrap();
    let body = format!("{{\"id\":\"{}\"}}", pending.id);
    let socket = site.path(job::SOCKET).display().to_string();
    let stranger = [
        "--reuid",
        "64079",
        "--regid",
        "64079",
        "--clear-groups",
        "--",
        "curl",
        "-s",
        "--unix-socket",
        &socket,
    ];
    let asks = ["-H", "content-type: application/json", "-d", &body, "http://node/begin"];
    let said = tokio::process::Command::new("setpriv").args(stranger).args(asks).output().await.unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("no session"), "{said}");
    assert_eq!(site.sessions.find(&Who::Administrator, &pending.id).unwrap().state, State::Pending);
}
