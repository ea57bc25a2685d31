//! What members and managers say to each other over the broker, where anybody with a login may say something else.

use cluster::admission::{JoinAnswer, JoinRequest, MemberKey};
use cluster::heard::read;
use cluster::membership::{Beat, Standing, Word};
use cluster::server::{Gpu, Listed, Server};
use cluster::session::{Session, Told};
use cluster::store::{self, Change, Document, Expect, Key, Revision, StoreError, Write};
use cluster::transporter::MAX_PAYLOAD;
use cluster::{Name, fleet};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::{Target, as_it_is};

const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "true",
    "-1",
    "1e400",
    "9223372036854775808",
    "{},{},{},{},",
    "[[[[[[[[",
    "\"\\u0000\"",
    "\"serverId\":",
    "\"a/../b\"",
    "\"parts\":4294967295,",
    "\"sessions\":[{}],",
    "\"gpus\":[{},{}],",
    "\"body\":",
    "\u{1f600}",
];

/// A small `{}` in a list becomes an object with all of its fields, in memory and as text.
const MEMORY: usize = 128 * 1024 * 1024;

pub(super) const WORD: Target = Target {
    name: "member-word",
    seeds: words,
    words: WORDS,
    mend: as_it_is,
    check: check_word,
    memory: MEMORY,
};

pub(super) const QUESTION: Target = Target {
    name: "member-question",
    seeds: questions,
    words: WORDS,
    mend: as_it_is,
    check: check_question,
    memory: MEMORY,
};

pub(super) const ANSWER: Target = Target {
    name: "manager-answer",
    seeds: answers,
    words: WORDS,
    mend: as_it_is,
    check: check_answer,
    memory: MEMORY,
};

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn text(said: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(said).expect("it can be written")
}

fn server() -> Server {
    let data = json!({ "gpu": true, "deep": [[[[1, 2.5]]]], "text": "\u{1f600}\\\"" });
    let static_data = data.as_object().expect("an object").clone();
    let metrics = [("licences".to_owned(), json!({ "free": 3 }))].into();
    Server { static_data, metrics, gpus: vec![Gpu::default(); 2], ..Server::named(&name("node-1")) }
}

fn words() -> Vec<Vec<u8>> {
    let beat = Beat { server_id: name("node-1"), generation: 1_795_000_000_000_000, word: Word::Draining };
    let session = Session { command: "xterm -e 'a b'".into(), ..Session::default() };
    let told = Told { server_id: "node-1".into(), generation: 7, part: 0, parts: 1, sessions: vec![session] };
    vec![text(&beat), text(&server()), text(&told)]
}

fn document() -> Document {
    let key = Key { collection: name("settings"), id: name("global") };
    Document {
        key,
        revision: Revision(7),
        by: "admin".into(),
        at: Timestamp::UNIX_EPOCH,
        body: json!({ "a": [1] }),
    }
}

fn questions() -> Vec<Vec<u8>> {
    let Document { key, by, body, .. } = document();
    let write = |expect| Write { key: key.clone(), expect, by: by.clone(), body: Some(body.clone()) };
    let join = JoinRequest {
        token: MemberKey::generate().public(),
        server_id: name("node-1"),
        key: MemberKey::generate().public(),
        signature: "ab".repeat(64),
    };
    vec![
        text(&store::Question::Get(key.clone())),
        text(&store::Question::Page { collection: name("settings"), after: Some(name("a")) }),
        text(&store::Question::Write(write(Expect::Revision(Revision(7))))),
        text(&store::Question::Write(write(Expect::Absent))),
        text(&fleet::Question::Greet),
        text(&fleet::Question::Page { after: None }),
        text(&fleet::Question::Forget(name("node-1"))),
        text(&join),
    ]
}

fn answers() -> Vec<Vec<u8>> {
    let deleted = Change::Deleted { key: document().key, revision: Revision(8) };
    let listed = Listed { standing: Standing::Lost, last_seen: Timestamp::UNIX_EPOCH, server: server() };
    let conflict = StoreError::Conflict { there: Some(Revision(3)) };
    vec![
        text(&Change::Written(document())),
        text(&deleted),
        text(&store::Answer::Page(store::Page::fill([document(), document()].into_iter()))),
        text(&store::Answer::Failed(conflict)),
        text(&fleet::Answer::Page(fleet::Page::fill([listed].into_iter()))),
        text(&JoinAnswer::Refused { why: "used".into(), next: "another".into() }),
    ]
}

/// What is understood says the same when it is written again.
fn same<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(input: &[u8]) -> Option<T> {
    let said = read::<T>(input).ok()?;
    let again: T = serde_json::from_slice(&text(&said)).expect("what was understood is understood again");
    assert_eq!(said, again);
    Some(said)
}

fn check_word(input: &[u8]) {
    same::<Beat>(input);
    same::<Told>(input);
    let Some(server) = same::<Server>(input).filter(Server::fits) else { return };
    let listed = Listed { standing: Standing::Alive, last_seen: Timestamp::UNIX_EPOCH, server };
    let body = serde_json::to_value(&listed).expect("a server is JSON");
    assert_eq!(
        Write { key: document().key, expect: Expect::Absent, by: "m".into(), body: Some(body) }.check(),
        Ok(())
    );
    // The last one that a page takes.
    let page = fleet::Answer::Page(fleet::Page { servers: vec![listed], more: false });
    assert!(text(&page).len() < MAX_PAYLOAD);
    assert!(serde_json::from_slice::<fleet::Answer>(&text(&page)).is_ok());
}

fn check_question(input: &[u8]) {
    same::<fleet::Question>(input);
    if let Some(join) = same::<JoinRequest>(input) {
        assert!(!join.is_signed(), "nobody signed this");
    }
    let Some(store::Question::Write(write)) = same(input) else { return };
    if let (Ok(()), Some(body)) = (write.check(), write.body) {
        let page = store::Page { documents: vec![Document { body, ..document() }], more: false };
        assert!(serde_json::from_slice::<store::Answer>(&text(&store::Answer::Page(page))).is_ok());
    }
}

fn check_answer(input: &[u8]) {
    same::<Change>(input);
    same::<store::Answer>(input);
    same::<fleet::Answer>(input);
    same::<JoinAnswer>(input);
}
