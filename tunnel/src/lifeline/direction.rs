//! One direction of a surviving stream: whose carrier is in use, lost, or replaced; and who waits for the change.

use std::task::{Context, Poll, Waker};

use crate::error::StreamError;

/// One direction: whose carrier is in use, lost, or replaced.
pub(super) struct Direction<C> {
    hold: Hold<C>,
    waker: Option<Waker>,
}

pub(super) enum Hold<C> {
    Carried,
    Lost,
    Fresh(C),
    Dead(StreamError),
}

impl<C> Direction<C> {
    pub(super) fn carried() -> Self {
        Self { hold: Hold::Carried, waker: None }
    }

    /// Waits while lost; gives the new carrier once after a resumption.
    pub(super) fn settle(&mut self, cx: &Context<'_>) -> Poll<Result<Option<C>, StreamError>> {
        match std::mem::replace(&mut self.hold, Hold::Carried) {
            Hold::Carried => Poll::Ready(Ok(None)),
            Hold::Fresh(carrier) => Poll::Ready(Ok(Some(carrier))),
            Hold::Lost => {
                self.hold = Hold::Lost;
                self.wait(cx);
                Poll::Pending
            }
            Hold::Dead(error) => {
                self.hold = Hold::Dead(error.clone());
                Poll::Ready(Err(error))
            }
        }
    }

    /// Remembers whom to wake when the carrier changes.
    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        if self.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
    }

    pub(super) fn set(&mut self, hold: Hold<C>) {
        self.hold = hold;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
