//! Scripts that mean harm, or were written badly: each ends, none is believed, and the next call finds everything in order.

#![allow(clippy::unwrap_used, reason = "a test that cannot look fails")]

mod worker;

use std::time::Duration;

use balance::engine::Stop;
use balance::{Call, Engine, Function, Returned, Workers};
use worker::{NOON, alice, run, three, workers};

/// Of each script here. Those that end by themselves need a hundredth of it; under load a tenth.
const DEADLINE: Duration = Duration::from_millis(400);
/// One test at a time: they measure this process, and kill its children.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// What this process may grow by over all of them, in KiB.
const MAX_GROWTH: u64 = 48 * 1024;

const LOOPS: &[&str] = &[
    "i => { for (;;) ; }",
    "i => { for (;;) { for (let n = 0; n < 1000; n++) ; } }",
    "i => { while (true) { [1, 2, 3].map(x => x * 2) } }",
    "i => { do { } while (1) }",
    "i => { const f = () => { for (let n = 0; n < 1e6; n++) ; }; for (;;) f() }",
    "i => { label: for (;;) { continue label } }",
    "i => { for (;;) { try { throw 1 } catch { continue } finally { continue } } }",
    "i => i.servers.sort(() => { for (;;) ; })",
    "i => [{ get serverId() { for (;;) ; } }]",
    "i => ({ then() { for (;;) ; } })",
    "i => new Proxy([], { get() { for (;;) ; } })",
    "i => { const again = () => Promise.resolve().then(again); return again() }",
    "async i => { for (;;) await null }",
    "i => { function* g() { for (;;) yield 1 } for (const x of g()) ; }",
    "i => { throw { get message() { for (;;) ; } } }",
    "i => { throw { toString() { for (;;) ; } } }",
    "i => { console.log({ toJSON() { for (;;) ; } }) }",
    "i => String({ [Symbol.toPrimitive]() { for (;;) ; } })",
    "i => /^(a+)+$/.test('a'.repeat(40) + 'b')",
    "i => /(x+x+)+y/.test('x'.repeat(5000))",
    "i => 2n ** (2n ** 40n)",
    "i => Array.from({ length: 2 ** 52 })",
    "i => 'x'.repeat(2 ** 28).split('').sort().join('') && 'a'",
];

const BOMBS: &[&str] = &[
    "i => { let a = [1]; for (;;) a = a.concat(a) }",
    "i => { let s = 'x'; for (;;) s += s }",
    "i => 'x'.repeat(2 ** 30) + 'y'",
    "i => { const a = []; for (;;) a.push('x'.repeat(1e6)) }",
    "i => { const m = new Map(); for (let n = 0; ; n++) m.set(n, [n, n, n]) }",
    "i => { let n = 2n; for (;;) n *= n }",
    "i => { const a = []; for (;;) a.push(new ArrayBuffer(3e7)) }",
    "i => new ArrayBuffer(2 ** 40)",
    "i => new Uint8Array(2 ** 31)",
    "i => Array(2 ** 31).fill(0)",
    "i => { let o = {}; for (;;) o = { o } }",
    "i => { const f = () => f(); return f() }",
    "i => { const f = n => [n].map(f); return f(1) }",
    "i => { let o = 1; for (let n = 0; n < 1e5; n++) o = [o]; return JSON.stringify(o) }",
    "i => { throw 'x'.repeat(2 ** 24) }",
    "i => { throw new Error('x'.repeat(2 ** 24)) }",
    "i => 'x'.repeat(2 ** 24)",
    "i => Array(99999).fill({ serverId: 'x'.repeat(1e5) })",
];

const ESCAPES: &[&str] = &[
    "i => import('/etc/passwd')",
    "i => require('fs').readFileSync('/etc/passwd')",
    "i => process.exit(0)",
    "i => fetch('http://127.0.0.1/')",
    "i => eval('1')",
    "i => (() => {}).constructor('return globalThis')()",
    "i => [].constructor.constructor('return 1')()",
    "i => (async () => {}).constructor('return 1')()",
    "i => { setTimeout(() => {}, 1e9); return 'z' }",
    "i => Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0) && 'z'",
    "i => std.loadFile('/etc/passwd')",
    "i => new Worker('x')",
];

/// Runs each; what it returned must pass `fits`, and a good script must run after it.
async fn all(scripts: impl IntoIterator<Item = String>, fits: fn(&Returned) -> bool) {
    let _alone = ALONE.lock().await;
    let (workers, request, servers) = (workers(DEADLINE), alice(), three());
    run(&workers, "i => 'a'", &request, &servers).await;
    let before = resident();
    for script in scripts {
        let name = script.chars().take(80).collect::<String>();
        let ran = run(&workers, &script, &request, &servers).await;
        assert!(fits(&ran.returned), "{name}: {:?}", ran.returned);
        works(&workers).await;
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < MAX_GROWTH, "this process grew by {grown} KiB");
}

/// With patience: a machine under load may need more than the deadline even for this.
async fn works(workers: &Workers) {
    let (request, servers) = (alice(), three());
    for _ in 0..20 {
        let ran = run(workers, "i => i.servers[1].serverId", &request, &servers).await;
        if ran.returned == Returned::Text("b".into()) {
            return;
        }
        assert!(matches!(ran.returned, Returned::Stopped(Stop::Deadline(_))), "{ran:?}");
    }
    panic!("a good script does not run any more");
}

/// KiB of memory of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn owned(scripts: &[&str]) -> Vec<String> {
    scripts.iter().map(|script| (*script).to_owned()).collect()
}

/// Not a server, not a list, not "nothing".
fn is_refused(returned: &Returned) -> bool {
    matches!(returned, Returned::Stopped(_) | Returned::Threw(_) | Returned::Odd(_))
}

