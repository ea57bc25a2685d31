//! Two namespaces with a router between them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use e2e::namespace::{Namespace, run};
use netsim::link::Model;
use netsim::router::{Router, Tun};

/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);
const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 214, 0, 1), Ipv4Addr::new(10, 214, 0, 2)];

pub(crate) struct Stage {
    // Before the namespaces: its devices are in them.
    router: Router,
    sides: [Namespace; 2],
}

pub(crate) fn model(text: &str) -> Model {
    toml::from_str(text).expect("a model")
}

impl Stage {
    pub(crate) fn with(there: &str, back: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let id = std::process::id();
        let side = |letter: char, address: Ipv4Addr| {
            let namespace = Namespace::make(format!("router-{id}-{number}{letter}"));
            let device = format!("rt{}-{number}{letter}", id % 100_000);
            let tun = Tun::make(&device).expect("root may make a device");
            run(std::process::Command::new("ip").args(["link", "set", &device, "netns", namespace.name()]));
            namespace.ip(&format!("addr add {address}/24 dev {device}"));
            namespace.ip(&format!("link set {device} mtu 1500 txqueuelen 10000 up"));
            (namespace, tun)
        };
        let ((one, from), (other, to)) = (side('a', ADDRESSES[0]), side('b', ADDRESSES[1]));
        let router = Router::start([from, to], [model(there), model(back)], 1).expect("a thread");
        Self { router, sides: [one, other] }
    }

    pub(crate) fn router(&self) -> &Router {
        &self.router
    }

    fn udp(&self, side: usize) -> UdpSocket {
        let socket = self.sides[side].inside(|| UdpSocket::bind((ADDRESSES[side], 0)).expect("a free port"));
        socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
        socket
    }

    /// A socket here, connected to one on the other side that sends back what it gets until it gets nothing.
    pub(crate) fn echo(&self) -> (UdpSocket, JoinHandle<()>) {
        let (here, there) = (self.udp(0), self.udp(1));
        here.connect(there.local_addr().expect("bound")).expect("an address");
        let echo = std::thread::spawn(move || {
            let mut packet = [0; 2000];
            while let Ok((length, from)) = there.recv_from(&mut packet)
                && length > 0
            {
                there.send_to(&packet[..length], from).expect("the way back");
            }
        });
        (here, echo)
    }

    /// Sends `count` packets of `bytes` and returns how many arrive.
    pub(crate) fn blast(&self, count: u64, bytes: usize) -> u64 {
        let (here, there) = (self.udp(0), self.udp(1));
        let to = there.local_addr().expect("bound");
        let reader = std::thread::spawn(move || {
            let (mut packet, mut received) = ([0; 2000], 0);
            while there.recv(&mut packet).is_ok_and(|length| length > 1) {
                received += 1;
            }
            received
        });
        for sent in 0..count {
            here.send_to(&vec![7; bytes], to).expect("a way");
            if sent.is_multiple_of(20) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        // The end may be lost as well.
        within(PATIENCE, || {
            here.send_to(&[0], to).expect("a way");
            reader.is_finished().then_some(())
        });
        reader.join().expect("the reader")
    }

    pub(crate) fn connection(&self) -> (TcpStream, TcpStream) {
        let listener = self.sides[1].inside(|| TcpListener::bind((ADDRESSES[1], 0)).expect("a free port"));
        let to: SocketAddr = listener.local_addr().expect("bound");
        let client = self.sides[0].inside(|| TcpStream::connect_timeout(&to, PATIENCE).expect("a way"));
        let (server, _) = listener.accept().expect("a client");
        server.set_read_timeout(Some(PATIENCE)).expect("not zero");
        client.set_write_timeout(Some(PATIENCE)).expect("not zero");
        (client, server)
    }

    /// How long `bytes` take over a new connection.
    pub(crate) fn transfer(&self, bytes: usize) -> Duration {
        let (mut client, mut server) = self.connection();
        let began = Instant::now();
        let writer = std::thread::spawn(move || client.write_all(&vec![1; bytes]).expect("a reader"));
        let (mut buffer, mut received) = (vec![0; 1 << 16], 0);
        while let Ok(read @ 1..) = server.read(&mut buffer) {
            received += read;
        }
        writer.join().expect("the writer");
        assert_eq!(received, bytes);
        began.elapsed()
    }
}

/// Of one packet through an echo; sent again when it is lost, which here it is not.
pub(crate) fn round_trip(socket: &UdpSocket) -> Duration {
    let began = Instant::now();
    socket.send(b"ping").expect("a way");
    let mut packet = [0; 100];
    socket.recv(&mut packet).expect("an answer");
    began.elapsed()
}

/// What `act` yields, tried until it yields something.
pub(crate) fn within<T>(limit: Duration, mut act: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(done) = act() {
            return done;
        }
        assert!(Instant::now() < deadline, "nothing within {limit:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
