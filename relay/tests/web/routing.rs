//! Which node answers.

use crate::raw::{ask, statuses};
use crate::stage::Stage;

async fn get(stage: &Stage, path: &str, cookie: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: gw\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
    ask(stage, request.as_bytes()).await
}

#[tokio::test]
async fn a_path_or_a_cookie_chooses_the_node() {
    let mut stage = Stage::new().await;
    for name in ["a", "b", "c"] {
        stage.node(name).await;
    }
    for name in ["a", "b", "c"] {
        let answer = get(&stage, &format!("/@{name}//x/..%2f?y"), "fastx-server=a").await;
        assert!(answer.ends_with(name) && !answer.contains("set-cookie"), "{answer}");
        assert_eq!(stage.seen(), [format!("{name} GET //x/..%2f?y")]);
        let answer = get(&stage, "/", &format!("x=1; fastx-server={name}")).await;
        assert!(answer.ends_with(name) && !answer.contains("set-cookie"), "{answer}");
        assert_eq!(stage.seen(), [format!("{name} GET /")]);
    }
    let answer = get(&stage, "/", "x=1").await;
    let name = answer.chars().last().unwrap();
    let cookie = format!("set-cookie: fastx-server={name}; Path=/; Secure; HttpOnly; SameSite=Lax\r\n");
    assert!(answer.contains(&cookie), "{answer}");
}

#[tokio::test]
async fn a_cookie_gives_way_when_its_node_is_gone_and_a_path_does_not() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    stage.node("b").await;
    stage.lose("a").await;
    let answer = get(&stage, "/", "fastx-server=a").await;
    assert!(answer.ends_with('b') && answer.contains("set-cookie: fastx-server=b;"), "{answer}");
    let answer = get(&stage, "/@a/", "").await;
    assert_eq!(statuses(&answer), ["503"]);
    assert!(answer.contains("FX-1204") && answer.contains("has not been reachable since 20"), "{answer}");
    assert!(answer.to_lowercase().contains("retry-after: 30"), "{answer}");
    assert_eq!(stage.seen(), ["b GET /"]);
}

#[tokio::test]
async fn odd_ids_are_answered_here() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let table = [
        ("/@a", "308", "location: /@a/"),
        ("/@a?q=1", "308", "location: /@a/?q=1"),
        ("/@nobody/", "404", "FX-1203"),
        ("/@%61/", "404", "FX-1202"),
        ("/@a'b/", "404", "FX-1202"),
        ("/@../", "404", "FX-1202"),
        ("/@169.254.169.254:80/", "404", "FX-1202"),
        ("/@/", "404", "FX-1202"),
    ];
    for (path, status, word) in table {
        let answer = get(&stage, path, "fastx-server=a").await;
        assert_eq!(statuses(&answer), [status], "{path}: {answer}");
        assert!(answer.contains(word), "{path}: {answer}");
    }
    assert_eq!(stage.seen().len(), 0);
}
