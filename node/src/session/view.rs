//! Somebody looks at a session.

use std::borrow::Cow;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cluster::session::{Event, SessionId, State};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use super::rfb::{Gate, Input};
use super::{Inner, SessionError, Who, socket};

/// Pictures come in large pieces.
const CHUNK: usize = 64 * 1024;

/// One viewer of a session. Dropped, it has left.
#[derive(Debug)]
pub struct Viewing {
    /// RFB 3.8, of the display.
    pub socket: UnixStream,
    pub watch: Watch,
}

/// What is to be said of a viewer while its bytes pass.
#[derive(Debug)]
pub struct Watch {
    inner: Arc<Inner>,
    id: SessionId,
    ended: CancellationToken,
    last_input: Arc<AtomicI64>,
    input: Input,
    /// Of a guest who may only look.
    gate: Option<Gate>,
    /// A guest's link, or the visit of who has a ticket, as long as they look.
    held: Option<Arc<dyn Debug + Send + Sync>>,
}

impl Watch {
    /// Fires when the viewer is sent away, or the session ends.
    pub fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// Bytes that the viewer sends: keys and clicks among them keep the session from being idle. Returns what goes on to the
    /// display; none for ever if a guest who may only look sends what is not known.
    pub fn sent<'a>(&mut self, bytes: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        if let Some(gate) = &mut self.gate {
            return gate.pass(bytes).map(Cow::Owned);
        }
        if self.input.has_input(bytes) {
            self.last_input.store(Timestamp::now().as_second(), Ordering::Relaxed);
        }
        Some(Cow::Borrowed(bytes))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let now = Timestamp::now();
        self.inner.update(&self.id, |record| {
            let session = &mut record.session;
            session.clients = session.clients.saturating_sub(1);
            if session.clients == 0 && session.apply(Event::Left, now) {
                session.last_disconnect = Some(now);
            }
        });
    }
}

impl Viewing {
    /// The same for a guest, who is one of `guests` as long as it is there.
    pub(super) fn of_guest(mut self, only_looks: bool, guests: Arc<()>) -> Self {
        self.watch.gate = only_looks.then(Gate::default);
        self.held_by(guests)
    }

    pub(super) fn held_by(mut self, held: Arc<dyn Debug + Send + Sync>) -> Self {
        self.watch.held = Some(held);
        self
    }

    /// Passes bytes both ways until either side ends, or the viewer is sent away.
    pub async fn pass<IO: AsyncRead + AsyncWrite + Unpin>(self, viewer: &mut IO) -> io::Result<()> {
        let Self { mut socket, mut watch } = self;
        let ended = watch.ended();
        let (mut up, mut down) = (vec![0; CHUNK], vec![0; CHUNK]);
        loop {
            tokio::select! {
                biased;
                () = ended.cancelled() => return Ok(()),
                read = viewer.read(&mut up) => match read? {
                    0 => return Ok(()),
                    length => {
                        let Some(sent) = watch.sent(&up[..length]) else { return Ok(()) };
                        socket.write_all(&sent).await?;
                    }
                },
                read = socket.read(&mut down) => match read? {
                    0 => return Ok(()),
                    length => viewer.write_all(&down[..length]).await?,
                },
            }
        }
    }
}

/// The way to the display, and one more who looks.
pub(super) async fn view(inner: &Arc<Inner>, who: &Who, id: &SessionId) -> Result<Viewing, SessionError> {
    let socket = unseen(inner, who, id).await?;
    let now = Timestamp::now();
    let watch = inner.with(who, id, |entry| {
        let session = &mut entry.record.session;
        session.apply(Event::Viewed, now);
        // It may have ended since it was asked.
        session.state.is_up().then(|| {
            session.clients += 1;
            session.last_connect = Some(now);
            entry.dirty = true;
            let (ended, last_input) = (entry.viewers.clone(), Arc::clone(&entry.last_input));
            Watch {
                inner: Arc::clone(inner),
                id: id.clone(),
                ended,
                last_input,
                input: Input::default(),
                gate: None,
                held: None,
            }
        })
    })?;
    inner.changed();
    watch.map(|watch| Viewing { socket, watch }).ok_or_else(|| SessionError::Ended(id.clone()))
}

/// The way to the display, for one who is not counted.
pub(super) async fn unseen(inner: &Inner, who: &Who, id: &SessionId) -> Result<UnixStream, SessionError> {
    let (state, uid) = inner.with(who, id, |entry| (entry.record.session.state, entry.record.session.uid))?;
    match state {
        State::Ended => return Err(SessionError::Ended(id.clone())),
        state if !state.is_up() => return Err(SessionError::NotUp { id: id.clone(), state }),
        _ => {}
    }
    let connected = socket::connect(&inner.place(id).socket(), uid).await;
    connected.map_err(|source| SessionError::Unreachable { id: id.clone(), source })
}
