//! The end behind the tunnel: compares what comes up and sends what was asked for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::{PIECE, send};
use crate::host::Host;
use crate::pattern::Pattern;

/// Answers each connection as the parent module says; stopped when dropped.
#[derive(Debug)]
pub struct CheckedServer {
    stop: Arc<Notify>,
    open: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl CheckedServer {
    /// Listens on `address` inside `host`'s namespace.
    pub fn start(host: &Host, address: &str) -> Self {
        let (stop, open) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let (ready_tx, ready_rx) = std::sync::mpsc::channel();
        let (address, stopped, counter) = (address.to_owned(), stop.clone(), open.clone());
        let thread = host.namespace().spawn(async move {
            let listener = TcpListener::bind(&address).await.unwrap_or_else(|e| panic!("{address}: {e}"));
            ready_tx.send(()).expect("start waits");
            tokio::select! {
                biased;
                () = stopped.notified() => {}
                () = accept(listener, counter) => {}
            }
        });
        ready_rx.recv().expect("the checked server listens");
        Self { stop, open, thread: Some(thread) }
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

impl Drop for CheckedServer {
    fn drop(&mut self) {
        self.stop.notify_one();
        let _its_panic_is_told = self.thread.take().map(JoinHandle::join);
    }
}

async fn accept(listener: TcpListener, open: Arc<AtomicUsize>) {
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        let open = open.clone();
        tokio::spawn(async move {
            open.fetch_add(1, Ordering::Relaxed);
            let _broken_by_the_test = serve(socket).await;
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

async fn serve(socket: TcpStream) -> io::Result<()> {
    let (mut reader, mut writer) = socket.into_split();
    let (seed, wanted, rate) = (reader.read_u64().await?, reader.read_u64().await?, reader.read_u64().await?);
    let ended = AtomicBool::new(false);
    let receiving = async {
        let (mut pattern, mut wrong, mut buffer) = (Pattern::new(seed), 0, vec![0; PIECE]);
        loop {
            let count = reader.read(&mut buffer).await?;
            if count == 0 {
                ended.store(true, Ordering::Relaxed);
                return Ok::<_, io::Error>((pattern.position, wrong));
            }
            let before = pattern.position;
            if wrong == 0 && pattern.check(&buffer[..count]).is_err() {
                wrong = before + 1;
            }
        }
    };
    let until_end = || wanted == u64::MAX && ended.load(Ordering::Relaxed);
    let sending = send(&mut writer, Pattern::new(!seed), (wanted, rate), until_end);
    let ((received, wrong), _) = tokio::try_join!(receiving, sending)?;
    writer.write_u64(received).await?;
    writer.write_u64(wrong).await?;
    writer.shutdown().await
}
