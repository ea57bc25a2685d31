//! Somebody with a login who does not speak as members do, with both releases of nats-server.

use std::time::Duration;

use async_nats::ConnectOptions;
use bytes::Bytes;
use cluster::Pattern;
use cluster::transporter::Event;
use tokio::time::timeout;

use super::contract::{answer_all, text};
use super::servers::PATIENCE;
use super::servers::nats::{self, NatsServer};
use super::ways::{connected, subjects};

async fn stranger(server: &NatsServer) -> async_nats::Client {
    let broker = server.broker(nats::token());
    ConnectOptions::with_token("tok".into())
        .add_root_certificates(server.certificates.ca_file.clone())
        .connect(format!("tls://{}", broker.servers[0]))
        .await
        .unwrap()
}

/// Who answers would else say on that subject what nobody said: every member would read the store again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_makes_who_answers_speak_on_another_subject() {
    for release in ["nats-server", "/usr/sbin/nats-server"] {
        let server = NatsServer::started(release, nats::TOKEN);
        let (manager, member) =
            (connected(&server.broker(nats::token())).await, connected(&server.broker(nats::token())).await);
        let (subjects, stranger) = (subjects(), stranger(&server).await);
        let asked = subjects.store_requests();
        let service = answer_all(manager.serve(&asked).await, "m");
        let mut heard = member.subscribe(&Pattern::from(&subjects.store_changes())).await;
        let changes = subjects.store_changes();
        for reply in [changes.as_str(), asked.as_str(), "test.cluster.reply.*", "elsewhere"] {
            let (to, reply) = (asked.as_str().to_owned(), reply.to_owned());
            stranger.publish_with_reply(to, reply, Bytes::from_static(b"question")).await.unwrap();
        }
        stranger.flush().await.unwrap();
        // Behind the stranger's questions on the manager's connection.
        assert_eq!(member.request(&asked, text(1), PATIENCE).await, Ok(Bytes::from_static(b"m 1")));
        manager.publish(&changes, text(2)).await.unwrap();
        let event = timeout(PATIENCE, heard.next()).await.unwrap();
        assert!(matches!(&event, Event::Message(message) if message.payload == text(2)), "{event:?}");
        service.abort();
    }
}

/// The longest that the broker takes, and one more: it cuts off who sends that, and nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_longer_than_ours_reach_everybody_and_harm_nobody() {
    let server = NatsServer::started("nats-server", nats::TOKEN);
    let (a, b) =
        (connected(&server.broker(nats::token())).await, connected(&server.broker(nats::token())).await);
    let stranger = stranger(&server).await;
    let calls = subjects().roll_call();
    let mut heard = b.subscribe(&Pattern::from(&calls)).await;
    let longest = Bytes::from(vec![b'['; 1024 * 1024]);
    stranger.publish(calls.as_str().to_owned(), longest.clone()).await.unwrap();
    stranger.flush().await.unwrap();
    let event = timeout(PATIENCE, heard.next()).await.unwrap();
    assert!(matches!(event, Event::Message(message) if message.payload == longest));
    let longer = Bytes::from(vec![b'['; 1024 * 1024 + 1]);
    let _refused_by_client_or_server = stranger.publish(calls.as_str().to_owned(), longer).await;
    let _lost = timeout(Duration::from_secs(1), stranger.flush()).await;
    a.publish(&calls, text(1)).await.unwrap();
    let event = timeout(PATIENCE, heard.next()).await.unwrap();
    assert!(matches!(&event, Event::Message(message) if message.payload == text(1)), "{event:?}");
    assert!(a.link().borrow().is_up() && b.link().borrow().is_up());
}
