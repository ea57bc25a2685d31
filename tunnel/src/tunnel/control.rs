//! The control stream of a tunnel at work: pings and pongs, what the other side says, and the watch for silence.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Event, Shared, Tunnel, Way};
use crate::carrier::Carrier;
use crate::error::{Close, CloseCode};
use crate::limits;
use crate::wire::control::{self, Control, ControlError};

/// Both directions of a control stream.
pub(crate) struct ControlHalves {
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
}

impl fmt::Debug for ControlHalves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ControlHalves")
    }
}

/// Who dialled: the dialler pings, the acceptor listens for pings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Dialler,
    Acceptor,
}

impl Role {
    /// Whether a silence of this length makes the way doubtful; `pinged` is the age of an unanswered ping.
    fn doubts(self, silent: Duration, pinged: Option<Duration>) -> bool {
        match self {
            Self::Dialler => pinged.is_some_and(|age| age.min(silent) >= limits::PONG_WITHIN),
            Self::Acceptor => silent >= limits::PING_WITHIN,
        }
    }
}

impl Tunnel {
    pub(super) async fn run(self, role: Role, control: ControlHalves) {
        let shared = &self.0;
        let ControlHalves { reader, mut writer } = control;
        let (heard_tx, heard_rx) = watch::channel(Heard { at: Instant::now(), pong: 0 });
        let end = tokio::select! {
            biased;
            () = shared.closed.cancelled() => None,
            close = shared.lost() => Some(close),
            close = shared.read(reader, heard_tx) => Some(close),
            close = shared.write(role, &mut writer, heard_rx) => Some(close),
        };
        if let Some(close) = end {
            shared.shut(close);
        }
        shared.say_close(&mut writer).await;
    }
}

/// What the reader tells the writer.
#[derive(Clone, Copy)]
struct Heard {
    at: Instant,
    pong: u64,
}

fn control_lost(error: &ControlError) -> Close {
    let code = match error {
        ControlError::Closed | ControlError::Io(_) | ControlError::Timeout(_) => CloseCode::Lost,
        ControlError::TooLong(_) | ControlError::Flood(_) | ControlError::Malformed(_) => CloseCode::Protocol,
    };
    Close::local(code, error.to_string())
}

impl Shared {
    /// QUIC's close carries the code and the reason itself.
    async fn say_close(&self, to: &mut (impl AsyncWrite + Unpin)) {
        let Some(close) = self.close.get().filter(|close| !close.remote) else { return };
        if let Carrier::Tls(_) = self.carrier {
            let farewell = Control::Close { code: close.code as u32, reason: close.reason.clone() };
            // Who does not read it any more sees the connection end.
            let _unheard = tokio::time::timeout(limits::FAREWELL, control::write(to, &farewell)).await;
        }
    }

    async fn read(&self, mut from: Box<dyn AsyncRead + Send + Unpin>, heard: watch::Sender<Heard>) -> Close {
        loop {
            let message = match control::read::<Control>(&mut from).await {
                Ok(message) => message,
                Err(error) => return control_lost(&error),
            };
            heard.send_modify(|heard| heard.at = Instant::now());
            let event = match message {
                Control::Received { streams } => {
                    self.survivors.acknowledge(&streams);
                    continue;
                }
                Control::Ping { n } => {
                    self.report();
                    // A full queue already holds pongs that the other side does not read.
                    let _dropped = self.control.push(Control::Pong { n });
                    continue;
                }
                Control::Pong { n } => {
                    heard.send_modify(|heard| heard.pong = n);
                    continue;
                }
                Control::More { count } => {
                    if let Carrier::Tls(tls) = &self.carrier {
                        tls.more(count);
                    }
                    continue;
                }
                Control::Close { code, reason } => {
                    return Close::remote(CloseCode::from_u64(code.into()), reason);
                }
                Control::Drain { deadline_ms, reason } => {
                    Event::Drain { deadline: Duration::from_millis(deadline_ms), reason }
                }
                Control::Update { services, reach, resting } => Event::Update { services, reach, resting },
            };
            if self.events.push(event).is_err() {
                return control_lost(&ControlError::Flood(limits::CONTROL_QUEUE));
            }
        }
    }

