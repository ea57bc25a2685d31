//! Requests as they reach who serves them, and what goes back.

use std::any::Any;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::{PublishError, RequestError, check_length};

/// Requests that wait for one server; one more is told that it is busy.
const MAX_WAITING: usize = 256;

type Send = Box<dyn FnOnce(Bytes) -> BoxFuture<'static, Result<(), PublishError>> + std::marker::Send>;

/// One request. Dropping it unanswered lets the asker wait for its deadline.
pub struct Request {
    pub payload: Bytes,
    send: Send,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} bytes)", self.payload.len())
    }
}

impl Request {
    pub(super) fn new(
        payload: Bytes,
        send: impl FnOnce(Bytes) -> BoxFuture<'static, Result<(), PublishError>> + std::marker::Send + 'static,
    ) -> Self {
        Self { payload, send: Box::new(send) }
    }

    pub async fn answer(self, payload: Bytes) -> Result<(), PublishError> {
        check_length(&payload)?;
        let mut bytes = BytesMut::with_capacity(payload.len() + 1);
        bytes.put_u8(DONE);
        bytes.put(payload);
        (self.send)(bytes.freeze()).await
    }

    async fn refuse(self) {
        // Who asked may be gone; its deadline tells it the same.
        let _unheard = (self.send)(Bytes::from_static(&[BUSY])).await;
    }
}

const DONE: u8 = 0;
const BUSY: u8 = 1;

/// What [`Request::answer`] made, on the other side.
pub(super) fn read(mut bytes: Bytes) -> Result<Bytes, RequestError> {
    match bytes.first() {
        Some(&DONE) => Ok(bytes.split_off(1)),
        _ => Err(RequestError::Busy),
    }
}

/// Yields requests. Dropping it ends the service.
pub struct Requests {
    waiting: mpsc::Receiver<Request>,
    _held: Box<dyn Any + std::marker::Send + Sync>,
}

impl std::fmt::Debug for Requests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Requests")
    }
}

impl Requests {
    pub(super) fn new(waiting: mpsc::Receiver<Request>, held: impl Any + std::marker::Send + Sync) -> Self {
        Self { waiting, _held: Box::new(held) }
    }

    /// Waits for ever when there are none. Cancel-safe.
    pub async fn next(&mut self) -> Request {
        match self.waiting.recv().await {
            Some(request) => request,
            // The writing end is held by the service itself; without it nothing more can come.
            None => std::future::pending().await,
        }
    }
}

pub(super) fn queue() -> (mpsc::Sender<Request>, mpsc::Receiver<Request>) {
    mpsc::channel(MAX_WAITING)
}

/// Hands `request` to who serves it, or tells the asker that it is busy.
pub(super) async fn hand_over(queue: &mpsc::Sender<Request>, request: Request) {
    if let Err(mpsc::error::TrySendError::Full(request) | mpsc::error::TrySendError::Closed(request)) =
        queue.try_send(request)
    {
        request.refuse().await;
    }
}
