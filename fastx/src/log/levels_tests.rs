use std::time::Duration;

use tracing::Level;

use super::*;

fn started(name: &'static str, value: &'static str) -> Levels {
    let (levels, complaint) = Levels::started(|asked| (asked == name).then(|| value.to_owned()));
    assert_eq!(complaint, None);
    levels
}

fn shows(targets: &Targets, target: &str, level: Level) -> bool {
    targets.would_enable(target, &level)
}

#[test]
fn a_level_is_for_ours_and_a_list_for_what_it_names() {
    let plain = Levels::started(|_| None).0.effective();
    assert!(shows(&plain, "node::link", Level::INFO) && !shows(&plain, "node::link", Level::DEBUG));
    assert!(!shows(&plain, "async_nats", Level::INFO) && shows(&plain, "async_nats", Level::WARN));
    let nats = started("LOGLEVEL", "info,async_nats=debug").effective();
    assert!(shows(&nats, "async_nats::connector", Level::DEBUG));
    let debug = started("LOGLEVEL", "debug").effective();
    assert!(shows(&debug, "node::link", Level::DEBUG) && !shows(&debug, "node", Level::TRACE));
    assert!(shows(&debug, "h2", Level::INFO) && !shows(&debug, "h2", Level::DEBUG));
    let list = started("FX_LOG", "node=debug,h2=trace").effective();
    assert!(shows(&list, "node", Level::DEBUG) && shows(&list, "h2::codec", Level::TRACE));
    assert!(shows(&list, "tunnel", Level::INFO) && !shows(&list, "tunnel", Level::DEBUG));
    let quiet = started("LOGLEVEL", "error").effective();
    assert!(!shows(&quiet, "h2", Level::WARN) && shows(&quiet, "h2", Level::ERROR));
}

#[test]
fn the_setting_counts_unless_the_environment_says_it() {
    for (mut levels, debug) in [(Levels::started(|_| None).0, true), (started("LOGLEVEL", "warn"), false)] {
        levels.settle(LevelFilter::DEBUG);
        assert_eq!(shows(&levels.effective(), "node", Level::DEBUG), debug);
        // What is changed while it runs counts more, and ends there.
        levels.change(None, Change { level: LevelFilter::ERROR, until: None });
        assert!(!shows(&levels.effective(), "node", Level::WARN));
        levels.reset();
        assert_eq!(shows(&levels.effective(), "node", Level::DEBUG), debug);
    }
}

#[test]
fn a_wrong_level_is_named_and_the_log_goes_on() {
    let (levels, complaint) = Levels::started(|name| (name == "LOGLEVEL").then(|| "loud=very".to_owned()));
    assert!(complaint.unwrap().starts_with("LOGLEVEL=loud=very is no level"));
    assert!(shows(&levels.effective(), "node", Level::INFO));
}

#[test]
fn a_change_ends_by_itself_and_leaves_the_others() {
    let (mut levels, now) = (started("LOGLEVEL", "info"), Instant::now());
    let until = Some(now + Duration::from_secs(600));
    levels.change(None, Change { level: LevelFilter::DEBUG, until });
    levels.change(Some("node".into()), Change { level: LevelFilter::TRACE, until: None });
    assert!(shows(&levels.effective(), "tunnel", Level::DEBUG));
    assert!(shows(&levels.effective(), "node::link", Level::TRACE));
    assert_eq!(levels.next_end(), until);
    assert!(!levels.expire(now + Duration::from_secs(599)));
    assert!(levels.expire(now + Duration::from_secs(600)));
    assert!(!shows(&levels.effective(), "tunnel", Level::DEBUG));
    assert!(shows(&levels.effective(), "node::link", Level::TRACE));
    assert_eq!(levels.next_end(), None);
    levels.reset();
    assert!(!shows(&levels.effective(), "node", Level::DEBUG));
}

#[test]
fn the_newest_word_on_the_whole_wins_over_older_ones_on_parts() {
    let mut levels = started("FX_LOG", "info,node::link=error");
    levels.change(Some("tunnel".into()), Change { level: LevelFilter::ERROR, until: None });
    levels.change(None, Change { level: LevelFilter::DEBUG, until: None });
    for target in ["node::link", "tunnel", "portal"] {
        assert!(shows(&levels.effective(), target, Level::DEBUG), "{target}");
    }
}

#[test]
fn who_follows_in_detail_gets_it_of_ours_only() {
    let levels = started("FX_LOG", "info,node=warn,tunnel=trace");
    let raised = levels.effective_and(LevelFilter::DEBUG);
    assert!(shows(&raised, "node", Level::DEBUG) && shows(&raised, "tunnel", Level::TRACE));
    assert!(!shows(&raised, "h2", Level::DEBUG));
    assert!(!shows(&levels.effective(), "node", Level::INFO));
}
