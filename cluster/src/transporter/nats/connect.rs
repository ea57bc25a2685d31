//! From broker.json to a client of NATS.

use std::io;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, Server, ServerAddr};
use tokio::sync::mpsc;

use crate::admission::jwt;
use crate::broker::{Broker, Login};
use crate::subject::Subjects;
use crate::transporter::link::LinkWriter;
use crate::transporter::tls::{self, TlsError};

/// The client gives up after two unanswered pings: a stopped server is seen within 9 to 12 s.
const PING_EVERY: Duration = Duration::from_secs(3);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// What no later try could mend.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    #[error("broker.json: {0}")]
    Tls(#[from] TlsError),
    #[error("the file named by `credentials` is not one that nsc writes")]
    Credentials,
    #[error("the NATS client does not start: {0}")]
    Client(String),
}

/// The client, which connects for ever, and what it tells.
pub(super) async fn client(
    broker: &Broker,
    link: &LinkWriter,
) -> Result<(Client, mpsc::Receiver<Event>), NatsError> {
    // The client has room for 128 events of its own, and throws away what comes then.
    let (told, events) = mpsc::channel(128);
    let addresses: Vec<ServerAddr> = broker
        .servers
        .iter()
        .map(|server| format!("tls://{server}").parse())
        .collect::<io::Result<_>>()
        .map_err(|error| NatsError::Client(error.to_string()))?;
    let client = login(ConnectOptions::new(), &broker.login)?
        .tls_client_config(tls::client_config(&broker.trust)?)
        .require_tls(true)
        .retry_on_initial_connect()
        .ignore_discovered_servers()
        .ping_interval(PING_EVERY)
        .connection_timeout(CONNECT_PATIENCE)
        .reconnect_delay_callback(backoff)
        .reconnect_to_server_callback({
            let link = link.clone();
            move |servers, _| {
                tell_why(&link, &servers);
                // The choice of the server stays with the client.
                std::future::ready(None)
            }
        })
        .custom_inbox_prefix(Subjects::new(&broker.namespace).replies(&reply_to(&broker.login)).as_str())
        .event_callback(move |event| {
            let told = told.clone();
            async move {
                // Without a steward there is nobody to tell.
                let _unheard = told.send(event).await;
            }
        })
        .connect(addresses)
        .await
        .map_err(|error| NatsError::Client(error.to_string()))?;
    Ok((client, events))
}

fn login(options: ConnectOptions, login: &Login) -> Result<ConnectOptions, NatsError> {
    Ok(match login {
        Login::Password { user: None, password } => options.token(password.expose().to_owned()),
        Login::Password { user: Some(user), password } => {
            options.user_and_password(user.clone(), password.expose().to_owned())
        }
        Login::Nkey(seed) => options.nkey(seed.expose().to_owned()),
        // The client's own error quotes the file.
        Login::Credentials(text) => {
            options.credentials(text.expose()).map_err(|_secret| NatsError::Credentials)?
        }
    })
}

/// 0.1 s, doubled up to 5 s, and up to as much again by chance: a thousand members do not come back at once.
fn backoff(attempts: usize) -> Duration {
    let step = Duration::from_millis(100 << attempts.min(6)).min(Duration::from_secs(5));
    step.mul_f64(rand::random_range(0.5..1.0))
}

/// Who comes in with a signed token hears only replies behind its own key.
pub(super) fn reply_to(login: &Login) -> String {
    let key = match login {
        Login::Credentials(text) => jwt::subject_of(text.expose()),
        Login::Password { .. } | Login::Nkey(_) => None,
    };
    key.map_or_else(random, |key| format!("{key}.{}", random()))
}

fn random() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// The client's events say "IO error"; what it keeps of each server says which.
fn tell_why(link: &LinkWriter, servers: &[Server]) {
    let errors = servers.iter().filter_map(|server| {
        let (error, address) = (server.last_error.as_ref()?, &server.addr);
        Some(format!("{}:{}: {error}", address.host(), address.port()))
    });
    let errors = errors.collect::<Vec<_>>().join("; ");
    if !errors.is_empty() && !link.is_up() {
        link.down(&errors);
    }
}
