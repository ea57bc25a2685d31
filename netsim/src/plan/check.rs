//! What a plan's types cannot say: that names exist, and that numbers have a meaning.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::lookup::{Checked, Wrong, host, known, path_or_host, role, with_box, wrong};
use super::{Action, Expect, Fault, Host, Kind, Name, Plan, Role, Work};

/// A simulation of this many hosts takes 10 GB.
const MOST_HOSTS: u64 = 100_000;
/// More take turns no better.
const MOST_MANAGERS: usize = 100;
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Of one fault; more steps make plots of nothing but faults.
const MOST_REPEATS: u128 = 10_000;

pub(super) fn check(plan: &Plan) -> Checked {
    if plan.length.is_zero() || plan.length > LONGEST {
        let what = "`length` is more than nothing and at most 24h".into();
        return Err(Wrong { span: 0..0, what, hint: String::new() });
    }
    not_too_many(plan)?;
    check_control(plan)?;
    names_are_unique(plan)?;
    plan.hosts.iter().try_for_each(|host| check_host(plan, host))?;
    shared_paths_lead_to_one_place(plan)?;
    plan.work.iter().try_for_each(|work| check_work(plan, work))?;
    plan.faults.iter().try_for_each(|fault| check_fault(plan, fault))?;
    plan.expects.iter().try_for_each(|expect| check_expect(plan, expect))
}

fn not_too_many(plan: &Plan) -> Checked {
    let mut all = 0;
    for host in &plan.hosts {
        all += u64::from(host.count);
        if host.count == 0 || all > MOST_HOSTS {
            let what = format!("`count` is 1 or more, and all together at most {MOST_HOSTS}");
            return wrong(&host.name, what, "change `count`");
        }
    }
    Ok(())
}

fn check_control(plan: &Plan) -> Checked {
    let nowhere = |what: String, hint: &str| Err(Wrong { span: 0..0, what, hint: hint.into() });
    if plan.control.as_ref().is_some_and(|control| !(1..=MOST_MANAGERS).contains(&control.managers)) {
        return nowhere(format!("`managers` is from 1 to {MOST_MANAGERS}"), "change it in [control]");
    }
    let fails = |fault: &Fault| matches!(fault.action, Action::Lose(_) | Action::Restore(_));
    if plan.control.is_none() && plan.faults.iter().any(fails) {
        return nowhere("a part of the control plane fails, and the plan has none".into(), "add [control]");
    }
    Ok(())
}

fn names_are_unique(plan: &Plan) -> Checked {
    let mut seen: BTreeMap<String, &str> = plan.path.keys().map(|path| (path.clone(), "path")).collect();
    for host in &plan.hosts {
        let singles = host.members().filter(|_| host.count > 1);
        for name in singles.chain([host.name.to_string()]) {
            if let Some(other) = seen.insert(name.clone(), "host") {
                return wrong(
                    &host.name,
                    format!("there is another {other} `{name}`"),
                    "choose another name",
                );
            }
        }
    }
    for (i, work) in plan.work.iter().enumerate() {
        if plan.work[..i].iter().any(|other| other.name == work.name) {
            return wrong(&work.name, "there is another work of this name", "choose another name");
        }
    }
    Ok(())
}

fn check_host(plan: &Plan, host: &Host) -> Checked {
    for path in &host.path {
        known(path, "path", plan.path.keys().map(String::as_str))?;
    }
    for gateway in host.gateways.iter().flatten() {
        role(plan, gateway, "a gateway", |role| role == Role::Gateway)?;
    }
    for node in &host.reaches {
        if host.role != Role::Relay {
            return wrong(node, "only a relay reaches others", "say role = \"relay\", or remove `reaches`");
        }
        role(plan, node, "a node", Role::dials)?;
    }
    Ok(())
}

