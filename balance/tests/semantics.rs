//! What a function returns, and what that means: the guide's rules through a real worker.

mod worker;

use std::time::Duration;

use balance::Returned::{self, List, Nothing, Odd, Text, Threw};
use balance::engine::Line;
use worker::{alice, run, three, workers};

/// Only against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

fn text(id: &str) -> Returned {
    Text(id.to_owned())
}

fn list(ids: &[&str]) -> Returned {
    List(ids.iter().map(|id| (!id.is_empty()).then(|| (*id).to_owned())).collect())
}

fn odd(what: &str) -> Returned {
    Odd(what.to_owned())
}

fn threw(message: &str) -> Returned {
    Threw(message.to_owned())
}

async fn all(cases: Vec<(&str, Returned)>) {
    let (workers, request, servers) = (workers(PATIENCE), alice(), three());
    for (source, expected) in cases {
        let ran = run(&workers, source, &request, &servers).await;
        assert_eq!(ran.returned, expected, "{source}");
    }
}

#[tokio::test]
async fn a_function_is_written_as_in_the_guide_or_shorter() {
    all(vec![
        ("function(input) {\n  return input.local.serverId;\n}", text("a")),
        ("function(input) { return 'b' };", text("b")),
        ("  // why\nfunction(input) { return 'b' } // because\n", text("b")),
        ("/* header */ function named(input) { return 'b' }\n;\n", text("b")),
        ("input => input.local.serverId", text("a")),
        ("(input) => { return 'b' }", text("b")),
        ("({ servers: [first] }) => first.serverId", text("a")),
        ("async input => 'c'", text("c")),
        ("async function(input) { return await Promise.resolve('c') }", text("c")),
        ("function(input) { 'use strict'; return this === undefined ? 'a' : 'b' }", text("a")),
        ("42", threw("TypeError: the script is not a function")),
        ("function(input) { return 'a' } )(", threw("TypeError: the script is not a function")),
        ("({ pick() {} })", threw("TypeError: the script is not a function")),
    ])
    .await;
}

