//! The store service: answers questions, and tells every change.

use std::sync::Arc;

use cluster::store::{Answer, Change, Changes, Question, Store, StoreError};
use cluster::transporter::{Link, Request, Requests, Transporter};
use cluster::{Subject, Subjects, heard};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use crate::admission;
use crate::fleet::SERVERS;

/// Questions under way at once; more wait in the transporter, which then says that it is busy.
const MAX_UNDER_WAY: usize = 64;

/// Serves until it is dropped. Several of them, here or on other machines, share the work.
#[derive(Debug)]
pub struct Service {
    _answering: AbortOnDropHandle<()>,
    _telling: AbortOnDropHandle<()>,
}

impl Service {
    /// Returns once questions are taken, or at once when the broker is not reached.
    pub async fn start(
        store: Arc<dyn Store>,
        transporter: Arc<dyn Transporter>,
        subjects: &Subjects,
    ) -> Self {
        let changes = store.watch().await;
        let telling = tell(changes, Arc::clone(&transporter), subjects.store_changes());
        let requests = transporter.serve(&subjects.store_requests()).await;
        Self {
            _telling: AbortOnDropHandle::new(tokio::spawn(telling)),
            _answering: AbortOnDropHandle::new(tokio::spawn(answer_all(store, requests))),
        }
    }
}

async fn answer_all(store: Arc<dyn Store>, mut requests: Requests) {
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(_) = under_way.join_next() => {}
            request = requests.next(), if under_way.len() < MAX_UNDER_WAY => {
                let store = Arc::clone(&store);
                under_way.spawn(async move { answer(&*store, request).await });
            }
        }
    }
}

async fn answer(store: &dyn Store, request: Request) {
    let answer = match heard::read(&request.payload) {
        Ok(question) => act(store, question).await.unwrap_or_else(Answer::Failed),
        Err(error) => {
            Answer::Failed(StoreError::Refused(format!("this manager does not know that question: {error}")))
        }
    };
    match serde_json::to_vec(&answer) {
        // A broker that is lost tells the asker the same.
        Ok(bytes) => drop(request.answer(bytes.into()).await),
        Err(error) => tracing::error!(%error, "an answer of the store is no JSON"),
    }
}

pub(crate) async fn act(store: &dyn Store, question: Question) -> Result<Answer, StoreError> {
    Ok(match question {
        Question::Get(key) => Answer::Document(store.get(&key).await?),
        Question::Page { collection, after } => Answer::Page(store.page(&collection, after.as_ref()).await?),
        Question::Write(write)
            if admission::is_own(&write.key.collection) || write.key.collection.as_str() == SERVERS =>
        {
            return Err(StoreError::Refused(format!("only managers write {}", write.key.collection)));
        }
        Question::Write(write) => {
            write.check()?;
            Answer::Written(store.write(write).await?)
        }
    })
}

/// Publishes changes. Those that happen without a link become one gap, told as soon as there is one again. A gap is also
/// the first word: a manager that was killed may have written what it did not tell.
async fn tell(mut changes: Changes, transporter: Arc<dyn Transporter>, subject: Subject) {
    let mut link = transporter.link();
    let mut missed = true;
    loop {
        tokio::select! {
            biased;
            ended = async { link.wait_for(Link::is_up).await.is_err() }, if missed => {
                // The writing end goes with the transporter, which is held here.
                if ended {
                    return;
                }
                missed = !publish(&*transporter, &subject, &Change::Gap).await;
            }
            change = changes.next() => {
                if is_own(&change) {
                    continue;
                }
                missed |= !publish(&*transporter, &subject, &change).await;
            }
        }
    }
}

/// Last words of servers are the managers' own.
fn is_own(change: &Change) -> bool {
    match change {
        Change::Written(document) => document.key.collection.as_str() == SERVERS,
        Change::Deleted { key, .. } => key.collection.as_str() == SERVERS,
        Change::Gap => false,
    }
}

async fn publish(transporter: &dyn Transporter, subject: &Subject, change: &Change) -> bool {
    let Ok(bytes) = serde_json::to_vec(change) else { return false };
    transporter.publish(subject, bytes.into()).await.is_ok()
}
