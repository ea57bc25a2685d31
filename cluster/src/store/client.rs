//! The store as a member has it: questions to the managers' store service, over the transporter.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, select};
use tokio::sync::broadcast;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::{Answer, Change, Changes, Document, Key, Page, Question, Revision, Store, StoreError, Write};
use crate::name::Name;
use crate::subject::{Pattern, Subjects};
use crate::transporter::{Event, RequestError, Subscription, Transporter};

/// A manager gives its database 5 s; it has an answer before this is over.
const PATIENCE: Duration = Duration::from_secs(10);
/// Then a reader asks again, as the manager that had the question may be gone; also after an ordinary answer's time.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// Changes that wait for one watcher; then it reads all again.
const MAX_WAITING: usize = 256;

/// Any number of managers may answer; which one does not matter.
#[derive(Clone, Debug)]
pub struct StoreClient {
    transporter: Arc<dyn Transporter>,
    subjects: Subjects,
}

impl StoreClient {
    pub fn new(transporter: Arc<dyn Transporter>, subjects: Subjects) -> Self {
        Self { transporter, subjects }
    }

    async fn ask(&self, question: Question) -> Result<Answer, StoreError> {
        let payload =
            serde_json::to_vec(&question).map_err(|error| StoreError::Refused(error.to_string()))?;
        let asked = self.transporter.request(&self.subjects.store_requests(), payload.into(), PATIENCE);
        let answer = asked.await.map_err(unreachable)?;
        match serde_json::from_slice(&answer) {
            Ok(Answer::Failed(error)) => Err(error),
            Ok(answer) => Ok(answer),
            Err(error) => {
                Err(StoreError::Unreachable(format!("a manager of another version answered: {error}")))
            }
        }
    }

    /// Asks a question that changes nothing: twice, where the first is not answered soon; the first answer counts.
    async fn read(&self, question: Question) -> Result<Answer, StoreError> {
        let mut asked = pin!(self.ask(question.clone()));
        match timeout(ASK_AGAIN, &mut asked).await {
            Ok(answer) => answer,
            Err(_) => select(asked, pin!(self.ask(question))).await.factor_first().0,
        }
    }
}

fn unreachable(error: RequestError) -> StoreError {
    StoreError::Unreachable(match error {
        RequestError::NoResponders => "no cluster manager is running".into(),
        RequestError::Busy => "the cluster manager has too much to do".into(),
        RequestError::Deadline => "the cluster manager does not answer".into(),
        RequestError::TooLong(_) | RequestError::Disconnected => error.to_string(),
    })
}

fn unexpected() -> StoreError {
    StoreError::Unreachable("the manager answered another question".into())
}

impl Store for StoreClient {
    fn get(&self, key: &Key) -> BoxFuture<'_, Result<Option<Document>, StoreError>> {
        let question = Question::Get(key.clone());
        async move {
            match self.read(question).await? {
                Answer::Document(document) => Ok(document),
                _ => Err(unexpected()),
            }
        }
        .boxed()
    }

    fn page(&self, collection: &Name, after: Option<&Name>) -> BoxFuture<'_, Result<Page, StoreError>> {
        let question = Question::Page { collection: collection.clone(), after: after.cloned() };
        async move {
            match self.read(question).await? {
                Answer::Page(page) => Ok(page),
                _ => Err(unexpected()),
            }
        }
        .boxed()
    }

    fn write(&self, write: Write) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async move {
            write.check()?;
            match self.ask(Question::Write(write)).await? {
                Answer::Written(revision) => Ok(revision),
                _ => Err(unexpected()),
            }
        }
        .boxed()
    }

    fn watch(&self) -> BoxFuture<'_, Changes> {
        async move {
            let told = self.transporter.subscribe(&Pattern::from(&self.subjects.store_changes())).await;
            let (send, waiting) = broadcast::channel(MAX_WAITING);
            let task = AbortOnDropHandle::new(tokio::spawn(hear(told, send)));
            Changes::new(waiting, Some(task))
        }
        .boxed()
    }
}

async fn hear(mut told: Subscription, send: broadcast::Sender<Change>) {
    loop {
        let change = match told.next().await {
            // What cannot be read is of another version; the document itself can perhaps be.
            Event::Message(message) => serde_json::from_slice(&message.payload).unwrap_or(Change::Gap),
            Event::Gap(_) => Change::Gap,
        };
        if send.send(change).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transporter::InProcess;

    #[tokio::test]
    async fn a_manager_that_goes_silent_costs_a_reader_a_moment() {
        let (transporter, subjects) = (InProcess::new(), Subjects::new(&Name::new("test").unwrap()));
        let mut silent = transporter.serve(&subjects.store_requests()).await;
        let mut other = transporter.serve(&subjects.store_requests()).await;
        let _answering = AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                let nothing = serde_json::to_vec(&Answer::Document(None)).unwrap();
                other.next().await.answer(nothing.into()).await.unwrap();
            }
        }));
        let _silent = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut kept = Vec::new();
            loop {
                kept.push(silent.next().await);
            }
        }));
        let client = StoreClient::new(Arc::new(transporter), subjects);
        let key = Key { collection: Name::new("a").unwrap(), id: Name::new("b").unwrap() };
        for _ in 0..2 {
            let began = std::time::Instant::now();
            assert_eq!(client.get(&key).await, Ok(None));
            assert!(began.elapsed() < PATIENCE);
        }
    }
}
