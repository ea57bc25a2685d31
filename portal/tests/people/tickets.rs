//! Tickets: each opens one session once, for one login, and what it opened ends with the visit.

use super::*;

async fn ticket(server: &Server, cookie: &str, session: &Session) -> (u16, Value) {
    let answer = ask(server, cookie, "POST", &format!("/api/sessions/{}/ticket", session.id), "").await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

async fn made(server: &Server, cookie: &str, session: &Session) -> String {
    let (status, said) = ticket(server, cookie, session).await;
    assert_eq!(status, 200, "{said}");
    let result = &said["result"];
    let url = format!("/@n1/api/sessions/{}/ticket/socket", session.id);
    assert_eq!(result["ways"], json!([{ "way": "gateway", "url": url }]));
    assert_eq!((&result["server"], &result["expires"]), (&json!("n1"), &json!(30)));
    result["ticket"].as_str().unwrap().to_owned()
}

async fn open(server: &Server, session: &Session, ticket: &str, cookie: &str) -> Result<Viewer, u16> {
    let address = format!("ws://fx.example/api/sessions/{}/ticket/socket", session.id);
    let mut request = address.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("cookie", cookie.parse().unwrap());
    headers.insert("origin", "https://fx.example".parse().unwrap());
    headers.insert("sec-websocket-protocol", format!("binary, ticket.{ticket}").parse().unwrap());
    let viewer = tokio_tungstenite::client_async(request, stream(server, "192.0.2.9")).await;
    viewer.map(|(viewer, _)| viewer).map_err(|error| match error {
        tokio_tungstenite::tungstenite::Error::Http(answer) => answer.status().as_u16(),
        other => panic!("{other}"),
    })
}

#[tokio::test]
async fn a_ticket_opens_its_session_once_without_a_cookie_and_ends_with_the_visit() {
    let server = with_people();
    let (session, other) = (hers(&server).await, hers(&server).await);
    let (alice, again, bob) =
        (cookie(&server, "alice").await, cookie(&server, "alice").await, cookie(&server, "bob").await);
    assert_eq!(ticket(&server, &bob, &session).await.0, 404, "for him there is none");

    let first = made(&server, &alice, &session).await;
    let looks = open(&server, &session, &first, "a=b").await.unwrap();
    assert_eq!(open(&server, &session, &first, "a=b").await.unwrap_err(), 404, "twice");
    let wrong = made(&server, &alice, &session).await;
    assert_eq!(open(&server, &other, &wrong, "a=b").await.unwrap_err(), 404, "for another session");
    assert_eq!(open(&server, &session, &wrong, "a=b").await.unwrap_err(), 404, "and burnt by that");
    let stolen = made(&server, &alice, &session).await;
    assert_eq!(open(&server, &session, &stolen, &bob).await.unwrap_err(), 404, "by another login");
    assert_eq!(open(&server, &session, "", "a=b").await.unwrap_err(), 404);
    let kept = made(&server, &alice, &session).await;
    let mut stays = open(&server, &session, &made(&server, &again, &session).await, &again).await.unwrap();

    assert_eq!(ask(&server, &alice, "POST", "/api/logout", "").await.status(), 200);
    assert_eq!(tokio::time::timeout(PATIENCE, closed(looks)).await.expect("it stays open"), 4403);
    assert_eq!(open(&server, &session, &kept, "a=b").await.unwrap_err(), 404, "its visit is over");
    let greeting =
        tokio::time::timeout(PATIENCE, stays.next()).await.expect("it is silent").unwrap().unwrap();
    assert!(
        matches!(
            greeting,
            tokio_tungstenite::tungstenite::Message::Binary(_)
                | tokio_tungstenite::tungstenite::Message::Ping(_)
        ),
        "{greeting:?}"
    );
}
