//! Brokers that believe an authority: what a login may do, and how it ends. With both releases of nats-server.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster::admission::{Authority, MemberKey, Permissions, RevokedKeys, tell};
use cluster::broker::{Broker, Login};
use cluster::store::Revision;
use cluster::transporter::{Event, RequestError, Transporter, connect};
use cluster::{Name, Subjects};
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::servers::PATIENCE;
use super::servers::nats::NatsServer;
use super::ways::{connected, down, subjects, up};

const RELEASES: [&str; 2] = ["nats-server", "/usr/sbin/nats-server"];

struct Cluster {
    authority: Authority,
    server: NatsServer,
    _accounts: tempfile::TempDir,
}

impl Cluster {
    fn started(release: &str) -> Self {
        let authority = Authority::generate();
        let accounts = tempfile::tempdir().unwrap();
        let settings = authority.nats_settings(&format!("\"{}\"", accounts.path().display()));
        let server = NatsServer::started(release, &settings);
        Self { authority, server, _accounts: accounts }
    }

    fn broker(&self, login: Login) -> Broker {
        self.server.broker(login)
    }

    fn manager(&self) -> Broker {
        self.broker(self.authority.manager_login(&subjects()))
    }

    fn member(&self, id: &str) -> (MemberKey, Broker) {
        let (key, subjects) = (MemberKey::generate(), subjects());
        let permissions = Permissions::member(&subjects, &name(id), &key.public());
        let jwt = self.authority.admit(&key.public(), id, &permissions, Timestamp::now(), None);
        let broker = self.broker(Login::Credentials(key.credentials(&jwt)));
        (key, broker)
    }

    fn revoked(&self, keys: &[&MemberKey], revision: i64) -> RevokedKeys {
        let now = Timestamp::now().as_second();
        let keys = keys.iter().map(|key| (key.public(), now)).collect();
        RevokedKeys { revision: Revision(revision), keys }
    }
}

fn name(id: &str) -> Name {
    Name::new(id).unwrap()
}

async fn answering(transporter: &Arc<dyn Transporter>, subjects: &Subjects) -> AbortOnDropHandle<()> {
    let mut requests = transporter.serve(&subjects.store_requests()).await;
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            let request = requests.next().await;
            request.answer("done".into()).await.unwrap();
        }
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_speaks_only_for_itself_and_serves_nothing() {
    for release in RELEASES {
        let (cluster, subjects) = (Cluster::started(release), subjects());
        let manager = connected(&cluster.manager()).await;
        let (_, broker) = cluster.member("node.one");
        let member = connected(&broker).await;
        let store = answering(&manager, &subjects).await;
        let asked = member.request(&subjects.store_requests(), "q".into(), PATIENCE).await;
        assert_eq!(asked, Ok(Bytes::from("done")), "{release}: it asks the store and hears the answer");

        let mut heard = manager.subscribe(&subjects.presences()).await;
        for id in ["node.two", "node.one"] {
            member.publish(&subjects.presence(&name(id)), "here".into()).await.unwrap();
        }
        let Event::Message(first) = timeout(PATIENCE, heard.next()).await.unwrap() else { panic!("a gap") };
        assert_eq!(first.subject, subjects.presence(&name("node.one")).as_str(), "{release}");

        // It is no manager: nothing is asked of it, whatever it says it serves.
        drop(store);
        drop(manager);
        let _false_manager = answering(&member, &subjects).await;
        let (_, other) = cluster.member("node.two");
        let asked = connected(&other).await.request(&subjects.store_requests(), "q".into(), PATIENCE).await;
        assert!(asked.is_err(), "{release}: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_token_may_only_ask_to_join_and_ends_by_itself() {
    for release in RELEASES {
        let (cluster, subjects) = (Cluster::started(release), subjects());
        let key = MemberKey::generate();
        let permissions = Permissions::join(&subjects, &key.public());
        let now = Timestamp::now();
        let soon = now + Duration::from_secs(3);
        let jwt = cluster.authority.admit(&key.public(), "join", &permissions, now, Some(soon));
        let broker = cluster.broker(Login::Credentials(key.credentials(&jwt)));
        let bearer = connected(&broker).await;
        let asked = bearer.request(&subjects.join_requests(), "q".into(), PATIENCE).await;
        assert_eq!(asked, Err(RequestError::NoResponders), "{release}");
        let manager = connected(&cluster.manager()).await;
        let _store = answering(&manager, &subjects).await;
        let asked = bearer.request(&subjects.store_requests(), "q".into(), Duration::from_millis(500)).await;
        assert!(asked.is_err(), "{release}: {asked:?}");
        down(&*bearer).await;
        let why = refused(&broker).await;
        assert!(why.contains("authorization"), "{release}: {why}");
    }
}

async fn refused(broker: &Broker) -> String {
    let transporter = connect(broker).await.unwrap();
    let mut link = transporter.link();
    let said = |link: &cluster::transporter::Link| match link {
        cluster::transporter::Link::Down { why, .. } => why.contains("uthorization"),
        cluster::transporter::Link::Up { .. } => panic!("let in"),
    };
    let _said = timeout(PATIENCE, link.wait_for(said)).await;
    format!("{:?}", transporter.link().borrow()).to_lowercase()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_revoked_is_cut_off_and_stays_out_also_when_the_broker_starts_anew() {
    for release in RELEASES {
        let mut cluster = Cluster::started(release);
        let ((key, broker), (_, other)) = (cluster.member("one"), cluster.member("two"));
        let (member, other) = (connected(&broker).await, connected(&other).await);
        tell(&cluster.manager(), &cluster.authority, &cluster.revoked(&[&key], 5_000_000)).await.unwrap();
        down(&*member).await;
        assert!(other.link().borrow().is_up(), "{release}");
        let why = refused(&broker).await;
        assert!(why.contains("authorization"), "{release}: {why}");
        // Nor does a new start change it, whose configuration knows of no revocation.
        cluster.server.process().kill();
        cluster.server.start();
        up(&*other).await;
        let why = refused(&broker).await;
        assert!(why.contains("authorization"), "{release}: {why}");
        // In the same second, a later word.
        tell(&cluster.manager(), &cluster.authority, &cluster.revoked(&[], 5_000_001)).await.unwrap();
        connected(&broker).await;
    }
}