/// A shared path is one link, so what lies between it and the Internet is the same for all, and shared too.
fn shared_paths_lead_to_one_place(plan: &Plan) -> Checked {
    let mut beyond: BTreeMap<&str, &[Name]> = BTreeMap::new();
    for host in &plan.hosts {
        for (i, path) in host.path.iter().enumerate().filter(|(_, path)| plan.path[&***path].shared) {
            let rest = &host.path[i + 1..];
            if let Some(own) = rest.iter().find(|path| !plan.path[&***path].shared) {
                return wrong(
                    own,
                    format!("`{own}` is beyond `{path}`, which is shared, so it is too"),
                    "put `shared = true` there",
                );
            }
            if *beyond.entry(path).or_insert(rest) != rest {
                return wrong(
                    path,
                    format!("`{path}` is shared, but leads elsewhere for another host"),
                    "write the same paths behind it",
                );
            }
        }
    }
    Ok(())
}

fn check_work(plan: &Plan, work: &Work) -> Checked {
    role(plan, &work.from, "a client", |role| role == Role::Client)?;
    role(plan, &work.to, "a node", Role::dials)?;
    if work.direction.is_some() && work.kind != Kind::Bulk {
        return wrong(&work.name, "`direction` is of bulk only", "remove it");
    }
    if work.per_second.is_some() && matches!(work.kind, Kind::Bulk | Kind::Idle) {
        return wrong(&work.name, "`perSecond` is of keystrokes and openClose", "remove it");
    }
    if work.per_second.is_some_and(|often| !(0.001..=100_000.0).contains(&often)) {
        return wrong(&work.name, "`perSecond` is from 0.001 to 100000", "");
    }
    if work.streams == 0 || work.stop.is_some_and(|stop| stop <= work.start) || work.start >= plan.length {
        return wrong(
            &work.name,
            "nothing would be done",
            "it needs a stream, and time between `start` and `stop`",
        );
    }
    Ok(())
}

fn check_fault(plan: &Plan, fault: &Fault) -> Checked {
    let name = match &fault.action {
        Action::Kill(name)
        | Action::Start(name)
        | Action::Restart(name)
        | Action::Pause(name)
        | Action::Resume(name) => host(plan, name)?,
        Action::Drain(name) => role(plan, name, "a gateway", |role| role == Role::Gateway)?,
        Action::Lose(_) | Action::Restore(_) => return check_times(plan, fault, 0..0),
        Action::Cut(name) | Action::Mend(name) => path_or_host(plan, name)?,
        Action::Change(change) => known(&change.path, "path", plan.path.keys().map(String::as_str))?,
        Action::Rebind(path) => with_box(plan, path, "nat", |path| path.nat.is_some())?,
        Action::Udp(udp) => with_box(plan, &udp.path, "firewall", |path| path.firewall.is_some())?,
    };
    check_times(plan, fault, name.span())
}

/// `span`: where the fault's name stands.
fn check_times(plan: &Plan, fault: &Fault, span: Range<usize>) -> Checked {
    let wrong = |what: String, hint: &str| Err(Wrong { span: span.clone(), what, hint: hint.into() });
    if fault.lasts.is_some() && fault.action.undone(plan).is_none() {
        return wrong("this cannot be undone, so it has no `lasts`".into(), "remove `lasts`");
    }
    if fault
        .every
        .is_some_and(|every| every.is_zero() || plan.length.as_nanos() / every.as_nanos() > MOST_REPEATS)
    {
        return wrong(format!("it comes again more than {MOST_REPEATS} times"), "make `every` longer");
    }
    if let (Some(lasts), Some(every)) = (fault.lasts, fault.every)
        && lasts >= every
    {
        return wrong("it would come again before it is over".into(), "make `lasts` shorter than `every`");
    }
    Ok(())
}

fn check_expect(plan: &Plan, expect: &Expect) -> Checked {
    known(&expect.of, "work", plan.work.iter().map(|work| &*work.name))?;
    let kind = plan.work.iter().find(|work| work.name == expect.of).map(|work| work.kind);
    if expect.p99_at_most.is_some() && !matches!(kind, Some(Kind::Keystrokes | Kind::OpenClose)) {
        return wrong(&expect.of, "`p99AtMost` is of keystrokes and openClose", "remove it");
    }
    if expect.back_within.is_some() && !kind.is_some_and(Kind::lasts) {
        return wrong(&expect.of, "`backWithin` is of keystrokes and idle", "remove it");
    }
    Ok(())
}