    /// Writes what is queued, pings as a dialler, and watches for silence.
    async fn write(
        &self,
        role: Role,
        to: &mut (impl AsyncWrite + Unpin),
        mut heard: watch::Receiver<Heard>,
    ) -> Close {
        let mut pinged: Option<(u64, Instant)> = None;
        let mut n = 0;
        let mut next_report = Instant::now();
        loop {
            let wait = self.next_check(role, pinged, heard.borrow().at.elapsed());
            let message = tokio::select! {
                biased;
                message = self.control.next() => message,
                Ok(()) = heard.changed() => {
                    self.way.set(Way::Good);
                    pinged = self.take_pong(pinged, heard.borrow_and_update().pong);
                    continue;
                }
                () = self.survivors.unreported().is_much(next_report) => {
                    let streams = u32::try_from(self.streams.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
                    let pause = limits::REPORT_PAUSE_PER_STREAM.saturating_mul(streams);
                    next_report = Instant::now() + pause;
                    self.report();
                    continue;
                }
                () = tokio::time::sleep(wait) => {
                    let silent = heard.borrow().at.elapsed();
                    if silent >= limits::DEAD_AFTER {
                        return Close::local(CloseCode::Silent, format!("nothing heard for {silent:.1?}"));
                    }
                    if role.doubts(silent, pinged.map(|(_, sent)| sent.elapsed())) {
                        self.way.set(Way::Doubtful);
                    }
                    if role == Role::Acceptor || pinged.is_some() {
                        continue;
                    }
                    n += 1;
                    pinged = Some((n, Instant::now()));
                    self.report();
                    Control::Ping { n }
                }
            };
            if let Err(error) = control::write(to, &message).await {
                return control_lost(&error);
            }
        }
    }

    /// Tells the other side how much of the surviving streams was read here, so that it can forget it.
    fn report(&self) {
        for streams in self.survivors.report().chunks(limits::REPORTS_PER_MESSAGE) {
            // Told again, with a larger figure, by the next report.
            let _dropped = self.control.push(Control::Received { streams: streams.to_vec() });
        }
    }

    /// The round trip, if `pong` answers the ping under way; returns the ping that is still to be answered.
    fn take_pong(&self, pinged: Option<(u64, Instant)>, pong: u64) -> Option<(u64, Instant)> {
        let (n, sent) = pinged?;
        if n != pong {
            return pinged;
        }
        *self.ping.lock().expect("no panic while held") = Some(sent.elapsed());
        None
    }

    fn next_check(&self, role: Role, pinged: Option<(u64, Instant)>, silent: Duration) -> Duration {
        let second = Duration::from_secs(1);
        match (role, pinged) {
            (Role::Acceptor, _) => limits::PING_WITHIN.saturating_sub(silent).max(second),
            (Role::Dialler, Some(_)) => second,
            (Role::Dialler, None) if self.streams.load(Ordering::Relaxed) > 0 => limits::PING_BUSY,
            (Role::Dialler, None) => limits::PING_IDLE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_silence_makes_a_way_doubtful() {
        let s = Duration::from_secs;
        let table = [
            // role, silent, age of the unanswered ping, doubtful
            (Role::Dialler, s(60), None, false),
            (Role::Dialler, s(5), Some(s(1)), false),
            (Role::Dialler, s(1), Some(s(5)), false),
            (Role::Dialler, s(5), Some(s(4)), true),
            (Role::Acceptor, s(6), None, false),
            (Role::Acceptor, s(8), None, true),
        ];
        for (role, silent, pinged, doubtful) in table {
            assert_eq!(role.doubts(silent, pinged), doubtful, "{role:?} {silent:?} {pinged:?}");
        }
    }
}
