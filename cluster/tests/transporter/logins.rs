//! Who comes in, and who is kept out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cluster::Secret;
use cluster::broker::{Broker, Login, Trust};
use cluster::transporter::{Link, connect};
use nkeys::KeyPair;
use serde_json::json;

use super::contract::works;
use super::servers::PATIENCE;
use super::servers::nats::{self, NatsServer};
use super::servers::redis::RedisServer;
use super::ways::connected;

async fn comes_in(broker: &Broker) {
    works(&*connected(broker).await, &*connected(broker).await).await;
}

/// Until the broker was reached and said why not.
async fn is_kept_out(broker: &Broker, says: &str) {
    let transporter = connect(broker).await.unwrap();
    let mut link = transporter.link();
    let refused = |link: &Link| match link {
        Link::Down { why, .. } => why.to_lowercase().contains(says),
        Link::Up { .. } => panic!("let in"),
    };
    let waited = tokio::time::timeout(PATIENCE, link.wait_for(refused)).await;
    assert!(waited.is_ok(), "{:?}", transporter.link().borrow());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_by_user_and_password() {
    let users = "authorization { users: [{ user: fastx, password: pw }], timeout: 30 }";
    let server = NatsServer::started("nats-server", users);
    let login = |password| Login::Password { user: Some("fastx".into()), password: Secret::new(password) };
    comes_in(&server.broker(login("pw"))).await;
    is_kept_out(&server.broker(login("wrong")), "authorization").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_by_nkey() {
    let key = KeyPair::new_user();
    let users = format!("authorization {{ users: [{{ nkey: {} }}], timeout: 30 }}", key.public_key());
    let server = NatsServer::started("nats-server", &users);
    comes_in(&server.broker(Login::Nkey(Secret::new(key.seed().unwrap())))).await;
    let other = KeyPair::new_user().seed().unwrap();
    is_kept_out(&server.broker(Login::Nkey(Secret::new(other))), "authorization").await;
}

/// A token as `nsc` makes it (NATS ADR-14).
fn jwt(signer: &KeyPair, subject: &str, name: &str, nats: serde_json::Value) -> String {
    let claims = json!({ "jti": name, "iat": 1_700_000_000, "iss": signer.public_key(), "name": name,
        "sub": subject, "nats": nats });
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&json!({ "typ": "JWT", "alg": "ed25519-nkey" })), encode(&claims));
    let signature = URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_by_credentials() {
    let (operator, account, user) = (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_user());
    let limits = json!({ "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1,
        "wildcards": true, "conn": -1, "leaf": -1 });
    let operator_jwt =
        jwt(&operator, &operator.public_key(), "O", json!({ "type": "operator", "version": 2 }));
    let account_claims = json!({ "type": "account", "version": 2, "limits": limits });
    let account_jwt = jwt(&operator, &account.public_key(), "A", account_claims);
    let user_claims =
        json!({ "type": "user", "version": 2, "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1 });
    let settings = format!(
        "operator: {operator_jwt}\nresolver: MEMORY\nresolver_preload: {{ {}: {account_jwt} }}",
        account.public_key()
    );
    let server = NatsServer::started("nats-server", &settings);
    let credentials = |jwt: &str| {
        Login::Credentials(Secret::new(format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            user.seed().unwrap()
        )))
    };
    comes_in(&server.broker(credentials(&jwt(&account, &user.public_key(), "U", user_claims.clone())))).await;
    let stranger = jwt(&KeyPair::new_account(), &user.public_key(), "U", user_claims);
    is_kept_out(&server.broker(credentials(&stranger)), "authorization").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_with_a_certificate_nobody_vouches_for() {
    let server = NatsServer::started("nats-server", nats::TOKEN);
    let other = NatsServer::new("nats-server", nats::TOKEN);
    let mut broker = server.broker(nats::token());
    broker.trust = other.broker(nats::token()).trust;
    is_kept_out(&broker, "certificate").await;
    broker.trust = Trust::System;
    is_kept_out(&broker, "certificate").await;
    broker.trust = Trust::Anybody;
    comes_in(&broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_with_a_wrong_password_or_certificate() {
    let server = RedisServer::started();
    is_kept_out(&server.broker("wrong"), "password").await;
    let mut broker = server.broker("tok");
    broker.trust = RedisServer::new().broker("tok").trust;
    is_kept_out(&broker, "certificate").await;
    broker.trust = Trust::System;
    is_kept_out(&broker, "certificate").await;
    broker.trust = Trust::Anybody;
    comes_in(&broker).await;
}
