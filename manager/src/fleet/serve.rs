//! Answers who asks about the fleet.

use std::sync::Arc;

use cluster::fleet::{Answer, Page, Question};
use cluster::membership::Standing;
use cluster::store::{Expect, Key, Store, Write};
use cluster::transporter::Requests;
use cluster::{Name, heard};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{SERVERS, Shared};

/// One at a time: the answers are in memory.
pub(super) async fn serve(shared: Arc<Shared>, mut requests: Requests) {
    loop {
        let request = requests.next().await;
        let answer = match heard::read(&request.payload) {
            Ok(question) => answer(&shared, question).await,
            Err(error) => Answer::Refused(format!("this manager does not know that question: {error}")),
        };
        match serde_json::to_vec(&answer) {
            // A broker that is lost tells the asker the same.
            Ok(bytes) => drop(request.answer(bytes.into()).await),
            Err(error) => tracing::error!(%error, "an answer about the fleet is no JSON"),
        }
    }
}

async fn answer(shared: &Shared, question: Question) -> Answer {
    let now = (Instant::now().into_std(), Timestamp::now());
    match question {
        Question::Greet => Answer::Greeting { manager: shared.me.clone(), store: shared.store.link() },
        Question::Page { after } => {
            shared.look(|table, members| Answer::Page(Page::fill(table.all(after.as_ref(), members, now))))
        }
        Question::Show(name) => {
            Answer::Server(shared.look(|table, members| table.one(&name, members, now)).map(Box::new))
        }
        Question::Forget(name) => {
            let listed = shared.look(|table, members| table.one(&name, members, now));
            match listed.map(|listed| listed.standing) {
                None => Answer::Refused(format!("the cluster has no server {name}")),
                Some(Standing::Lost | Standing::Left | Standing::Revoked) => forget(shared, name).await,
                Some(_) => {
                    Answer::Refused(format!("{name} is there; only who is lost or has left can be forgotten"))
                }
            }
        }
    }
}

async fn forget(shared: &Shared, id: Name) -> Answer {
    let key = Key { collection: Name::new(SERVERS).expect("letters are a name"), id };
    let by = shared.me.to_string();
    let write = Write { key: key.clone(), expect: Expect::Anything, by, body: None };
    match shared.store.write(write).await {
        Ok(_) => {
            super::forget(shared, &key);
            Answer::Forgotten
        }
        Err(error) => Answer::Refused(error.to_string()),
    }
}
