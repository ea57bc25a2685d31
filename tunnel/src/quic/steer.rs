//! Which of the sockets that share one UDP port gets a datagram.
//!
//! The kernel would hash the sender's address, and a node behind a NAT that rebinds would land on a shard that does not
//! know it. So the first byte of every connection id that we issue tells the shard, and a classic BPF program of eight
//! instructions reads it. A dialler chooses that byte for its first packet too, and so spreads its tunnels evenly.

use std::os::fd::AsRawFd;

use quinn_proto::{ConnectionId, ConnectionIdGenerator};

use crate::chance;

/// Length of our connection ids: one byte for the shard, seven random ones.
const CID_LEN: usize = 8;

/// A connection id that the kernel steers to shard `index` of `count`.
pub(super) fn connection_id(index: usize, count: usize) -> ConnectionId {
    let mut id: [u8; CID_LEN] = chance::random();
    let count = count.clamp(1, 256);
    let rounds = 256 / count;
    let first = usize::from(id[0]) % rounds * count + index % count;
    id[0] = u8::try_from(first).expect("below rounds * count, which is at most 256");
    ConnectionId::new(&id)
}

#[derive(Debug)]
pub(super) struct ShardIds {
    pub(super) index: usize,
    pub(super) count: usize,
}

impl ConnectionIdGenerator for ShardIds {
    fn generate_cid(&mut self) -> ConnectionId {
        connection_id(self.index, self.count)
    }

    fn cid_len(&self) -> usize {
        CID_LEN
    }

    fn cid_lifetime(&self) -> Option<std::time::Duration> {
        None
    }
}

/// Installs the program for a group of `count` sockets that share a port by `SO_REUSEPORT`, in the order in which they
/// were bound. Any socket of the group will do.
pub(crate) fn steer_by_connection_id(socket: &impl AsRawFd, count: usize) -> std::io::Result<()> {
    let modulus = u32::try_from(count).expect("shards are few");
    let step = |code: u32, jt, jf, k| libc::sock_filter {
        code: u16::try_from(code).expect("BPF codes fit"),
        jt,
        jf,
        k,
    };
    let program = [
        step(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, 0, 2, 0x80),
        // Long header: flags 1, version 4, length 1, then the destination connection id.
        step(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 0, 6),
        step(libc::BPF_JMP | libc::BPF_JA, 0, 0, 1),
        // Short header: flags 1, then the destination connection id.
        step(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 0, 1),
        step(libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K, 0, 0, modulus),
        step(libc::BPF_RET | libc::BPF_A, 0, 0, 0),
    ];
    attach(socket, &program)
}

/// `setsockopt(SO_ATTACH_REUSEPORT_CBPF)`, which no safe wrapper offers.
///
/// Contract: the kernel reads `program` during the call and keeps a copy, so the borrow need not outlive it; the length
/// that it is told is the slice's own.
#[expect(unsafe_code, reason = "a system call without a safe wrapper")]
fn attach(socket: &impl AsRawFd, program: &[libc::sock_filter]) -> std::io::Result<()> {
    let length = libc::c_ushort::try_from(program.len()).expect("the program is short");
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    let size = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).expect("a small struct");
    // SAFETY: the descriptor is borrowed from a live socket, and `program` is valid for reads of `size` bytes.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const program).cast(),
            size,
        )
    };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::time::Duration;

    fn group(count: usize) -> Vec<UdpSocket> {
        let mut address = "127.0.0.1:0".parse().expect("an address");
        let sockets: Vec<UdpSocket> = (0..count)
            .map(|_| {
                let socket = super::super::socket::bind(address, true).expect("binds").0;
                address = socket.local_addr().expect("bound");
                socket.set_nonblocking(false).expect("a socket");
                socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a socket");
                socket
            })
            .collect();
        steer_by_connection_id(&sockets[0], count).expect("the kernel takes the program");
        sockets
    }

    #[test]
    fn the_kernel_follows_the_connection_id() {
        let sockets = group(3);
        let sender = UdpSocket::bind("127.0.0.1:0").expect("binds");
        let target = sockets[0].local_addr().expect("bound");
        for index in [2, 0, 1, 1, 0, 2] {
            let id = connection_id(index, 3);
            let short = [&[0x40][..], &id, &[9; 20]].concat();
            let long = [&[0xc0, 0, 0, 0, 1, 8][..], &id, &[9; 20]].concat();
            for packet in [short, long] {
                sender.send_to(&packet, target).expect("sends");
                let mut buffer = [0; 64];
                let length = sockets[index].recv(&mut buffer).expect("it is the right socket");
                assert_eq!(buffer[..length], packet[..]);
            }
        }
    }

    #[test]
    fn every_shard_gets_ids() {
        for count in 1..=8 {
            for index in 0..count {
                assert_eq!(usize::from(connection_id(index, count)[0]) % count, index);
            }
        }
    }
}
