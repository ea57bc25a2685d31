use super::*;

fn hello(id: &str, token: &str) -> Hello {
    Hello {
        protocol: PROTOCOL,
        server_id: ServerId::new(id).unwrap(),
        token: Secret::new(token),
        namespace: "ns".into(),
        generation: 1,
        version: "1".into(),
        services: vec![],
        reach: vec![],
    }
}

fn key(name: &str) -> Fingerprint {
    Fingerprint::of_public_key(name.as_bytes())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn decide(book: &mut Book, hello: &Hello, name: &str, second: i64) -> Result<Admitted, RefusalCode> {
    let token = Secret::new("token");
    let policy = Policy { token: &token, namespace: "ns", max_servers: 2 };
    let from = IpAddr::from([192, 0, 2, 1]);
    book.decide(hello, &key(name), from, policy, at(second)).map_err(|refusal| refusal.code)
}

#[test]
fn the_token_admits_a_new_server_and_its_key_from_then_on() {
    let mut book = Book::default();
    assert_eq!(decide(&mut book, &hello("a", "wrong"), "k", 1), Err(RefusalCode::BadToken));
    assert!(book.servers.is_empty());
    assert_eq!(decide(&mut book, &hello("a", "token"), "k", 1), Ok(Admitted::New));
    assert_eq!(decide(&mut book, &hello("a", "changed since"), "k", 2), Ok(Admitted::Known));
    assert_eq!(book.servers[&ServerId::new("a").unwrap()].last_seen, at(2));
}

#[test]
fn a_second_key_is_refused_and_kept_for_the_administrator() {
    let mut book = Book::default();
    decide(&mut book, &hello("a", "token"), "k", 1).unwrap();
    for second in 2..5 {
        assert_eq!(decide(&mut book, &hello("a", "token"), "thief", second), Err(RefusalCode::KeyMismatch));
    }
    let [conflict] = &book.conflicts[..] else { panic!("{:?}", book.conflicts) };
    assert_eq!((conflict.count, conflict.last, &conflict.key), (3, at(4), &key("thief")));
    // Without the token nobody fills the list.
    assert_eq!(decide(&mut book, &hello("a", "wrong"), "other", 9), Err(RefusalCode::BadToken));
    assert_eq!(book.conflicts.len(), 1);
    assert_eq!(decide(&mut book, &hello("a", ""), "k", 9), Ok(Admitted::Known));
}

#[test]
fn conflicts_are_bounded_and_the_oldest_goes() {
    let mut book = Book::default();
    decide(&mut book, &hello("a", "token"), "k", 0).unwrap();
    for n in 1..=300 {
        decide(&mut book, &hello("a", "token"), &format!("thief {n}"), n).unwrap_err();
    }
    assert_eq!(book.conflicts.len(), CONFLICTS);
    assert_eq!(book.conflicts.iter().map(|conflict| conflict.last).min(), Some(at(45)));
}

#[test]
fn a_revoked_server_stays_out_until_that_is_undone() {
    let mut book = Book::default();
    let a = ServerId::new("a").unwrap();
    decide(&mut book, &hello("a", "token"), "k", 1).unwrap();
    assert!(book.set_revoked(&a, Some(at(2))) && book.is_revoked(&a));
    assert_eq!(decide(&mut book, &hello("a", "token"), "k", 3), Err(RefusalCode::Revoked));
    assert_eq!(decide(&mut book, &hello("a", "token"), "other", 3), Err(RefusalCode::KeyMismatch));
    book.set_revoked(&a, None);
    assert_eq!(decide(&mut book, &hello("a", ""), "k", 4), Ok(Admitted::Known));
    assert!(!book.set_revoked(&ServerId::new("b").unwrap(), Some(at(5))));
}

#[test]
fn a_forgotten_server_may_come_with_another_key() {
    let mut book = Book::default();
    decide(&mut book, &hello("a", "token"), "k", 1).unwrap();
    decide(&mut book, &hello("a", "token"), "new", 2).unwrap_err();
    assert!(book.forget(&ServerId::new("a").unwrap()));
    assert!(book.conflicts.is_empty());
    assert_eq!(decide(&mut book, &hello("a", "token"), "new", 3), Ok(Admitted::New));
}

#[test]
fn ids_are_bounded() {
    let mut book = Book::default();
    for id in ["a", "b"] {
        decide(&mut book, &hello(id, "token"), id, 1).unwrap();
    }
    assert_eq!(decide(&mut book, &hello("c", "token"), "c", 1), Err(RefusalCode::Busy));
    assert_eq!(decide(&mut book, &hello("a", "token"), "a", 1), Ok(Admitted::Known));
}

#[test]
fn other_protocols_and_namespaces_are_refused() {
    let mut book = Book::default();
    let old = Hello { protocol: 0, ..hello("a", "token") };
    assert_eq!(decide(&mut book, &old, "k", 1), Err(RefusalCode::Protocol));
    let other = Hello { namespace: "other".into(), ..hello("a", "token") };
    assert_eq!(decide(&mut book, &other, "k", 1), Err(RefusalCode::WrongNamespace));
}

#[test]
fn what_is_written_is_read_again() {
    let mut book = Book::default();
    decide(&mut book, &hello("a", "token"), "k", 1).unwrap();
    decide(&mut book, &hello("a", "token"), "thief", 2).unwrap_err();
    let text = serde_json::to_string(&book).unwrap();
    let read: Book = serde_json::from_str(&text).unwrap();
    assert_eq!((read.servers, read.conflicts), (book.servers, book.conflicts));
}
