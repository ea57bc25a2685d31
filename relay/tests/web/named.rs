//! Proxies that name the client.

use crate::raw::ask;
use crate::stage::Stage;

const ASK: &[u8] = b"GET /headers HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\
    X-Forwarded-For: 6.6.6.6, 198.51.100.7\r\nX-Forwarded-Proto: http\r\nForwarded: for=6.6.6.6\r\n\r\n";

#[tokio::test]
async fn only_a_trusted_proxy_names_the_client() {
    let mut trusting = Stage::configured(serde_json::json!({ "trustedProxies": ["127.0.0.0/8"] })).await;
    trusting.node("a").await;
    let answer = ask(&trusting, ASK).await;
    for line in [
        "x-forwarded-for: 198.51.100.7\n",
        "x-forwarded-proto: http\n",
        "forwarded: for=\"198.51.100.7\";host=\"gw\";proto=http\n",
    ] {
        assert!(answer.contains(line), "{line} is not in {answer}");
    }
    assert!(!answer.contains("6.6.6.6"), "{answer}");
    let mut other = Stage::configured(serde_json::json!({ "trustedProxies": ["10.0.0.0/8"] })).await;
    other.node("a").await;
    let answer = ask(&other, ASK).await;
    assert!(answer.contains("x-forwarded-for: 127.0.0.1\n"), "{answer}");
    assert!(answer.contains("x-forwarded-proto: https\n") && !answer.contains("198.51.100.7"), "{answer}");
}

#[tokio::test]
async fn limits_count_the_client_that_a_trusted_proxy_names() {
    let limits = serde_json::json!({ "requestsPerSecond": 1, "requestBurst": 1 });
    let settings = serde_json::json!({ "trustedProxies": ["127.0.0.0/8"], "limits": limits });
    let mut stage = Stage::configured(settings).await;
    stage.node("a").await;
    let from =
        |client: usize| format!("GET / HTTP/1.1\r\nHost: gw\r\nX-Forwarded-For: 198.51.100.{client}\r\n\r\n");
    let many: String = (0..30).map(from).collect();
    assert_eq!(crate::raw::statuses(&ask(&stage, many.as_bytes()).await), ["200"; 30]);
}
