//! What goes wrong, when the plan says so.

use super::error::RunError;
use super::hosts::Hosts;
use crate::outcome::What;
use crate::plan::{Action, LinkId, Step};

impl Hosts {
    pub(crate) async fn happen(&mut self, step: &Step) -> Result<(), RunError> {
        self.watch.event(What::Fault, "", step.action.to_string());
        match &step.action {
            Action::Kill(name) => {
                self.topology.hosts_named(name).into_iter().for_each(|host| self.kill(host))
            }
            Action::Start(name) => {
                for host in self.topology.hosts_named(name) {
                    // A drained gateway has ended by now, or ends so.
                    self.kill_drained(host);
                    self.start(host).await?;
                }
            }
            Action::Restart(name) => {
                for host in self.topology.hosts_named(name) {
                    self.kill(host);
                    self.start(host).await?;
                }
            }
            Action::Drain(name) => {
                self.topology.hosts_named(name).into_iter().for_each(|host| self.drain(host));
            }
            Action::Pause(name) => {
                self.topology.hosts_named(name).into_iter().for_each(|host| self.pause(host));
            }
            Action::Resume(name) => {
                self.topology.hosts_named(name).into_iter().for_each(|host| self.resume(host));
            }
            Action::Lose(part) => {
                if let Some(cluster) = &mut self.cluster {
                    cluster.lose(*part);
                }
            }
            Action::Restore(part) => {
                let now = self.wire.now();
                if let Some(cluster) = &mut self.cluster {
                    cluster.restore(*part, now).await;
                }
            }
            Action::Cut(name) => self.set_up(&self.topology.links_named(name), false),
            Action::Mend(name) => self.set_up(&self.topology.links_named(name), true),
            Action::Rebind(path) => {
                for link in self.topology.links_named(path) {
                    self.wire.state().lines[link.0].nat.iter_mut().for_each(crate::boxes::Nat::rebind);
                }
            }
            Action::Udp(udp) => {
                for link in self.topology.links_named(&udp.path) {
                    let mut state = self.wire.state();
                    state.lines[link.0].firewall.iter_mut().for_each(|wall| wall.set_udp(udp.becomes));
                }
            }
            Action::Change(change) => {
                for link in self.topology.links_named(&change.path) {
                    let mut state = self.wire.state();
                    let line = &mut state.lines[link.0];
                    line.up.set_model(change.up.clone());
                    line.down.set_model(change.down.clone());
                }
            }
        }
        self.reach_cluster();
        Ok(())
    }

    fn kill_drained(&mut self, host: crate::plan::HostId) {
        if self.gateways.get(&host).is_some_and(super::gateway::Gateway::is_draining) {
            self.kill(host);
        }
    }

    fn set_up(&self, links: &[LinkId], up: bool) {
        let mut state = self.wire.state();
        for link in links {
            let line = &mut state.lines[link.0];
            line.up.set_up(up);
            line.down.set_up(up);
        }
    }
}
