//! A lost stream comes back over another tunnel: the opener looks for one, the acceptor waits to be found.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::time::Instant;

use super::direction::Hold;
use super::{ACCEPTED, Attempt, Lifeline, Onward, Side};
use crate::error::{CloseCode, StreamError};
use crate::limits;
use crate::stream::Stream;
use crate::tunnel::Tunnel;
use crate::wire::{Answer, Life, Preamble, Status, StreamId};

/// Opener: looks for another tunnel and resumes on it, until it works, cannot work, or takes too long.
pub(super) async fn revive(line: Weak<Lifeline>) {
    let deadline = Instant::now() + limits::RESUME_WITHIN;
    let mut failed = "no other tunnel was found in time";
    while Instant::now() < deadline {
        let Some(line) = line.upgrade() else { return };
        let Side::Opener { preamble, ways } = &line.side else { return };
        let attempt = match ways() {
            Onward::Over(tunnel) => tokio::time::timeout_at(deadline, resume(&line, preamble, &tunnel)).await,
            Onward::NotYet => Ok(Err(Attempt::Again)),
            Onward::Never => Ok(Err(Attempt::Never("the process at its other end is gone"))),
        };
        match attempt {
            Ok(Ok(())) => return line.lock().reviving = false,
            Ok(Err(Attempt::Again)) | Err(_) => {}
            Ok(Err(Attempt::Never(why))) => {
                failed = why;
                break;
            }
        }
        drop(line);
        tokio::time::sleep(limits::RESUME_PAUSE).await;
    }
    if let Some(line) = line.upgrade() {
        line.die(StreamError::NotResumed(failed));
    }
}

async fn resume(line: &Arc<Lifeline>, preamble: &Preamble, tunnel: &Tunnel) -> Result<(), Attempt> {
    let (attempt, received) = line.begin();
    let preamble = Preamble { life: Life::Resumed { id: line.id, received }, ..preamble.clone() };
    let mut stream = tunnel.open(&preamble, Bytes::new()).await.map_err(|_| Attempt::Again)?;
    match stream.answered().await {
        Ok(()) => {}
        Err(StreamError::Refused { .. }) => {
            return Err(Attempt::Never("the other side does not know the stream"));
        }
        Err(_) => return Err(Attempt::Again),
    }
    let acknowledged = read_offset(&mut stream).await.map_err(|_| Attempt::Again)?;
    tunnel.adopt(line);
    tracing::info!(trace = %preamble.trace, transport = %tunnel.transport(), "a stream goes on over another tunnel");
    line.install(attempt, stream, acknowledged).await
}

async fn read_offset(stream: &mut Stream) -> Result<u64, StreamError> {
    let mut bytes = BytesMut::new();
    while bytes.len() < 8 {
        bytes.extend_from_slice(&stream.recv.read().await?.ok_or(StreamError::NoAnswer)?);
    }
    let offset = bytes.get_u64();
    stream.recv.put_back(bytes.freeze());
    Ok(offset)
}

/// Acceptor: the other side came back on `stream`, having read `acknowledged` bytes.
pub(crate) async fn accept_resumed(id: StreamId, acknowledged: u64, mut stream: Stream, tunnel: &Tunnel) {
    let line = ACCEPTED.lock().expect("no panic while held").get(&id).and_then(Weak::upgrade);
    let Some(line) = line else {
        // Who asks may be gone already.
        let _gone = stream.answer(&Answer::refused(Status::NoSuchStream, "this stream has ended here")).await;
        return;
    };
    let (attempt, received) = line.begin();
    let mut answer = BytesMut::from(&Answer::ok().encode()[..]);
    answer.put_u64(received);
    let resumed = async {
        stream.send.write(answer.freeze()).await.map_err(|_| Attempt::Again)?;
        tunnel.adopt(&line);
        line.install(attempt, stream, acknowledged).await
    };
    // Whatever comes of it, this attempt has replaced the one before: it must end in a carrier or in a deadline.
    match resumed.await {
        Ok(()) => {}
        Err(Attempt::Never(why)) => line.die(StreamError::NotResumed(why)),
        Err(Attempt::Again) => expire(Arc::downgrade(&line), attempt, limits::RESUME_AWAITED).await,
    }
}

/// Acceptor: how long the opener may take to come back. One that has forgotten the tunnel is looking for another one by
/// now, or is a new process that never will.
pub(super) fn awaited(lost: CloseCode) -> Duration {
    if lost == CloseCode::Forgotten { limits::RESUME_WITHIN } else { limits::RESUME_AWAITED }
}

/// Acceptor: gives up if the opener does not come back.
pub(super) async fn expire(line: Weak<Lifeline>, attempt: u64, within: Duration) {
    tokio::time::sleep(within).await;
    if let Some(line) = line.upgrade()
        && line.lock().attempt == attempt
    {
        line.die(StreamError::NotResumed("the other side did not come back in time"));
    }
}

impl Lifeline {
    /// Begins a resumption: nothing moves on the old tunnel from here on.
    fn begin(&self) -> (u64, u64) {
        let mut state = self.lock();
        state.outgoing.set(Hold::Lost);
        state.incoming.set(Hold::Lost);
        state.attempt += 1;
        (state.attempt, state.received)
    }

    /// Goes on over `stream`, whose other end has read `acknowledged` bytes of what we sent.
    async fn install(&self, attempt: u64, stream: Stream, acknowledged: u64) -> Result<(), Attempt> {
        let (mut send, head, recv, open) = stream.into_parts();
        let (again, finished) = {
            let mut state = self.lock();
            if state.attempt != attempt {
                return Err(Attempt::Again);
            }
            let again = state
                .kept
                .since(acknowledged)
                .ok_or(Attempt::Never("what is missing is not kept any more"))?;
            state.incoming.set(Hold::Fresh((head, recv)));
            state._open = Some(open);
            (again, state.finished)
        };
        let resend = async {
            for mut chunk in again {
                while !chunk.is_empty() {
                    std::future::poll_fn(|cx| send.poll_chunk(cx, &mut chunk)).await?;
                }
            }
            if finished {
                std::future::poll_fn(|cx| send.poll_finish(cx)).await?;
            }
            std::future::poll_fn(|cx| send.poll_flush(cx)).await
        };
        resend.await.map_err(|_: StreamError| Attempt::Again)?;
        let mut state = self.lock();
        if state.attempt != attempt {
            return Err(Attempt::Again);
        }
        state.outgoing.set(Hold::Fresh(send));
        Ok(())
    }
}