#[tokio::test]
async fn a_loop_of_any_form_ends() {
    all(owned(LOOPS), is_refused).await;
}

#[tokio::test]
async fn a_bomb_hurts_its_runner_alone() {
    let harmless = |returned: &Returned| match returned {
        Returned::Text(text) => text.chars().count() <= 1001,
        Returned::List(ids) => ids.iter().flatten().all(|id| id.chars().count() <= 1001),
        Returned::Threw(why) => why.chars().count() <= 1100,
        Returned::Stopped(_) | Returned::Odd(_) => true,
        Returned::Nothing => false,
    };
    all(owned(BOMBS), harmless).await;
}

#[tokio::test]
async fn a_parser_bomb_is_refused_or_hurts_its_runner_alone() {
    let many = |text: &str, count: usize| text.repeat(count);
    let bombs = vec![
        many("(", 100_000),
        format!("i => {}1{}", many("[", 50_000), many("]", 50_000)),
        format!("i => {}", many("{", 100_000)),
        format!("i => {}1", many("- ", 100_000)),
        format!("i => {}x", many("!", 200_000)),
        format!("i => {}1", many("x=>", 60_000)),
        format!("i => {}1", many("x?", 60_000)),
        format!("i => {{ {} ; }}", many("if(1)", 40_000)),
        format!("i => {}x", many("new ", 50_000)),
        format!("i => {}", many("`${", 50_000)),
        format!("i => 1{}", many("**1", 50_000)),
        format!("i => '{}'", many("x", 50 << 20)),
        format!("i => /{}/", many("(", 50_000)),
        many("\u{0}", 1000),
        many("\u{feff}", 1000),
    ];
    all(bombs, is_refused).await;
}

#[tokio::test]
async fn there_is_no_way_out() {
    all(owned(ESCAPES), is_refused).await;
}

#[tokio::test]
async fn others_are_served_while_one_loops_and_its_words_are_kept() {
    let _alone = ALONE.lock().await;
    let (workers, request, servers) = (workers(Duration::from_secs(30)), alice(), three());
    let endless = Function::new("endless", "i => { console.log('begun'); for (;;) { [1].map(x => x) } }");
    let call = Call { function: &endless, request: &request, servers: &servers, moment: NOON };
    let other = async {
        for _ in 0..20 {
            let ran = run(&workers, "i => 'b'", &request, &servers).await;
            assert_eq!(ran.returned, Returned::Text("b".into()));
        }
    };
    // Given up before its deadline: its worker is replaced.
    tokio::select! {
        biased;
        ran = workers.run(call) => panic!("{ran:?}"),
        () = other => {}
    }
    works(&workers).await;
    let short = worker::workers(DEADLINE);
    let ran = run(&short, &endless.source, &request, &servers).await;
    assert!(matches!(ran.returned, Returned::Stopped(Stop::Deadline(400))), "{ran:?}");
    assert_eq!(ran.console.first().map(|line| line.text.as_str()), Some("begun"));
}

#[tokio::test]
async fn three_kills_open_the_breaker_and_a_worker_that_is_killed_is_replaced() {
    let _alone = ALONE.lock().await;
    let (workers, request, servers) = (workers(DEADLINE), alice(), three());
    let endless = Function::new("endless", "i => { for (;;) [1].map(x => x) }");
    let call = Call { function: &endless, request: &request, servers: &servers, moment: NOON };
    for _ in 0..3 {
        assert!(workers.trusts(&endless));
        workers.run(call).await;
    }
    assert!(!workers.trusts(&endless));
    assert_eq!(workers.alarms()[0].function, "endless");
    for pid in children() {
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    let mut fallen = 0;
    while run(&workers, "i => 'b'", &request, &servers).await.returned != Returned::Text("b".into()) {
        fallen += 1;
        assert!(fallen < 20, "killed workers are not replaced");
    }
}

#[tokio::test]
async fn a_worker_holds_pipes_and_nothing_else_and_may_do_nothing_else() {
    let _alone = ALONE.lock().await;
    let before = children();
    let (workers, request, servers) = (workers(DEADLINE), alice(), three());
    // It answers, so it is confined; the second worker may still be at it, and is not looked at.
    while run(&workers, "i => 'b'", &request, &servers).await.returned != Returned::Text("b".into()) {}
    let ours: Vec<i32> = children().into_iter().filter(|pid| !before.contains(pid)).collect();
    assert!(!ours.is_empty());
    let mut confined = 0;
    for pid in ours {
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        let status = |task: &str| std::fs::read_to_string(format!("/proc/{pid}/task/{task}/status"));
        let tasks = tasks.flatten().map(|task| task.file_name().to_string_lossy().into_owned());
        let tasks: Vec<String> = tasks.filter_map(|task| status(&task).ok()).collect();
        // The other thread only waits for the interpreter's.
        let Some(status) = tasks.iter().find(|status| status.contains("Seccomp:\t2")) else { continue };
        confined += 1;
        assert!(status.contains("NoNewPrivs:\t1") && !status.contains("Uid:\t0\t"), "{status}");
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let file_size = limits.lines().find(|line| line.starts_with("Max file size")).unwrap();
        assert_eq!(file_size.split_whitespace().nth(3), Some("0"), "{limits}");
    }
    assert!(confined >= 1, "no worker is confined");
}

/// Processes that this one started.
fn children() -> Vec<i32> {
    let mine = std::process::id().to_string();
    let parent = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some(stat.rsplit_once(") ")?.1.split(' ').nth(1)? == mine)
    };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent(pid) == Some(true)).collect()
}