#[tokio::test]
async fn the_input_is_the_guides() {
    all(vec![
        (
            "i => Object.keys(i).sort().join()",
            text("action,data,isAdmin,isManager,local,servers,user,userGroups"),
        ),
        ("i => i.action", text("session/start")),
        ("i => i.user.login + i.user.serverId + i.user.sessions[0].serverId", text("aliceab")),
        (
            "i => i.userGroups.includes('chem') && i.isAdmin === true && i.isManager === false && 'c'",
            text("c"),
        ),
        ("i => i.data.command + i.data.serverId", text("xtermc")),
        ("i => Array.isArray(i.servers) && i.servers.length === 3 && 'c'", text("c")),
        ("i => JSON.stringify(i.servers[1])", text(r#"{"serverId":"b","sessions":1,"staticData":{}}"#)),
        ("i => ({ ...i.servers[0], x: 1 }).serverId", text("a")),
    ])
    .await;
}

#[tokio::test]
async fn strings_and_arrays_are_results() {
    all(vec![
        ("i => 'unknown'", text("unknown")),
        ("i => i.servers", list(&["a", "b", "c"])),
        ("i => i.servers.filter(s => s.staticData.gpu)", list(&["a", "c"])),
        ("i => i.servers.sort((x, y) => x.sessions - y.sessions)", list(&["b", "c", "a"])),
        ("i => []", list(&[])),
        ("i => [i.servers[1], i.servers[1]]", list(&["b", "b"])),
        ("i => [i.servers]", list(&[""])),
        ("i => [[i.servers[0]], i.servers[1]]", list(&["", "b"])),
        ("i => ['a', 1, null, undefined, Symbol()]", list(&["", "", "", "", ""])),
        ("i => [{ serverId: 'a', sessions: 0 }]", list(&["a"])),
        ("i => [{ serverId: 'forged' }, { serverId: { toString() { return 'a' } } }]", list(&["forged", ""])),
        ("i => Array(2)", list(&["", ""])),
        ("i => new Proxy(i.servers, {})", list(&["a", "b", "c"])),
        ("i => [new Proxy(i.servers[2], {})]", list(&["c"])),
        ("i => [{ get serverId() { return 'b' } }]", list(&["b"])),
        ("i => [Object.create(i.servers[0])]", list(&["a"])),
        ("i => { i.servers[0].serverId = 'c'; return [i.servers[0]] }", list(&["c"])),
        ("i => { class Mine extends Array {} return Mine.from(i.servers) }", list(&["a", "b", "c"])),
        ("i => { Array.isArray = () => false; return i.servers.slice(0, 1) }", list(&["a"])),
        ("i => { Object.prototype.serverId = 'c'; return [{}] }", list(&["c"])),
    ])
    .await;
}

#[tokio::test]
async fn falsy_is_nothing_and_the_rest_is_odd() {
    let mut cases: Vec<(&str, Returned)> = vec![("i => {}", Nothing)];
    for falsy in [
        "i => undefined",
        "i => null",
        "i => 0",
        "i => -0",
        "i => NaN",
        "i => ''",
        "i => false",
        "i => 0n",
        "async i => null",
        "i => Promise.resolve()",
    ] {
        cases.push((falsy, Nothing));
    }
    cases.extend([
        ("i => true", odd("true")),
        ("i => 7", odd("the number 7")),
        ("i => Infinity", odd("the number Infinity")),
        ("i => 5n", odd("a BigInt")),
        ("i => Symbol('a')", odd("a symbol")),
        ("i => ({ serverId: 'a' })", odd("an object that is no array")),
        ("i => i.servers[0]", odd("an object that is no array")),
        ("i => new String('a')", odd("an object that is no array")),
        ("i => () => 'a'", odd("a function")),
        ("i => new Set(i.servers)", odd("an object that is no array")),
        ("i => ({ length: 1, 0: i.servers[0] })", odd("an object that is no array")),
        ("i => Array(4294967295)", odd("an array of 4294967295 elements")),
        ("i => new Proxy({}, {})", odd("an object that is no array")),
    ]);
    all(cases).await;
}

#[tokio::test]
async fn promises_are_waited_for_and_errors_stop() {
    all(vec![
        ("i => new Promise(() => {})", odd("a promise that never settles")),
        ("async i => { await new Promise(() => {}) }", odd("a promise that never settles")),
        ("i => ({ then(done) { done('b') } })", text("b")),
        ("i => Promise.resolve(i.servers.slice(1))", list(&["b", "c"])),
        ("async i => Promise.all([1, 2]).then(() => 'c')", text("c")),
        ("i => Promise.reject(new Error('no'))", threw("no")),
        ("async i => { throw 'none is free' }", threw("none is free")),
        ("i => { throw new Error('All GPU servers are in use') }", threw("All GPU servers are in use")),
        ("i => { throw new RangeError('too many') }", threw("RangeError: too many")),
        ("i => { throw { message: 'an object' } }", threw("an object")),
        ("i => { throw { code: 7 } }", threw(r#"{"code":7}"#)),
        ("i => { throw undefined }", threw("undefined")),
        ("i => { throw 7 }", threw("7")),
        ("i => { throw { get message() { throw 1 } } }", threw("an error that cannot be shown")),
        ("i => [{ get serverId() { throw new Error('in a getter') } }]", threw("in a getter")),
        ("i => new Proxy([], { get() { throw new Error('in a proxy') } })", threw("in a proxy")),
        ("i => ({ get then() { throw new Error('in then') } })", threw("in then")),
        ("i => missing", threw("ReferenceError: missing is not defined")),
        ("i => eval('1')", threw("EvalError: code cannot be made from texts here")),
        ("i => new Function('return 1')()", threw("EvalError: code cannot be made from texts here")),
    ])
    .await;
    let (workers, request, servers) = (workers(PATIENCE), alice(), three());
    for source in ["function(input) {", "1 +", "", "function(input) {}; input => 'a'", "a b"] {
        let ran = run(&workers, source, &request, &servers).await;
        assert!(matches!(&ran.returned, Threw(why) if why.starts_with("SyntaxError")), "{source}: {ran:?}");
    }
}

#[tokio::test]
async fn time_and_chance_are_what_the_call_is_given() {
    let (workers, request, servers) = (workers(PATIENCE), alice(), three());
    let source = "i => [new Date().toISOString(), Date.now(), new Date().getHours(), Math.random()].join()";
    let first = run(&workers, source, &request, &servers).await.returned;
    let Text(said) = &first else { panic!("{first:?}") };
    assert!(said.starts_with("2025-11-19T11:00:00.000Z,1763550000000,12,0."), "{said}");
    assert_eq!(run(&workers, source, &request, &servers).await.returned, first);
}

#[tokio::test]
async fn no_call_sees_what_another_left() {
    let (workers, request, servers) = (workers(PATIENCE), alice(), three());
    let mark = "i => { globalThis.x = 1; Object.prototype.x = 1; Array.prototype.map = null; Math.random = null;
        i.servers[0].x = 1; i.servers[0].staticData.x = 1; i.servers.length = 0; console.log = null; return 'a' }";
    let look = "i => String([globalThis.x, ({}).x, typeof [].map, typeof Math.random, i.servers[0].x,
        i.servers[0].staticData.x, i.servers.length, typeof console.log])";
    for _ in 0..4 {
        assert_eq!(run(&workers, mark, &request, &servers).await.returned, text("a"));
        let seen = run(&workers, look, &request, &servers).await.returned;
        assert_eq!(seen, text(",,function,function,,,3,function"));
    }
}

#[tokio::test]
async fn console_is_kept_as_it_was_said_and_bounded() {
    let (workers, request, servers) = (workers(PATIENCE), alice(), three());
    let source = "i => { console.log('one', 2, { a: [null] }, undefined); console.warn(() => 1); throw 'x' }";
    let line = |level: &str, text: &str| Line { level: level.into(), text: text.into() };
    let ran = run(&workers, source, &request, &servers).await;
    assert_eq!(ran.console, [line("log", r#"one 2 {"a":[null]} undefined"#), line("warn", "a function")]);
    let flood = "i => { for (let n = 0; n < 10000; n++) console.log('x'.repeat(3000)); return 'a' }";
    let ran = run(&workers, flood, &request, &servers).await;
    assert_eq!((ran.returned, ran.console.len()), (text("a"), balance::worker::MAX_LINES + 1));
    assert!(ran.console.iter().all(|line| line.text.chars().count() <= balance::worker::MAX_TEXT + 1));
}

#[tokio::test]
async fn servers_that_change_are_seen_as_they_are_now() {
    let (workers, request) = (workers(PATIENCE), alice());
    let source = "i => i.servers.map(s => s.serverId + s.sessions).join()";
    let mut roster = three();
    for sessions in 0..20_u64 {
        let mut bodies: Vec<_> = roster.iter().map(|server| server.body.clone()).collect();
        bodies[1]["sessions"] = sessions.into();
        roster = balance::offer::renew(&roster, bodies);
        workers.warm(&roster).await;
        let seen = run(&workers, source, &request, &roster).await.returned;
        assert_eq!(seen, Text(format!("a3,b{sessions},c2")));
    }
    roster.remove(0);
    assert_eq!(run(&workers, source, &request, &roster).await.returned, text("b19,c2"));
}

#[tokio::test]
async fn what_a_server_says_of_itself_are_its_own_values_and_nothing_else() {
    let (workers, request) = (workers(PATIENCE), alice());
    let body = r#"{"serverId":"a","staticData":{"__proto__":{"gpu":true},"list":[{"x":1.5},[null,"y"],{}]}}"#;
    let roster = worker::servers(serde_json::from_str(&format!("[{body}]")).unwrap());
    let seen = run(&workers, "i => JSON.stringify(i.servers[0])", &request, &roster).await.returned;
    assert_eq!(seen, text(body));
    let source = "i => String([i.servers[0].staticData.gpu, ({}).gpu, i.servers[0].constructor === Object])";
    assert_eq!(run(&workers, source, &request, &roster).await.returned, text(",,true"));
}
