//! A request, from the broker to who serves it and back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster::Subject;
use cluster::transporter::{RequestError, Transporter};
use tokio::sync::oneshot;

use super::bus::Port;

/// A request at the broker.
pub(crate) struct Asked {
    pub(crate) subject: Subject,
    pub(crate) payload: Bytes,
    pub(crate) patience: Duration,
    pub(crate) asker: Arc<Port>,
    pub(crate) answer: oneshot::Sender<Result<Bytes, RequestError>>,
}

impl Asked {
    pub(crate) fn put_to(self, port: &Arc<Port>) {
        let server = Arc::clone(port);
        port.down.send(move || {
            tokio::spawn(async move {
                let answer = server.local.request(&self.subject, self.payload.clone(), self.patience).await;
                server.up.send(move || self.answer(answer));
            });
        });
    }

    pub(crate) fn answer(self, answer: Result<Bytes, RequestError>) {
        // Who asked may have given up.
        self.asker.down.send(move || drop(self.answer.send(answer)));
    }
}
