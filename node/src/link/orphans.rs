//! Streams whose gateway's process is gone: they are not waited for any longer than until the next one is reached.

use tunnel::{Process, Survivors, Tunnel};

/// The surviving streams of tunnels that were lost.
#[derive(Debug, Default)]
pub(super) struct Orphans(Vec<(Process, Survivors)>);

impl Orphans {
    /// `tunnel` was lost. A gateway that does not say which process it is may be the same one for ever.
    pub(super) fn add(&mut self, tunnel: &Tunnel) {
        self.0.extend(tunnel.process().map(|process| (process, tunnel.survivors().clone())));
    }

    /// Ends those that no process will come back for, now that tunnels to the processes `reached` are open.
    pub(super) fn end(&mut self, reached: &[Process]) {
        self.0.retain(|(process, survivors)| {
            if is_gone(*process, reached) {
                survivors.end("the gateway was restarted");
            }
            !survivors.is_empty()
        });
    }
}

/// While a tunnel to a process is open, it lives, whatever else answers in its place.
fn is_gone(process: Process, reached: &[Process]) -> bool {
    !reached.contains(&process) && reached.iter().any(|other| other.replaces(process))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_gone_when_only_later_starts_of_its_gateway_are_reached() {
        let [before, now] = [(); 2].map(|()| Process::start(&[1; 64]));
        let beside = Process::start(&[2; 64]);
        assert!(!is_gone(before, &[]));
        assert!(!is_gone(before, &[beside]), "another gateway behind the same name");
        assert!(is_gone(before, &[beside, now]));
        assert!(!is_gone(before, &[before, now]), "two gateways with one secret");
    }
}
