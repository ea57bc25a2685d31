//! Which attempt to reach a gateway wins: QUIC first, TLS after a short head start, over all its addresses.
//!
//! *Any* failure of an attempt lets the next one start at once, whatever the error is; only a gateway's own no ends the
//! race, for over another carrier it would say the same.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::error::DialError;
use crate::handshake::Refusal;
use crate::tunnel::Transport;

/// QUIC's head start before TLS, unless three round trips are longer.
const HEAD_START: Duration = Duration::from_millis(300);
/// The next address of the same carrier starts this much later (RFC 8305 §5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// One attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Since the start of the race; sooner when the attempt before it failed.
    pub after: Duration,
    pub carrier: Transport,
    pub peer: SocketAddr,
}

/// What earlier races taught.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    pub rtt: Option<Duration>,
    /// The carrier of the last tunnel.
    pub winner: Option<Transport>,
}

/// Why nobody won.
#[derive(Debug)]
pub enum Lost {
    /// The gateway said no.
    Refused(Refusal),
    /// In the order in which they failed.
    Failed(Vec<DialError>),
}

/// When each attempt starts. The second carrier has no handicap if it won the last race; the first one still runs.
pub fn schedule(carriers: &[Transport], addresses: &[SocketAddr], known: Known) -> Vec<Start> {
    let head_start = known.rtt.map_or(HEAD_START, |rtt| HEAD_START.max(3 * rtt));
    let handicap = |place: usize, carrier| {
        if place == 0 || known.winner == Some(carrier) { Duration::ZERO } else { head_start }
    };
    let mut starts = Vec::with_capacity(carriers.len() * addresses.len());
    for (place, carrier) in carriers.iter().copied().enumerate() {
        for (turn, peer) in (0..).zip(addresses.iter().copied()) {
            starts.push(Start { after: handicap(place, carrier) + NEXT_ADDRESS * turn, carrier, peer });
        }
    }
    starts.sort_by_key(|start| start.after);
    starts
}

/// Runs the attempts of `starts`, which are in order, and returns what the first successful one made. `late` is given
/// what others make after that; it would be of use to the gateway only.
pub async fn run<T, F>(
    starts: Vec<Start>,
    attempt: impl Fn(Start) -> F,
    late: impl Fn(T) + Send + 'static,
) -> Result<T, Lost>
where
    T: Send + 'static,
    F: Future<Output = Result<T, DialError>> + Send + 'static,
{
    let began = Instant::now();
    let mut starts = starts.into_iter().peekable();
    let mut racers = Racers { running: JoinSet::new(), late: Some(late) };
    let mut errors = Vec::new();
    let mut hurry = true;
    loop {
        if let Some(start) = starts.next_if(|start| hurry || began.elapsed() >= start.after) {
            hurry = false;
            racers.running.spawn(attempt(start));
            continue;
        }
        let next = starts.peek().map(|start| began + start.after);
        let sleep = async { tokio::time::sleep_until(next.unwrap_or(began)).await };
        tokio::select! {
            biased;
            Some(ended) = racers.running.join_next() => match ended {
                Ok(Ok(made)) => return Ok(made),
                Ok(Err(DialError::Refused(refusal))) => return Err(Lost::Refused(refusal)),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "an attempt failed");
                    errors.push(error);
                    hurry = true;
                }
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            },
            () = sleep, if next.is_some() => {}
            else => return Err(Lost::Failed(errors)),
        }
    }
}

/// Attempts under way. Who comes in after the winner is handed to `late`.
struct Racers<T: Send + 'static, L: Fn(T) + Send + 'static> {
    running: JoinSet<Result<T, DialError>>,
    late: Option<L>,
}

