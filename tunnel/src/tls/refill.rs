//! The side that dials keeps data connections ready: as many as are wished for, and a few in any case.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::demand;
use super::dial::Target;
use super::links::Stock;
use crate::chance;
use crate::error::DialError;
use crate::shard::Shard;

/// Data connections in their handshake at one time; more would only wait for the processor.
const AT_ONCE: usize = 16;
/// Pause after a failed dial; it doubles with every further one.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MOST: Duration = Duration::from_secs(10);
/// Wishes that wait to be read.
pub(super) const WISHES: usize = 16;

/// How to dial for one stock of links.
pub(super) struct Refill {
    pub(super) target: Target,
    /// As the welcome gave it; empty on a LAN.
    pub(super) tunnel_id: String,
    /// Where the next link shall live.
    pub(super) home: Box<dyn Fn() -> Shard + Send + Sync>,
    /// Told why a dial failed.
    pub(super) failed: watch::Sender<String>,
}

/// Dials as many data connections as are wished for, and keeps [`demand::START`] in any case, until nobody can wish.
pub(super) async fn keep<S>(refill: Refill, stock: Arc<S>, mut wishes: mpsc::Receiver<u16>)
where
    S: Stock + 'static,
{
    let refill = Arc::new(refill);
    let mut dials: JoinSet<Result<(), DialError>> = JoinSet::new();
    let mut wanted = 0;
    let mut pause = Duration::ZERO;
    let mut again = Instant::now();
    loop {
        wanted = demand::START.saturating_sub(stock.links().count() + dials.len()).max(wanted);
        let at_once = if pause.is_zero() { AT_ONCE } else { usize::from(again <= Instant::now()) };
        while wanted > 0 && dials.len() < at_once {
            wanted -= 1;
            dials.spawn(one_more(refill.clone(), stock.clone()));
        }
        tokio::select! {
            biased;
            Some(dialled) = dials.join_next() => match dialled {
                Ok(Err(error)) => {
                    tracing::debug!(%error, "no data connection");
                    wanted += 1;
                    pause = longer(pause);
                    again = Instant::now() + pause;
                    refill.failed.send_replace(error.to_string());
                }
                _ => pause = Duration::ZERO,
            },
            wish = wishes.recv() => match wish {
                Some(count) => {
                    wanted = (wanted + usize::from(count)).min(demand::MOST);
                    // Somebody waits: no pause.
                    again = Instant::now();
                }
                None => return,
            },
            () = stock.links().lost() => {}
            () = tokio::time::sleep_until(again), if !pause.is_zero() && dials.is_empty() => {}
        }
    }
}

async fn one_more<S: Stock + 'static>(refill: Arc<Refill>, stock: Arc<S>) -> Result<(), DialError> {
    let link = refill.target.link(&refill.tunnel_id, (refill.home)(), &stock).await?;
    stock.add(link);
    Ok(())
}

fn longer(pause: Duration) -> Duration {
    // Jitter of a quarter, so that nodes that lost the same gateway do not come in step.
    let next = (pause * 2).clamp(PAUSE_FIRST, PAUSE_MOST);
    next.mul_f64(0.75 + chance::random::<f64>() / 2.0)
}
