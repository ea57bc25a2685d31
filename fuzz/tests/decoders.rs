//! Every target, for a moment, with the same inputs each time.

use std::time::Duration;

use fuzz::Target;
use fuzz::run::{Budget, found, run};
use fuzz::targets::{ALL, named};

/// Seconds on a slow machine; the time is there for one that is slower still.
const MOMENT: Budget = Budget { inputs: 20_000, time: Duration::from_secs(10) };

fn holds(name: &str) {
    let target = named(name).expect("a target of that name");
    let valid = (target.seeds)().len() as u64;
    assert!(run(&target, MOMENT, 1) >= valid);
}

macro_rules! targets {
    ($($test:ident $name:literal)*) => {
        $(#[test] fn $test() { holds($name); })*

        #[test]
        fn no_target_is_left_out() {
            let tried = [$($name),*];
            assert!(ALL.iter().all(|target| tried.contains(&target.name)) && tried.len() == ALL.len());
        }
    };
}

targets! {
    any_preamble_is_read_or_refused "preamble"
    any_answer_is_read_or_refused "answer"
    any_control_message_is_read_or_refused "control"
    any_hello_is_read_or_refused "hello"
    any_answer_to_a_hello_is_read_or_refused "hello-answer"
    any_record_is_opened_or_refused "record"
    any_client_hello_is_told_or_refused "client-hello"
    any_proxy_header_is_read_or_refused "proxy-header"
    any_gateway_json_is_read_or_explained "gateway-json"
    any_word_to_the_launcher_is_taken_or_refused "launcher"
    any_broker_json_is_read_or_explained "broker-json"
    any_word_of_a_member_is_read_or_refused "member-word"
    any_question_to_a_manager_is_read_or_refused "member-question"
    any_answer_of_a_manager_is_read_or_refused "manager-answer"
}

#[test]
fn what_was_found_belongs_to_a_target() {
    let folders = found(&ALL[0]).parent().expect("beside the others").read_dir();
    for folder in folders.into_iter().flatten() {
        let name = folder.expect("a folder").file_name();
        assert!(named(&name.to_string_lossy()).is_some(), "{name:?} is tried by nobody");
    }
}

#[test]
#[should_panic(expected = "a hop too many")]
fn what_does_not_hold_is_found() {
    let check = |input: &[u8]| {
        assert!(!tunnel::Preamble::decode(input).is_ok_and(|read| read.hops == 0xff), "a hop too many");
    };
    run(&Target { check, ..named("preamble").expect("there") }, MOMENT, 1);
}

#[test]
#[should_panic(expected = "bytes were held")]
fn too_much_memory_is_found() {
    run(&Target { memory: 16, ..named("hello").expect("there") }, MOMENT, 1);
}
