//! What every way promises.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cluster::transporter::{Event, Gap, RequestError, Requests, Subscription, Transporter};
use cluster::{Name, Pattern};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::limits::{
    a_slow_reader_is_told_and_goes_on, what_is_too_long_is_refused_before_it_leaves,
    who_has_too_much_to_do_says_so_at_once,
};
use super::presence::members_see_each_other_come_drain_and_leave;
use super::servers::PATIENCE;
use super::ways::{self, Two, subjects};

macro_rules! on_every_way {
    ($($fact:ident)*) => {
        mod in_process { on_every_way!(@ in_process $($fact)*); }
        mod nats { on_every_way!(@ nats $($fact)*); }
        mod nats_of_debian { on_every_way!(@ nats_of_debian $($fact)*); }
        mod redis { on_every_way!(@ redis $($fact)*); }
    };
    (@ $way:ident $($fact:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $fact() {
            super::$fact(super::ways::$way().await).await;
        }
    )*};
}

on_every_way! {
    messages_arrive_in_order_at_every_subscriber
    only_the_own_subject_is_heard
    each_request_reaches_one_of_those_who_serve
    nobody_serving_is_an_answer_and_not_a_wait
    an_unanswered_request_ends_at_its_deadline
    who_has_too_much_to_do_says_so_at_once
    what_is_too_long_is_refused_before_it_leaves
    a_slow_reader_is_told_and_goes_on
    a_service_that_ended_is_not_asked
    members_see_each_other_come_drain_and_leave
}

pub(crate) fn text(number: usize) -> Bytes {
    Bytes::from(number.to_string())
}

pub(crate) async fn message(subscription: &mut Subscription) -> Bytes {
    loop {
        match timeout(PATIENCE, subscription.next()).await.expect("something arrives") {
            Event::Message(message) => return message.payload,
            // A subscription made in the moment of connecting may be told.
            Event::Gap(gap) => assert_eq!(gap, Gap::Reconnected),
        }
    }
}

/// Answers every request with who answered.
pub(crate) fn answer_all(mut requests: Requests, name: &'static str) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let request = requests.next().await;
            let answer = [name.as_bytes(), b" ", &request.payload].concat();
            request.answer(answer.into()).await.unwrap();
        }
    })
}

async fn messages_arrive_in_order_at_every_subscriber(two: Two) {
    let subject = subjects().roll_call();
    let mut all = [
        two.a.subscribe(&Pattern::from(&subject)).await,
        two.b.subscribe(&Pattern::from(&subject)).await,
        two.b.subscribe(&Pattern::from(&subject)).await,
    ];
    for number in 0..500 {
        two.a.publish(&subject, text(number)).await.unwrap();
    }
    for subscription in &mut all {
        for number in 0..500 {
            assert_eq!(message(subscription).await, text(number));
        }
    }
}

async fn only_the_own_subject_is_heard(two: Two) {
    let subjects = subjects();
    let [one, other] = ["node.one", "node-two"].map(|name| subjects.presence(&Name::new(name).unwrap()));
    let mut only = two.b.subscribe(&Pattern::from(&one)).await;
    let mut every = two.b.subscribe(&subjects.presences()).await;
    for (subject, payload) in [(&other, 1), (&subjects.roll_call(), 2), (&one, 3)] {
        two.a.publish(subject, text(payload)).await.unwrap();
    }
    assert_eq!(message(&mut only).await, text(3));
    assert_eq!([message(&mut every).await, message(&mut every).await], [text(1), text(3)]);
}

async fn each_request_reaches_one_of_those_who_serve(two: Two) {
    let subject = subjects().store_requests();
    let servers =
        [answer_all(two.a.serve(&subject).await, "a"), answer_all(two.b.serve(&subject).await, "b")];
    let asked = (0..200).map(|number| {
        let (asker, subject) = (Arc::clone(if number % 2 == 0 { &two.a } else { &two.b }), subject.clone());
        async move { asker.request(&subject, text(number), PATIENCE).await.unwrap() }
    });
    let answers: Vec<String> =
        join_all(asked).await.into_iter().map(|answer| String::from_utf8(answer.into()).unwrap()).collect();
    for (number, answer) in answers.iter().enumerate() {
        assert!(answer == &format!("a {number}") || answer == &format!("b {number}"), "{answer}");
    }
    // By chance one of them gets all 200 once in 2^199 runs.
    assert!(answers.iter().any(|answer| answer.starts_with('a')));
    assert!(answers.iter().any(|answer| answer.starts_with('b')));
    servers.iter().for_each(tokio::task::JoinHandle::abort);
}

async fn nobody_serving_is_an_answer_and_not_a_wait(two: Two) {
    let began = Instant::now();
    let patience = 10 * PATIENCE;
    let answer = two.a.request(&subjects().store_requests(), Bytes::new(), patience).await;
    assert_eq!(answer, Err(RequestError::NoResponders));
    assert!(began.elapsed() < PATIENCE);
}

async fn an_unanswered_request_ends_at_its_deadline(two: Two) {
    let subject = subjects().store_requests();
    let mut requests = two.b.serve(&subject).await;
    let held = tokio::spawn(async move { (requests.next().await, requests) });
    let answer = two.a.request(&subject, Bytes::new(), Duration::from_secs(1)).await;
    assert_eq!(answer, Err(RequestError::Deadline));
    assert!(timeout(PATIENCE, held).await.is_ok(), "the request did arrive");
}

async fn a_service_that_ended_is_not_asked(two: Two) {
    let subject = subjects().store_requests();
    let server = answer_all(two.b.serve(&subject).await, "b");
    two.a.request(&subject, Bytes::new(), PATIENCE).await.unwrap();
    server.abort();
    let began = Instant::now();
    // The broker learns of the end a moment later.
    while two.a.request(&subject, Bytes::new(), Duration::from_millis(100)).await
        != Err(RequestError::NoResponders)
    {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Used by `faults`: both ends hear and answer.
pub(crate) async fn works(a: &dyn Transporter, b: &dyn Transporter) {
    let mut heard = b.subscribe(&Pattern::from(&subjects().roll_call())).await;
    a.publish(&subjects().roll_call(), text(1)).await.unwrap();
    assert_eq!(message(&mut heard).await, text(1));
    let server = answer_all(b.serve(&subjects().store_requests()).await, "b");
    let answer = a.request(&subjects().store_requests(), text(2), PATIENCE).await;
    assert_eq!(answer, Ok(Bytes::from_static(b"b 2")));
    server.abort();
}
