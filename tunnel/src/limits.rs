//! Every bound of a tunnel, with the arithmetic behind it.

use std::time::Duration;

/// From the first packet to the hello; a peer that is slower than this is not served.
pub const HANDSHAKE: Duration = Duration::from_secs(5);

/// From a stream's first byte to the end of its preamble.
pub const PREAMBLE: Duration = Duration::from_secs(5);

/// The dialler pings this often while streams are open, and less often while idle: 1,000 idle nodes make 200 pings a
/// second on their gateway.
pub const PING_BUSY: Duration = Duration::from_secs(2);
pub const PING_IDLE: Duration = Duration::from_secs(5);

/// A dialler that hears nothing for this long after a ping takes the way for doubtful: it dials anew beside it.
pub const PONG_WITHIN: Duration = Duration::from_secs(4);

/// The accepting side hears a ping every [`PING_IDLE`]; one that is late by more than half makes the way doubtful, and
/// new streams go elsewhere.
pub const PING_WITHIN: Duration = Duration::from_secs(8);

/// A doubtful tunnel keeps its streams for this long, and they go on if the way comes back: firewalls, radio links and
/// suspended machines do that. Then it is dead. A peer that was restarted says so at once (stateless reset).
pub const DEAD_AFTER: Duration = Duration::from_secs(45);

/// How long a closing side tries to say why.
pub const FAREWELL: Duration = Duration::from_secs(1);

/// QUIC's keep-alive. Every 10 s would do for a NAT that forgets after 20 s (docs/simulation.md, "Values"); so often an idle
/// node hears soon that its gateway was restarted.
pub const KEEP_ALIVE: Duration = Duration::from_millis(2500);

/// Between two stateless resets on one socket. A gateway that was restarted owes one to each of its nodes' tunnels, and
/// quinn's own 20 ms let 10,000 nodes wait until they gave the tunnel up; a reset is smaller than what it answers, so no
/// loop can come of it, and 5,000 a second are a fraction of a core.
pub const RESETS_APART: Duration = Duration::from_micros(200);

/// Streams that a node grants before anybody asks for more; each granted stream costs two map entries at once.
pub const STREAMS_AT_FIRST: u32 = 128;
/// The grant doubles when three quarters are in use, up to this.
pub const STREAMS_AT_MOST: u32 = 16_384;
/// A gateway grants only the control stream.
pub const STREAMS_TO_NODE: u32 = 1;

/// Before authentication a peer can make us hold this much.
pub const WINDOW_BEFORE_HELLO: u32 = 128 * 1024;
/// One stream of QUIC: 2 MiB fill 160 Mbit/s at 100 ms. Not more: quinn-proto closes the whole connection when one
/// stream's reassembly keeps more than 1,024 pieces ("too many gaps in stream buffer"), and 2 MiB in packets of 1,420
/// bytes have at most 738 gaps. With 8 MiB, uploads of 30 MB on a busy machine lost their tunnel in 5 tries of 6, with 2 MiB
/// in none of 8. Who reads faster than that gets lanes (`quic/lanes`): eight windows.
pub const WINDOW_STREAM: u32 = 2 * 1024 * 1024;
/// All streams of one tunnel; 31 stalled streams cannot starve the rest.
pub const WINDOW_TUNNEL: u32 = 64 * 1024 * 1024;
/// Directions over lanes that are read in one tunnel: two of 16 MiB leave half of its window to all others.
pub const WIDE_TUNNEL: usize = 2;
/// And in one process: 14 MiB more each, 448 MiB together.
pub const WIDE_PROCESS: usize = 32;
/// Streams that the other side may open for them: seven lanes each, and its own two asking for some.
pub const LANES_GRANTED: u32 = 16;
/// What may be in flight or unacknowledged on the sending side: 24 streams that fill their windows, or two over lanes and
/// eight others. Whoever finds it used up waits for a turn among all that send, a keystroke too.
pub const WINDOW_SEND: u64 = 48 * 1024 * 1024;

/// Largest UDP payload: ten segments of one GSO batch must fit into one datagram of 65,507 bytes, and quinn drops a
/// batch that does not without a word.
pub const MTU_MAX: u16 = 6500;
/// On an interface that carries all that fits into IP, as loopback does: one packet is as large as a whole batch, so
/// batches are off there.
pub const MTU_WHOLE: u16 = 65_000;
/// Tunnels of one shard that may have such packets; each keeps a send buffer for one. What comes beyond has
/// [`MTU_INTERNET`], so that a thousand nodes on one machine cost no more than a thousand outside.
pub const WHOLE_PLACES: usize = 4;
/// On the internet: 1500 less IPv6 and UDP headers.
pub const MTU_INTERNET: u16 = 1452;
/// What every QUIC path must carry (RFC 9000 §14).
pub const MTU_MIN: u16 = 1200;

/// Asked of the kernel for each UDP socket, both ways; it may grant less (`net.core.rmem_max`).
pub const UDP_BUFFER: usize = 4 * 1024 * 1024;

/// Half-open QUIC handshakes on one socket before addresses must prove themselves (Retry), and before new ones are
/// dropped without an answer.
pub const HALF_OPEN_RETRY: usize = 64;
pub const HALF_OPEN_MAX: usize = 1024;

/// Control messages that wait to be sent on one tunnel; a peer that does not read them is closed.
pub const CONTROL_QUEUE: usize = 32;

/// A surviving stream keeps this much of what it sent until the other side has read it: over QUIC more than the stream
/// window cannot be unread, and over lanes as much more is kept as their windows are larger. Reports of what was read come
/// with every ping, so an idle stream keeps nothing.
pub const KEPT: u64 = 8 * 1024 * 1024;
/// All surviving streams of one tunnel together: as much as its window lets be unread. A peer that never reads, or never
/// says so, makes its own streams mortal, and nobody's memory grows by more.
pub const KEPT_TUNNEL: u64 = WINDOW_TUNNEL as u64;
/// All tunnels of one process together: eight that are full, or what a gateway of 1 GB can spare.
pub const KEPT_PROCESS: u64 = 8 * KEPT_TUNNEL;

/// A stream whose tunnel is lost looks for another one for this long. A dialler that lives knows of the loss within
/// [`PING_BUSY`] and [`PONG_WITHIN`] and dials anew at once; and where silence came first, it had all of [`DEAD_AFTER`].
/// So the clients of a machine that died wait 55 s at most, and those of a process that died over TLS 10 s.
pub const RESUME_WITHIN: Duration = Duration::from_secs(10);
/// The acceptor waits for the opener for this long: the opener may hear nothing of a loss and give the tunnel up after
/// [`PING_WITHIN`] and a second look (10 s), then looks for [`RESUME_WITHIN`]; a busy machine gets 10 s more.
pub const RESUME_AWAITED: Duration = Duration::from_secs(30);
/// Between two looks for another tunnel.
pub const RESUME_PAUSE: Duration = Duration::from_millis(200);

/// What was read is reported as soon as it is so much on one tunnel, rather than with the next ping, because the other
/// side keeps it until then: twenty streams of 1 MB/s made it keep 40 MB.
/// At 2 GB/s it keeps about 1 MiB then, which its processor's cache still holds, and not the 8 MiB of each stream.
pub const REPORT_AT: u64 = 1024 * 1024;
/// Each report looks through all streams, so each of them makes the pause between two reports longer.
pub const REPORT_PAUSE_PER_STREAM: Duration = Duration::from_micros(2);
/// Streams in one report of what was read: 1,000 make about 45 KiB.
pub const REPORTS_PER_MESSAGE: usize = 1000;
