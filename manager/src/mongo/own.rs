//! A mongod on this machine that was started for the managers alone, with `--auth` and `--replSet fastx`, and nothing in
//! it: it becomes a replica set of one, which tells changes, and gets its only user.

use std::net::SocketAddr;
use std::time::Duration;

use cluster::Secret;
use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::error::ErrorKind;
use mongodb::options::ClientOptions;
use tokio::time::{Instant, sleep};

/// The set's name, the user's, and the database's.
const NAME: &str = "fastx";
/// A mongod on a slow disk takes some seconds to start, and one more to become the primary.
const PATIENCE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(200);
/// MongoDB's `Unauthorized`.
const UNAUTHORIZED: i32 = 13;

#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error("mongod at {at} is not ready after {} s: {why}\n  next: journalctl --unit fastx-mongod", PATIENCE.as_secs())]
    NotReady { at: SocketAddr, why: String },
    #[error(
        "mongod at {0} has other users already\n  next: give its connection string instead (--store mongodb), or empty its folder"
    )]
    Foreign(SocketAddr),
    #[error("mongod at {at} refuses it: {why}")]
    Refused { at: SocketAddr, why: String },
}

/// Returns the connection string, which holds `password`. Done already, it changes nothing.
pub async fn prepare(at: SocketAddr, password: &Secret) -> Result<Secret, PrepareError> {
    let url = Secret::new(format!(
        "mongodb://{NAME}:{}@{at}/?replicaSet={NAME}&authSource=admin",
        password.expose()
    ));
    let refused = |error: mongodb::error::Error| PrepareError::Refused { at, why: error.kind.to_string() };
    let client = connected(&format!("mongodb://{at}/?directConnection=true")).await.map_err(refused)?;
    become_primary(&client, at).await?;
    if lets_in(&url).await {
        return Ok(url);
    }
    // The only ones that may be given to the first user are those of `admin`; there is no other database in it.
    let roles = vec![doc! { "role": "readWriteAnyDatabase", "db": "admin" }];
    let user = doc! { "createUser": NAME, "pwd": password.expose(), "roles": roles };
    // Who comes from the machine itself may make the first user, and nothing else.
    match client.database("admin").run_command(user).await {
        Ok(_) => Ok(url),
        Err(error) if is_unauthorized(&error) => Err(PrepareError::Foreign(at)),
        Err(error) => Err(refused(error)),
    }
}

async fn connected(url: &str) -> mongodb::error::Result<Client> {
    let mut options = ClientOptions::parse(url).await?;
    options.server_selection_timeout = Some(Duration::from_secs(5));
    Client::with_options(options)
}

async fn lets_in(url: &Secret) -> bool {
    let listed = async { connected(url.expose()).await?.database(NAME).list_collection_names().await };
    listed.await.is_ok()
}

async fn become_primary(client: &Client, at: SocketAddr) -> Result<(), PrepareError> {
    let (began, admin) = (Instant::now(), client.database("admin"));
    let member = doc! { "_id": 0, "host": at.to_string() };
    let configuration = doc! { "_id": NAME, "members": [member] };
    loop {
        let why = match admin.run_command(doc! { "hello": 1 }).await {
            Ok(hello) if is(&hello, "isWritablePrimary") && hello.contains_key("setName") => return Ok(()),
            Ok(hello) if hello.contains_key("setName") => "it is not the primary".to_owned(),
            Ok(_) => match admin.run_command(doc! { "replSetInitiate": configuration.clone() }).await {
                Ok(_) => "it is not the primary".to_owned(),
                Err(error) if is_unauthorized(&error) => return Err(PrepareError::Foreign(at)),
                Err(error) => error.kind.to_string(),
            },
            Err(error) => error.kind.to_string(),
        };
        if began.elapsed() > PATIENCE {
            return Err(PrepareError::NotReady { at, why });
        }
        sleep(AGAIN).await;
    }
}

fn is(hello: &Document, what: &str) -> bool {
    hello.get_bool(what).unwrap_or(false)
}

fn is_unauthorized(error: &mongodb::error::Error) -> bool {
    matches!(&*error.kind, ErrorKind::Command(command) if command.code == UNAUTHORIZED)
}
