//! A server is let in with a token, and shut out: how soon the broker cuts it off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cluster::admission::{Authority, MemberKey, join};
use cluster::broker::{Broker, Login};
use cluster::membership::{Announcer, Standing};
use cluster::transporter::Link;
use cluster::{ControlPlane, Name, Role, Subjects};
use manager::{Admission, Folder, Manager};
use tokio::time::timeout;

use super::fault;
use super::history::name;
use super::servers::PATIENCE;
use super::servers::nats::{self, NatsServer};

/// What the design promises, from the administrator's word to the end of the link.
const CUT_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_member_is_cut_off_and_the_others_stay() {
    for release in ["nats-server", "/usr/sbin/nats-server"] {
        let (authority, accounts) = (Authority::generate(), tempfile::tempdir().unwrap());
        let server = NatsServer::started(
            release,
            &authority.nats_settings(&format!("\"{}\"", accounts.path().display())),
        );
        let subjects = Subjects::new(&server.broker(nats::token()).namespace);
        let broker = server.broker(authority.manager_login(&subjects));
        let plane = reached("manager", Role::Manager, &broker).await;
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Folder::open(folder.path()).unwrap());
        let _manager = Manager::over(Arc::clone(&store) as _, &plane).await;
        let (me, transporter) = (plane.me.clone(), Arc::clone(&plane.transporter));
        let admission = Admission::start(authority, broker.clone(), me, store, transporter).await;

        let [one, two] = [member(&admission, &broker, "one").await, member(&admission, &broker, "two").await];
        stands(&plane, &one.plane.me, Standing::Alive).await;
        let began = Instant::now();
        admission.revoke(&one.plane.me).await.unwrap();
        let mut link = one.plane.transporter.link();
        timeout(PATIENCE, link.wait_for(|link| !link.is_up())).await.unwrap().unwrap();
        let took = began.elapsed();
        println!("{release}: a revoked member was cut off after {took:?}");
        if fault() >= Duration::from_secs(60) {
            // Alone on the machine; beside other tests nothing says how long two processes take.
            assert!(took < CUT_WITHIN, "{release}: {took:?}");
        }
        stands(&two.plane, &one.plane.me, Standing::Revoked).await;
        stands(&plane, &two.plane.me, Standing::Alive).await;
        assert!(two.plane.transporter.link().borrow().is_up(), "{release}");
    }
}

struct Member {
    plane: ControlPlane,
    _announcer: Announcer,
}

async fn member(admission: &Admission, broker: &Broker, id: &str) -> Member {
    let key = MemberKey::generate();
    let token = admission.create_token(None, Duration::from_secs(600)).await.unwrap();
    let jwt = join(&token, &name(id), &key).await.unwrap();
    let broker = Broker { login: Login::Credentials(key.credentials(&jwt)), ..broker.clone() };
    let plane = reached(id, Role::Member, &broker).await;
    let (transporter, subjects) = (Arc::clone(&plane.transporter), plane.subjects.clone());
    let announcer = Announcer::start(transporter, subjects, plane.me.clone());
    Member { plane, _announcer: announcer }
}

async fn reached(me: &str, role: Role, broker: &Broker) -> ControlPlane {
    let plane = ControlPlane::connect(name(me), role, broker).await.unwrap();
    timeout(PATIENCE, plane.transporter.link().wait_for(Link::is_up)).await.unwrap().unwrap();
    plane
}

/// Until the managers say so to `asker`.
async fn stands(asker: &ControlPlane, server: &Name, standing: Standing) {
    let began = Instant::now();
    loop {
        let shown = asker.fleet.show(server).await;
        if matches!(&shown, Ok(Some(listed)) if listed.standing == standing) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{server}: {shown:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
