//! What happened in the network, as one number, and as a log when somebody wants to read it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::packet::Packet;
use crate::boxes::Protocol;
use crate::outcome::Packets;

/// FNV-1a: the same on every machine.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    pub(crate) packets: Packets,
    log: Option<String>,
}

impl Trace {
    pub(crate) fn new(logs: bool) -> Self {
        let packets = Packets { sent: 0, arrived: 0, dropped: BTreeMap::new() };
        Self { hash: BASIS, packets, log: logs.then(String::new) }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// One line for each packet: time, what, from, to, bytes, what became of it.
    pub(crate) fn take_log(&mut self) -> Option<String> {
        self.log.take()
    }

    pub(crate) fn sent(&mut self, now: Duration, packet: &Packet) {
        self.packets.sent += 1;
        self.note(now, packet, "sent");
    }

    pub(crate) fn arrived(&mut self, now: Duration, packet: &Packet) {
        self.packets.arrived += 1;
        self.note(now, packet, "arrived");
    }

    pub(crate) fn dropped(&mut self, now: Duration, packet: &Packet, why: &str) {
        *self.packets.dropped.entry(why.to_owned()).or_default() += 1;
        self.note(now, packet, why);
    }

    fn note(&mut self, now: Duration, packet: &Packet, what: &str) {
        let (protocol, bytes) = (packet.protocol(), packet.bytes());
        self.mix(&now.as_nanos().to_le_bytes());
        self.mix(&bytes.to_le_bytes());
        self.mix(&[u8::from(protocol == Protocol::Udp)]);
        for address in [packet.from, packet.to] {
            self.mix(&address.port().to_le_bytes());
            match address.ip() {
                std::net::IpAddr::V4(ip) => self.mix(&ip.octets()),
                std::net::IpAddr::V6(ip) => self.mix(&ip.octets()),
            }
        }
        self.mix(what.as_bytes());
        if let Some(log) = &mut self.log {
            let (from, to) = (packet.from, packet.to);
            writeln!(log, "{:.9} {protocol:?} {from} > {to} {bytes} {what}", now.as_secs_f64())
                .expect("a string takes what is written");
        }
    }

    fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
}
