//! A host that stands still, as the network sees it.

use std::time::Duration;

use super::wire::State;
use crate::plan::HostId;

impl State {
    /// The host sends and receives nothing; both wait.
    pub(crate) fn pause(&mut self, host: HostId) {
        self.held.entry(host).or_default();
    }

    pub(crate) fn resume(&mut self, now: Duration, host: HostId) {
        let own = self.addresses.of(host);
        for packet in self.held.remove(&host).unwrap_or_default() {
            if packet.from.ip() == own {
                self.send(host, packet);
            } else {
                self.receive(now, host, packet);
            }
        }
    }
}
