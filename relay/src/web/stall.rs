//! A client that reads one stream of HTTP/2 no more: the socket goes on, so only the stream can tell.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

tokio::task_local! {
    /// Since when a piece of this task's response waits for the client; `None`: the client waits for the server.
    static HANDED: Cell<Option<Instant>>;
}

/// Notes, in [`watched`], whether a response just gave a piece or has none now.
pub(super) fn note(gave: bool) {
    // HTTP/1.1 has the whole socket, which is watched itself.
    let _not_watched = HANDED.try_with(|handed| handed.set(gave.then(Instant::now)));
}

/// Runs the task of one stream; `None`: dropped, which resets the stream, because the client took no piece of the
/// response for `patience`.
pub(super) async fn watched<F: Future>(task: F, patience: Duration) -> Option<F::Output> {
    HANDED.scope(Cell::new(None), run(task, patience)).await
}

async fn run<F: Future>(task: F, patience: Duration) -> Option<F::Output> {
    let mut task = pin!(task);
    let mut alarm: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = task.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        let Some(end) = HANDED.with(Cell::get).map(|since| since + patience) else {
            alarm = None;
            return Poll::Pending;
        };
        let alarm = alarm.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if alarm.deadline() != end {
            alarm.as_mut().reset(end);
        }
        alarm.as_mut().poll(cx).map(|()| None)
    })
    .await
}