impl<T: Send + 'static, L: Fn(T) + Send + 'static> Drop for Racers<T, L> {
    fn drop(&mut self) {
        let mut running = std::mem::take(&mut self.running);
        let Some(late) = self.late.take().filter(|_| !running.is_empty()) else { return };
        // Ends with the longest handshake.
        tokio::spawn(async move {
            while let Some(ended) = running.join_next().await {
                if let Ok(Ok(made)) = ended {
                    late(made);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::control::RefusalCode;
    use Transport::{Quic, Tls};
    use tokio::sync::mpsc;

    fn peer(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn quic_has_a_head_start_of_three_round_trips_unless_tls_won_before() {
        let two = [peer("[::1]:1"), peer("10.0.0.1:1")];
        let ms = Duration::from_millis;
        let order = |carriers: &[Transport], rtt: Option<u64>, winner| {
            schedule(carriers, &two, Known { rtt: rtt.map(ms), winner })
                .into_iter()
                .map(|start| (start.after.as_millis(), start.carrier, start.peer.is_ipv6()))
                .collect::<Vec<_>>()
        };
        let both = [Quic, Tls];
        let usual = [(0, Quic, true), (250, Quic, false), (300, Tls, true), (550, Tls, false)];
        assert_eq!(order(&both, None, None), usual);
        assert_eq!(order(&both, Some(20), Some(Quic)), usual);
        assert_eq!(order(&both, Some(200), None)[2..], [(600, Tls, true), (850, Tls, false)]);
        let even = [(0, Quic, true), (0, Tls, true), (250, Quic, false), (250, Tls, false)];
        assert_eq!(order(&both, Some(200), Some(Tls)), even);
        assert_eq!(order(&[Tls], None, None), [(0, Tls, true), (250, Tls, false)]);
    }

    /// How an attempt ends, and after how many milliseconds.
    #[derive(Clone, Copy)]
    enum Fake {
        Wins(u64),
        Fails(u64),
        Refused(u64),
        Hangs,
    }

    async fn attempt(fake: Fake, start: Start) -> Result<Transport, DialError> {
        let sleep = |ms| tokio::time::sleep(Duration::from_millis(ms));
        match fake {
            Fake::Wins(ms) => {
                sleep(ms).await;
                Ok(start.carrier)
            }
            Fake::Fails(ms) => {
                sleep(ms).await;
                Err(DialError::Quic(start.peer, "operation not permitted".into()))
            }
            Fake::Refused(ms) => {
                sleep(ms).await;
                let refusal = Refusal { code: RefusalCode::Revoked, reason: "revoked".into() };
                Err(DialError::Refused(refusal))
            }
            Fake::Hangs => std::future::pending().await,
        }
    }

    #[tokio::test]
    async fn the_first_that_is_admitted_wins() {
        let begin = |after| Duration::from_millis(after);
        let table = [
            // name, QUIC, TLS (1 s later), the winner, or how many failed, or refused
            ("QUIC is in time", Fake::Wins(20), Fake::Wins(0), "won Quic"),
            ("QUIC is slow", Fake::Wins(3000), Fake::Wins(20), "won Tls"),
            ("QUIC is slow, TLS fails", Fake::Wins(1500), Fake::Fails(0), "won Quic"),
            ("UDP is swallowed", Fake::Hangs, Fake::Wins(0), "won Tls"),
            ("QUIC fails at once", Fake::Fails(0), Fake::Wins(10), "won Tls"),
            ("QUIC fails late", Fake::Fails(1200), Fake::Wins(500), "won Tls"),
            ("nothing passes", Fake::Fails(0), Fake::Fails(0), "2 failed"),
            ("QUIC is refused", Fake::Refused(0), Fake::Wins(0), "refused"),
            ("TLS is refused while QUIC hangs", Fake::Hangs, Fake::Refused(0), "refused"),
        ];
        for (name, quic, tls, expected) in table {
            let at = |carrier, after| Start { after: begin(after), carrier, peer: peer("192.0.2.1:443") };
            let began = Instant::now();
            let racing = |start: Start| attempt(if start.carrier == Quic { quic } else { tls }, start);
            let at_once = matches!(quic, Fake::Fails(0));
            let ended = match run(
                vec![at(Quic, 0), at(Tls, if at_once { 20_000 } else { 1000 })],
                racing,
                drop,
            )
            .await
            {
                Ok(carrier) => format!("won {carrier:?}"),
                Err(Lost::Failed(errors)) => format!("{} failed", errors.len()),
                Err(Lost::Refused(_)) => "refused".to_owned(),
            };
            assert_eq!(ended, expected, "{name}");
            if at_once {
                assert!(began.elapsed() < begin(10_000), "{name}: the head start is not waited for");
            }
        }
    }

    #[tokio::test]
    async fn who_comes_in_late_is_handed_over() {
        let start = |carrier| Start { after: Duration::ZERO, carrier, peer: peer("192.0.2.1:443") };
        let (sender, mut late) = mpsc::unbounded_channel();
        let racing = |start: Start| attempt(Fake::Wins(if start.carrier == Quic { 500 } else { 0 }), start);
        let keep = move |carrier| sender.send(carrier).expect("heard");
        let won = run(vec![start(Quic), start(Tls)], racing, keep).await;
        assert!(matches!(won, Ok(Tls)));
        assert_eq!(late.recv().await, Some(Quic));
        assert_eq!(late.recv().await, None);
    }
}
