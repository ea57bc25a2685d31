//! What every way does when something is too much.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cluster::Pattern;
use cluster::transporter::{Event, Gap, MAX_PAYLOAD, PublishError, RequestError, Subscription};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::contract::{answer_all, message, text};
use super::servers::PATIENCE;
use super::ways::{Two, subjects};

pub(crate) async fn who_has_too_much_to_do_says_so_at_once(two: Two) {
    let subject = subjects().store_requests();
    let requests = two.b.serve(&subject).await;
    let asked: Vec<_> = (0..400)
        .map(|number| {
            let (asker, subject) = (Arc::clone(&two.a), subject.clone());
            tokio::spawn(async move { asker.request(&subject, text(number), PATIENCE).await })
        })
        .collect();
    // 256 wait; nobody reads them until the others have their answer.
    while asked.iter().filter(|asked| asked.is_finished()).count() < 400 - 256 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let server = answer_all(requests, "b");
    let answers: Vec<_> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
    let busy = answers.iter().filter(|answer| **answer == Err(RequestError::Busy)).count();
    assert_eq!((busy, answers.iter().filter(|answer| answer.is_ok()).count()), (400 - 256, 256));
    server.abort();
}

pub(crate) async fn what_is_too_long_is_refused_before_it_leaves(two: Two) {
    let subject = subjects().store_requests();
    let mut heard = two.b.subscribe(&Pattern::from(&subjects().roll_call())).await;
    let longest = Bytes::from(vec![7; MAX_PAYLOAD]);
    let longer = Bytes::from(vec![7; MAX_PAYLOAD + 1]);
    let refused = two.a.publish(&subjects().roll_call(), longer.clone()).await;
    assert_eq!(refused, Err(PublishError::TooLong(MAX_PAYLOAD + 1)));
    two.a.publish(&subjects().roll_call(), longest.clone()).await.unwrap();
    assert_eq!(message(&mut heard).await, longest);
    let mut requests = two.b.serve(&subject).await;
    let answers = async {
        let request = requests.next().await;
        assert_eq!(request.payload.len(), MAX_PAYLOAD);
        request.answer(longest.clone()).await
    };
    let (answer, answered) = tokio::join!(two.a.request(&subject, longest.clone(), PATIENCE), answers);
    assert_eq!((answer.unwrap().len(), answered), (MAX_PAYLOAD, Ok(())));
    let refused = two.a.request(&subject, longer, PATIENCE).await;
    assert_eq!(refused, Err(RequestError::TooLong(MAX_PAYLOAD + 1)));
}

pub(crate) async fn a_slow_reader_is_told_and_goes_on(two: Two) {
    let subject = subjects().roll_call();
    let mut slow = two.b.subscribe(&Pattern::from(&subject)).await;
    let began = Instant::now();
    let mut told = false;
    // When a machine is slow, messages may still be on their way when reading begins; then once more.
    for round in 0.. {
        assert!(began.elapsed() < PATIENCE, "never told");
        for _ in 0..3000 {
            two.a.publish(&subject, Bytes::from_static(b"flood")).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        told |= until_marked(&two, &subject, &mut slow, round).await;
        if told {
            break;
        }
    }
}

/// Reads up to a message that is published now, again and again, for it may fall into the gap itself.
async fn until_marked(two: &Two, subject: &cluster::Subject, slow: &mut Subscription, round: usize) -> bool {
    let mut told = false;
    loop {
        two.a.publish(subject, text(round)).await.unwrap();
        while let Ok(event) = timeout(Duration::from_secs(1), slow.next()).await {
            match event {
                Event::Gap(gap) => told |= gap == Gap::TooSlow,
                Event::Message(message) if message.payload == text(round) => return told,
                Event::Message(_) => {}
            }
        }
    }
}
