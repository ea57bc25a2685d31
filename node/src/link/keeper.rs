//! The task behind a link: looks at its tunnels, and takes the steps that the plan says.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tunnel::{Close, Event, Refusal, Transport, Tunnel};

use super::Order;
use super::backoff::Row;
use super::board::Board;
use super::dial::NoTunnel;
use super::dialling::{self, Dialling};
use super::held::{Activity, Held, Phase};
use super::orphans::Orphans;
use super::plan::{self, Step, View};
use super::probe::Probe;
use super::stripes::Stripes;
use crate::gateways::Gateway;
use crate::me::Me;
use crate::serve::Desk;

/// How often a busy link counts its streams, to see when it is idle.
const COUNT: Duration = Duration::from_secs(30);
/// How often a link looks whether a tunnel that it gives up has lost its last stream.
const LOOK: Duration = Duration::from_millis(500);

/// What a tunnel's own thread tells its link.
#[derive(Debug)]
pub(super) enum Note {
    Said(Event),
    /// The gateway was not heard, or is heard again.
    WayChanged,
}

/// Notes with the ids of their tunnels, both ends.
type Notes = (mpsc::Sender<(String, Note)>, mpsc::Receiver<(String, Note)>);

/// What a waiting link wakes up for.
#[derive(Debug)]
enum Happened {
    Told(Option<Order>),
    Dialled(Result<Tunnel, NoTunnel>),
    Ended(String, Close),
    Noted(String, Note),
    TimeOrStream,
}

/// A gateway's no that stands until somebody changes something.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) retry: Timestamp,
}

#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) gateway: Gateway,
    pub(super) me: Arc<Me>,
    pub(super) desk: Arc<Desk>,
    pub(super) board: Arc<Board>,
    pub(super) held: Vec<Held>,
    pub(super) orphans: Orphans,
    /// Each ends with its tunnel's id and the reason why it closed.
    pub(super) serving: JoinSet<(String, Close)>,
    pub(super) notes: Notes,
    pub(super) dialling: Option<Dialling>,
    pub(super) activity: Arc<Activity>,
    pub(super) stripes: Stripes,
    pub(super) wanted: usize,
    pub(super) probe: Option<Probe>,
    pub(super) row: Row,
    pub(super) retry_at: Option<Instant>,
    pub(super) refused: Option<Refused>,
    /// The last one known, for QUIC's head start.
    pub(super) rtt: Option<Duration>,
    /// Different for each link, so that the first tunnels to several gateways live on different shards.
    pub(super) first_shard: usize,
}

impl Keeper {
    pub(super) fn new(gateway: Gateway, me: Arc<Me>, desk: Arc<Desk>, board: Arc<Board>) -> Self {
        let first_shard = me.shards.next().index();
        let stripes = Stripes::for_cores(me.shards.len());
        Self {
            gateway,
            me,
            desk,
            board,
            held: Vec::new(),
            orphans: Orphans::default(),
            serving: JoinSet::new(),
            notes: mpsc::channel(8),
            dialling: None,
            activity: Arc::default(),
            stripes,
            wanted: 1,
            probe: None,
            row: Row::default(),
            retry_at: None,
            refused: None,
            rtt: None,
            first_shard,
        }
    }

    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            let now = Instant::now();
            self.count_streams(now);
            self.held.iter().for_each(|held| held.close_if_empty(now));
            match plan::next(&self.view(), now) {
                Step::Dial(how) => self.dial(how),
                Step::Release(carrier, count) => self.release(carrier, count),
                Step::Wait(until) => {
                    self.show();
                    match self.wait(&mut orders, until, now).await {
                        Happened::Told(Some(Order::Retire { deadline, reason })) => {
                            return self.retire(deadline, &reason).await;
                        }
                        // The handle is gone, and this task with it.
                        Happened::Told(None) => return,
                        Happened::Told(Some(Order::Announce)) => self.announce(),
                        Happened::Dialled(Ok(tunnel)) => self.dialled(tunnel),
                        Happened::Dialled(Err(error)) => self.not_dialled(error),
                        Happened::Ended(id, close) => self.ended(&id, &close),
                        Happened::Noted(id, note) => self.noted(&id, note),
                        Happened::TimeOrStream => {}
                    }
                }
            }
        }
    }

    pub(super) fn live(&self) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(|held| held.is_live())
    }

    pub(super) fn live_over(&self, carrier: Transport) -> usize {
        self.held.iter().filter(|held| held.is_live_over(carrier)).count()
    }

    fn view(&self) -> View {
        View {
            choice: self.gateway.transport,
            quic: self.live_over(Transport::Quic),
            tls: self.live_over(Transport::Tls),
            doubtful: self.held.iter().filter(|held| held.is_doubtful_over(Transport::Quic)).count(),
            leaving: self.held.iter().filter(|held| held.phase == Phase::GatewayDrains).count(),
            wanted: self.wanted,
            dialling: self.dialling.is_some(),
            retry_at: self.retry_at,
            probe_at: self.probe.as_ref().map(Probe::at),
        }
    }

    fn count_streams(&mut self, now: Instant) {
        let open: usize = self.held.iter().map(|held| held.tunnel.open_streams()).sum();
        self.wanted = self.stripes.wanted(open.max(usize::from(self.activity.take())), now);
    }

    async fn wait(
        &mut self,
        orders: &mut mpsc::Receiver<Order>,
        until: Option<Instant>,
        now: Instant,
    ) -> Happened {
        let counting = self.stripes.review_at().filter(|_| self.wanted > 1).map(|at| at.min(now + COUNT));
        let looking = self.held.iter().any(Held::is_released).then_some(now + LOOK);
        let until = until.into_iter().chain(counting).chain(looking).min();
        let Self { dialling, serving, notes, activity, .. } = self;
        tokio::select! {
            biased;
            order = orders.recv() => Happened::Told(order),
            dialled = dialling::finished(dialling) => Happened::Dialled(dialled),
            Some(ended) = serving.join_next() => match ended {
                Ok((id, close)) => Happened::Ended(id, close),
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            },
            Some((id, note)) = notes.1.recv() => Happened::Noted(id, note),
            () = activity.first() => Happened::TimeOrStream,
            () = sleep_until(until) => Happened::TimeOrStream,
        }
    }

    /// The youngest go first: the oldest has proved itself.
    fn release(&mut self, carrier: Transport, count: usize) {
        let live = self.held.iter_mut().rev().filter(|held| held.is_live_over(carrier));
        live.take(count).for_each(Held::release);
    }
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
