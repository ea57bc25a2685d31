//! Names in a plan, looked up; one that is not there is an error with its place and the nearest right one.

use std::ops::Range;

use super::{Host, Name, Path, Plan, Role};

/// A value that cannot be, and where it stands.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) span: Range<usize>,
    pub(super) what: String,
    pub(super) hint: String,
}

pub(super) type Checked = Result<(), Wrong>;

pub(super) fn wrong<T>(name: &Name, what: impl Into<String>, hint: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { span: name.span(), what: what.into(), hint: hint.into() })
}

pub(super) fn known<'a, 'n>(
    name: &'n Name,
    kind: &str,
    names: impl Iterator<Item = &'a str>,
) -> Result<&'n Name, Wrong> {
    let names: Vec<&str> = names.collect();
    if names.contains(&&**name) {
        return Ok(name);
    }
    let hint =
        if names.is_empty() { format!("the plan has no {kind}") } else { config::suggest(name, &names) };
    wrong(name, format!("there is no {kind} `{name}`"), hint)
}

/// All hosts of a name, or a single one.
pub(super) fn host<'n>(plan: &Plan, name: &'n Name) -> Result<&'n Name, Wrong> {
    if group(plan, name).is_some() {
        return Ok(name);
    }
    known(name, "host", plan.hosts.iter().map(|host| &*host.name))
}

pub(super) fn group<'p>(plan: &'p Plan, name: &str) -> Option<&'p Host> {
    let single = |host: &&Host| host.count > 1 && host.members().any(|member| member == name);
    plan.host(name).or_else(|| plan.hosts.iter().find(single))
}

pub(super) fn role<'n>(
    plan: &Plan,
    name: &'n Name,
    wanted: &str,
    is: fn(Role) -> bool,
) -> Result<&'n Name, Wrong> {
    host(plan, name)?;
    match group(plan, name) {
        Some(host) if is(host.role) => Ok(name),
        _ => wrong(name, format!("`{name}` is not {wanted}"), format!("write the name of {wanted}")),
    }
}

pub(super) fn path_or_host<'n>(plan: &Plan, name: &'n Name) -> Result<&'n Name, Wrong> {
    match group(plan, name) {
        Some(host) if host.path.is_empty() => {
            wrong(name, format!("`{name}` has no path that could be cut"), "give it one: path = [\"…\"]")
        }
        Some(_) => Ok(name),
        None => known(
            name,
            "path or host",
            plan.path.keys().map(String::as_str).chain(plan.hosts.iter().map(|host| &*host.name)),
        ),
    }
}

pub(super) fn with_box<'n>(
    plan: &Plan,
    path: &'n Name,
    key: &str,
    has: fn(&Path) -> bool,
) -> Result<&'n Name, Wrong> {
    known(path, "path", plan.path.keys().map(String::as_str))?;
    if has(&plan.path[&**path]) {
        return Ok(path);
    }
    wrong(path, format!("the path `{path}` has no {key}"), format!("put `{key} = {{}}` into [path.{path}]"))
}
