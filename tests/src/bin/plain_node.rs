//! A node whose every service, the portal too, is one TCP server: what the gateway does to HTTP is seen with a server
//! that nobody here wrote.
//!
//!     plain-node gateway.json SERVERID ADDRESS

use anyhow::{Context, Result, anyhow};
use e2e::bare::Bare;
use tokio::net::TcpStream;
use tunnel::{Answer, Incoming, pump};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [file, id, address] = &arguments[..] else { return Err(anyhow!("gateway.json SERVERID ADDRESS")) };
    let bare = Bare::from_file(file.as_ref(), id, &["portal"])?;
    let tunnel = bare.dial().await.context("dialling")?;
    println!("connected");
    loop {
        let incoming = tunnel.accept().await.map_err(|close| anyhow!("{close}"))?;
        let address = address.clone();
        tunnel.home().spawn(async move {
            if let Err(error) = serve(incoming, &address).await {
                println!("{error:#}");
            }
        });
    }
}

async fn serve(incoming: Incoming, address: &str) -> Result<()> {
    let Some((_, mut stream)) = incoming.preamble().await? else { return Ok(()) };
    let socket = TcpStream::connect(address).await?;
    stream.answer(&Answer::ok()).await?;
    pump::tcp(socket, stream, pump::Patience::default()).await;
    Ok(())
}
