//! From broker.json to a client of Redis.

use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo,
    TlsCertificates,
};

use crate::broker::{Broker, Login, Trust};

/// What no later try could mend.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    #[error("Redis takes a password, and neither NKEY nor credentials")]
    Login,
    #[error("broker.json names no server")]
    NoServer,
    #[error("the Redis client does not start: {0}")]
    Client(#[from] redis::RedisError),
}

pub(super) fn client(broker: &Broker) -> Result<Client, RedisError> {
    // The Redis client asks rustls for the provider of the process; another one set it already, or this does.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = broker.servers.first().ok_or(RedisError::NoServer)?;
    let Login::Password { user, password } = &broker.login else { return Err(RedisError::Login) };
    let mut login =
        RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3).set_password(password.expose());
    if let Some(user) = user {
        login = login.set_username(user);
    }
    let (insecure, root_cert) = match &broker.trust {
        Trust::Ca(pem) => (false, Some(pem.clone().into_bytes())),
        Trust::System => (false, None),
        Trust::Anybody => (true, None),
    };
    let (host, port) = (server.host.clone(), server.port);
    let address = ConnectionAddr::TcpTls { host, port, insecure, tls_params: None };
    let info: ConnectionInfo = address.into_connection_info()?.set_redis_settings(login);
    Ok(Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })?)
}
