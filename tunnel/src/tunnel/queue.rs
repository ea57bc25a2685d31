//! A bounded queue with one reader, without memory while nothing waits: tokio's channels keep 2 KB, of which a gateway
//! with a thousand idle nodes would have two thousand.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::limits::CONTROL_QUEUE;

/// [`CONTROL_QUEUE`] wait already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

pub(crate) struct Queue<T> {
    waiting: Mutex<VecDeque<T>>,
    came: Notify,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), came: Notify::new() }
    }
}

impl<T> Queue<T> {
    pub(crate) fn push(&self, item: T) -> Result<(), Full> {
        {
            let mut waiting = self.waiting();
            if waiting.len() >= CONTROL_QUEUE {
                return Err(Full);
            }
            waiting.push_back(item);
        }
        self.came.notify_one();
        Ok(())
    }

    /// Waits for the next one; a dropped call loses nothing.
    pub(crate) async fn next(&self) -> T {
        loop {
            if let Some(item) = self.pop() {
                return item;
            }
            self.came.notified().await;
        }
    }

    fn pop(&self) -> Option<T> {
        let mut waiting = self.waiting();
        let item = waiting.pop_front();
        if waiting.is_empty() {
            *waiting = VecDeque::new();
        }
        item
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.waiting.lock().expect("no panic while held")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_comes_in_order_and_no_more_than_fits() {
        let queue = Queue::default();
        for n in 0..CONTROL_QUEUE {
            assert_eq!(queue.push(n), Ok(()));
        }
        assert_eq!(queue.push(99), Err(Full));
        for n in 0..CONTROL_QUEUE {
            assert_eq!(queue.next().await, n);
        }
        assert_eq!(queue.waiting().capacity(), 0, "an empty queue has no memory");
        let (next, pushed) = tokio::join!(queue.next(), async { queue.push(7) });
        assert_eq!((next, pushed), (7, Ok(())));
    }
}
