//! From a stream to the service that it names: connect, answer, pump.

use std::io;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UnixStream};
use tunnel::pump::{self, Outcome, Patience};
use tunnel::{Answer, Preamble, Status, Stream};

use crate::client_header;
use crate::services::{Service, Target};

/// A service that takes longer than this to accept is down, whatever the client would wait.
const CONNECT_AT_MOST: Duration = Duration::from_secs(10);

/// A connection to a local service.
enum Upstream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Serves one stream with the service called `name`, from when it is connected to its end; `None` if the stream was refused
/// or is gone. The answer leaves before the first byte of the service.
pub(crate) async fn serve(
    name: &str,
    service: &Service,
    mut stream: Stream,
    preamble: &Preamble,
) -> Option<BoxFuture<'static, Outcome>> {
    let patience = Patience::default();
    Some(match open(name, service, &mut stream, preamble).await? {
        Upstream::Tcp(socket) => pump::tcp(socket, stream, patience).boxed(),
        Upstream::Unix(socket) => pump::join(socket, stream, patience).boxed(),
    })
}

/// Connects, greets and answers.
async fn open(name: &str, service: &Service, stream: &mut Stream, preamble: &Preamble) -> Option<Upstream> {
    let opened = async {
        let mut upstream = connect(&service.connect, preamble.deadline).await?;
        greet(&mut upstream, service, preamble).await.map_err(Failure::Refused)?;
        Ok(upstream)
    };
    let (upstream, answer) = match opened.await {
        Ok(upstream) => (Some(upstream), Answer::ok()),
        Err(failure) => {
            let answer = Failure::answer(failure, name, &service.connect);
            tracing::info!(trace = %preamble.trace, service = name, reason = answer.reason, "a stream is refused");
            (None, answer)
        }
    };
    // The opener may have given up already.
    stream.answer(&answer).await.ok().and(upstream)
}

/// Why a service is not there.
#[derive(Debug)]
enum Failure {
    Refused(io::Error),
    Deadline(Duration),
}

impl Failure {
    fn answer(self, name: &str, target: &Target) -> Answer {
        match self {
            Self::Refused(error) => {
                let reason = format!("the service {name} at {target} does not answer: {error}");
                Answer::refused(Status::Unreachable, reason)
            }
            Self::Deadline(waited) => {
                let reason = format!("the service {name} at {target} did not accept within {waited:.1?}");
                Answer::refused(Status::Deadline, reason)
            }
        }
    }
}

async fn connect(target: &Target, deadline: Duration) -> Result<Upstream, Failure> {
    let wait = deadline.min(CONNECT_AT_MOST);
    let connected = tokio::time::timeout(wait, async {
        match target {
            Target::Tcp(address) => {
                let socket = TcpStream::connect((address.host.as_str(), address.port)).await?;
                // Keystrokes and pointer moves are small, and must not wait for an acknowledgement.
                socket.set_nodelay(true)?;
                Ok(Upstream::Tcp(socket))
            }
            Target::Unix(path) => UnixStream::connect(path).await.map(Upstream::Unix),
        }
    });
    match connected.await {
        Ok(connected) => connected.map_err(Failure::Refused),
        Err(_) => Err(Failure::Deadline(wait)),
    }
}

/// Sends the PROXY header, if the service wants one.
async fn greet(upstream: &mut Upstream, service: &Service, preamble: &Preamble) -> io::Result<()> {
    let Some(version) = service.proxy_protocol else { return Ok(()) };
    let destination = match upstream {
        Upstream::Tcp(socket) => Some(socket.peer_addr()?),
        Upstream::Unix(_) => None,
    };
    let header = client_header::encode(version, preamble.client, destination);
    // At most 108 bytes into the empty buffer of a fresh socket: this does not wait.
    match upstream {
        Upstream::Tcp(socket) => socket.write_all(&header).await,
        Upstream::Unix(socket) => socket.write_all(&header).await,
    }
}
