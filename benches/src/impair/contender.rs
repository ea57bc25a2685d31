//! Who is compared.

/// A system of `systems/`, and the congestion control of every TCP socket around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) system: &'static str,
    pub(crate) congestion: &'static str,
    /// Measured when nothing is chosen: tunnels under cubic, which kernels have by default.
    pub(crate) usual: bool,
}

const fn cubic(name: &'static str, label: &'static str) -> Contender {
    Contender { name, label, system: name, congestion: "cubic", usual: true }
}

const fn bbr(name: &'static str, label: &'static str, system: &'static str, usual: bool) -> Contender {
    Contender { name, label, system, congestion: "bbr", usual }
}

/// In the order of the tables.
pub(crate) const ALL: [Contender; 9] = [
    cubic("quic", "ours, QUIC"),
    cubic("tls", "ours, TLS"),
    bbr("tls-bbr", "ours, TLS, bbr", "tls", false),
    cubic("rathole", "rathole"),
    bbr("rathole-bbr", "rathole, bbr", "rathole", false),
    cubic("ssh", "ssh -R"),
    bbr("ssh-bbr", "ssh -R, bbr", "ssh", false),
    cubic("direct", "direct, cubic"),
    bbr("direct-bbr", "direct, bbr", "direct", true),
];

#[cfg(test)]
mod tests {
    use super::ALL;
    use crate::systems;

    #[test]
    fn every_contender_is_a_system_that_exists() {
        let systems = systems::all();
        assert!(ALL.iter().all(|one| systems.iter().any(|system| system.name() == one.system)));
    }
}
