//! Keeps the tunnels to one gateway, for as long as gateway.json names it.

mod backoff;
mod board;
mod dial;
mod dialling;
mod held;
mod keeper;
mod orphans;
mod outcome;
mod plan;
mod probe;
mod refusal;
mod stripes;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::board::Board;
use self::keeper::Keeper;
use crate::gateways::Gateway;
use crate::me::Me;
use crate::serve::Desk;
use crate::status::GatewayStatus;

/// What a link is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Services or peers changed, or whether it rests: the gateway learns the new ones.
    Announce,
    /// Take no new streams, let the open ones end until the deadline, close.
    Retire { deadline: Duration, reason: String },
}

/// The handle of one link; dropping it stops the link at once.
#[derive(Debug)]
pub(crate) struct Link {
    gateway: Gateway,
    board: Arc<Board>,
    orders: mpsc::Sender<Order>,
    ended: CancellationToken,
    _task: AbortOnDropHandle<()>,
}

impl Link {
    pub(crate) fn start(gateway: Gateway, me: Arc<Me>, desk: Arc<Desk>) -> Self {
        let board = Arc::new(Board::new());
        let (orders, inbox) = mpsc::channel(4);
        let keeper = Keeper::new(gateway.clone(), me, desk, board.clone());
        let ended = CancellationToken::new();
        let ends = ended.clone().drop_guard();
        let task = async move {
            let _ends = ends;
            keeper.run(inbox).await;
        };
        let _task = AbortOnDropHandle::new(tokio::spawn(task));
        Self { gateway, board, orders, ended, _task }
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    pub(crate) fn status(&self) -> GatewayStatus {
        self.board.status(&self.gateway)
    }

    /// A link with four orders before it is announcing already.
    pub(crate) fn announce(&self) {
        let _announcing_already = self.orders.try_send(Order::Announce);
    }

    /// Waits for open streams, until `deadline`, then closes the tunnels. The link itself must be kept meanwhile.
    pub(crate) fn retire(&self, deadline: Duration, reason: &str) -> impl Future<Output = ()> + use<> {
        let (orders, ended) = (self.orders.clone(), self.ended.clone());
        let order = Order::Retire { deadline, reason: reason.to_owned() };
        async move {
            // A link that ended has nothing to retire.
            if orders.send(order).await.is_ok() {
                ended.cancelled().await;
            }
        }
    }
}
