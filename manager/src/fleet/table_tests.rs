use cluster::membership::{Beat, LATE_AFTER, Word};

use super::*;

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

fn beat(server: &str, word: Word) -> Beat {
    Beat { server_id: name(server), generation: 1, word }
}

fn described(server: &str, sessions: u32) -> Server {
    Server { sessions, ..Server::named(&name(server)) }
}

fn kept(server: &str, standing: Standing, last_seen: Timestamp) -> Listed {
    Listed { standing, last_seen, server: described(server, 7) }
}

/// Names, standings and sessions.
fn shown(table: &Table, members: &Members, now: Now) -> Vec<(String, Standing, u32)> {
    let row = |listed: Listed| {
        (listed.server.server_id.as_str().to_owned(), listed.standing, listed.server.sessions)
    };
    table.all(None, members, now).map(row).collect()
}

#[test]
fn a_server_is_listed_from_its_first_beat_and_keeps_its_last_words() {
    let (mut members, began, wall) = (Members::default(), Instant::now(), Timestamp::now());
    let mut table = Table::new(began);
    members.hear(&beat("a", Word::Active), began);
    assert_eq!(shown(&table, &members, (began, wall)), [("a".into(), Standing::Alive, 0)]);
    table.describe(name("a"), described("a", 3), wall);
    let (later, then) = (began + LOST_AFTER, wall + SignedDuration::from_secs(30));
    assert_eq!(shown(&table, &members, (later, then)), [("a".into(), Standing::Lost, 3)]);
    let listed = table.one(&name("a"), &members, (later, then)).unwrap();
    assert_eq!(listed.last_seen, wall, "when it was heard, by this clock");
    table.revoke(name("a"));
    assert_eq!(shown(&table, &members, (began, wall))[0].1, Standing::Revoked);
}

#[test]
fn after_a_restart_of_the_manager_lost_servers_are_lost_and_others_have_time_to_answer() {
    let (members, began, wall) = (Members::default(), Instant::now(), Timestamp::now());
    let mut table = Table::new(began);
    let before = wall - SignedDuration::from_hours(5);
    for (server, standing) in [("alive", Standing::Alive), ("left", Standing::Left), ("lost", Standing::Lost)]
    {
        table.remember(name(server), kept(server, standing, before), Revision(1));
    }
    let standings =
        |now| shown(&table, &members, (now, wall)).into_iter().map(|row| row.1).collect::<Vec<_>>();
    assert_eq!(standings(began + LATE_AFTER), [Standing::Late, Standing::Left, Standing::Lost]);
    assert_eq!(standings(began + LOST_AFTER), [Standing::Lost, Standing::Left, Standing::Lost]);
    assert!(table.all(None, &members, (began, wall)).all(|listed| listed.last_seen == before));
    // That one is lost is worth keeping, once it is sure.
    let worth =
        |now| table.worth_keeping(&members, (now, wall), 9).into_iter().map(|(name, ..)| name.to_string());
    assert_eq!(worth(began + LATE_AFTER).count(), 0);
    assert_eq!(worth(began + LOST_AFTER).collect::<Vec<_>>(), ["alive"]);
}

#[test]
fn what_is_kept_is_written_again_only_when_it_is_news() {
    let (mut members, began, wall) = (Members::default(), Instant::now(), Timestamp::now());
    let mut table = Table::new(began);
    members.hear(&beat("a", Word::Active), began);
    table.describe(name("a"), described("a", 1), wall);
    let worth = table.worth_keeping(&members, (began, wall), 9);
    let [(_, listed, None)] = &worth[..] else { panic!("{worth:?}") };
    table.remember(name("a"), listed.clone(), Revision(5));
    assert_eq!(table.worth_keeping(&members, (began, wall), 9), []);
    members.hear(&beat("a", Word::Draining), began);
    let worth = table.worth_keeping(&members, (began, wall), 9);
    assert_eq!(worth.iter().map(|(.., replaced)| *replaced).collect::<Vec<_>>(), [Some(Revision(5))]);
    table.remember(name("a"), worth[0].1.clone(), Revision(6));
    // An older copy comes late.
    table.remember(name("a"), kept("a", Standing::Alive, wall), Revision(5));
    assert_eq!(table.worth_keeping(&members, (began, wall), 9), []);
    let later = wall + REFRESH;
    table.describe(name("a"), described("a", 2), later);
    assert_eq!(table.worth_keeping(&members, (began, later), 9).len(), 1);
}

#[test]
fn pages_follow_each_other() {
    let (mut members, now) = (Members::default(), (Instant::now(), Timestamp::now()));
    let table = Table::new(now.0);
    for server in ["c", "a", "b"] {
        members.hear(&beat(server, Word::Active), now.0);
    }
    let ids = |after: Option<&Name>| {
        let all = table.all(after, &members, now);
        all.map(|listed| listed.server.server_id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(None), ["a", "b", "c"]);
    assert_eq!(ids(Some(&name("a"))), ["b", "c"]);
    assert_eq!(ids(Some(&name("c"))), [""; 0]);
}
